#include "ledger/disk/crew.hpp"

#include <algorithm>
#include <utility>

namespace ledger::disk {

namespace {

/// Fewer are done before a helper has woken up.
constexpr std::size_t worth_sharing = 4;

/// What a thread takes at once: not so little that all wait for the lock, not so
/// much that one still has a lot when the others are done.
std::size_t share_of(std::size_t left) {
  return std::clamp<std::size_t>(left / 8, 1, 16);
}

} // namespace

crew::crew(std::size_t helpers) {
  for (std::size_t i = 0; i < helpers; ++i)
    helpers_.emplace_back([this] { help(); });
}

crew::~crew() {
  {
    std::lock_guard guard(mutex_);
    over_ = true;
  }
  begun_.notify_all();
  for (auto& h : helpers_)
    h.join();
}

void crew::share_out(std::size_t count, const std::function<void(std::size_t)>& work) {
  if (helpers_.empty() || count < worth_sharing) {
    for (std::size_t i = 0; i < count; ++i)
      work(i);
    return;
  }
  std::unique_lock lock(mutex_);
  work_ = &work;
  next_ = 0;
  count_ = count;
  begun_.notify_all();
  take_part(lock);
  done_.wait(lock, [this] { return at_work_ == 0; });
  work_ = nullptr;
  if (auto thrown = std::exchange(thrown_, nullptr))
    std::rethrow_exception(thrown);
}

void crew::help() {
  std::unique_lock lock(mutex_);
  while (true) {
    begun_.wait(lock, [this] { return over_ || (work_ && next_ < count_); });
    if (over_)
      return;
    ++at_work_;
    take_part(lock);
    if (--at_work_ == 0)
      done_.notify_one();
  }
}

void crew::take_part(std::unique_lock<std::mutex>& lock) {
  while (next_ < count_) {
    auto from = next_;
    auto until = from + share_of(count_ - from);
    next_ = until;
    lock.unlock();
    std::exception_ptr thrown;
    try {
      for (auto i = from; i < until; ++i)
        (*work_)(i);
    } catch (...) {
      thrown = std::current_exception();
    }
    lock.lock();
    if (thrown) {
      next_ = count_;
      thrown_ = thrown_ ? thrown_ : thrown;
    }
  }
}

} // namespace ledger::disk
