// damage_help.hpp -- the two ways out of damage, with the exact files.
//
// A damaged task is neither mended nor dropped by this program: the one would
// hide what happened, the other would lose it. A person restores what was
// written, or gives the task's record up.
//
// Pure.

#pragma once

#include "cli/place.hpp"

#include <filesystem>
#include <string>

namespace cli {

/// Where a task's traces lie.
struct trace_places {
  std::filesystem::path ledger_root, heads; ///< `heads`: `<state folder>/<repo id>.heads`
};
trace_places traces_of(const place& p);

/// What a person can do about damage of `task` (empty: of the ledger itself).
std::string damage_remedy(const trace_places& at, const std::string& task);

} // namespace cli
