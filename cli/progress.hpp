// progress.hpp -- one line per event while a batch runs.
//
// Made for each durable record; batch_log brings it to stderr. Text:
// "12:04:31  Fix-Footer  review    CLAUDE_FINAL_OK: YES". JSON: {"time":…,
// "task":…,"event":…,"step":…,"round":…,"attempt":…,"text":…}. The words of a
// record for people, event_words(), are also what `show` prints.

#pragma once

#include "ledger/record.hpp"

#include <cstddef>
#include <string>

namespace cli {

/// What a record says, in a few words: "answered by offline/none (gemini/audit.md, 812 bytes)".
std::string event_words(const ledger::record& r);

/// How a line of text is made.
struct progress_style {
  std::size_t name_columns = 0; ///< Task names are padded to this.
  bool builds = true;           ///< Whether the configuration has anything to build,
  bool deploys = true;          ///< or to deploy: else those events say nothing.
};

/// The whole line, with newline. Events that only experts want (asked, granted,
/// resumed) and those that say nothing give an empty text line unless json.
std::string progress_line(const std::string& task, const ledger::record& r, bool json,
                          const progress_style& how = {});

} // namespace cli
