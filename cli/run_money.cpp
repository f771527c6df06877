#include "cli/run_money.hpp"

#include "ledger/detail.hpp"
#include "ledger/money.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace cli {

namespace {

constexpr std::string_view spent_before_note = "run.spent_before";

/// What all tasks had spent when the run began: `spent` if it begins now. A sum
/// and not a time, so that no clock that is set can renew a budget.
ledger::result<double> spent_before(bool goes_on, double spent, ledger::disk::journal& journal) {
  if (goes_on) {
    auto note = journal.note(spent_before_note);
    if (!note && note.error().kind != ledger::fault::not_found)
      return tl::make_unexpected(note.error());
    double before = 0;
    if (note && std::sscanf(note->c_str(), "%lf", &before) == 1)
      return before;
    return 0.0; // Nobody knows: all of it counts.
  }
  if (auto ok = journal.put_note(spent_before_note, fmt::format("{:.9f}", spent)); !ok)
    return tl::make_unexpected(ok.error());
  return spent;
}

/// The latest time until which each provider asked to be left alone. What is
/// over is over; and a record from the future is a clock that was set back since:
/// nobody knows how long the provider waits still.
void note_deferrals(const std::vector<ledger::record>& records, std::int64_t now_ms,
                    std::map<std::string, std::int64_t>& until_ms) {
  for (auto& r : records) {
    if (r.what != ledger::event::deferred)
      continue;
    auto until = ledger::parse_time(ledger::text_at(r.detail, "until")).value_or(0);
    if (until <= now_ms || ledger::parse_time(r.time).value_or(now_ms + 1) > now_ms)
      continue;
    auto& latest = until_ms[ledger::text_at(r.detail, "provider")];
    latest = std::max(latest, until);
  }
}

} // namespace

bool goes_on(const selection& s, const ledger_facts& known) {
  return std::any_of(s.to_run.begin(), s.to_run.end(), [&](auto& t) {
    if (t.state.seq == 0 || t.state.terminal())
      return false;
    auto records = known.chain_of(t.prompt->task);
    using enum ledger::event;
    auto by_person = [](auto e) { return e == retried || e == approved || e == awaiting; };
    return !records.empty() && !by_person(records.back().what);
  });
}

ledger::result<actors::till> open_till(const preflight& p, const selection& s,
                                       const ledger_facts& known, ledger::disk::journal& journal,
                                       std::int64_t now_ms) {
  actors::till till;
  till.purse = ledger::purse{p.config.budget};
  for (auto& [role, players] : p.players)
    for (auto& player : players)
      if (auto limits = player.who->limits())
        till.rates[player.name] = *limits;
  if (till.rates.empty() && !p.config.budget.run_usd && !p.config.budget.task_usd)
    return till; // Nothing to count, and nobody to leave alone.
  double spent = 0;
  for (auto& task : known.tasks) {
    auto records = known.chain_of(task);
    auto usd = ledger::spent_usd(records);
    till.purse.begin_task(task, usd);
    spent += usd;
    note_deferrals(records, now_ms, till.leave_until_ms);
  }
  auto before = spent_before(goes_on(s, known), spent, journal);
  if (!before)
    return tl::make_unexpected(before.error());
  till.purse.begin_run(std::max(0.0, spent - *before));
  return till;
}

} // namespace cli
