// selection.hpp -- which tasks of a folder this run opens, takes up, or reports.
//
// Pure but for the branches that the caller lists: from prompts and recovered
// chains to batch items and a first summary.
//
//   1. A task that has ended is reported, never touched (retry does that).
//   2. A prompt that is not byte for byte the recorded one is left out.
//   3. A task without a folder but with a branch is damage, never a fresh start.

#pragma once

#include "cli/preflight.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/journal.hpp"

#include <set>
#include <string>
#include <vector>

namespace cli {

struct selected_task {
  const found_prompt* prompt;
  ledger::task_state state; ///< seq 0: new.
};

struct selection {
  std::vector<selected_task> to_run;
  batch_summary summary; ///< What is known before the run.
};

/// `chains` gives the records of a task (empty: never heard of), `damages` what
/// recovery found, `branches` the full names below ai-gated/.
selection select_tasks(const preflight& p,
                       const std::function<std::vector<ledger::record>(const std::string&)>& chains,
                       const std::vector<ledger::disk::damage>& damages,
                       const std::set<std::string>& branches);

/// What --dry-run prints: a line a task, then who plays which role.
std::string forecast(const preflight& p, const selection& s);

} // namespace cli
