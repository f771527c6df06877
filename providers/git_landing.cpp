// What landing needs of git: combining trees, remotes, a checkout that follows.

#include "providers/git.hpp"
#include "providers/git_words.hpp"
#include "providers/scratch_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;

/// How much of one file that clashes is shown.
constexpr std::size_t shown_bytes_max = 64 * 1024;

/// What `git merge-tree -z` says.
struct merge_words {
  std::string tree;
  std::vector<std::string> clashes, messages;
};

/// "<tree>\0" [ "<mode> <id> <stage>\t<path>\0"… "\0" [ "<n>\0" <paths> "<kind>\0<text>\0" ]… ]
merge_words read_merge(std::string_view output) {
  merge_words said;
  std::vector<std::string_view> fields;
  for (std::size_t from = 0; from < output.size();) {
    const auto end = std::min(output.find('\0', from), output.size());
    fields.push_back(output.substr(from, end - from));
    from = end + 1;
  }
  std::size_t i = 0;
  if (i < fields.size())
    said.tree = fields[i++];
  for (; i < fields.size() && !fields[i].empty(); ++i) {
    const auto tab = fields[i].find('\t');
    const auto path = tab == std::string_view::npos ? fields[i] : fields[i].substr(tab + 1);
    if (said.clashes.empty() || said.clashes.back() != path)
      said.clashes.emplace_back(path);
  }
  for (++i; i < fields.size();) {
    const auto paths = std::strtoul(std::string(fields[i]).c_str(), nullptr, 10);
    i += 1 + paths + 1; // Its number, the paths, its kind.
    if (i < fields.size())
      said.messages.emplace_back(without_newline(std::string(fields[i++])));
  }
  return said;
}

/// The paths of `some` that `others` do not have.
std::vector<std::string> outside(const std::vector<ledger::change>& some,
                                 const std::vector<ledger::change>& others) {
  std::set<std::string_view> known;
  for (const auto& c : others)
    known.insert(c.path);
  std::vector<std::string> paths;
  for (const auto& c : some)
    if (known.count(c.path) == 0)
      paths.push_back(c.path);
  return paths;
}

/// The paths of `mine` that `theirs` took away.
std::vector<std::string> missing_in(const std::vector<ledger::change>& theirs,
                                    const std::vector<ledger::change>& mine) {
  std::vector<std::string> paths;
  for (const auto& c : mine)
    if (std::any_of(theirs.begin(), theirs.end(),
                    [&](auto& t) { return t.path == c.path && t.kind == 'D'; }))
      paths.push_back(c.path);
  return paths;
}

/// The marks of a conflict name commits of ours that nobody knows.
std::string with_names(std::string text, std::string_view landed, std::string_view change) {
  for (auto [id, name] : {std::pair{landed, std::string_view("what landed before")},
                          std::pair{change, std::string_view("this change")}})
    for (auto at = text.find(id); at != std::string::npos; at = text.find(id, at + name.size()))
      text.replace(at, id.size(), name);
  return text;
}

} // namespace

ledger::result<merged_trees> git::merge_trees(std::string_view base_tree,
                                              std::string_view onto_tree,
                                              std::string_view tree) const {
  // merge-tree wants commits: of these nobody ever hears. It follows renames and
  // cannot be told not to (git 2.39): where it did is seen by the paths.
  const auto commit_of = [&](std::string_view of, const std::string& parent) {
    commit_spec c;
    c.tree = of;
    c.parent = parent;
    c.message = "combine\n";
    c.name = "scheduler";
    c.email = "scheduler@localhost";
    return commit_tree(c);
  };
  auto base = commit_of(base_tree, {});
  auto onto = base ? commit_of(onto_tree, *base) : base;
  auto change = onto ? commit_of(tree, *base) : onto;
  if (!change)
    return tl::make_unexpected(change.error());
  const call merge{{"-c", "merge.directoryRenames=false", "-c", "merge.conflictStyle=merge",
                    "merge-tree", "--write-tree", "-z", "--messages", *onto, *change},
                   {},
                   {},
                   true};
  auto r = run(merge);
  if (!r)
    return tl::make_unexpected(r.error());
  const auto known = r->how == child_result::end::exited && r->exit_code <= 1;
  auto said = read_merge(r->output);
  if (!known || !is_object_id(said.tree))
    return tl::make_unexpected(failure_of(merge, *r));
  merged_trees m;
  m.tree = said.tree;
  m.clashes = std::move(said.clashes);
  if (r->exit_code == 0)
    m.clashes.clear();
  auto mine = changes(base_tree, tree);
  auto theirs = mine ? changes(base_tree, onto_tree) : mine;
  if (!theirs)
    return tl::make_unexpected(theirs.error());
  auto came = m.clashes.empty() ? changes(onto_tree, m.tree) : mine;
  if (!came)
    return tl::make_unexpected(came.error());
  const auto followed = outside(*came, *mine);
  if (!followed.empty()) {
    m.clashes = missing_in(*theirs, *mine);
    if (m.clashes.empty())
      m.clashes = outside(*mine, {});
    m.log = fmt::format("what landed before renamed or deleted files of this change; it would "
                        "have changed {} instead\n",
                        fmt::join(followed, ", "));
  }
  m.same_patch = m.clashes.empty() && outside(*mine, *theirs).size() == mine->size();
  if (m.clashes.empty())
    return m;
  for (const auto& text : said.messages)
    m.log += with_names(text, *onto, *change) + "\n";
  for (const auto& path : m.clashes)
    if (auto text = read_blob(said.tree, path); text && !text->empty())
      m.log += fmt::format("\n== {}: both versions ==\n{}\n", path,
                           with_names(text->substr(0, shown_bytes_max), *onto, *change));
  auto kept = tree_without_clashes(onto_tree, said.tree, *mine, m.clashes);
  if (!kept)
    return tl::make_unexpected(kept.error());
  m.tree = std::move(*kept);
  return m;
}

/// `onto_tree`, and of the merged tree what the change touches and does not clash.
ledger::result<std::string>
git::tree_without_clashes(std::string_view onto_tree, std::string_view merged,
                          const std::vector<ledger::change>& mine,
                          const std::vector<std::string>& clashes) const {
  auto folder = scratch_folder::make("index");
  if (!folder)
    return tl::make_unexpected(folder.error());
  auto env = index_of(onto_tree, folder->path());
  auto entries = list_tree(merged);
  if (!env || !entries)
    return tl::make_unexpected(env ? entries.error() : env.error());
  std::map<std::string_view, const tree_entry*> by_path;
  for (const auto& entry : *entries)
    by_path[entry.path] = &entry;
  call update{{"update-index", "-z", "--index-info"}, *env, {}, true};
  for (const auto& c : mine) {
    // Below or above a path that clashes one is a folder where the other is a file.
    const auto clashing = std::any_of(clashes.begin(), clashes.end(), [&](const std::string& p) {
      return p == c.path || p.rfind(c.path + "/", 0) == 0 || c.path.rfind(p + "/", 0) == 0
             || p.rfind(c.path + "~", 0) == 0;
    });
    if (clashing)
      continue;
    const auto at = by_path.find(c.path);
    const auto zeros = std::string(merged.size(), '0');
    update.input += at == by_path.end()
                        ? fmt::format("0 {}\t{}", zeros, c.path)
                        : fmt::format("{} {}\t{}", at->second->mode, at->second->id, c.path);
    update.input += '\0';
  }
  if (!update.input.empty())
    if (auto r = must(std::move(update)); !r)
      return r;
  auto id = must({{"write-tree"}, *env, {}, true});
  return id ? ledger::result<std::string>(without_newline(std::move(*id))) : id;
}

ledger::result<bool> git::is_ancestor(std::string_view commit, std::string_view tip) const {
  const call ask{
      {"merge-base", "--is-ancestor", std::string(commit), std::string(tip)}, {}, {}, false};
  auto r = run(ask);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->how == child_result::end::exited && r->exit_code <= 1)
    return r->exit_code == 0;
  return tl::make_unexpected(failure_of(ask, *r));
}

// -- a checkout that follows ---------------------------------------------------

ledger::result<void> git::is_clean(const std::string& checkout) const {
  call ask{
      {"status", "--porcelain", "--untracked-files=no", "--ignore-submodules=none"}, {}, {}, false};
  ask.work = checkout;
  auto said = must(std::move(ask));
  if (!said)
    return tl::make_unexpected(said.error());
  if (said->empty())
    return {};
  return fail(fault::refused,
              fmt::format("{} has changes that are not committed: commit or stash them", checkout),
              "checkout-not-clean");
}

ledger::result<void> git::follow(const std::string& checkout, std::string_view from,
                                 std::string_view to) const {
  auto before = tree_of(from), after = tree_of(to);
  call index{{"write-tree"}, {}, {}, false};
  index.work = checkout;
  auto now = must(std::move(index));
  if (!before || !after || !now)
    return tl::make_unexpected(!before ? before.error() : !after ? after.error() : now.error());
  if (without_newline(*now) == *after)
    return {};
  if (without_newline(*now) != *before)
    return fail(
        fault::refused,
        fmt::format("{} does not follow to {}: something else is staged there", checkout, to),
        "checkout-not-clean");
  // Refuses, and changes nothing, where a file of the user's would be lost.
  call move{{"read-tree", "-m", "-u", std::string(from), std::string(to)}, {}, {}, false};
  move.work = checkout;
  auto r = run(move);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return {};
  return fail(fault::refused,
              fmt::format("{} does not follow to {}: {}", checkout, to, words_of(*r)),
              "checkout-not-clean");
}

// -- remotes -------------------------------------------------------------------

ledger::result<std::string> git::remote_tip(const std::string& remote, std::string_view ref) const {
  call ask{{"ls-remote", "--refs", remote, std::string(ref)}, {}, {}, false};
  ask.has_access = true;
  auto said = must(std::move(ask));
  if (!said)
    return tl::make_unexpected(said.error());
  for (const auto line : split(*said, '\n')) {
    const auto tab = line.find('\t');
    if (tab != std::string_view::npos && line.substr(tab + 1) == ref)
      return std::string(line.substr(0, tab));
  }
  return std::string();
}

ledger::result<void> git::fetch_objects(const std::string& remote, std::string_view ref) const {
  call get{{"fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
            "--refmap=", "--recurse-submodules=no", "--quiet", remote, std::string(ref)},
           {},
           {},
           true};
  get.has_access = true;
  auto r = must(std::move(get));
  if (!r)
    return tl::make_unexpected(r.error());
  return {};
}

ledger::result<void> git::push(const std::string& remote, std::string_view ref,
                               std::string_view commit, std::string_view expected) const {
  call send{{"push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no",
             fmt::format("--force-with-lease={}:{}", ref, expected), remote,
             fmt::format("{}:{}", commit, ref)},
            {},
            {},
            false};
  send.has_access = true;
  auto r = run(send);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return {};
  auto now = remote_tip(remote, ref);
  if (!now)
    return tl::make_unexpected(now.error());
  if (*now == commit)
    return {}; // Its answer was lost.
  if (*now != expected)
    return fail(fault::refused,
                fmt::format("push {} to {}: it is at {} there, not at {}: somebody else moved it",
                            ref, remote, now->empty() ? "(no such ref)" : *now,
                            expected.empty() ? "(no such ref)" : expected),
                "ref-moved");
  return tl::make_unexpected(failure_of(send, *r));
}

} // namespace providers
