#include "tests/ledger/story.hpp"

using namespace ledger;
using ledger::testing::story;

namespace {

TEST(Decide, AsksForAGrantBeforeEveryStep) {
  for (auto& row : step_table) {
    if (row.id == step::ingest)
      continue;
    SCOPED_TRACE(row.name);
    story t;
    t.until(row.id);
    EXPECT_TRUE(t.next_is<ask_for_grant>());
  }
}

TEST(Decide, GoesThroughTheDeliveryInOrder) {
  story t;
  t.until(step::deliver);
  t.grant();
  EXPECT_TRUE(t.next_is<write_intent>());
  t.add(draft_intended(t.state, 1, ""));
  EXPECT_TRUE(t.next_is<make_commit>());
  t.add(draft_committed(t.state, "c"));
  EXPECT_TRUE(t.next_is<run_build>());
  t.add(draft_built(t.state, true, "", nullptr));
  EXPECT_TRUE(t.next_is<write_deploy_intent>());
  t.add(draft_deploying(t.state));
  EXPECT_TRUE(t.next_is<run_deploy>());
  deploy_outcome d;
  d.ok = true;
  t.add(draft_deployed(t.state, d));
  ASSERT_TRUE(t.next_is<finish>());
  EXPECT_EQ(std::get<finish>(t.next()).as, status::done);
}

TEST(Decide, AKillBetweenIntentAndReceiptGoesOnWithTheSameIntent) {
  story t;
  t.until(step::deliver);
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  t.add(draft_resumed(t.state));
  EXPECT_TRUE(t.next_is<ask_for_grant>()) << "the contract is read again first";
  t.grant();
  EXPECT_TRUE(t.next_is<make_commit>());
  EXPECT_EQ(t.state.out.time_s, 1);
}

TEST(Decide, ANoInStepTwoStopsTheTask) {
  story t;
  t.until(step::decide);
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"it would delete the archive"});
  ASSERT_TRUE(t.next_is<stop>());
  auto why = std::get<stop>(t.next());
  EXPECT_EQ(why.reason, "claude-said-no");
  EXPECT_NE(why.why.find("it would delete the archive"), std::string::npos);
  EXPECT_FALSE(why.remedy.empty());
}

TEST(Decide, RedChecksANoOfTheReviewAndANoOfTheVerificationOpenARound) {
  for (auto at : {step::test, step::review, step::verify}) {
    SCOPED_TRACE(to_string(at));
    story t;
    t.until(at);
    if (at == step::test) {
      t.checks(false);
    } else {
      t.grant();
      t.answer("no");
      t.judge_as(judged::said_no, {"wrong"});
    }
    EXPECT_TRUE(t.next_is<open_round>());
    t.add(draft_round_opened(t.state));
    EXPECT_EQ(t.state.at, step::test);
    EXPECT_TRUE(t.state.fixing);
    EXPECT_EQ(t.state.round, 2u);
    EXPECT_FALSE(t.state.final_ok) << "the final contract falls with its round";
    t.grant();
    EXPECT_TRUE(t.next_is<ask_role>()) << "a fix comes before new checks";
    t.answer("fixed", "tree2");
    EXPECT_NE(file_of(t.state, "codex/fix-1.md"), nullptr);
    t.judge_as(judged::accepted);
    EXPECT_TRUE(t.next_is<ask_for_grant>());
    t.grant();
    EXPECT_TRUE(t.next_is<run_checks>());
  }
}

TEST(Decide, AFailedBuildIsFixedAndReTested) {
  story t;
  t.until(step::deliver);
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  t.add(draft_committed(t.state, "c1"));
  t.add(draft_built(t.state, false, "exit 2", ledger::testing::text("log")));
  ASSERT_TRUE(t.next_is<open_round>());
  t.add(draft_round_opened(t.state));
  EXPECT_EQ(t.state.cause.kind, refusal::build_failed);
  ASSERT_FALSE(t.state.cause.evidence.empty());
  EXPECT_EQ(t.state.cause.evidence.front().path, "final/old/build.round-1.log");
  t.step_ok("tree2");
  t.checks(true);
  t.step_ok();
  t.step_ok();
  EXPECT_EQ(t.state.branch_commit, "c1") << "the next commit replaces this one";
  t.deliver();
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Decide, AnOutageOfTheDeployServiceRunsTheTestsAgainAndTouchesNoCode) {
  story t;
  t.until(step::deliver);
  t.commit_and_build("c");
  t.add(draft_failed(t.state, {fault::unavailable, "503"}));
  EXPECT_TRUE(t.next_is<wait_until>());
  t.now_ms += 60'000;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
  t.grant();
  EXPECT_TRUE(t.next_is<run_checks>());
  t.checks(true);
  EXPECT_EQ(t.state.round, 1u);
  EXPECT_TRUE(t.next_is<run_deploy>());
}

TEST(Decide, AnEmptyDiffEndsAsNoChange) {
  story t;
  t.until(step::implement);
  t.step_ok("tree0");
  ASSERT_TRUE(t.next_is<finish>());
  EXPECT_EQ(std::get<finish>(t.next()).as, status::no_change);
  t.add(draft_finished(t.state, status::no_change, t.conf, t.now_ms));
  EXPECT_EQ(t.state.is, status::no_change);
  EXPECT_EQ(file_of(t.state, path::status), nullptr);
}

TEST(Decide, AfterThreeRefusedAnswersAPersonIsNeeded) {
  story t;
  t.open();
  for (int i = 0; i < 3; ++i) {
    t.grant();
    t.answer("bad");
    t.judge_as(judged::rejected, {"no schema drift section"});
  }
  ASSERT_TRUE(t.next_is<park>());
  auto p = std::get<park>(t.next());
  EXPECT_EQ(p.reason, "tries-used");
  EXPECT_NE(p.why.find("no schema drift section"), std::string::npos);
}

TEST(Decide, BacksOffAfterAFailureAndNotLonger) {
  story t;
  t.open();
  t.grant();
  t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
  ASSERT_TRUE(t.next_is<wait_until>());
  EXPECT_EQ(std::get<wait_until>(t.next()).at_ms, story::start_ms + 200);
  t.now_ms += 200;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

TEST(Decide, MoreRestartsThanTheIntensityWithinThePeriodParkTheTask) {
  story t;
  t.conf.limits.tries = 100;
  t.open();
  for (int i = 0; i < 4; ++i) {
    t.grant();
    t.add(draft_failed(t.state, {fault::unavailable, "the child died"}));
    t.now_ms += 1000;
  }
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "restarting-too-often");
}

TEST(Decide, TheSameNumberOfRestartsOverALongerTimeIsBearable) {
  story t;
  t.conf.limits.tries = 100;
  t.open();
  for (int i = 0; i < 4; ++i) {
    t.grant();
    t.add(draft_failed(t.state, {fault::unavailable, "the child died"}));
    t.now_ms += 40'000;
  }
  EXPECT_FALSE(t.next_is<park>());
}

TEST(Decide, TheSameFailureWithTheSameDiffTwiceParks) {
  story t;
  t.until(step::test);
  t.checks(false);
  t.add(draft_round_opened(t.state));
  t.step_ok("tree1"); // A fix that changed nothing.
  t.checks(false);
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "same-failure-twice");
}

TEST(Decide, AnotherFailureOrAnotherDiffIsNotTheSame) {
  for (bool other_tree : {false, true}) {
    story t;
    t.until(step::test);
    t.checks(false, 1);
    t.add(draft_round_opened(t.state));
    t.step_ok(other_tree ? "tree2" : "tree1");
    t.checks(false, other_tree ? 1 : 7);
    EXPECT_TRUE(t.next_is<open_round>());
  }
}

TEST(Decide, FixRoundsHaveALimitThatARetryRenews) {
  story t;
  t.conf.limits.fix_rounds = 2;
  t.until(step::test);
  for (int i = 0; i < 2; ++i) {
    t.checks(false);
    ASSERT_TRUE(t.next_is<open_round>());
    t.add(draft_round_opened(t.state));
    t.step_ok("tree" + std::to_string(i + 2));
  }
  t.checks(false);
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "fix-rounds-used");
  t.add(draft_parked(t.state, "fix-rounds-used", "", ""));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_TRUE(t.next_is<open_round>());
}

TEST(Decide, AProvidersRefusalParksUnderItsCode) {
  story t;
  t.until(step::test);
  t.checks(false);
  t.add(draft_round_opened(t.state));
  t.grant();
  t.add(draft_asked(t.state, {}));
  t.add(draft_failed(t.state, {fault::refused, "no diff block is left", "no-fix-left"}));
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "no-fix-left");
}

TEST(Decide, ATerminalTaskRests) {
  story t;
  t.open();
  t.add(draft_cancelled(t.state));
  EXPECT_TRUE(t.next_is<rest>());
}

TEST(Backoff, GrowsAndHasAnEnd) {
  EXPECT_EQ(backoff_ms(0), 0);
  EXPECT_EQ(backoff_ms(1), 200);
  EXPECT_EQ(backoff_ms(2), 400);
  EXPECT_EQ(backoff_ms(1000), 30'000);
}

} // namespace
