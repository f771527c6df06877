// deploy_lock.hpp -- one deploy of one thing at a time, across kills.
//
// A *deploy lock* is an flock on a file that stands for one deploy id. The
// deploy's process inherits it, and whatever that starts: while anything of it
// is alive, also after we were killed, nobody else can take the lock.
//
//   1. Who has the lock knows that no deploy under this id is under way.
//   2. release() ends the lock for all who inherited it: a deploy that ended by
//      itself is over, whatever daemon it left behind. Without it the lock ends
//      with the last process that holds it.
//
// What opens a pull request has such a lock for task and commit. Only the
// scheduler itself must be one at a time for this (L7). Private to
// providers/deploy, service_command and pull_request.

#pragma once

#include "ledger/result.hpp"
#include "providers/process.hpp"
#include "providers/spawn.hpp"

#include <chrono>
#include <filesystem>

namespace providers {

class deploy_lock {
public:
  /// Makes `file` and waits for the lock, at most `patience` and not beyond the
  /// end of `children`. Errors: unavailable (code "deploy-under-way", "closing"
  /// or that of a full disk).
  static ledger::result<deploy_lock> take(const std::filesystem::path& file,
                                          std::chrono::milliseconds patience,
                                          const processes& children);

  int descriptor() const noexcept { return file_.get(); }
  void release() const;

private:
  explicit deploy_lock(file f)
      : file_(std::move(f)) {}
  file file_;
};

} // namespace providers
