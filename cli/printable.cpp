#include "cli/printable.hpp"

#include "ledger/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace cli {

namespace {

/// The code point of one valid UTF-8 character.
std::uint32_t code_point(std::string_view one) {
  auto first = static_cast<unsigned char>(one.front());
  if (one.size() == 1)
    return first;
  std::uint32_t code = first & (0x7fu >> one.size());
  for (char c : one.substr(1))
    code = (code << 6) | (static_cast<unsigned char>(c) & 0x3fu);
  return code;
}

bool is_invisible(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c
         || (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e)
         || (code >= 0x2060 && code <= 0x206f) || code == 0xfeff || code >= 0xe0000;
}

std::string written_out(std::uint32_t code) {
  if (code == '\n')
    return "\\n";
  if (code == '\t')
    return "\\t";
  if (code == '\r')
    return "\\r";
  return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{{{:x}}}", code);
}

} // namespace

namespace {

/// `kept` are control characters that stay as they are.
std::string written(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto bytes = ledger::utf8_length(text);
    if (bytes == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    auto one = text.substr(0, bytes);
    auto code = code_point(one);
    if (is_invisible(code) && kept.find(one) == std::string_view::npos)
      out += written_out(code);
    else
      out += one;
    text.remove_prefix(bytes);
  }
  return out;
}

} // namespace

std::string printable(std::string_view text) {
  return written(text, {});
}

std::string printable_lines(std::string_view text) {
  return written(text, "\n\t");
}

std::string complaint(std::string_view text) {
  return "scheduler: " + printable_lines(text) + "\n";
}

std::string printable_start(std::string_view text, std::size_t columns_max) {
  // A character has at most four bytes: no need to look at megabytes.
  auto out = printable(text.substr(0, 4 * columns_max + 4));
  if (columns_of(out) <= columns_max && text.size() <= 4 * columns_max + 4)
    return out;
  std::size_t end = 0;
  for (std::size_t n = 0; n < columns_max && end < out.size(); ++n)
    end += std::max<std::size_t>(1, ledger::utf8_length(std::string_view(out).substr(end)));
  return out.substr(0, end) + "…";
}

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0u) != 0x80u;
  }));
}

std::string plural(std::size_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

} // namespace cli
