#include "providers/registry.hpp"

#include "providers/api_provider.hpp"
#include "providers/cli/configured.hpp"
#include "providers/offline/offline.hpp"
#include "providers/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace providers {
namespace {

// Levenshtein's distance, one row at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto above = row[j];
      auto swap = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, swap});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// A hint must be near: a wrong guess misleads more than none.
std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  std::string best;
  auto best_distance = name.size() / 3 + 2;
  for (auto& k : known)
    if (auto d = edit_distance(name, k); d < best_distance) {
      best_distance = d;
      best = k;
    }
  return best;
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string all;
  for (auto& n : names)
    all += fmt::format("{}\"{}\"", all.empty() ? "" : ", ", n);
  return all.empty() ? "none" : all;
}

} // namespace

ledger::result<prompt_book> open_book(const provider_context& c) {
  auto& overrides = c.config.roles.at(c.plays).prompts;
  return prompt_book::open(overrides.empty() ? std::filesystem::path{}
                                             : c.repository.top() / overrides);
}

registry builtin_providers() {
  return registry{
      {"anthropic", make_api_provider},    {"claude-code", cli::make_configured},
      {"codex-cli", cli::make_configured}, {"command", cli::make_configured},
      {"gemini", make_api_provider},       {"gemini-cli", cli::make_configured},
      {"offline", offline::make},          {"openai", make_api_provider},
      {"openai-chat", make_api_provider},  {"replay", make_replay},
  };
}

ledger::result<std::unique_ptr<provider>>
make_provider(const registry& r, const provider_context& c, const std::string& name) {
  auto table = c.config.providers.find(name);
  bool configured = table != c.config.providers.end();
  auto entry = configured ? table->second : ledger::provider_config{name, {}};
  auto factory = r.find(entry.kind);
  if (factory != r.end())
    return factory->second(c, name, entry);

  std::vector<std::string> kinds, names;
  for (auto& [kind, make] : r)
    kinds.push_back(kind);
  for (auto& [other, config] : c.config.providers)
    names.push_back(other);
  auto where = configured
                   ? fmt::format("scheduler.toml, [providers.{}]: kind \"{}\"", name, entry.kind)
                   : fmt::format("scheduler.toml: provider \"{}\"", name);
  auto candidates = kinds;
  if (!configured)
    candidates.insert(candidates.end(), names.begin(), names.end());
  auto near = nearest(entry.kind, candidates);
  auto hint = near.empty() ? std::string{} : fmt::format(" Did you mean \"{}\"?", near);
  return ledger::fail(
      ledger::fault::refused,
      fmt::format("{} is not known.{} This version has the kinds {}{}; name one of them.", where,
                  hint, quoted_list(kinds),
                  configured || names.empty()
                      ? std::string{}
                      : fmt::format(", and the file has the providers {}", quoted_list(names))),
      "unknown-provider");
}

ledger::result<std::vector<player>> make_players(const registry& r, const provider_context& c) {
  std::vector<player> all;
  auto& role = c.config.roles.at(c.plays);
  auto names = role.fallback;
  names.insert(names.begin(), role.provider);
  for (auto& name : names) {
    auto made = make_provider(r, c, name);
    if (!made)
      return ledger::fail(made.error().kind,
                          fmt::format("[roles.{}]: {}", to_string(c.plays), made.error().detail),
                          made.error().code);
    all.push_back({name, std::move(*made)});
  }
  return all;
}

} // namespace providers
