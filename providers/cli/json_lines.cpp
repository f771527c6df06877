#include "providers/cli/json_lines.hpp"

#include "providers/bounded_text.hpp"

#include <algorithm>
#include <cmath>

namespace providers::cli {
namespace {

using ledger::json;

void read_lines(std::string_view text, const std::function<void(const json&)>& each) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto first = line.find_first_not_of(" \t\r");
    if (first == line.npos || line[first] != '{')
      continue;
    const auto object = json::parse(line, nullptr, false);
    if (object.is_object())
      each(object);
  }
}

} // namespace

void each_json_line(std::string_view text, text_cut cut,
                    const std::function<void(const json&)>& each) {
  if (cut.missing == 0)
    return read_lines(text, each);
  const auto head = text.substr(0, cut.at);
  const auto whole = head.rfind('\n');
  read_lines(head.substr(0, whole == head.npos ? 0 : whole), each);
  auto tail =
      text.substr(std::min(cut.at + bounded_text::cut_line(cut.missing).size(), text.size()));
  const auto next = tail.find('\n');
  read_lines(next == tail.npos ? std::string_view() : tail.substr(next + 1), each);
}

json last_object(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r'))
    text.remove_suffix(1);
  if (text.empty() || text.back() != '}')
    return nullptr;
  // Each try reads on until something is wrong; text without end is not worth more.
  int tries = 200;
  for (std::size_t at = 0; at < text.size() && tries-- > 0;) {
    if (text[at] == '{') {
      auto object = json::parse(text.substr(at), nullptr, false);
      if (object.is_object())
        return object;
    }
    const auto next = text.find("\n{", at);
    if (next == text.npos)
      break;
    at = next + 1;
  }
  return nullptr;
}

std::uint64_t count_at(const json& object, const char* key) {
  if (!object.is_object())
    return 0;
  const auto it = object.find(key);
  if (it == object.end() || !it->is_number())
    return 0;
  const auto n = it->get<double>();
  return std::isfinite(n) && n > 0 && n < 1e15 ? static_cast<std::uint64_t>(n) : 0;
}

} // namespace providers::cli
