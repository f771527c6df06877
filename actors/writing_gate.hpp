// writing_gate.hpp -- how a run that ends early stops writing.
//
// When a signal or a lost ledger ends a run, its children are killed while
// actors wait for them. What those deaths look like from within (a check that
// is red, git that fails) must not become a record: it happened to the run, not
// to a task. So the ledger is shut before anybody is killed.
//
//   1. When shut() returns, no group is being written, and none ever will be.
//   2. Whoever wanted to write gets no answer, and so does nothing.

#pragma once

#include <mutex>
#include <utility>

namespace actors {

class writing_gate {
public:
  /// Runs `write` unless the gate is shut. False: it is.
  template <class Write>
  bool pass(Write&& write) {
    const std::lock_guard lock(mutex_);
    if (shut_)
      return false;
    std::forward<Write>(write)();
    return true;
  }

  /// For good. Waits for the group that is being written.
  void shut() {
    const std::lock_guard lock(mutex_);
    shut_ = true;
  }

private:
  std::mutex mutex_;
  bool shut_ = false;
};

} // namespace actors
