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

/// The paths that the task's decisions allow it to change. Errors: corrupt,
/// refused (they cannot be read), unavailable.
ledger::result<std::vector<std::string>> scope_of(const services& w, const ledger::task_state& s);

/// What a task begins on: the landing branch if there is one and it is ahead, else
/// the newest of what it depends on, else `base`. Errors: refused, code
/// providers::apart_code; unavailable.
ledger::result<ledger::tip_of_branch> base_for(const services& w, ledger::tip_of_branch base,
                                               const std::vector<std::string>& commits_before);

/// The drafts that answer a grant_request: with the grant of step 8 comes the commit's
/// intent, if that is next, because the contract was read only now. Errors: unavailable
/// (git could not be asked), corrupt (a recorded file or the candidate is not what it was).
ledger::result<std::vector<ledger::draft>>
drafts_of_grant(const services& w, const grant_request& g,
                const std::vector<std::string>& waited_for = {});

} // namespace actors
