// task.hpp -- a TASK: fold, decide, perform, again.
//
// A TASK holds the state of one task as folded from its records, asks decide()
// what comes next and has it performed. It decides nothing itself and may die
// at any time: the supervisor starts it again from the records.
//
//   1. An append that failed is followed by one at most: the one that ends the
//      task. If that fails as well, the SUPERVISOR is told and nothing more is
//      tried.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"

namespace actors {

/// Spawns a TASK that stands at `state`. It begins at once and tells
/// `supervisor` when it has ended. `worked_on` may be null.
caf::actor spawn_task(caf::actor_system& system, const services& s, ledger_writer writer,
                      caf::actor supervisor, state_ptr state, seat worked_on);

} // namespace actors
