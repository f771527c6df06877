// crew.hpp -- a few threads that share out one list of work.
//
// A *crew* is the thread that calls and its *helpers*. Work that is shared out is
// done when the call returns: nothing goes on behind anybody's back.
//
//   1. Each index is worked on once, by one thread, in no order.
//   2. Without helpers, and where there is little to do, the caller does it all,
//      in order.
//   3. What work throws reaches the caller, the first of it, when nobody works any
//      more; what was not begun by then is not done.
//
// Private to ledger/disk.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ledger::disk {

class crew {
public:
  explicit crew(std::size_t helpers);
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew();

  bool is_alone() const noexcept { return helpers_.empty(); }

  /// Calls `work` for 0 … count-1.
  void share_out(std::size_t count, const std::function<void(std::size_t)>& work);

private:
  void help();
  void take_part(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable begun_, done_;
  const std::function<void(std::size_t)>* work_ = nullptr; ///< Null: there is none.
  std::size_t next_ = 0, count_ = 0;
  std::size_t at_work_ = 0; ///< Helpers that have not come back yet.
  std::exception_ptr thrown_;
  bool over_ = false;
  std::vector<std::thread> helpers_;
};

} // namespace ledger::disk
