// api_error_rows.hpp -- every way in which an HTTP API is known to fail.
//
// A *row* is one failure: what the fake server says, and how the task ends that
// hears it. The rows are those of the vendors' own lists of errors and stop
// reasons, and of what networks and proxies do. They know nothing of the
// program's tables: codes and sentences are written down here once more.
//
//   1. What passes happens once, so that the task can be done afterwards.

#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tests {

/// What becomes of a failure.
enum class handled {
  retried, ///< Asked again: no attempt is used up, and the task is done.
  tried,   ///< An attempt: the next one is told why, and the task is done.
  waited,  ///< Deferred: no attempt is used up, and the task is done.
  parked,  ///< At once: a person is needed.
  given_up ///< It did not pass: parked when patience or attempts were over.
};

struct api_error_row {
  std::string task;
  std::string reply; ///< A file of the fake server's script, as JSON.
  handled as = handled::parked;
  std::string code;                   ///< Of the record; of what is parked, its reason.
  std::vector<std::string> says = {}; ///< Further words of the sentence.
  std::pair<int, int> wait_ms{0, 0};  ///< Of `waited`: the least and the most.
  std::string where = "audit.1";      ///< Step and turn.
};

/// No wait that a service asks for is longer in these tests.
inline constexpr int longest_wait_ms = 2'500;

/// What every service does, and what only this one does.
std::vector<api_error_row> api_errors_of(const std::string& kind);

/// The words of the sentence about a code: what happened, then the remedy.
std::vector<std::string> words_about(const api_error_row& row);

} // namespace tests
