#include "providers/bounded_json.hpp"

#include <array>

#include <fmt/format.h>

namespace providers {

namespace {

/// Exact as far as the text is JSON, and the parser goes no further than that.
std::string why_too_much(std::string_view text, std::size_t max_depth) {
  std::array<std::size_t, 256> keys{}; // Of the object that is open at a level.
  std::size_t depth = 0;
  std::size_t values = 1;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
      continue;
    }
    switch (c) {
      case '"':
        quoted = true;
        break;
      case '{':
      case '[':
        if (++depth > max_depth || depth >= keys.size())
          return fmt::format("is nested deeper than {} levels", max_depth);
        keys[depth] = 0;
        ++values;
        break;
      case '}':
      case ']':
        if (depth > 0)
          --depth;
        break;
      case ':':
        if (++keys[depth] > max_json_keys)
          return fmt::format("has an object with more than {} keys", max_json_keys);
        break;
      case ',':
        ++values;
        break;
      default:
        break;
    }
    if (values > max_json_values)
      return fmt::format("has more than {} values", max_json_values);
  }
  return {};
}

} // namespace

ledger::result<ledger::json> parse_bounded(std::string_view text, std::size_t max_depth) {
  if (auto why = why_too_much(text, max_depth); !why.empty())
    return ledger::fail(ledger::fault::corrupt, std::move(why));
  auto value = ledger::json::parse(text.begin(), text.end(), nullptr, false);
  if (value.is_discarded())
    return ledger::fail(ledger::fault::corrupt, "is no JSON");
  return value;
}

std::string dump_valid(const ledger::json& value) {
  return value.dump(-1, ' ', false, ledger::json::error_handler_t::replace);
}

} // namespace providers
