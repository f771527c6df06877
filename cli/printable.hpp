// printable.hpp -- text of others, made fit for a terminal.
//
// What a model, a test or a prompt said reaches the screen of whoever reads
// status, show or the progress. Left alone it could move the cursor, hide a
// line or turn the direction of reading.
//
//   1. The result is valid UTF-8 in one line: control characters, bytes that
//      are no UTF-8, line and paragraph separators, invisible and bidirectional
//      marks are written out (`\n`, `\x1b`, `\u{202e}`).
//
// Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

std::string printable(std::string_view text);

/// The same for text of several lines: line feeds and tabs stay.
std::string printable_lines(std::string_view text);

/// A complaint for stderr: "scheduler: " and `text`, which may have several
/// lines, and a line end.
std::string complaint(std::string_view text);

/// printable(), cut after `columns_max` characters with `…`.
std::string printable_start(std::string_view text, std::size_t columns_max);

/// Characters that `text` has on the screen: code points of valid UTF-8.
std::size_t columns_of(std::string_view text) noexcept;

/// "1 task", "2 tasks".
std::string plural(std::size_t n, std::string_view word);

} // namespace cli
