#include "ledger/text.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <utf8proc.h>

namespace ledger {

std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty())
    return 0;
  utf8proc_int32_t code = 0;
  auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto count = utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(text.size()), &code);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    auto count = utf8_length(text);
    if (count == 0)
      return false;
    text.remove_prefix(count);
  }
  return true;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    auto end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

namespace {

/// Whether a character shows: no control (C1 drives terminals as well), nothing
/// invisible, nothing that turns the direction of the text.
bool shows(std::string_view one) noexcept {
  utf8proc_int32_t code = 0;
  auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(one.data());
  if (utf8proc_iterate(bytes, static_cast<utf8proc_ssize_t>(one.size()), &code) <= 0)
    return false;
  switch (utf8proc_category(code)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

} // namespace

std::string excerpt(std::string_view text, std::size_t bytes_max) {
  std::string out = "`";
  while (!text.empty()) {
    if (out.size() > bytes_max) {
      out += "…";
      break;
    }
    auto count = std::max<std::size_t>(utf8_length(text), 1);
    auto one = text.substr(0, count);
    if (shows(one))
      out += one;
    else
      for (auto c : one)
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    text.remove_prefix(count);
  }
  return out + "`";
}

std::string lowered_ascii(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

} // namespace ledger
