// text.hpp -- small tools for text that others wrote.
//
// An *excerpt* is a piece of foreign text made fit to stand in one of our
// sentences: back-ticked, short, printable.
//
//   1. An excerpt is valid UTF-8 without control or invisible characters, whatever went in:
//      reasons are written to the journal and told to models.
//
// Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// `text` in back ticks, bytes that are no visible UTF-8 written `\xNN`, cut
/// after about `bytes_max` bytes.
std::string excerpt(std::string_view text, std::size_t bytes_max = 120);

/// ASCII letters lowered; everything else as it is.
std::string lowered_ascii(std::string_view text);

/// Bytes of the UTF-8 character at the start of `text`; 0 if there is none.
std::size_t utf8_length(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// The lines of `text` without their LF; a CR stays, for it is content.
std::vector<std::string_view> split_lines(std::string_view text);

/// An ASCII letter or digit, or any byte beyond ASCII.
constexpr bool is_word_char(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

} // namespace ledger
