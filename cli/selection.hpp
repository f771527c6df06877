// selection.hpp -- which tasks of a folder this run opens, takes up, or reports.
//
// From prompts and the ledger as it is to batch items and a first summary. The
// same for a run and for --dry-run, which only learns the facts another way.
//
//   1. A task that has ended is reported, never touched (retry does that); so is
//      one that waits for a person still, under the configuration of its records.
//   2. A prompt that is not byte for byte the recorded one is left out.
//   3. A task without a folder but with a branch is damage, never a fresh start.
//   4. An unfinished task without a prompt in the folder is named, not passed
//      over; one that --only excludes is not.
//   5. A task whose branch git could not make, and one whose notes hold a
//      secret that was not known when they were filed, are left out.
//   6. So is one that depends on what will not get done (dependencies.hpp).
//
// Reads notes; else pure.

#pragma once

#include "cli/preflight.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/journal.hpp"

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace cli {

struct selected_task {
  const found_prompt* prompt;
  ledger::task_state state;                     ///< seq 0: new.
  std::vector<std::string> after = {};          ///< Tasks of this run that come before it.
  std::vector<std::string> commits_before = {}; ///< Of dependencies that are done.
};

struct selection {
  std::vector<selected_task> to_run;
  std::vector<selected_task> resting; ///< Reported; a person's order may set them going.
  batch_summary summary;              ///< What is known before the run.
};

/// What is known of the ledger and of the branches.
struct ledger_facts {
  /// The records of a task; empty: never heard of.
  std::function<std::vector<ledger::record>(const std::string&)> chain_of;
  std::vector<std::string> tasks; ///< All that have records.
  std::vector<ledger::disk::damage> damages;
  std::set<std::string> branches; ///< Full names below ai-gated/.
};

selection select_tasks(const preflight& p, const ledger_facts& known);

/// Full names of the branches below ai-gated/. Errors: refused, unavailable.
ledger::result<std::set<std::string>> task_branches(const preflight& p);

} // namespace cli
