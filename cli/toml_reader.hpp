// toml_reader.hpp -- typed reading of TOML that remembers where everything stood.
//
// A *text place* is a line and a column of the file, from 1. A *complaint* is one
// sentence about one place: what is wrong and what to write instead. A
// *section* is a table of the file under the name that people know it by.
//
//   1. Reading never stops at the first complaint: a person sees all of them.
//   2. A value that gave a complaint leaves the caller's default in place.
//   3. Complaints come out in the order of the file.
//
// Private to config_file.cpp and config_providers.cpp: nobody else knows TOML.

#pragma once

#include <toml++/toml.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Line 0: the file as a whole.
struct text_place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

class complaints {
public:
  explicit complaints(std::string_view file_name)
      : file_name_(file_name) {}

  void add(text_place at, std::string text);
  bool empty() const noexcept { return all_.empty(); }
  /// "scheduler.toml:12:3: …", one a line.
  std::string text() const;

private:
  struct complaint {
    text_place at;
    std::string text;
  };
  std::string file_name_;
  std::vector<complaint> all_;
};

using words = std::vector<std::string_view>;

/// The word of `known` with the fewest changed, added or missing letters; empty
/// if nothing is known.
std::string nearest(std::string_view word, const words& known);

/// `; did you mean "a"?` if `word` is nearly one of `known` (near_names.hpp),
/// else ".": the end of a sentence that finds a word unknown.
std::string near_words(std::string_view word, const words& known);

/// `"a", "b" or "c"`.
std::string one_of(const words& known);

/// "30s", "20m", "2h", "500ms"; nothing: not a duration, or too long for the type.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "500ms", "90s", "20m", "2h": the largest unit that says it exactly.
std::string duration_text(std::chrono::milliseconds d);

class section {
public:
  /// `table` may be null: the section is absent and every key missing.
  section(const toml::table* table, std::string name, text_place at, complaints& all)
      : table_(table)
      , name_(std::move(name))
      , at_(at)
      , all_(&all) {}

  const std::string& name() const noexcept { return name_; }
  bool present() const noexcept { return table_ != nullptr; }
  bool has(std::string_view key) const { return table_ != nullptr && table_->contains(key); }
  words keys() const;

  /// Complains about every key that is neither in `here` nor in `later` (known,
  /// but its feature is not in this version), and about those in `later`. Those
  /// in `judged` had their complaint.
  void allow_only(const words& here, const words& later, const words& judged = {}) const;

  /// A table below this one. Wrong type: complaint, and an absent section.
  section below(std::string_view key) const;

  // Each leaves `out` alone unless the key is there and right, and gives
  // whether it set it.
  bool text(std::string_view key, std::string& out) const;
  bool flag(std::string_view key, bool& out) const;
  bool count(std::string_view key, std::uint32_t min, std::uint32_t max, std::uint32_t& out) const;
  bool count(std::string_view key, std::uint64_t min, std::uint64_t max, std::uint64_t& out) const;
  /// A number of dollars, whole or with a fraction.
  bool dollars(std::string_view key, bool may_be_zero, double& out) const;
  bool duration(std::string_view key, std::chrono::milliseconds max,
                std::chrono::milliseconds& out) const;
  bool texts(std::string_view key, std::vector<std::string>& out) const;
  /// A table of texts. No value stands in a complaint.
  bool table_of_texts(std::string_view key, std::map<std::string, std::string>& out) const;
  /// A text, number or flag, as text.
  bool scalar(std::string_view key, std::string& out) const;
  bool is_table(std::string_view key) const;

  /// A complaint about a key (at the section, if the key is missing).
  void complain(std::string_view key, std::string_view text) const;
  /// A complaint about the section itself.
  void complain(std::string_view text) const;
  text_place place_of(std::string_view key) const;

private:
  const toml::node* get(std::string_view key) const;
  void wrong_type(std::string_view key, std::string_view expected) const;

  const toml::table* table_;
  std::string name_;
  text_place at_;
  complaints* all_;
};

} // namespace cli
