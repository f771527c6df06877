// What a run begins with: what is spent, and whom to leave alone.

#include "cli/run_money.hpp"

#include "tests/disk/ledger_fixture.hpp"

namespace {

using ledger::event;
using ledger::record;

constexpr std::int64_t start_ms = 1'795'367'689'000;

record record_of(std::int64_t second, event what, ledger::json detail = ledger::json::object()) {
  record r;
  r.time = ledger::format_time(start_ms + second * 1'000);
  r.what = what;
  r.detail = std::move(detail);
  return r;
}

record deferred(std::int64_t second, std::int64_t until_second) {
  return record_of(
      second, event::deferred,
      {{"provider", "slow"}, {"until", ledger::format_time(start_ms + until_second * 1'000)}});
}

class RunMoney : public ledger::disk::ledger_test {
protected:
  RunMoney() {
    known.tasks = {"T"};
    known.chain_of = [this](const std::string&) { return records; };
    p.config.budget.run_usd = 10;
  }

  void spend(double usd) {
    records.push_back(record_of(0, event::asked, {{"usd_reserved", usd}}));
    records.push_back(record_of(0, event::answered, {{"usd", usd}}));
  }

  /// `goes_on`: T was left unfinished by the run before.
  actors::till open_at(std::int64_t second, bool goes_on, ledger::disk::journal& j) {
    cli::selection s;
    cli::found_prompt prompt;
    prompt.task = "T";
    if (goes_on)
      s.to_run.push_back({&prompt, {}});
    if (goes_on)
      s.to_run.back().state.seq = 1;
    auto till = cli::open_till(p, s, known, j, start_ms + second * 1'000);
    EXPECT_TRUE(till) << till.error().detail;
    return till.value();
  }

  cli::preflight p;
  cli::ledger_facts known;
  std::vector<record> records;
};

TEST_F(RunMoney, OfARunThatGoesOnIsNotRenewedWhateverTheClockSays) {
  auto j = open();
  spend(3);
  EXPECT_DOUBLE_EQ(open_at(100, false, j).purse.spent(), 0) << "that was another run's";
  spend(1);
  // The clock was set back by an hour: the next record is older than the run.
  EXPECT_DOUBLE_EQ(open_at(-3'600, true, j).purse.spent(), 1);
  spend(0.5);
  EXPECT_DOUBLE_EQ(open_at(200, true, j).purse.spent(), 1.5);
  EXPECT_DOUBLE_EQ(open_at(300, false, j).purse.spent(), 0);
}

TEST_F(RunMoney, ThatNobodyNotedIsAllSpent) {
  auto j = open();
  spend(3);
  EXPECT_DOUBLE_EQ(open_at(0, true, j).purse.spent(), 3);
}

TEST_F(RunMoney, LeavesAloneOnlyWhoStillAsksForIt) {
  auto j = open();
  records = {deferred(0, 60)};
  EXPECT_EQ(open_at(10, true, j).leave_until_ms.at("slow"), start_ms + 60'000);
  // A wait of the past made every later batch begin one call at a time.
  EXPECT_TRUE(open_at(61, true, j).leave_until_ms.empty());
  // Recorded while the clock was ahead.
  records = {deferred(86'400, 90'000)};
  EXPECT_TRUE(open_at(10, true, j).leave_until_ms.empty());
}

} // namespace
