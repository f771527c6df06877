// summary.hpp -- what a batch came to: the table, the JSON, the exit code.
//
// Pure: from states to text.

#pragma once

#include "cli/damage_help.hpp"
#include "cli/exit_code.hpp"
#include "cli/prompt_folder.hpp"
#include "ledger/config.hpp"
#include "ledger/standing.hpp"
#include "ledger/state.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cli {

/// An unfinished task that no prompt of this batch goes on with.
struct absent_task {
  std::string task;
  std::string why; ///< Where it stands and what to do.
};

/// Why a batch ended before its first task, and what that means for the end.
struct early_end {
  exit_code code = exit_code::usage;
  std::string why;
};

struct batch_summary {
  std::vector<ledger::task_state> tasks; ///< Of this run, sorted by name.
  std::vector<cli::left_out> left_out;
  std::vector<absent_task> absent;
  std::vector<std::pair<std::string, std::string>> damaged; ///< Task (or file) and why.
  std::optional<early_end> ended_early;
  std::string lost; ///< Why the ledger ended the run; empty: it did not.
  bool interrupted = false;
  std::map<std::string, std::string> evidence; ///< Task to what evidence_of() says.
  trace_places traces;
};

/// The first of the design's exit codes that applies.
exit_code exit_code_of(const batch_summary& s);

/// "0123456789ab", "0123456789ab (unfinished)" or "-".
std::string shown_commit(const ledger::standing& t);

/// Of a task that is not done but has a commit on its branch:
/// "its commit 0123456789ab is on branch ai-gated/T, but …", or empty.
std::string unfinished_commit_words(const ledger::standing& t);

/// A table for people: task, state, step, rounds, commit, deploy URL, then for
/// each that needs a person (stopped, parked, cancelled, damaged) the reason,
/// the evidence and the remedy, then those left out and those without a prompt,
/// who played which role, the deviations ("lint: none"), "not deployed:
/// deploy.kind is none", and counts.
std::string summary_table(const batch_summary& s, const ledger::config& c);

/// As docs/JSON.md describes it. One object, one line.
std::string summary_json(const batch_summary& s);

/// One task as in summary_json.
nlohmann::ordered_json task_json(const ledger::standing& t,
                                 const std::filesystem::path& ledger_root);

/// The lists `left_out`, `not_in_batch` and `damaged` of a summary.
void add_lists(nlohmann::ordered_json& j, const batch_summary& s);

/// An object in one line; what is no UTF-8 is replaced.
std::string json_line(const nlohmann::ordered_json& j);

/// Columns padded to what people see (UTF-8 code points), two blanks between. A
/// first column wider than 40 juts out instead of pushing all others away.
std::string table_of(const std::vector<std::vector<std::string>>& rows);

} // namespace cli
