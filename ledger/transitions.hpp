// transitions.hpp -- what each event does to a state.
//
// One function an event, in the order of the enumeration. A new event is an
// enumerator, its name, and a function here. Files and moves are taken by
// fold.cpp before, the same way for all events.
//
// Pure. Private to fold.cpp.

#pragma once

#include "ledger/state.hpp"

namespace ledger {

/// Carries `s` on by what `r` says happened. Errors: corrupt; `s` may then be
/// half changed and must be thrown away.
result<void> carry_on(task_state& s, const record& r);

/// "record 12 (committed): a receipt without an intent"
tl::unexpected<failure> record_breaks(const record& r, std::string_view why);

} // namespace ledger
