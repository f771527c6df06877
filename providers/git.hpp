// git.hpp -- the repository, through the git program.
//
// Every command runs with a cleaned environment, explicit GIT_DIR (never found
// through a file that an agent could write), no hooks, no fsmonitor, no
// optional locks, submodules ignored, and core.fsync=all where its result is
// recorded (L9).
//
//   1. Nothing here writes the user's checkout, index or HEAD.
//   2. All functions block: call them from an executor.
//   3. Errors: not_found (no such object), refused (git said no and will
//      again), unavailable (could not run, lock taken).
//
// Thread-safe.

#pragma once

#include "ledger/result.hpp"
#include "ledger/scope.hpp"
#include "providers/process.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// An entry of a tree, as `git ls-tree -r -z -l` gives it.
struct tree_entry {
  std::string mode, id, path;
  std::uint64_t bytes = 0;
};

/// What a commit is made of; the same values give the same id (L9).
struct commit_spec {
  std::string tree, parent, message;
  std::string name, email;
  std::int64_t time_s = 0;
};

class git {
public:
  /// Finds the repository that holds `directory`. Errors: not_found with the
  /// remedy; refused (bare, or not ours to use).
  static ledger::result<git> open(processes& children, const std::filesystem::path& directory);

  const std::filesystem::path& top() const noexcept { return top_; }
  const std::filesystem::path& common_dir() const noexcept { return common_dir_; }

  /// Commit id of a revision. Errors: not_found.
  ledger::result<std::string> resolve_commit(std::string_view revision) const;
  ledger::result<std::string> tree_of(std::string_view commit) const;
  /// The commit a full ref name points at; nothing: no such ref.
  ledger::result<std::optional<std::string>> ref(std::string_view name) const;
  /// Full names below a prefix ("refs/heads/ai-gated/"), sorted.
  ledger::result<std::vector<std::string>> refs_below(std::string_view prefix) const;
  bool has_object(std::string_view id) const;

  ledger::result<std::vector<tree_entry>> list_tree(std::string_view tree) const;
  /// Content of a file in a tree or commit. Errors: not_found.
  ledger::result<std::string> read_blob(std::string_view treeish, std::string_view path) const;
  /// Raw differences of two trees, renames split.
  ledger::result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                                      std::string_view tree) const;
  /// `git diff --binary --full-index` of two trees.
  ledger::result<std::string> diff(std::string_view base_tree, std::string_view tree) const;
  /// The tree that `patch` makes of `base_tree`, in a temporary index. Errors:
  /// refused, with git's words, if it does not apply.
  ledger::result<std::string> tree_with(std::string_view base_tree, std::string_view patch) const;

  /// Makes the commit object, durable.
  ledger::result<std::string> commit_tree(const commit_spec& c) const;
  /// Moves `ref` from `expected` (empty: must not exist) to `commit`, durable.
  /// Errors: refused, code "ref-moved".
  ledger::result<void> move_ref(std::string_view ref, std::string_view commit,
                                std::string_view expected) const;

  /// Adds a line to info/exclude unless it is there.
  ledger::result<void> exclude(std::string_view line) const;

  struct call {
    std::vector<std::string> args;          ///< After `git -c …`.
    std::map<std::string, std::string> env; ///< Added: GIT_INDEX_FILE, GIT_WORK_TREE…
    std::string input;
    bool durable = false; ///< With core.fsync=all.
  };
  /// Runs git; a non-zero exit is in the result. For worktree.cpp.
  ledger::result<child_result> run(call c) const;
  /// run(), where a non-zero exit is an error. Gives stdout.
  ledger::result<std::string> must(call c) const;

private:
  git(processes& children, std::filesystem::path top, std::filesystem::path common_dir,
      std::filesystem::path git_dir);
  processes* children_;
  std::filesystem::path top_, common_dir_, git_dir_;
};

} // namespace providers
