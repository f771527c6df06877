#include "actors/seats.hpp"

#include <deque>
#include <mutex>
#include <utility>

namespace actors {

struct seats::room {
  std::mutex mutex;
  std::size_t free = 0;
  bool is_handing_out = false;
  std::deque<std::function<void(seat)>> waiting;

  static seat one_of(const std::shared_ptr<room>& r) {
    return {r.get(), [r](const void*) { r->take_back(r); }};
  }

  /// Nobody may be there any more to sit down, so that a seat comes back while it is
  /// handed out: whoever hands out already goes on with it.
  void take_back(const std::shared_ptr<room>& self) {
    std::unique_lock lock{mutex};
    ++free;
    if (is_handing_out)
      return;
    is_handing_out = true;
    while (free > 0 && !waiting.empty()) {
      --free;
      auto next = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      next(one_of(self));
      next = nullptr; // It may be the last that holds an actor, which may hold a seat.
      lock.lock();
    }
    is_handing_out = false;
  }
};

seats::seats(std::size_t how_many)
    : room_(std::make_shared<room>()) {
  room_->free = how_many;
}

seat seats::take(std::function<void(seat)> later) {
  const std::lock_guard lock{room_->mutex};
  if (room_->free == 0 || !room_->waiting.empty()) {
    room_->waiting.push_back(std::move(later));
    return nullptr;
  }
  --room_->free;
  return room::one_of(room_);
}

} // namespace actors
