// signals.hpp -- waiting for the end of a batch, or for Ctrl-C.
//
// SIGINT and SIGTERM do not save anything, because everything is saved: they
// only wake the main thread, which ends the children and leaves.

#pragma once

namespace cli {

/// One at a time in a process.
class end_signal {
public:
  end_signal();  ///< Installs the handlers.
  ~end_signal(); ///< Restores the former ones.
  end_signal(const end_signal&) = delete;
  end_signal& operator=(const end_signal&) = delete;

  /// From any thread, also when no wait is under way: the batch is over.
  static void over();
  /// Blocks. True: over(); false: a signal came first.
  bool wait();
};

} // namespace cli
