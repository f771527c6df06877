// causes.hpp -- what a task that needs a person broke on, and where to read it.
//
// The *cause* of an end is what the last step said no with: red checks, a
// failed build or deploy, a NO. Its *log* is the ledger file that tells it, in
// place or, once a round was opened, in old/. The *telling lines* of a log are
// the last lines of the output that made it red.

#pragma once

#include "ledger/state.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

struct cause {
  std::string why;        ///< "checks-red: red: test (exit 1)"; empty: none is recorded.
  std::string log;        ///< Ledger path; empty: none was filed.
  bool is_output = false; ///< The log is what commands printed, not what a role wrote.
};

/// Pure.
cause cause_of(const ledger::task_state& s);

/// The last `lines_max` lines of the first check that failed in a run.log, of
/// any other log its last lines, each at most `columns_max` wide and printable.
/// Pure.
std::vector<std::string> telling_lines(std::string_view log, std::size_t lines_max = 5);

/// For people: the cause, the log's path and its telling lines, each line
/// indented by four blanks; empty if nothing is known. Reads the log.
std::string evidence_of(const ledger::task_state& s, const std::filesystem::path& ledger_root);

} // namespace cli
