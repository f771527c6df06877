// verdict.hpp -- the one line that says YES or NO.
//
// A *verdict line* is exactly `WORD: YES` or `WORD: NO`, WORD being one of
// CLAUDE_DECISIONS_OK, CLAUDE_FINAL_OK, GEMINI_VERIFY_OK.
//
//   1. The verdict is the last non-empty line (one trailing CR removed), to
//      the letter. Bold, quoted, indented, both, none, inside a fenced code
//      block: no verdict.
//   2. No other line of the text may be a verdict line (of any word), so that
//      an echoed prompt or a quoted diff cannot decide. Beside a YES none may be
//      one to a reader either: bold, quoted, a bullet, blanks around it, or set
//      off by bare carriage returns. A NO needs no such care.
//   3. Never YES by default.
//
// Pure. Source: pipeline, steps 2, 6, 7.

#pragma once

#include "ledger/result.hpp"
#include "ledger/step_table.hpp"

#include <string_view>

namespace ledger {

enum class verdict : std::uint8_t { no, yes };

/// The word whose verdict step `s` ends with; empty if it has none.
std::string_view verdict_word(step s) noexcept;

/// Reads the verdict of `word` from an answer. Errors: refused, with a
/// sentence that tells the model what is wrong with its ending.
result<verdict> read_verdict(std::string_view text, std::string_view word);

} // namespace ledger
