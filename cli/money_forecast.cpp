#include "cli/money_forecast.hpp"

#include "ledger/step_table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cli {

namespace {

using ledger::step;

bool came_past(const ledger::task_state& t, step s) {
  return t.is == ledger::status::done || t.at > s;
}

/// How often the step can still be entered.
std::uint64_t visits_of(const ledger::task_state& t, step s, const ledger::limits_config& limits) {
  auto counted_from = std::max<std::uint32_t>(t.round_limit_from, 1);
  auto used = t.round > counted_from ? t.round - counted_from : 0;
  std::uint64_t fixes = limits.fix_rounds > used ? limits.fix_rounds - used : 0;
  if (s == step::test)
    return fixes + (t.fixing ? 1 : 0);
  std::uint64_t ahead = t.at <= s ? 1 : 0;
  return s > step::test ? ahead + fixes : ahead;
}

/// The first of the role: who does the work as long as all is well.
const asked_player* first_of(const asked_players& players, ledger::role r) {
  auto it = players.find(r);
  return it == players.end() || it->second.empty() ? nullptr : &it->second.front();
}

std::uint64_t most_calls_of(const std::vector<asked_player>& all, std::uint64_t visits,
                            const ledger::limits_config& limits) {
  std::uint64_t calls = 0;
  for (auto& p : all)
    if (p.counts)
      calls += visits * limits.tries * (p.in_turns ? limits.turns : 1);
  return calls;
}

std::optional<double> most_usd_of(const ledger::task_state& t, const asked_players& players,
                                  const ledger::budget_config& budget) {
  bool costs = false;
  for (auto& [role, all] : players)
    costs |= std::any_of(all.begin(), all.end(), [](auto& p) { return p.costs; });
  if (!costs)
    return 0.0;
  std::optional<double> most = budget.run_usd;
  if (budget.task_usd)
    most = std::min(most.value_or(*budget.task_usd), std::max(0.0, *budget.task_usd - t.usd));
  return most;
}

} // namespace

void call_history::learn(const ledger::task_state& t) {
  bool tells = false;
  for (auto& row : ledger::step_table) {
    auto by = t.played_by->find(std::string{to_string(row.by)});
    if (row.by == ledger::role::scheduler || by == t.played_by->end() || !came_past(t, row.id))
      continue;
    auto provider = by->second.substr(0, by->second.find('/'));
    auto spent = t.spent->find({row.id, provider});
    if (spent == t.spent->end() && row.id != step::test)
      continue; // Somebody else played it then.
    auto& sum = sums_[{row.id, provider}];
    ++sum.tasks;
    tells = true;
    if (spent == t.spent->end())
      continue; // It needed no fix.
    sum.calls += spent->second.calls;
    sum.usd += spent->second.usd;
  }
  tasks_ += tells ? 1 : 0;
}

std::optional<call_history::average> call_history::of(step s, const std::string& provider) const {
  auto it = sums_.find({s, provider});
  if (it == sums_.end())
    return {};
  auto a = it->second;
  a.calls /= a.tasks;
  a.usd /= a.tasks;
  return a;
}

money_forecast forecast_of(const ledger::task_state& s, const asked_players& players,
                           const ledger::config& c, const call_history& history) {
  money_forecast f;
  bool all_known = true;
  call_history::average sum;
  for (auto& row : ledger::step_table) {
    auto* first = first_of(players, row.by);
    auto visits = visits_of(s, row.id, c.limits);
    if (!first || visits == 0)
      continue;
    f.most_calls += most_calls_of(players.at(row.by), visits, c.limits);
    bool is_filed = s.at == row.id && s.ph == ledger::phase::answered;
    bool is_sure = s.at <= row.id && (row.id != step::test || s.fixing) && !is_filed;
    if (first->counts && is_sure)
      ++f.fewest_calls;
    auto known = history.of(row.id, first->provider);
    if (first->counts && (is_sure || row.id == step::test)) {
      all_known &= known.has_value();
      sum.calls += known ? known->calls : 0;
      sum.usd += known ? known->usd : 0;
    }
  }
  f.most_usd = most_usd_of(s, players, c.budget);
  if (all_known && f.most_calls > 0) {
    f.likely_calls = sum.calls;
    f.likely_usd = sum.usd;
  }
  return f;
}

std::string calls_words(const money_forecast& f) {
  if (f.most_calls == 0)
    return "none";
  auto most = fmt::format("at most {}", f.most_calls);
  return f.likely_calls ? fmt::format("about {:.0f}, {}", *f.likely_calls, most)
                        : fmt::format("{} or more, {}", f.fewest_calls, most);
}

std::string usd_words(const money_forecast& f) {
  if (f.most_usd == 0.0)
    return "nothing";
  auto most = f.most_usd ? fmt::format("at most ${:.2f}", *f.most_usd) : "no limit";
  return f.likely_usd ? fmt::format("about ${:.2f}, {}", *f.likely_usd, most) : most;
}

} // namespace cli
