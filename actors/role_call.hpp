// role_call.hpp -- one call of one AI: read, ask, file, answer.
//
// The child of GEMINI, CLAUDE and CODEX. It reads the step's inputs from disk
// against their digests (L2), records `asked`, asks the provider, redacts the
// answer (L8), takes the candidate tree where the step writes code, records
// `answered` with the answer's file, and only then answers the task.
//
//   1. The answer is a file before anybody acts on it.
//   2. What a provider said and the ledger could not take is a fault; nothing
//      of it is used.
//   3. A fallback to another provider does not exist in this version.

#pragma once

#include "actors/router.hpp"
#include "actors/services.hpp"

namespace actors {

/// Makes the children of the router of role `r`.
child_factory role_calls(const services& s, ledger_writer writer, ledger::role r);

} // namespace actors
