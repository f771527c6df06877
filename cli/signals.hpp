// signals.hpp -- the end of a batch, and Ctrl-C.
//
// SIGINT, SIGTERM and SIGHUP (unless it was ignored, as under nohup) do not save
// anything, because everything is saved: the *first* ends the run early, those
// that follow change nothing.
//
//   1. The handlers stay until the process ends: no signal has its default
//      effect while a child may be alive.
//   2. What signals do is said beforehand and happens on threads of its own:
//      whoever blocks in the batch (in the checks on the base, say) is freed by
//      it.
//   3. came() is true only when what the first signal does has been done.

#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

namespace cli {

class end_signal {
public:
  /// The one of this process, with no signal and no end behind it. The first
  /// call installs the handlers.
  static end_signal& begin();
  end_signal(const end_signal&) = delete;
  end_signal& operator=(const end_signal&) = delete;

  /// From now on the first signal does `first`, each later one `further`. Both
  /// from threads of their own.
  void upon(std::function<void()> first, std::function<void()> further);

  /// From any thread: the batch is over.
  void over();
  /// Blocks. True: over(); false: a signal came first.
  bool wait();
  /// Whether a signal came. See 3.
  bool came();

private:
  end_signal();
  [[noreturn]] void listen();
  void take();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> first_, further_;
  std::uint64_t signals_ = 0;
  bool dealt_with_ = false; ///< What the first does has been done.
  bool over_ = false;
};

} // namespace cli
