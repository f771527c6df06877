// executor.hpp -- where blocking work runs.
//
// An *executor* runs functions that may block (disk, git, computing) away from
// the actors' threads. Tests use the inline one, which makes everything
// deterministic.
//
// Work that takes something which others wait for (a checkout) is *last* in the queue:
// who gives something back is not kept waiting behind it.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace providers {

enum class queue_place : std::uint8_t { next, last };

class executor {
public:
  virtual ~executor() = default;
  /// Runs `work` at some time, on some thread. `work` must not throw.
  void run(std::function<void()> work) { run(std::move(work), queue_place::next); }
  virtual void run(std::function<void()> work, queue_place p) = 0;
};

/// Runs everything at once, in the caller.
class inline_executor final : public executor {
public:
  using executor::run;
  void run(std::function<void()> work, queue_place) override { work(); }
};

/// A fixed number of threads, first come first served; who is last is taken
/// when nothing else waits, and once in eight times. The destructor drops what has not begun
/// and waits for what has.
class thread_pool final : public executor {
public:
  explicit thread_pool(std::size_t threads);
  ~thread_pool() override;
  using executor::run;
  void run(std::function<void()> work, queue_place p) override;

private:
  void work();
  std::function<void()> take();
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<std::function<void()>> next_, last_;
  unsigned ahead_ = 0; ///< So many were taken before those who are last and wait.
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

} // namespace providers
