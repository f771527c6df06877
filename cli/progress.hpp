// progress.hpp -- one line per event while a batch runs.
//
// Called from the ledger writer's thread with each durable record; writes to
// stderr. Text: "12:04:31  Fix-Footer  review    CLAUDE_FINAL_OK: YES". JSON:
// {"time":…,"task":…,"event":…,"step":…,"round":…,"attempt":…,"text":…}. The
// words of a record for people, event_words(), are also what `show` prints.

#pragma once

#include "ledger/record.hpp"

#include <string>

namespace cli {

/// What a record says, in a few words: "answered by offline/none (gemini/audit.md, 812 bytes)".
std::string event_words(const ledger::record& r);

/// The whole line, with newline. Events that only experts want (asked, granted,
/// resumed) give an empty text line unless json.
std::string progress_line(const std::string& task, const ledger::record& r, bool json);

} // namespace cli
