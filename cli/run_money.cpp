#include "cli/run_money.hpp"

#include "ledger/detail.hpp"
#include "ledger/money.hpp"

#include <algorithm>

namespace cli {

namespace {

constexpr std::string_view run_began_note = "run.began";

/// When the run began (RFC 3339): now, or with an earlier batch.
ledger::result<std::string> began(bool goes_on, ledger::disk::journal& journal,
                                  std::int64_t now_ms) {
  if (goes_on) {
    auto note = journal.note(run_began_note);
    if (note || note.error().kind != ledger::fault::not_found)
      return note;
  }
  auto now = ledger::format_time(now_ms);
  if (auto ok = journal.put_note(run_began_note, now); !ok)
    return tl::make_unexpected(ok.error());
  return now;
}

/// The latest time until which each provider asked to be left alone.
void note_deferrals(const std::vector<ledger::record>& records,
                    std::map<std::string, std::int64_t>& until_ms) {
  for (auto& r : records) {
    if (r.what != ledger::event::deferred)
      continue;
    auto& latest = until_ms[ledger::text_at(r.detail, "provider")];
    latest = std::max(latest, ledger::parse_time(ledger::text_at(r.detail, "until")).value_or(0));
  }
}

} // namespace

bool goes_on(const selection& s, const ledger_facts& known) {
  return std::any_of(s.to_run.begin(), s.to_run.end(), [&](auto& t) {
    if (t.state.seq == 0 || t.state.terminal())
      return false;
    auto records = known.chain_of(t.prompt->task);
    return !records.empty() && records.back().what != ledger::event::retried;
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
  auto since = began(goes_on(s, known), journal, now_ms);
  if (!since)
    return tl::make_unexpected(since.error());
  for (auto& task : known.tasks) {
    auto records = known.chain_of(task);
    till.purse.begin_with(task, ledger::spent_usd(records, *since), ledger::spent_usd(records));
    note_deferrals(records, till.leave_until_ms);
  }
  return till;
}

} // namespace cli
