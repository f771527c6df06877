#include "cli/toml_reader.hpp"

#include "cli/near_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>
#include <tuple>

namespace cli {

namespace {

struct unit {
  std::string_view name;
  std::int64_t ms;
};

// Largest first, as duration_text wants it; "ms" stands before "m" and "s" for
// parse_duration, which compares whole suffixes.
constexpr unit units[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};

std::string_view kind_of(const toml::node& n) {
  switch (n.type()) {
    case toml::node_type::table:
      return "a table";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return "a whole number";
    case toml::node_type::floating_point:
      return "a number with a fraction";
    case toml::node_type::boolean:
      return "true or false";
    default:
      return "a date or time";
  }
}

} // namespace

void complaints::add(text_place at, std::string text) {
  all_.push_back(complaint{at, std::move(text)});
}

std::string complaints::text() const {
  auto sorted = all_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const complaint& a, const complaint& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
  std::string out;
  for (auto& c : sorted) {
    if (!out.empty())
      out += '\n';
    out += c.at.line == 0 ? fmt::format("{}: {}", file_name_, c.text)
                          : fmt::format("{}:{}:{}: {}", file_name_, c.at.line, c.at.column, c.text);
  }
  return out;
}

// A key of the file may be megabytes long, the known ones are short: beyond
// this many letters no more can be learnt about which of them was meant.
constexpr std::size_t letters_max = 64;

// Beyond a million nobody means dollars.
constexpr double dollars_max = 1'000'000;

std::string nearest(std::string_view word, const words& known) {
  return nearest_name(word.substr(0, letters_max), {known.begin(), known.end()});
}

std::string near_words(std::string_view word, const words& known) {
  auto near = did_you_mean(word.substr(0, letters_max), {known.begin(), known.end()});
  std::replace(near.begin(), near.end(), '`', '"'); // As all words of a file are quoted.
  return near.empty() ? "." : near;
}

std::string one_of(const words& known) {
  std::string out;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (i > 0)
      out += i + 1 == known.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", known[i]);
  }
  return out;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  std::int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end == text.data() || text.front() == '-')
    return std::nullopt;
  auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (auto& u : units)
    if (suffix == u.name && number <= std::numeric_limits<std::int64_t>::max() / u.ms)
      return std::chrono::milliseconds(number * u.ms);
  return std::nullopt;
}

std::string duration_text(std::chrono::milliseconds d) {
  for (auto& u : units)
    if (d.count() % u.ms == 0 && d.count() != 0)
      return fmt::format("{}{}", d.count() / u.ms, u.name);
  return "0s";
}

words section::keys() const {
  words all;
  if (table_ != nullptr)
    for (auto it = table_->cbegin(); it != table_->cend(); ++it)
      all.push_back(it->first.str());
  return all;
}

void section::allow_only(const words& here, const words& later, const words& judged) const {
  auto known = here;
  known.insert(known.end(), later.begin(), later.end());
  auto among = [](const words& all, std::string_view key) {
    return std::find(all.begin(), all.end(), key) != all.end();
  };
  for (auto key : keys()) {
    if (among(here, key) || among(judged, key))
      continue;
    if (among(later, key)) {
      complain(key, fmt::format("\"{}\" is not in this version; remove it", key));
      continue;
    }
    auto near = nearest(key, known);
    bool near_is_later = among(later, near);
    complain(key,
             fmt::format("unknown key \"{}\"; did you mean \"{}\"{}? Known here: {}", key, near,
                         near_is_later ? " (which is not in this version)" : "", one_of(here)));
  }
}

section section::below(std::string_view key) const {
  auto name = name_.empty() ? std::string(key) : fmt::format("{}.{}", name_, key);
  auto* node = get(key);
  if (node != nullptr && !node->is_table()) {
    wrong_type(key, "a table");
    node = nullptr;
  }
  return section(node == nullptr ? nullptr : node->as_table(), name, place_of(key), *all_);
}

bool section::text(std::string_view key, std::string& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  auto* value = node->as_string();
  if (value == nullptr) {
    wrong_type(key, "a text in quotes");
    return false;
  }
  if (value->get().find('\0') != std::string::npos) {
    complain(key, fmt::format("\"{}\" holds a NUL character; remove it", key));
    return false;
  }
  out = value->get();
  return true;
}

bool section::flag(std::string_view key, bool& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  auto* value = node->as_boolean();
  if (value == nullptr) {
    wrong_type(key, "true or false");
    return false;
  }
  out = value->get();
  return true;
}

bool section::count(std::string_view key, std::uint32_t min, std::uint32_t max,
                    std::uint32_t& out) const {
  std::uint64_t number = 0;
  if (!count(key, std::uint64_t{min}, std::uint64_t{max}, number))
    return false;
  out = static_cast<std::uint32_t>(number);
  return true;
}

bool section::count(std::string_view key, std::uint64_t min, std::uint64_t max,
                    std::uint64_t& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  auto* value = node->as_integer();
  if (value == nullptr) {
    wrong_type(key, fmt::format("a whole number from {} to {}", min, max));
    return false;
  }
  auto number = value->get();
  if (number < static_cast<std::int64_t>(min) || number > static_cast<std::int64_t>(max)) {
    complain(key, fmt::format("\"{}\" is {}; write a whole number from {} to {}", key, number, min,
                              max));
    return false;
  }
  out = static_cast<std::uint64_t>(number);
  return true;
}

bool section::dollars(std::string_view key, bool may_be_zero, double& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  auto expected = may_be_zero ? "a number from 0 to 1000000, such as 2.5"
                              : "a number above 0 and up to 1000000, such as 2.5";
  if (!node->is_number()) {
    wrong_type(key, expected);
    return false;
  }
  auto* whole = node->as_integer();
  auto number = whole != nullptr ? static_cast<double>(whole->get()) : **node->as_floating_point();
  // Written so that what is not a number at all ("nan") fails.
  if (!(number <= dollars_max && (number > 0 || (may_be_zero && number == 0)))) {
    complain(key, fmt::format("\"{}\" is {}; write {}", key, number, expected));
    return false;
  }
  out = number;
  return true;
}

bool section::duration(std::string_view key, std::chrono::milliseconds max,
                       std::chrono::milliseconds& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  constexpr std::string_view expected = "a duration such as \"30s\", \"20m\", \"2h\" or \"500ms\"";
  auto* value = node->as_string();
  if (value == nullptr) {
    wrong_type(key, expected);
    return false;
  }
  auto d = parse_duration(value->get());
  if (!d) {
    complain(key, fmt::format("\"{}\" is \"{}\"; write {}", key, value->get(), expected));
    return false;
  }
  if (d->count() < 1 || *d > max) {
    complain(key, fmt::format("\"{}\" is \"{}\"; write a duration from \"1ms\" to \"{}\"", key,
                              value->get(), duration_text(max)));
    return false;
  }
  out = *d;
  return true;
}

bool section::texts(std::string_view key, std::vector<std::string>& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  auto* list = node->as_array();
  if (list == nullptr) {
    wrong_type(key, "a list of texts, [\"…\", \"…\"]");
    return false;
  }
  std::vector<std::string> all;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto* value = (*list)[i].as_string();
    if (value == nullptr) {
      complain(key, fmt::format("entry {} of \"{}\" is {}; write a text in quotes", i + 1, key,
                                kind_of((*list)[i])));
      return false;
    }
    if (value->get().find('\0') != std::string::npos) {
      complain(key, fmt::format("entry {} of \"{}\" holds a NUL character; remove it", i + 1, key));
      return false;
    }
    all.push_back(value->get());
  }
  out = std::move(all);
  return true;
}

bool section::table_of_texts(std::string_view key, std::map<std::string, std::string>& out) const {
  auto t = below(key);
  if (!t.present())
    return false;
  std::map<std::string, std::string> all;
  bool right = true;
  for (auto name : t.keys())
    right = t.text(name, all[std::string(name)]) && right;
  if (right)
    out = std::move(all);
  return right;
}

bool section::scalar(std::string_view key, std::string& out) const {
  auto* node = get(key);
  if (node == nullptr)
    return false;
  if (node->is_string())
    return text(key, out);
  if (auto* number = node->as_integer())
    out = std::to_string(number->get());
  else if (auto* yes = node->as_boolean())
    out = yes->get() ? "true" : "false";
  else {
    wrong_type(key, "a text, a whole number, true or false");
    return false;
  }
  return true;
}

bool section::is_table(std::string_view key) const {
  auto* node = get(key);
  return node != nullptr && node->is_table();
}

void section::complain(std::string_view key, std::string_view text) const {
  all_->add(place_of(key), name_.empty() ? std::string(text) : fmt::format("[{}] {}", name_, text));
}

void section::complain(std::string_view text) const {
  all_->add(at_, fmt::format("[{}] {}", name_, text));
}

text_place section::place_of(std::string_view key) const {
  if (table_ == nullptr)
    return at_;
  auto it = table_->find(key);
  if (it == table_->cend())
    return at_;
  auto begin = it->first.source().begin;
  return text_place{begin.line, begin.column};
}

const toml::node* section::get(std::string_view key) const {
  return table_ == nullptr ? nullptr : table_->get(key);
}

void section::wrong_type(std::string_view key, std::string_view expected) const {
  auto* node = get(key);
  complain(key, fmt::format("\"{}\" is {}; write {}", key,
                            node == nullptr ? "missing" : kind_of(*node), expected));
}

} // namespace cli
