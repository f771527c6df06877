// summary.hpp -- what a batch came to: the table, the JSON, the exit code.
//
// Pure: from states to text.

#pragma once

#include "cli/exit_code.hpp"
#include "cli/prompt_folder.hpp"
#include "ledger/config.hpp"
#include "ledger/state.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace cli {

struct batch_summary {
  std::vector<ledger::task_state> tasks; ///< Of this run, sorted by name.
  std::vector<cli::left_out> left_out;
  std::vector<std::pair<std::string, std::string>> damaged; ///< Task (or file) and why.
  std::string lost; ///< Why the ledger ended the run; empty: it did not.
  bool interrupted = false;
};

/// The first of the design's exit codes that applies.
exit_code exit_code_of(const batch_summary& s);

/// A table for people: task, state, step, rounds, commit (12 digits), deploy URL, then one
/// line with the reason and one with the remedy for each that needs a person
/// (stopped, parked, cancelled, damaged), then those left out, who played which role, the
/// deviations ("lint: none"), "not deployed: deploy.kind is none", and counts.
std::string summary_table(const batch_summary& s, const ledger::config& c);

/// {tasks: [{task, state, step, reason, commit, deploy_url, usd}, …], left_out:
/// […], damaged: […], exit_code}. One object, one line.
std::string summary_json(const batch_summary& s);

/// One task as in summary_json.
nlohmann::ordered_json task_json(const ledger::task_state& t);

/// Columns padded to what people see (UTF-8 code points), two blanks between.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

} // namespace cli
