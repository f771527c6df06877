// ordering.hpp -- a person's order while the run goes on: its blocking half, and
// its answer.
//
//   1. Whoever gave an order hears of it exactly once, whatever becomes of the
//      actors in between: an answer that nobody gave says that the run is ending.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/person.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <utility>

namespace actors {

/// What to tell the person, or why nothing was done.
using told = attempted<std::string>;

class order_answer {
public:
  /// `tell` is called once, from any thread; it must not block.
  explicit order_answer(std::function<void(told)> tell)
      : tell_(std::move(tell)) {}
  order_answer(const order_answer&) = delete;
  order_answer& operator=(const order_answer&) = delete;
  ~order_answer();

  void give(told what);

private:
  std::function<void(told)> tell_;
  std::atomic_flag given_;
};

/// What to record for `o`, on what lies on disk. Errors: those of
/// ledger::draft_of_order(); refused, if a note holds a secret. Blocks.
ledger::result<ledger::draft> draft_of_order(const services& w, const ledger::task_state& s,
                                             const ledger::person_order& o);

} // namespace actors
