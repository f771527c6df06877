// held_order.hpp -- a person's order, carried out by whoever holds the ledger.
//
// Where no scheduler is at work a command takes the repository's lock, reads
// the task, records what ledger/person.hpp says, and gives the lock back.
//
//   1. Nothing is made where no ledger is.
//   2. A refusal writes nothing.

#pragma once

#include "cli/exit_code.hpp"
#include "cli/place.hpp"
#include "ledger/person.hpp"

#include <string>

namespace cli {

/// Why a command ends, and with which code.
struct not_done {
  exit_code code = exit_code::usage;
  std::string why;
};
template <class T>
using attempt = tl::expected<T, not_done>;

inline tl::unexpected<not_done> no(exit_code code, std::string why) {
  return tl::make_unexpected(not_done{code, std::move(why)});
}

/// What to tell the person. Errors: locked, if another scheduler holds the ledger.
attempt<std::string> carry_out_held(const place& p, const ledger::person_order& o);

} // namespace cli
