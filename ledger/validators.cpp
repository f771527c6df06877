#include "ledger/validators.hpp"

#include "ledger/text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ledger {

std::size_t outline::count(std::string_view title) const {
  auto has_title = [&](const section& s) { return titled(s, title); };
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), has_title));
}

std::vector<std::string_view> outline::bodies(const section& s) const {
  std::vector<std::string_view> out{s.body};
  auto* end = all_.data() + all_.size();
  for (auto* next = &s + 1; next != end && next->level > s.level && !is_known(*next); ++next)
    out.push_back(next->body);
  return out;
}

std::vector<std::string_view> outline::bodies_up_to_known(const section& s) const {
  if (s.level < bold_level)
    return bodies(s);
  std::vector<std::string_view> out{s.body};
  auto* end = all_.data() + all_.size();
  for (auto* next = &s + 1; next != end && !is_known(*next); ++next)
    out.push_back(next->body);
  return out;
}

bool outline::is_known(const section& s) const {
  auto has_title = [&](std::string_view title) { return titled(s, title); };
  return std::any_of(known_.begin(), known_.end(), has_title);
}

void outline::demand(titles wanted, faults& out) const {
  for (auto title : wanted) {
    auto* s = find_section(all_, title);
    if (!s) {
      out.push_back(fmt::format("The section *{}* is missing; write it under a heading of that "
                                "name, outside code blocks.",
                                title));
      continue;
    }
    auto all = bodies(*s);
    if (std::none_of(all.begin(), all.end(), says_something))
      out.push_back(fmt::format("The section *{}* (line {}) is empty; write what belongs there.",
                                title, s->line));
  }
}

bool says_something(std::string_view body) {
  for (auto& l : lines_of(body)) {
    auto text = trimmed(l.text);
    if (l.in_fence && (text.starts_with("```") || text.starts_with("~~~")))
      continue;
    if (std::any_of(text.begin(), text.end(), is_word_char))
      return true;
  }
  return false;
}

} // namespace ledger
