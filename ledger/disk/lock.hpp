// lock.hpp -- one scheduler per repository (L7).
//
// The lock is an flock on `scheduler.lock` in the git common directory: all
// worktrees of a repository share it, and it is gone with its owner, however
// the owner ends.

#pragma once

#include "ledger/result.hpp"

#include <filesystem>

namespace ledger::disk {

class repository_lock {
public:
  /// Takes the lock without waiting. Errors: refused, code "locked", naming
  /// the holder's process id; unavailable.
  static result<repository_lock> take(const std::filesystem::path& common_dir);
  /// Whether somebody holds it. Takes nothing, writes nothing.
  static bool is_held(const std::filesystem::path& common_dir);

  repository_lock(repository_lock&& other) noexcept;
  repository_lock& operator=(repository_lock&& other) noexcept;
  ~repository_lock();

private:
  explicit repository_lock(int fd)
      : fd_(fd) {}
  int fd_ = -1;
};

} // namespace ledger::disk
