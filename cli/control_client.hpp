// control_client.hpp -- giving an order to a scheduler at work.
//
//   1. A connection that ends without an answer says nothing of what was done:
//      whoever asked looks at the ledger next.
//   2. Nothing waits for ever.

#pragma once

#include "cli/control_message.hpp"
#include "cli/place.hpp"

#include <chrono>

namespace cli {

struct control_reply {
  enum class source : std::uint8_t {
    nobody,    ///< No scheduler listens; why, in the answer's text.
    ending,    ///< One did and is over, or ends: the ledger is free soon.
    scheduler, ///< The answer is its own.
  } by = source::nobody;
  control_answer answer;
};

/// Longer than a scheduler takes for anything but a full disk.
inline constexpr std::chrono::seconds answer_patience{120};

control_reply ask_scheduler(const place& p, const ledger::person_order& o,
                            std::chrono::milliseconds patience = answer_patience);

} // namespace cli
