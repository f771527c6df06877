// granting.hpp -- the blocking half of a grant.
//
// Reads what lies on disk, asks the pure may_enter, and says what is to be
// recorded: the grant, a signed intent, or why the task goes no further.
// Blocks: call from an executor.
//
//   1. No commit is intended of a tree that breaks the scope in force, whatever
//      the scope was when its answer was accepted: the task is parked.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/drafts.hpp"

namespace actors {

/// The draft that answers a grant_request. Errors: unavailable (git could not
/// be asked), corrupt (a recorded file or the candidate is not what it was).
ledger::result<ledger::draft> draft_of_grant(const services& w, const grant_request& g);

} // namespace actors
