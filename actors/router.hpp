// router.hpp -- GEMINI, CLAUDE, CODEX and the RUNNER: one child for each order.
//
//   1. A router does no work itself: it spawns a child, watches it, and
//      passes its answer on.
//   2. The death of a child becomes a fault of that order, `died`, with the text
//      of what it threw; no other order notices.
//   3. The children of a router end with it: whoever ordered hears of its death,
//      and nobody would hear them.

#pragma once

#include "actors/protocol.hpp"

#include <functional>
#include <string>

namespace actors {

/// Spawns a child for one order.
using child_factory = std::function<caf::actor(caf::actor_system&)>;

/// `name` is what people read in a fault: "codex".
worker spawn_router(caf::actor_system& system, std::string name, child_factory make_child);

} // namespace actors
