#include "cli/config_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cli {

namespace {

bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Long, with a digit, and in no way that people write names: without a word's
/// end, or in both cases.
bool is_like_a_secret(std::string_view text) {
  auto any = [&](bool (*is)(char)) { return std::any_of(text.begin(), text.end(), is); };
  constexpr std::size_t shortest_key = 20;
  return text.size() >= shortest_key && any(is_digit) && any(is_lower)
         && (any(is_upper) || text.find('_') == text.npos);
}

} // namespace

bool has_word(const words& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_variable_name(std::string_view name) {
  auto letter = [](char c) { return is_upper(c) || is_lower(c) || c == '_'; };
  return !name.empty() && letter(name.front())
         && std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || is_digit(c); })
         && !is_like_a_secret(name);
}

bool choose(const section& s, std::string_view key, const words& here, const words& later,
            std::string& out) {
  std::string value;
  if (!s.text(key, value))
    return false;
  if (has_word(here, value)) {
    out = value;
    return true;
  }
  // To go without a sandbox is nobody's typing error.
  auto suggested = here;
  if (s.name() == "sandbox")
    suggested.erase(std::remove(suggested.begin(), suggested.end(), "none"), suggested.end());
  if (has_word(later, value))
    s.complain(key,
               fmt::format("{} \"{}\" is not in this version; write {}", key, value, one_of(here)));
  else
    s.complain(key, fmt::format("{} \"{}\" is unknown{} Known: {}", key, value,
                                near_words(value, suggested), one_of(here)));
  return false;
}

} // namespace cli
