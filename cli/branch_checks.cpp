#include "cli/branch_checks.hpp"

#include "ledger/detail.hpp"
#include "ledger/drafts.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string_view>

namespace cli {

namespace {

using ledger::event;
using ledger::result;
using ledger::text_at;
using ledger::disk::damage;

struct intent {
  std::string tree, parent, message;
  std::string contract_tree; ///< Of the CLAUDE_FINAL_OK that stood then.
};

/// What a task's records say about its branch.
struct promise {
  std::string task, branch;
  std::string commit; ///< Of the last receipt; empty: none.
  intent of_commit;
  std::vector<intent> open; ///< Intents since then.
};

promise promise_of(const std::string& task, const std::vector<ledger::record>& records) {
  promise p;
  p.task = task;
  p.branch = std::string(ledger::branch_prefix) + task;
  std::string contract_tree;
  for (auto& r : records) {
    if (r.what == event::accepted
        && text_at(r.detail, "contract") == to_string(ledger::contract::final))
      contract_tree = text_at(r.detail, "tree");
    // A signed place carried the contract over to a combined tree.
    if (r.what == event::placed && text_at(r.detail, "how") == ledger::placing_patch)
      contract_tree = text_at(r.detail, "tree");
    if (r.what == event::intended)
      p.open.push_back({text_at(r.detail, "tree"), text_at(r.detail, "parent"),
                        text_at(r.detail, "message"), contract_tree});
    if (r.what == event::committed && !p.open.empty()) {
      p.commit = text_at(r.detail, "commit");
      p.of_commit = p.open.back();
      p.open.clear();
    }
  }
  return p;
}

/// A commit object, as far as we look at it.
struct commit_seen {
  std::string tree, message;
  std::vector<std::string> parents;
};

commit_seen parse_commit(std::string_view text) {
  commit_seen c;
  while (!text.empty() && text.front() != '\n') {
    auto line = text.substr(0, text.find('\n'));
    if (line.starts_with("tree "))
      c.tree = line.substr(5);
    if (line.starts_with("parent "))
      c.parents.emplace_back(line.substr(7));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  c.message = text.substr(std::min<std::size_t>(1, text.size()));
  return c;
}

std::string lines_of(const std::set<std::string>& ids) {
  std::string text;
  for (auto& id : ids)
    text += id + "\n";
  return text;
}

/// The commits among `ids` that are there; `git cat-file --batch` answers each
/// with "<id> <type> <bytes>\n<content>\n", or "<id> missing\n".
result<std::map<std::string, commit_seen>> read_commits(const providers::git& git,
                                                        const std::set<std::string>& ids) {
  std::map<std::string, commit_seen> found;
  if (ids.empty())
    return found;
  auto out = git.must({{"cat-file", "--batch"}, {}, lines_of(ids), false});
  if (!out)
    return tl::make_unexpected(out.error());
  for (std::string_view rest = *out; !rest.empty();) {
    auto head = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(head.size() + 1, rest.size()));
    auto id = head.substr(0, head.find(' '));
    auto digits = head.substr(head.rfind(' ') + 1);
    std::size_t bytes = 0;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bytes);
    if (error != std::errc{} || end != digits.data() + digits.size())
      continue; // Missing.
    if (head.find(" commit ") != std::string_view::npos)
      found.emplace(id, parse_commit(rest.substr(0, bytes)));
    rest.remove_prefix(std::min(bytes + 1, rest.size()));
  }
  return found;
}

result<std::set<std::string>> trees_there(const providers::git& git,
                                          const std::set<std::string>& ids) {
  std::set<std::string> found;
  if (ids.empty())
    return found;
  auto out = git.must(
      {{"cat-file", "--batch-check=%(objectname) %(objecttype)"}, {}, lines_of(ids), false});
  if (!out)
    return tl::make_unexpected(out.error());
  for (auto& id : ids)
    if (out->find(id + " tree\n") != std::string::npos)
      found.insert(id);
  return found;
}

/// Branches below ai-gated/, with what they point at.
result<std::map<std::string, std::string>> read_branches(const providers::git& git) {
  std::map<std::string, std::string> found;
  auto out = git.must(
      {{"for-each-ref", "--format=%(objectname) %(refname)", std::string(ledger::branch_prefix)},
       {},
       {},
       false});
  if (!out)
    return tl::make_unexpected(out.error());
  for (std::string_view rest = *out; !rest.empty();) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    auto space = line.find(' ');
    if (space != std::string_view::npos)
      found.emplace(line.substr(space + 1), line.substr(0, space));
  }
  return found;
}

/// Why a commit is not what its intent names; empty if it is.
std::string difference(const commit_seen& c, const intent& i) {
  if (c.tree != i.tree)
    return fmt::format("its tree is {}, the signed intent names {}", c.tree, i.tree);
  if (c.parents != std::vector<std::string>{i.parent})
    return fmt::format("its parent is not the base {}", i.parent);
  if (c.message != i.message)
    return "its message is not the one of the signed intent";
  return {};
}

class branch_check {
public:
  branch_check(const providers::git& git, const std::map<std::string, commit_seen>& commits,
               const std::set<std::string>& trees,
               const std::map<std::string, std::string>& branches, branch_findings& out)
      : git_(git)
      , commits_(commits)
      , trees_(trees)
      , branches_(branches)
      , out_(out) {}

  void check(const promise& p) {
    if (!p.commit.empty())
      commit(p);
    branch(p);
  }

private:
  void hurt(const promise& p, std::string what, std::string why) {
    out_.damages.push_back({p.task, std::move(what), std::move(why)});
  }

  void commit(const promise& p) {
    auto name = "commit " + p.commit;
    auto it = commits_.find(p.commit);
    if (it == commits_.end())
      return hurt(p, name, "it is recorded, but the repository does not have it");
    if (auto why = difference(it->second, p.of_commit); !why.empty())
      return hurt(p, name, why);
    if (p.of_commit.tree != p.of_commit.contract_tree)
      return hurt(p, name,
                  fmt::format("its tree is {}, but CLAUDE_FINAL_OK was given for {}",
                              p.of_commit.tree, p.of_commit.contract_tree));
    if (trees_.count(p.of_commit.tree) == 0)
      hurt(p, "tree " + p.of_commit.tree, "the repository does not have it");
  }

  void branch(const promise& p) {
    auto it = branches_.find(p.branch);
    if (it == branches_.end()) {
      if (!p.commit.empty())
        out_.notes.push_back(fmt::format("{}: {} is gone; its commit {} is still there", p.task,
                                         p.branch, p.commit));
      return;
    }
    if (it->second == p.commit)
      return;
    if (!p.commit.empty() && descends(it->second, p.commit)) {
      out_.notes.push_back(
          fmt::format("{}: {} has commits of yours on top of {}, at {}; a later round "
                      "would refuse to move it: branch off it instead",
                      p.task, p.branch, p.commit, it->second));
      return;
    }
    auto seen = commits_.find(it->second);
    for (auto& i : p.open)
      if (seen != commits_.end() && difference(seen->second, i).empty())
        return;
    hurt(p, p.branch,
         p.commit.empty()
             ? fmt::format("it points at {}, but no record tells of a commit", it->second)
             : fmt::format("it points at {}, the record names {}", it->second, p.commit));
  }

  /// Whether `tip` is somewhere on top of `commit`.
  bool descends(const std::string& tip, const std::string& commit) const {
    auto r = git_.run({{"merge-base", "--is-ancestor", commit, tip}, {}, {}, false});
    return r && r->ok();
  }

  const providers::git& git_;
  const std::map<std::string, commit_seen>& commits_;
  const std::set<std::string>& trees_;
  const std::map<std::string, std::string>& branches_;
  branch_findings& out_;
};

} // namespace

result<branch_findings> check_branches(const place& p, const ledger_view& view,
                                       const std::vector<std::string>& tasks) {
  auto& git = *p.repository;
  auto branches = read_branches(git);
  if (!branches)
    return tl::make_unexpected(branches.error());
  std::vector<promise> promises;
  std::set<std::string> commit_ids, tree_ids;
  for (auto& [task, chain] : view.found.tasks) {
    if (!tasks.empty() && std::find(tasks.begin(), tasks.end(), task) == tasks.end())
      continue;
    auto& made = promises.emplace_back(promise_of(task, chain.records));
    if (!made.commit.empty()) {
      commit_ids.insert(made.commit);
      tree_ids.insert(made.of_commit.tree);
    }
    if (auto it = branches->find(made.branch); it != branches->end())
      commit_ids.insert(it->second);
  }
  auto commits = read_commits(git, commit_ids);
  if (!commits)
    return tl::make_unexpected(commits.error());
  auto trees = trees_there(git, tree_ids);
  if (!trees)
    return tl::make_unexpected(trees.error());
  branch_findings found;
  branch_check checks(git, *commits, *trees, *branches, found);
  for (auto& made : promises)
    checks.check(made);
  if (tasks.empty())
    for (auto& [branch, commit] : *branches)
      if (auto task = branch.substr(ledger::branch_prefix.size()); !view.knows(task))
        found.damages.push_back(
            {task, branch,
             "the branch is there, but the task has no folder in the ledger; put the folder back, "
             "or delete the branch to begin anew"});
  return found;
}

} // namespace cli
