#include "providers/executor.hpp"

#include <utility>

namespace providers {

namespace {

/// Who is last waits for so many at most, if others wait all the time.
constexpr unsigned ahead_max = 7;

} // namespace

thread_pool::thread_pool(std::size_t threads) {
  threads_.reserve(threads == 0 ? 1 : threads);
  for (std::size_t i = 0; i < (threads == 0 ? 1 : threads); ++i)
    threads_.emplace_back([this] { work(); });
}

thread_pool::~thread_pool() {
  std::deque<std::function<void()>> dropped, dropped_too;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(next_);
    dropped_too.swap(last_);
  }
  ready_.notify_all();
  dropped.clear(); // Without the lock: what goes with them may call run().
  dropped_too.clear();
  for (auto& t : threads_)
    t.join();
}

void thread_pool::run(std::function<void()> work, queue_place p) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return;
    (p == queue_place::next ? next_ : last_).push_back(std::move(work));
  }
  ready_.notify_one();
}

std::function<void()> thread_pool::take() {
  const auto is_last = next_.empty() || (!last_.empty() && ahead_ >= ahead_max);
  ahead_ = is_last || last_.empty() ? 0 : ahead_ + 1;
  auto& queue = is_last ? last_ : next_;
  auto work = std::move(queue.front());
  queue.pop_front();
  return work;
}

void thread_pool::work() {
  for (;;) {
    std::function<void()> next;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !next_.empty() || !last_.empty(); });
      if (stopping_)
        return;
      next = take();
    }
    next();
  }
}

} // namespace providers
