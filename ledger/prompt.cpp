#include "ledger/prompt.hpp"

#include "ledger/markdown.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <set>

#include <fmt/format.h>

namespace ledger {

namespace {

constexpr std::size_t max_name_bytes = 128;
constexpr std::array<std::string_view, 4> known_keys{"depends_on", "priority", "approve", "allow"};

bool is_letter_or_digit(char c) {
  return is_word_char(c) && static_cast<unsigned char>(c) < 0x80;
}

/// Levenshtein's distance, for two short words.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t k = 0; k < b.size(); ++k) {
      auto above = row[k + 1];
      row[k + 1] = std::min({above + 1, row[k] + 1, diagonal + (a[i] == b[k] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row.back();
}

struct key_value {
  std::string_view key, value;
};

/// `key: value`, the key at the line's very start; an empty key if it is not.
key_value key_value_of(std::string_view text) {
  auto end = std::find_if_not(text.begin(), text.end(),
                              [](char c) { return is_letter_or_digit(c) || c == '_' || c == '-'; });
  auto size = static_cast<std::size_t>(end - text.begin());
  auto rest = trimmed(text.substr(size));
  if (size == 0 || !rest.starts_with(':'))
    return {};
  auto value = rest.substr(1);
  if (!value.empty() && !is_blank(value.front()))
    return {};
  return {text.substr(0, size), trimmed(value)};
}

bool is_known(std::string_view key) {
  return std::find(known_keys.begin(), known_keys.end(), key) != known_keys.end();
}

/// The known key that `key` was probably meant to be; empty: none.
std::string_view meant_by(std::string_view key) {
  auto low = lowered_ascii(key);
  std::replace(low.begin(), low.end(), '-', '_');
  if (low.size() > 16)
    return {};
  for (auto known : known_keys)
    if (distance(low, known) <= (known.size() > 6 ? 2U : 1U))
      return known;
  return {};
}

/// The lines between the two `---`, or nothing if there is no front matter.
std::vector<line> front_lines(std::string_view prompt) {
  if (prompt.starts_with("\xef\xbb\xbf"))
    prompt.remove_prefix(3);
  auto is_rule = [](std::string_view text) {
    return text.starts_with("---") && trimmed(text).size() == 3;
  };
  std::vector<line> out;
  bool closed = false, any_known = false;
  std::uint32_t number = 0;
  while (!prompt.empty() && !closed) {
    auto end = std::min(prompt.find('\n'), prompt.size());
    auto text = prompt.substr(0, end);
    prompt.remove_prefix(std::min(end + 1, prompt.size()));
    if (!text.empty() && text.back() == '\r')
      text.remove_suffix(1);
    if (++number == 1) {
      if (!is_rule(text))
        return {};
    } else if (is_rule(text)) {
      closed = true;
    } else {
      any_known = any_known || is_known(key_value_of(text).key);
      out.push_back({text, number, false});
    }
  }
  return closed && any_known ? out : std::vector<line>{};
}

/// `[a, "b", 'c']`; false: it is no such list.
bool parse_list(std::string_view value, std::vector<std::string>& out) {
  if (value.size() < 2 || value.front() != '[' || value.back() != ']')
    return false;
  value = trimmed(value.substr(1, value.size() - 2));
  while (!value.empty()) {
    std::string_view item;
    if (value.front() == '"' || value.front() == '\'') {
      auto end = value.find(value.front(), 1);
      if (end == value.npos)
        return false;
      item = value.substr(1, end - 1);
      value = trimmed(value.substr(end + 1));
      if (!value.empty() && value.front() != ',')
        return false;
    } else {
      auto end = std::min(value.find(','), value.size());
      item = trimmed(value.substr(0, end));
      value.remove_prefix(end);
      if (item.find_first_of("\"'[]#") != item.npos)
        return false;
    }
    if (item.empty())
      return false;
    out.emplace_back(item);
    if (!value.empty()) {
      value = trimmed(value.substr(1));
      if (value.empty())
        return false; // A comma and nothing after it.
    }
  }
  return true;
}

/// What is wrong with one key, as the end of a sentence; empty: taken.
std::string take(const key_value& kv, front_matter& out) {
  if (kv.key == "depends_on") {
    if (!parse_list(kv.value, out.depends_on))
      return fmt::format("depends_on is {}; write a list of tasks on one line, as in `depends_on: "
                         "[First-Task, Second-Task]`",
                         excerpt(kv.value));
    for (auto& task : out.depends_on)
      if (auto why = why_no_task_name(task); !why.empty())
        return fmt::format("depends_on: {} is no name of a task; write the file name of its prompt "
                           "without .md",
                           excerpt(task));
    return {};
  }
  if (kv.key == "priority") {
    auto* end = kv.value.data() + kv.value.size();
    auto parsed = std::from_chars(kv.value.data(), end, out.priority);
    if (parsed.ec != std::errc{} || parsed.ptr != end || kv.value.empty())
      return fmt::format("priority is {}; write a whole number, as in `priority: 10`",
                         excerpt(kv.value));
    return {};
  }
  if (kv.key == "allow") {
    if (!parse_list(kv.value, out.allow))
      return fmt::format("allow is {}; write a list on one line, as in `allow: [.github/**]`",
                         excerpt(kv.value));
    return {};
  }
  if (kv.key == "approve") {
    auto named = approvals_named(kv.value);
    if (!named || kv.value.empty())
      return fmt::format("approve is {}; write implement, deploy or both, as in `approve: deploy`",
                         excerpt(kv.value));
    out.approve = *named;
    return {};
  }
  if (auto meant = meant_by(kv.key); !meant.empty())
    return fmt::format("unknown key {}; did you mean `{}`?", excerpt(kv.key), meant);
  return {};
}

} // namespace

std::string why_no_task_name(std::string_view name) {
  auto no = [&](std::string_view why) {
    return fmt::format("{} cannot name a task: {}; rename the prompt's file", excerpt(name), why);
  };
  if (name.empty())
    return no("it is empty");
  if (name.size() > max_name_bytes)
    return no(fmt::format("it has {} characters, {} are the most", name.size(), max_name_bytes));
  if (!is_letter_or_digit(name.front()))
    return no("it must begin with a letter or digit");
  for (auto c : name)
    if (!is_letter_or_digit(c) && c != '.' && c != '_' && c != '-')
      return no("only letters, digits, dot, underscore and hyphen may stand in it");
  if (name.find("..") != name.npos)
    return no("git does not accept `..` in the name of a branch");
  if (name.back() == '.')
    return no("git does not accept a dot at the end of a branch's name");
  if (lowered_ascii(name).ends_with(".lock"))
    return no("git keeps names ending in `.lock` for itself");
  return {};
}

result<front_matter> parse_front_matter(std::string_view prompt) {
  front_matter out;
  std::set<std::string_view> seen;
  for (auto& l : front_lines(prompt)) {
    if (trimmed(l.text).empty())
      continue;
    auto kv = key_value_of(l.text);
    auto wrong = kv.key.empty() ? fmt::format("{} is not `key: value`", excerpt(l.text))
                 : !seen.insert(kv.key).second
                     ? fmt::format("{} stands there twice; keep one", excerpt(kv.key))
                     : take(kv, out);
    if (!wrong.empty())
      return fail(fault::refused, fmt::format("front matter, line {}: {}", l.number, wrong),
                  "front-matter");
  }
  return out;
}

bool is_text(std::string_view text, std::uint32_t* bad_line) {
  std::uint32_t line_number = 1;
  while (!text.empty()) {
    auto count = utf8_length(text);
    if (count == 0 || text.front() == '\0') {
      if (bad_line)
        *bad_line = line_number;
      return false;
    }
    if (text.front() == '\n')
      ++line_number;
    text.remove_prefix(count);
  }
  return true;
}

} // namespace ledger
