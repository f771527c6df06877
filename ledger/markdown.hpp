// markdown.hpp -- the little of Markdown that answers are made of.
//
// A *section* begins with an ATX heading (`#` to `######`) or a line that is
// nothing but bold text, outside fenced code, and reaches to the next one. A
// *bullet* is a line beginning with `-`, `*` or `+` and a space, outside fenced
// code; its *literals* are its code spans. A *fence* is a line of three or more
// backticks or tildes after at most three spaces; a block ends at a fence of
// the same character at least as long, or at the end of the text.
//
//   1. Reading takes time linear in the text, however hostile.
//
// Pure. Source: CommonMark 0.30, sections 4.2, 4.5, 5.2, as far as needed.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

struct line {
  std::string_view text; ///< Without its line ending (LF or CRLF).
  std::uint32_t number;  ///< From 1.
  bool in_fence = false; ///< The fence lines themselves count as inside.
};

std::vector<line> lines_of(std::string_view text);

/// The level of a section that a line of bold text begins.
inline constexpr std::uint32_t bold_level = 7;

struct section {
  std::string title;       ///< Without markup, numbering ("1. "), trailing colon and blanks.
  std::uint32_t line = 0;  ///< Of the heading.
  std::uint32_t level = 0; ///< 1 to 6, or bold_level.
  std::string_view body;   ///< Everything up to the next heading.
};

/// The sections of `text` in order; what stands before the first heading is
/// left out.
std::vector<section> sections_of(std::string_view text);

/// Whether a section's title equals or begins with `title` (whole words),
/// letter case aside.
bool titled(const section& s, std::string_view title);

/// The first section titled `title`, or null.
const section* find_section(const std::vector<section>& all, std::string_view title);

struct fenced_block {
  std::string info;       ///< First word after the fence, lowered: "diff".
  std::string content;    ///< With LF line ends as they stand in the text.
  std::uint32_t line = 0; ///< Of the opening fence.
};

std::vector<fenced_block> fenced_blocks(std::string_view text);

struct bullet {
  std::string_view text; ///< After the marker, trimmed.
  std::uint32_t line;    ///< From 1, within the body.
};

std::vector<bullet> bullets_of(std::string_view body);

/// The code spans of one line, without their back ticks.
std::vector<std::string> code_spans(std::string_view line_text);

/// The back-ticked literals of the bullets in `body`, outside fences: the
/// first of each bullet.
std::vector<std::string> bullet_literals(std::string_view body);

/// Whether the text holds a patch: a line beginning (blanks and quote marks
/// aside) `diff --git `, `@@ -`, `--- a/` or `*** Begin Patch`, or a fenced
/// block of info `diff` or `patch`.
bool holds_patch(std::string_view text);

/// `text` without leading and trailing white space.
std::string_view trimmed(std::string_view text);

} // namespace ledger
