// run.hpp -- a batch, from the command line to its exit code.
//
// Wires the actors to the real world, waits for the batch or for a signal, and
// prints the summary. The order of the start is the order of the promises:
// preflight (exit 2, nothing written), lock (4), ledger (5, 6), base checks
// (2, no task opened), then the supervisor.
//
//   1. Signals end it early from the first line to the last (signals.hpp).

#pragma once

#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/seams.hpp"

#include <iosfwd>

namespace cli {

struct errand;

/// With an errand (preflight.hpp): that one task instead of a folder's.
exit_code run_batch(const batch_options& o, const seams& s, std::ostream& out, std::ostream& err,
                    const errand* e = nullptr);

/// The whole program. `argv` as main gets it.
int program(int argc, const char* const* argv, const seams& s);

} // namespace cli
