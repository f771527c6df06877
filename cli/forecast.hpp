// forecast.hpp -- --dry-run: what a run would do, from what is there now.
//
// Reads the ledger as `status` does and selects as a run does; a task that is
// sure not to go on says so: front matter that would park it, a prompt without
// a change where nobody is asked to make one.
//
//   1. Nothing is written and nobody is called.
//   2. The exit code is the one that the run is sure to reach at least.

#pragma once

#include "cli/exit_code.hpp"
#include "cli/preflight.hpp"

#include <iosfwd>

namespace cli {

exit_code dry_run(const preflight& p, bool json, std::ostream& out, std::ostream& err);

} // namespace cli
