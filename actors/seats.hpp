// seats.hpp -- how many tasks are worked on at once.
//
// A task is *worked on* from its beginning, or from an answer that is on record, until
// it waits for somebody: an AI, a check, a checkout, a limit, a person, another task.
// Thousands of answers can come in the same second. Were they all taken up together,
// each would stand in line behind all others at each of the thirty places that it goes
// through, and the first would be sent on when the last is. A *seat* lets one task be
// worked on; the others' answers wait where they are safe, in the ledger.
//
//   1. Whoever has a seat gives it up before any wait that another task may have to
//      end. So those who wait for seats get them.
//   2. First come, first served. A seat that was let go of, in whatever way, goes to
//      the next.
//   3. A seat is asked for to take up an answer or a task, and for nothing else: who
//      gave it up for a wait goes on without.
//
// Any thread.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace actors {

/// Held while it is not null.
using seat = std::shared_ptr<const void>;

/// Enough that whatever is made durable together is worth a sync.
inline constexpr std::size_t usual_seats = 256;

class seats {
public:
  explicit seats(std::size_t how_many);

  /// A seat, if there is one; else null, and `later` is called with one when it is the
  /// caller's turn, on the thread of whoever let go of it. It must not block.
  seat take(std::function<void(seat)> later);

private:
  struct room;
  std::shared_ptr<room> room_;
};

} // namespace actors
