// role_call.hpp -- one call of one AI: read, ask, file, answer.
//
// The child of GEMINI, CLAUDE and CODEX. It reads the step's inputs from disk
// against their digests (L2), waits for its turn at the TURNSTILE, records
// `asked`, asks the provider, redacts what it says (L8) and records it. Calls
// of tools are a turn: `turned` is durable before they run; then it asks again
// with what came of them. Text is the answer: the candidate tree is taken where
// the step writes code, `answered` recorded with the answer's file, and only
// then the task hears of it.
//
//   1. What an AI says is a file before anybody acts on it.
//   2. What a provider said and the ledger could not take is a fault; nothing
//      of it is used.
//   3. A conversation that is on record goes on where it stands, if the same
//      provider is asked on the same input; else it begins anew.
//   4. A call without an answer is recorded for what it is: `deferred`, or
//      `failed` of one of three kinds (providers/provider.hpp). What follows
//      decide() says.

#pragma once

#include "actors/router.hpp"
#include "actors/services.hpp"

namespace actors {

/// Makes the children of the router of role `r`.
child_factory role_calls(const services& s, ledger_writer writer, turnstile gate, ledger::role r);

} // namespace actors
