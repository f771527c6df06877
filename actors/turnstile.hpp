// turnstile.hpp -- when a provider may be called.
//
// The TURNSTILE stands before every call: it has a throttle for each provider
// with limits, and the purse of the run.
//
//   1. A permit means: there is room at the provider, and the money is put
//      aside. Whoever gets one records it (`asked`) before the provider is
//      called (L1).
//   2. A call whose money is only put aside for others waits for them to end; one
//      that no ending can help is refused at once. Of those who wait, for room or
//      for money, the task that is further along goes first.
//   3. A caller that dies gives back its place; its money is spent.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/money.hpp"
#include "providers/throttle.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace actors {

/// What the TURNSTILE begins with.
struct till {
  ledger::purse purse;
  std::map<std::string, providers::rate_limits> rates; ///< By provider; none: no limits.
  /// From the records: until when a provider asked to be left alone (Unix time).
  std::map<std::string, std::int64_t> leave_until_ms;
};

turnstile spawn_turnstile(caf::actor_system& system, const services& s, till t);

} // namespace actors
