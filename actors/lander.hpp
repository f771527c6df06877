// lander.hpp -- the LANDER: brings finished tasks onto one branch.
//
// It owns the *line* (landing_line.hpp) of one landing branch and performs what
// that decides: asks git for combinations, runs the checks of a train, tells each
// task what to record, and moves the branch.
//
//   1. The line is rebuilt from requests: what has to survive is in the tasks'
//      records. A task that comes with the intent of a move that it was not told
//      of now is asked about: what a killed run moved is adopted.
//   2. The branch is moved only when every task of the group has its intent on
//      record; a receipt is recorded by each task.
//   3. A trouble of git, the remote or the checks is told to every task that
//      waits: each records it, pauses, and comes again.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"

namespace actors {

/// Needs services::trunk.
caf::actor spawn_lander(caf::actor_system& system, const services& s, ledger_writer writer);

} // namespace actors
