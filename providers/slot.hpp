// slot.hpp -- one disposable checkout.
//
// A *slot* is a folder with a throw-away repository in it (slot_kit.hpp) and an
// *index* of our own beside it. Whatever ran in the slot may have done anything
// to its files, `.git` included:
//
//   1. Our git works apart (git.hpp) with GIT_WORK_TREE and GIT_INDEX_FILE; it
//      never looks into the slot's `.git`.
//   2. No nested repository is ever entered: it is removed by restore() and
//      reported, unread, by take().
//   3. Flags that a tool set in the index of the slot's `.git` (assume-unchanged,
//      skip-worktree) hide nothing: that index is a copy of ours.
//   4. Nothing that the files say (attributes, ignore files aside) changes what
//      take() reads, and no program that they name is run.
//   5. What was not touched since restore() (folder_state.hpp) is as it was, and
//      asked of nobody: who changed nothing starts no git, nor who changed only files
//      that were there. Whatever else there may be is found out by git from the files.
//
// Not thread-safe: a slot has one user at a time. Private to workspace.cpp.

#pragma once

#include "providers/folder_state.hpp"
#include "providers/git.hpp"
#include "providers/slot_kit.hpp"
#include "providers/workspace.hpp"

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace providers {

/// What stands at each path of a tree, folders included.
enum class entry_kind : std::uint8_t { file, folder, gitlink };
using tree_paths = std::unordered_map<std::string, entry_kind>;

tree_paths paths_of(const std::vector<tree_entry>& entries);

class slot {
public:
  /// Makes the folder, which must not be there; `index` is made later. `kit`
  /// outlives the slot.
  static ledger::result<slot> make(const git& repository, const slot_kit& kit,
                                   std::filesystem::path folder, std::filesystem::path index);

  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// What it was made last; most of it may still be there.
  const std::string& tree() const noexcept { return tree_; }
  /// Makes the files exactly `tree`, and HEAD of its `.git` `commit`. An error
  /// means that the slot is damaged: remove it and make another.
  ledger::result<void> restore(std::string_view commit, std::string_view tree,
                               const tree_paths& paths);
  ledger::result<candidate> take(std::string_view base_tree);
  /// See lease::put_back().
  ledger::result<std::vector<std::string>> put_back();
  /// Removes everything. Needs no git: it must work while the program ends.
  std::error_code remove();

private:
  slot(const git& repository, const slot_kit& kit, std::filesystem::path folder,
       std::filesystem::path index)
      : git_(repository)
      , kit_(&kit)
      , folder_(std::move(folder))
      , index_(std::move(index)) {}
  ledger::result<void> sweep(const tree_paths& paths) const;
  ledger::result<void> check_out(bool git_is_ours);
  bool mend(const folder_state::differences& d, std::string_view commit);
  bool put_file_back(const std::string& path) const;
  std::optional<std::vector<std::string>>
  written_by_git(const std::optional<folder_state::differences>& undone, const std::string& before);
  void look_again(const std::optional<std::vector<std::string>>& paths);
  std::optional<folder_state::differences> differences() const;
  std::optional<std::string> tree_of_touched(const folder_state::differences& d) const;
  ledger::result<std::string> tree_now(const std::filesystem::path& index,
                                       const std::vector<std::string>& nested) const;
  ledger::result<std::vector<std::string>>
  hidden_among(const std::filesystem::path& index, const candidate& c,
               const std::optional<folder_state::differences>& d) const;
  git::call command(const std::filesystem::path& index, std::vector<std::string> args) const;
  ledger::result<std::string> add_all(const std::filesystem::path& index,
                                      const std::vector<std::string>& left_out) const;
  ledger::result<std::vector<std::string>> not_ignored(const std::filesystem::path& index,
                                                       std::vector<std::string> folders) const;
  ledger::result<std::vector<std::string>> ignored(const std::filesystem::path& index,
                                                   bool whole_folders) const;
  ledger::result<std::vector<std::string>> hidden(const std::filesystem::path& index,
                                                  const candidate& c) const;

  git git_;
  const slot_kit* kit_;
  std::filesystem::path folder_, index_;
  std::string commit_, tree_; ///< Of the last restore().
  folder_state state_;        ///< As it was then.
  /// Written by us since, so that the index does not know them: git writes them again.
  std::set<std::string> mended_;
};

} // namespace providers
