// worktree_files.hpp -- writing into a worktree that anybody may have prepared.
//
//   1. No path leads through a symlink or out of the folder, however its parts
//      are swapped meanwhile: every open is relative to the folder (openat2).
//   2. A file is made anew, never written through what stood there: a hard link
//      or a pipe does not receive a byte.
//   3. Everything here blocks.
//
// Errors: refused, code "worktree-unsafe" (a symlink or gitlink is asked for, or
// stands in the way; not a path of a tree); unavailable.

#pragma once

#include "ledger/result.hpp"
#include "ledger/scope.hpp"
#include "providers/git.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace providers {

class worktree_files {
public:
  static ledger::result<worktree_files> open(const std::filesystem::path& folder);
  worktree_files(worktree_files&& other) noexcept
      : root_(std::exchange(other.root_, -1)) {}
  worktree_files& operator=(worktree_files&& other) noexcept {
    std::swap(root_, other.root_);
    return *this;
  }
  ~worktree_files();

  /// Makes missing folders.
  ledger::result<void> write(const std::string& path, std::string_view content,
                             bool executable) const;
  /// Sets when a file was changed last.
  ledger::result<void> set_time(const std::string& path, std::int64_t changed_ns) const;
  /// Also folders that become empty: git knows none. Not there: no error.
  ledger::result<void> remove(const std::string& path) const;

private:
  explicit worktree_files(int root)
      : root_(root) {}
  int root_;
};

/// Writes into `folder` what `changes` (of two trees) say: new content, modes,
/// deletions.
ledger::result<void> write_changes(const git& g, const std::filesystem::path& folder,
                                   const std::vector<ledger::change>& changes);

} // namespace providers
