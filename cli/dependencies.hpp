// dependencies.hpp -- what `depends_on:` means for a selection.
//
// A task that was not opened yet and depends on others is let in after them: it
// waits for those that this run has in hand, begins on the commits of those that
// are done, and is left out, with the reason, if one of them will not get done.
// One that was opened has left that behind it.
//
//   1. Tasks on a cycle are left out before any provider is asked.
//   2. What depends on a task that is left out is left out too.
//
// Pure.

#pragma once

#include "cli/selection.hpp"

namespace cli {

void resolve_dependencies(selection& s, const preflight& p, const ledger_facts& known);

} // namespace cli
