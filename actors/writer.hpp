// writer.hpp -- the LEDGER WRITER: one group commit for all who wait.
//
// A *group* is everything that came in while the group before was being made
// durable and, where that one held several appends, in a few milliseconds more. The
// writer runs detached (a thread of its own), because its handler waits for the
// disk; tests run it on the deterministic scheduler, where it gathers nothing.
//
//   1. Every group passes the gate of the services. Behind a shut gate nothing
//      is written and nobody is answered (but the request to close).
//   2. What the journal refuses is told as a trouble of a source that says what
//      can follow; its codes are known here and nowhere else among the actors.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/disk/journal.hpp"

namespace actors {

/// Prepares a configuration for our messages; call before the system is made.
void configure(caf::actor_system_config& config);

/// Spawns the writer on a journal that it alone uses from now on.
ledger_writer spawn_writer(caf::actor_system& system, ledger::disk::journal& journal,
                           const services& s, bool detached);

} // namespace actors
