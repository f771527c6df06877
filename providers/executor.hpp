// executor.hpp -- where blocking work runs.
//
// An *executor* runs functions that may block (disk, git, computing) away from
// the actors' threads. Tests use the inline one, which makes everything
// deterministic.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace providers {

class executor {
public:
  virtual ~executor() = default;
  /// Runs `work` at some time, on some thread. `work` must not throw.
  virtual void run(std::function<void()> work) = 0;
};

/// Runs everything at once, in the caller.
class inline_executor final : public executor {
public:
  void run(std::function<void()> work) override { work(); }
};

/// A fixed number of threads, first come first served. The destructor drops
/// what has not begun and waits for what has.
class thread_pool final : public executor {
public:
  explicit thread_pool(std::size_t threads);
  ~thread_pool() override;
  void run(std::function<void()> work) override;

private:
  void work();
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace providers
