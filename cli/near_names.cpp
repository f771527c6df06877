#include "cli/near_names.hpp"

#include "ledger/text.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace cli {

namespace {

constexpr std::size_t near_max = 3;

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::optional<std::size_t> farness(std::string_view word, std::string_view name) {
  if (word.empty() || name.empty())
    return std::nullopt;
  auto gap = std::max(word.size(), name.size()) - std::min(word.size(), name.size());
  if (gap <= 2)
    if (auto d = distance(word, name); d <= 2 && 2 * d < word.size())
      return d;
  if (name.starts_with(word) || word.starts_with(name))
    return 3 + gap;
  return std::nullopt;
}

} // namespace

std::vector<std::string> near_names(std::string_view word, const std::vector<std::string>& known) {
  auto lowered = ledger::lowered_ascii(word);
  std::vector<std::pair<std::size_t, std::string>> found;
  for (auto& name : known)
    if (auto far = farness(lowered, ledger::lowered_ascii(name)))
      found.emplace_back(*far, name);
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [far, name] : found)
    if (names.size() < near_max)
      names.push_back(name);
  return names;
}

std::string nearest_name(std::string_view word, const std::vector<std::string>& known) {
  auto best = std::min_element(known.begin(), known.end(), [&](auto& a, auto& b) {
    return distance(word, a) < distance(word, b);
  });
  return best == known.end() ? std::string{} : *best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  auto names = near_names(word, known);
  if (names.empty())
    return {};
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all += (i == 0 ? "`" : i + 1 == names.size() ? " or `" : ", `") + names[i] + "`";
  return "; did you mean " + all + "?";
}

} // namespace cli
