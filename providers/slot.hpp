// slot.hpp -- one disposable checkout.
//
// A *slot* is a folder, its *admin folder* (`worktrees/<name>` in the
// repository's common directory, which makes it a worktree that git knows) and
// an *index* of our own. Whatever ran in the slot may have done anything to its
// files, `.git` included:
//
//   1. git is never led to the repository by a file in the slot: GIT_DIR,
//      GIT_WORK_TREE and GIT_INDEX_FILE are always explicit.
//   2. No nested repository is ever entered: it is removed by restore() and
//      reported, unread, by take().
//   3. Flags that a tool set in the worktree's index (assume-unchanged,
//      skip-worktree) hide nothing: that index is a copy of ours.
//
// Not thread-safe: a slot has one user at a time. Making slots races inside git
// and is serialised by the caller. Private to workspace.cpp.

#pragma once

#include "providers/git.hpp"
#include "providers/workspace.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace providers {

/// What stands at each path of a tree, folders included.
enum class entry_kind : std::uint8_t { file, folder, gitlink };
using tree_paths = std::unordered_map<std::string, entry_kind>;

tree_paths paths_of(const std::vector<tree_entry>& entries);

/// Removes a folder whatever permissions were left in it.
std::error_code force_remove(const std::filesystem::path& p);

class slot {
public:
  /// Makes the worktree; nothing may stand at `folder`, `index` is made later.
  static ledger::result<slot> make(const git& repository, std::filesystem::path folder,
                                   std::filesystem::path index, std::string_view commit);

  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Makes the files exactly `tree`, and HEAD `commit`. An error means that the
  /// slot is damaged: remove it and make another.
  ledger::result<void> restore(std::string_view commit, std::string_view tree,
                               const tree_paths& paths);
  ledger::result<candidate> take(std::string_view base_tree);
  /// Removes everything. Needs no git: it must work while the program ends.
  void remove();

private:
  slot(const git& repository, std::filesystem::path folder, std::filesystem::path index)
      : git_(repository)
      , folder_(std::move(folder))
      , index_(std::move(index)) {}
  ledger::result<void> restore_git_file();
  ledger::result<void> sweep(const tree_paths& paths) const;
  ledger::result<void> set_head(std::string_view commit);
  std::map<std::string, std::string> env(const std::filesystem::path& index) const;
  ledger::result<std::string> add_all(const std::filesystem::path& index,
                                      const std::vector<std::string>& left_out) const;
  ledger::result<std::vector<std::string>> not_ignored(const std::filesystem::path& index,
                                                       std::vector<std::string> folders) const;
  ledger::result<std::vector<std::string>> ignored(const std::filesystem::path& index,
                                                   bool whole_folders) const;

  git git_;
  std::filesystem::path folder_, index_, admin_;
};

} // namespace providers
