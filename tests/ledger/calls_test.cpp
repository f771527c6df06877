// The life of a call: turns, money, and every way to end without an answer.

#include "tests/ledger/story.hpp"

#include "ledger/money.hpp"

namespace ledger {
namespace {

using ledger::testing::story;
using ledger::testing::text;

class Calls : public ::testing::Test {
protected:
  Calls() { t.open(); }

  /// The purse of the next run counts what the state counts.
  void TearDown() override {
    EXPECT_NEAR(spent_usd(t.records), t.state.usd + t.state.usd_reserved, 1e-9);
  }

  void ask(double reserved = 0, const std::string& input = "in", bool anew = false) {
    t.add(draft_asked(t.state, {"api", "m", "1", input, reserved, anew}));
  }

  void turn(double usd = 0, std::int64_t took_ms = 10) {
    turning x{text("turn " + std::to_string(t.state.turns + 1) + "\n")};
    x.usd = usd;
    x.took_ms = took_ms;
    t.add(draft_turned(t.state, x));
  }

  void end(std::string_view kind, std::string code = "c", double usd = 0) {
    t.add(draft_call_failed(t.state, {kind, "api", std::move(code), "because", usd}));
  }

  static constexpr std::string_view conversation = "gemini/audit.turns.jsonl";

  story t;
};

TEST_F(Calls, ATurnIsOnRecordAndTheCallGoesOnWithoutAnotherGrant) {
  t.grant();
  ask();
  turn();
  EXPECT_EQ(t.state.turns, 1u);
  EXPECT_EQ(t.state.ph, phase::granted);
  EXPECT_EQ(file_of(t.state, conversation)->bytes, 7u);
  ask();
  turn();
  EXPECT_EQ(t.state.turns, 2u);
  EXPECT_EQ(file_of(t.state, conversation)->bytes, 14u);
  t.answer("the audit");
  t.judge_as(judged::accepted);
  EXPECT_EQ(t.state.turns, 0u) << "the next step's conversation begins";
  EXPECT_TRUE(file_of(t.state, conversation)) << "and this one stays beside its answer";
}

TEST_F(Calls, ARunThatEndedBetweenTwoTurnsLosesNone) {
  t.grant();
  ask();
  turn();
  ask();
  t.add(draft_resumed(t.state));
  EXPECT_EQ(t.state.turns, 1u);
  EXPECT_EQ(t.state.attempt, 1u);
  t.grant();
  ask();
  turn();
  EXPECT_EQ(t.state.turns, 2u);
}

TEST_F(Calls, ATurnOutOfOrderIsRefused) {
  t.grant();
  ask();
  auto d = draft_turned(t.state, {text("x\n")});
  d.detail["turn"] = 2;
  EXPECT_NE(t.refusal_of(d).find("not the next turn"), std::string::npos);
}

TEST_F(Calls, AnotherProviderOrInputBeginsTheConversationAnew) {
  t.grant();
  ask();
  turn();
  ask(0, "another input", true);
  EXPECT_EQ(t.state.turns, 0u);
  EXPECT_FALSE(file_of(t.state, conversation));
  EXPECT_TRUE(file_of(t.state, "gemini/old/audit.turns.superseded-1.jsonl"));
  turn();
  EXPECT_EQ(t.state.turns, 1u);
}

TEST_F(Calls, ARejectedAnswerTakesItsConversationAlong) {
  t.grant();
  ask();
  turn();
  t.answer("bad");
  t.judge_as(judged::rejected, {"too short"});
  EXPECT_EQ(t.state.turns, 0u);
  EXPECT_TRUE(file_of(t.state, "gemini/old/audit.turns.rejected-1.jsonl"));
}

// A cut-off answer was asked for again and again, for as long as patience held:
// each of them was billed.
TEST_F(Calls, AnAnswerThatIsNoneCountsAsAnAttemptAndTellsTheNext) {
  for (std::uint32_t n = 1; n <= t.conf.limits.tries; ++n) {
    t.grant();
    ask(0.5);
    turn(0.1);
    ask(0.5);
    end(spoiled_kind, "cut-off", 0.2);
    EXPECT_EQ(t.state.attempt, n + 1);
    EXPECT_EQ(t.state.complaints.back(), "because");
    EXPECT_EQ(t.state.turns, 0u);
  }
  auto next = t.next();
  ASSERT_TRUE(std::holds_alternative<park>(next));
  EXPECT_EQ(std::get<park>(next).reason, "tries-used");
  EXPECT_NEAR(t.state.usd, 0.3 * t.conf.limits.tries, 1e-9);
}

TEST_F(Calls, AProviderThatAsksToBeLeftAloneCostsNoAttemptAndNoPatience) {
  auto until = t.now_ms + 4 * 3'600'000;
  t.grant();
  ask();
  turn();
  ask();
  t.add(draft_deferred(t.state, {"", "api", "rate-limited", "resets at T"}, until));
  EXPECT_EQ(t.state.attempt, 1u);
  EXPECT_EQ(t.state.turns, 1u) << "what was said is kept";
  ASSERT_TRUE(t.next_is<wait_until>());
  EXPECT_EQ(std::get<wait_until>(t.next()).at_ms, until);
  t.add(draft_resumed(t.state));
  EXPECT_TRUE(t.next_is<wait_until>()) << "after a restart as well";
  t.now_ms = until;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

TEST_F(Calls, AClockThatIsSetBackMakesNoDeferralLonger) {
  t.grant();
  ask();
  t.add(draft_deferred(t.state, {"", "api", "c", "w"}, t.now_ms + 60'000));
  t.now_ms -= 10 * 3'600'000;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

TEST_F(Calls, MoneyThatWasPutAsideIsSpentUnlessAReceiptSaysLess) {
  t.grant();
  ask(0.5);
  EXPECT_EQ(t.state.usd_reserved, 0.5);
  turn(0.125);
  EXPECT_EQ(t.state.usd, 0.125);
  EXPECT_EQ(t.state.usd_reserved, 0);
  ask(0.5);
  t.add(draft_resumed(t.state)); // Killed: nobody knows what became of the call.
  EXPECT_EQ(t.state.usd, 0.625);
  t.grant();
  ask(0.5);
  end("unavailable", "connect", 0);
  EXPECT_EQ(t.state.usd, 0.625);
}

TEST_F(Calls, ARefusalGoesToTheNextProviderAndThenToAPerson) {
  t.conf.roles[role::gemini] = {"first", "", {"second", "third"}};
  for (std::string who : {"first", "second"}) {
    EXPECT_EQ(provider_of(t.state, t.conf, role::gemini), who);
    t.grant();
    ask();
    end("refused", "no-credit");
    auto next = t.next();
    ASSERT_TRUE(std::holds_alternative<fall_back>(next)) << who;
    auto& f = std::get<fall_back>(next);
    EXPECT_EQ(f.from, who);
    t.add(draft_fell_back(t.state, f.from, f.to));
    EXPECT_EQ(t.state.attempt, 1u);
  }
  t.grant();
  ask();
  end("refused", "no-credit");
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "no-credit");
  EXPECT_EQ(provider_of(t.state, t.conf, role::claude), "offline") << "of another role: untouched";
  t.add(draft_parked(t.state, "no-credit", "w", "r"));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_EQ(provider_of(t.state, t.conf, role::gemini), "first") << "a person begins again";
}

TEST_F(Calls, AnExhaustedBudgetIsNoReasonToFallBack) {
  t.conf.roles[role::gemini] = {"first", "", {"second"}};
  t.grant();
  end("refused", std::string{run_budget_code});
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, run_budget_code);
  EXPECT_NE(std::get<park>(t.next()).remedy.find("[budget]"), std::string::npos);
}

TEST_F(Calls, WhoeverIsAwayTooLongIsReplaced) {
  t.conf.roles[role::gemini] = {"first", "", {"second"}};
  auto gone_until = t.now_ms + t.conf.limits.patience.count() + 1;
  while (t.now_ms <= gone_until + 60'000 && !t.next_is<fall_back>()) {
    if (t.state.ph == phase::ready)
      t.grant();
    ask();
    end("unavailable", "connect");
    t.now_ms += 30'000;
  }
  ASSERT_TRUE(t.next_is<fall_back>());
  t.add(draft_fell_back(t.state, "first", "second"));
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

TEST_F(Calls, AConversationHasAnEnd) {
  t.conf.limits.turns = 2;
  t.grant();
  ask();
  turn();
  EXPECT_EQ(why_conversation_ends(t.state, t.conf.limits), "");
  ask();
  turn();
  EXPECT_NE(why_conversation_ends(t.state, t.conf.limits).find("2 turns"), std::string::npos);
  t.conf.limits.turns = 9;
  t.conf.limits.conversation_bytes = 14;
  EXPECT_NE(why_conversation_ends(t.state, t.conf.limits).find("14 bytes"), std::string::npos);
  t.conf.limits.conversation_bytes = 15;
  t.conf.limits.conversation_time = milliseconds{20};
  EXPECT_NE(why_conversation_ends(t.state, t.conf.limits).find("0.020 s"), std::string::npos);
}

// All who failed together came back together, and failed together.
TEST(Spread, IsEvenAndTheSameForTheSameSeed) {
  std::int64_t sum = 0;
  for (int i = 0; i < 1000; ++i) {
    auto ms = spread_ms(1000, "seed " + std::to_string(i));
    EXPECT_GE(ms, 1);
    EXPECT_LE(ms, 1000);
    EXPECT_EQ(ms, spread_ms(1000, "seed " + std::to_string(i)));
    sum += ms;
  }
  EXPECT_NEAR(static_cast<double>(sum) / 1000, 500, 50);
  EXPECT_EQ(spread_ms(0, "x"), 0);
}

} // namespace
} // namespace ledger
