// Refs: where they are, and moving them.

#include "providers/git.hpp"
#include "providers/git_words.hpp"

#include "ledger/disk/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// Whether a HEAD says in plain words that another branch is checked out, or none.
/// Not if it leads through another name, or cannot be read like that.
bool is_elsewhere(const fs::path& common_dir, const fs::path& head, std::string_view name) {
  constexpr std::string_view mark = "ref: ", no_files = "refs/heads/.invalid";
  std::error_code e;
  auto text = ledger::disk::read_file(head, 4096);
  if (!text || fs::is_symlink(fs::symlink_status(head, e)))
    return false;
  const auto said = without_newline(std::move(*text));
  if (is_object_id(said))
    return true;
  const auto branch = said.substr(0, mark.size()) == mark ? said.substr(mark.size()) : "";
  if (branch.substr(0, 11) != "refs/heads/" || branch == no_files || branch == name)
    return false;
  const auto leads_to = ledger::disk::read_file(common_dir / branch, 4096);
  return leads_to ? is_object_id(without_newline(*leads_to))
                  : leads_to.error().kind == fault::not_found;
}

/// Whether no checkout has `name`, as far as a look at their HEADs can tell.
bool is_plainly_elsewhere(const fs::path& common_dir, std::string_view name) {
  if (!is_elsewhere(common_dir, common_dir / "HEAD", name))
    return false;
  std::error_code e;
  if (!fs::exists(fs::symlink_status(common_dir / "worktrees", e)))
    return true;
  for (fs::directory_iterator at(common_dir / "worktrees", e), end; !e && at != end;
       at.increment(e))
    if (!is_elsewhere(common_dir, at->path() / "HEAD", name))
      return false;
  return !e;
}

/// A name that says nothing else to `update-ref --stdin`.
bool is_plain_name(std::string_view ref) {
  return ref.substr(0, 5) == "refs/" && ref.find_first_of(" \n\"\\") == std::string_view::npos
         && ref.find('\0') == std::string_view::npos;
}

/// Of `update-ref --stdin`: a line a command, `<command>: ok`.
talker::judge these(std::string said_when_well) {
  return [want = std::move(said_when_well)](std::string_view said) {
    return said == want                              ? talker::progress::whole
           : want.compare(0, said.size(), said) == 0 ? talker::progress::more
                                                     : talker::progress::wrong;
  };
}

} // namespace

/// Whether a git that stays has moved it.
bool git::ask_to_move(std::string_view name, std::string_view commit,
                      std::string_view expected) const {
  return is_plain_name(name) && is_object_id(commit) && is_object_id(expected)
         && ask(git_talk::kind::refs,
                fmt::format("start\nupdate {} {} {}\nprepare\ncommit\n", name, commit, expected),
                these("start: ok\nprepare: ok\ncommit: ok\n"));
}

/// The ref is locked for the moment that it takes to see that it is not there.
bool git::is_surely_absent(std::string_view name) const {
  const std::string zeros(object_format_ == "sha1" ? 40 : 64, '0');
  return is_plain_name(name)
         && ask(git_talk::kind::refs,
                fmt::format("start\nverify {} {}\nprepare\nabort\n", name, zeros),
                these("start: ok\nprepare: ok\nabort: ok\n"));
}

ledger::result<std::optional<std::string>> git::ref(std::string_view name) const {
  // Not rev-parse: it would also try refs/heads/<name>.
  auto out = must(
      {{"for-each-ref", "--format=%(objectname) %(refname)", std::string(name)}, {}, {}, false});
  if (!out)
    return tl::make_unexpected(out.error());
  for (const auto line : split(*out, '\n')) {
    const auto space = line.find(' ');
    if (space != std::string_view::npos && line.substr(space + 1) == name)
      return std::optional(std::string(line.substr(0, space)));
  }
  return std::optional<std::string>();
}

ledger::result<std::vector<std::string>> git::refs_below(std::string_view prefix) const {
  auto out = must({{"for-each-ref", "--format=%(refname)", std::string(prefix)}, {}, {}, false});
  if (!out)
    return tl::make_unexpected(out.error());
  std::vector<std::string> names;
  for (const auto line : split(*out, '\n'))
    if (line.substr(0, prefix.size()) == prefix)
      names.emplace_back(line);
  std::sort(names.begin(), names.end());
  return names;
}

ledger::result<void> git::move_ref(std::string_view name, std::string_view commit,
                                   std::string_view expected) const {
  // Moving a branch that is checked out would make the user's next `commit -a`
  // undo the change.
  auto folder = checked_out_in(name);
  if (!folder)
    return tl::make_unexpected(folder.error());
  if (!folder->empty())
    return fail(fault::refused,
                fmt::format("move {}: it is checked out in {}; switch that to another branch", name,
                            *folder),
                "ref-checked-out");
  return move_ref_here(name, commit, expected);
}

ledger::result<std::string> git::checked_out_in(std::string_view name) const {
  if (is_plainly_elsewhere(common_dir_, name))
    return std::string();
  auto worktrees = must({{"worktree", "list", "--porcelain", "-z"}, {}, {}, false});
  if (!worktrees)
    return tl::make_unexpected(worktrees.error());
  std::string_view folder;
  for (const auto line : split(*worktrees, '\0')) {
    if (line.substr(0, 9) == "worktree ")
      folder = line.substr(9);
    if (line.substr(0, 7) == "branch " && line.substr(7) == name)
      return std::string(folder);
  }
  return std::string();
}

ledger::result<void> git::move_ref_here(std::string_view name, std::string_view commit,
                                        std::string_view expected) const {
  const auto zeros = std::string(commit.size(), '0'); // "Must not exist."
  if (ask_to_move(name, commit, expected.empty() ? zeros : expected))
    return {};
  const call update{{"update-ref", "--no-deref", "-m", "scheduler", std::string(name),
                     std::string(commit), expected.empty() ? zeros : std::string(expected)},
                    {},
                    {},
                    true};
  auto r = run(update);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return {};
  const auto words = words_of(*r);
  auto now = ref(name);
  if (!now)
    return tl::make_unexpected(now.error());
  if (now->value_or("") == commit) // By the one that was asked before, and lost its voice.
    return {};
  if (now->value_or("") != expected)
    return fail(fault::refused,
                fmt::format("move {} in {}: it is at {}, not at {}: somebody else moved it", name,
                            top_.string(), now->value_or("(no such ref)"),
                            expected.empty() ? "(no such ref)" : expected),
                "ref-moved");
  if (words.find("exists; cannot create") != std::string::npos)
    return fail(fault::refused,
                fmt::format("move {} in {}: {}; a branch cannot lie below another: rename that",
                            name, top_.string(), words),
                "ref-in-the-way");
  return tl::make_unexpected(failure_of(update, *r));
}

} // namespace providers
