// transitions.hpp -- what each event does to a state.
//
// One function an event, in the order of the enumeration. A new event is an
// enumerator, its name, and a function here. Files and moves are taken by
// fold.cpp before, the same way for all events; so is what every record must
// fit (step, round and attempt at hand, a task that is open and has not ended).
//
//   1. What the state does not call for is corrupt, whoever signed it: no
//      record skips a step, a check, or the judging of an answer.
//
// Pure. Private to fold.cpp.

#pragma once

#include "ledger/state.hpp"

namespace ledger {

/// Carries `s` on by what `r` says happened. Errors: corrupt; `s` may then be
/// half changed and must be thrown away.
result<void> carry_on(task_state& s, const record& r);

/// The same for the events of step 8 (transitions_delivery.cpp).
result<void> carry_delivery_on(task_state& s, const record& r);

/// The same for those of a landing (transitions_landing.cpp).
result<void> carry_landing_on(task_state& s, const record& r);

/// The same for the events of a call (transitions_calls.cpp).
result<void> carry_call_on(task_state& s, const record& r);

/// The call under way has ended and did cost `usd`; `usage` as records have it,
/// or null.
void settle_call(task_state& s, double usd, const json& usage);

/// Forgets an answer that was not accepted.
void drop_answer(task_state& s);

/// An attempt ended without an accepted answer.
void next_attempt(task_state& s);

/// A death: a bug, or what looks like one.
void note_restart(task_state& s, const record& r);

/// The outside world: nobody's attempt, and no reason to give up before time.
void note_outage(task_state& s, const record& r);

/// Leaves the step at hand for `to`, which lies before it or is it: what was
/// delivered is history, and what was won from `to` on is won no more. The files
/// of it are moved by the record. Errors: corrupt.
result<void> go_back(task_state& s, const record& r, step to);

/// A NO or red: remembers what failed, so that the same failure on the same
/// tree is noticed when it comes again.
void refuse(task_state& s, std::string_view kind, std::string why, const std::string& mark);

/// Whatever failed works again: a row of failures has ended.
void recovered(task_state& s);

/// "record 12 (committed): a receipt without an intent"
tl::unexpected<failure> record_breaks(const record& r, std::string_view why);

} // namespace ledger
