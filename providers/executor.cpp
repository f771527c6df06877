#include "providers/executor.hpp"

#include <utility>

namespace providers {

thread_pool::thread_pool(std::size_t threads) {
  threads_.reserve(threads == 0 ? 1 : threads);
  for (std::size_t i = 0; i < (threads == 0 ? 1 : threads); ++i)
    threads_.emplace_back([this] { work(); });
}

thread_pool::~thread_pool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  ready_.notify_all();
  dropped.clear(); // Without the lock: what goes with them may call run().
  for (auto& t : threads_)
    t.join();
}

void thread_pool::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return;
    queue_.push_back(std::move(work));
  }
  ready_.notify_one();
}

void thread_pool::work() {
  for (;;) {
    std::function<void()> next;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_)
        return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    next();
  }
}

} // namespace providers
