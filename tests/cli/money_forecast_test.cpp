// What a task may take in calls and dollars, from the limits and from the ledger.

#include "cli/money_forecast.hpp"

#include <gtest/gtest.h>

namespace {

using cli::asked_player;
using cli::asked_players;
using cli::call_history;
using cli::forecast_of;
using ledger::role;
using ledger::step;
using ledger::task_state;

class MoneyForecast : public ::testing::Test {
protected:
  MoneyForecast() {
    for (auto r : {role::gemini, role::claude, role::codex})
      players[r] = {{std::string{to_string(r)} + "-api", true, true, true}};
    c.limits.tries = 3;
    c.limits.turns = 10;
    c.limits.fix_rounds = 2;
  }

  /// A task that is done, each step in so many calls at 10 cents each.
  task_state done_in(std::uint32_t calls, std::uint32_t fixes) {
    task_state t;
    t.seq = 40;
    t.at = step::deliver;
    t.is = ledger::status::done;
    for (auto r : {role::gemini, role::claude, role::codex})
      t.played_by.edit()[std::string{to_string(r)}] = std::string{to_string(r)} + "-api/model/1";
    auto spend = [&](step s, std::uint32_t n) {
      auto by = std::string{to_string(ledger::row_of(s).by)} + "-api";
      if (n > 0)
        t.spent.edit()[{s, by}] = {n, 0.1 * n, 0, 0};
    };
    for (auto s : {step::audit, step::decide, step::plan, step::implement})
      spend(s, calls);
    spend(step::test, fixes * calls);
    spend(step::review, (1 + fixes) * calls);
    spend(step::verify, (1 + fixes) * calls);
    return t;
  }

  asked_players players;
  ledger::config c;
  call_history history;
};

TEST_F(MoneyForecast, CountsAStepACallAtLeastAndTheLimitsAtMost) {
  auto f = forecast_of({}, players, c, history);
  EXPECT_EQ(f.fewest_calls, 6u) << "audit, decide, plan, implement, review, verify";
  // Four steps once, two fixes, and review and verification once and after each
  // fix, each with three tries of ten turns.
  EXPECT_EQ(f.most_calls, (4u + 2 + 3 + 3) * 30);
  EXPECT_FALSE(f.likely_calls);
  EXPECT_FALSE(f.most_usd);
  EXPECT_EQ(calls_words(f), "6 or more, at most 360");
  EXPECT_EQ(usd_words(f), "no limit");
}

TEST_F(MoneyForecast, TakesTheTasksOfTheLedgerForTheMeasure) {
  history.learn(done_in(2, 0));
  history.learn(done_in(2, 1));
  c.budget.task_usd = 5;
  auto f = forecast_of({}, players, c, history);
  // Eight calls before the tests, a fix in every second task, and three times
  // two calls of reviewing and verifying in two tasks.
  EXPECT_DOUBLE_EQ(f.likely_calls.value(), 8 + 1 + 3 + 3);
  EXPECT_NEAR(f.likely_usd.value(), 1.5, 1e-9);
  EXPECT_EQ(usd_words(f), "about $1.50, at most $5.00");
}

TEST_F(MoneyForecast, CountsFromWhereATaskStands) {
  history.learn(done_in(1, 0));
  task_state t;
  t.seq = 20;
  t.at = step::review;
  t.round = 2;
  t.usd = 1.75;
  c.budget.task_usd = 2;
  auto f = forecast_of(t, players, c, history);
  EXPECT_EQ(f.fewest_calls, 2u);
  EXPECT_DOUBLE_EQ(f.likely_calls.value(), 2);
  EXPECT_EQ(f.most_calls, (1u + 2 + 2) * 30) << "one of the two fixes is used";
  EXPECT_NEAR(f.most_usd.value(), 0.25, 1e-9);
}

TEST_F(MoneyForecast, NamesNothingLikelyThatAnotherProviderDid) {
  history.learn(done_in(1, 0));
  players[role::claude].front().provider = "another";
  auto f = forecast_of({}, players, c, history);
  EXPECT_FALSE(f.likely_calls);
  EXPECT_EQ(history.tasks(), 1u);
}

TEST_F(MoneyForecast, CountsFallbacksAndToolsThatAnswerAtOnce) {
  players[role::gemini] = {{"tool", true, false, true}, {"gemini-api", true, true, true}};
  auto f = forecast_of({}, players, c, history);
  // An audit and three verifications: three runs of the tool or, after those,
  // three conversations.
  EXPECT_EQ(f.most_calls, (3u + 2 + 3) * 30 + 4 * 3 + 4 * 30);
}

TEST_F(MoneyForecast, SaysNothingOfThoseWhoAreFreeOrNotCalled) {
  for (auto& [r, all] : players)
    all.front() = {"offline", false, true, false};
  auto f = forecast_of({}, players, c, history);
  EXPECT_EQ(calls_words(f), "none");
  EXPECT_EQ(usd_words(f), "nothing");
  EXPECT_FALSE(f.likely_usd);
}

} // namespace
