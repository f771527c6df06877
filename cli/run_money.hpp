// run_money.hpp -- what a run may still spend, and whom it has to leave alone.
//
// A *run* begins with a batch and, for the budget, goes on with the next one as
// long as a task was left unfinished: a run that was killed or interrupted has
// not spent less by it. A task that a person sent on again (or approved, or that
// waited for one) belongs to a new run.
//
//   1. What is spent is counted from the records; nothing else is trusted.
//   2. A provider that asked to be left alone is left alone after a restart too.

#pragma once

#include "actors/turnstile.hpp"
#include "cli/preflight.hpp"
#include "cli/selection.hpp"
#include "ledger/disk/journal.hpp"

#include <cstdint>

namespace cli {

/// Whether the run before this one is still going on.
bool goes_on(const selection& s, const ledger_facts& known);

/// What the TURNSTILE begins with; remembers when the run began. Errors: those of
/// the ledger.
ledger::result<actors::till> open_till(const preflight& p, const selection& s,
                                       const ledger_facts& known, ledger::disk::journal& journal,
                                       std::int64_t now_ms);

} // namespace cli
