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

TEST(Decide, StepEightBeginsWithTheCommitUnlessThereIsOneOrALineToStandIn) {
  story t;
  t.until(step::deliver);
  EXPECT_TRUE(begins_with_commit(t.state, t.conf));
  auto lands = t.conf;
  lands.landing.mode = landing_mode::branch;
  EXPECT_FALSE(begins_with_commit(t.state, lands));
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  t.add(draft_resumed(t.state));
  EXPECT_FALSE(begins_with_commit(t.state, t.conf)) << "it is intended already";
  story early;
  early.until(step::verify);
  EXPECT_FALSE(begins_with_commit(early.state, early.conf));
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
  EXPECT_EQ(t.state.out->time_s, 1);
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
  EXPECT_EQ(t.state.cause->kind, refusal::build_failed);
  ASSERT_FALSE(t.state.cause->evidence.empty());
  EXPECT_EQ(t.state.cause->evidence.front().path, "final/old/build.round-1.log");
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

// A fix that took the whole change back counted as an empty diff: a success.
TEST(Decide, AFixThatUndoesTheChangeNeedsAPerson) {
  story t;
  t.fix_due();
  t.step_ok("tree0");
  ASSERT_TRUE(t.next_is<park>());
  auto p = std::get<park>(t.next());
  EXPECT_EQ(p.reason, "fix-undid-change");
  EXPECT_NE(p.why.find("review-no"), std::string::npos) << p.why;
  EXPECT_NE(t.refusal_of(draft_finished(t.state, status::no_change, t.conf, 0)), "");
  t.add(draft_parked(t.state, p.reason, p.why, p.remedy));
  t.add(*draft_retried(t.state, step::implement, nullptr)); // As the remedy says.
  t.play();
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Decide, AnEmptyDiffOfALaterRoundsNewImplementationIsNoChange) {
  story t;
  t.fix_due();
  t.step_ok("tree2");
  t.add(draft_cancelled(t.state));
  t.add(*draft_retried(t.state, step::implement, nullptr));
  t.step_ok("tree0");
  ASSERT_TRUE(t.next_is<finish>()) << "the fixes went with the implementation";
  t.add(draft_finished(t.state, status::no_change, t.conf, t.now_ms));
  EXPECT_EQ(t.state.is, status::no_change);
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

// "Sharpen the prompt" was the advice for a service that was down.
TEST(Decide, TheRemedyOfTriesUsedFitsWhatFailed) {
  story refused, failed;
  for (auto* t : {&refused, &failed})
    t->open();
  for (int i = 0; i < 3; ++i) {
    refused.grant();
    refused.answer("bad");
    refused.judge_as(judged::rejected, {"no schema drift section"});
    failed.grant();
    failed.add(draft_failed(failed.state, {fault::not_found, "no such program"}));
    failed.now_ms += 86'400'000;
  }
  ASSERT_TRUE(refused.next_is<park>());
  EXPECT_NE(std::get<park>(refused.next()).remedy.find("sharpen the prompt"), std::string::npos);
  if (failed.next_is<park>()) {
    EXPECT_EQ(std::get<park>(failed.next()).remedy.find("prompt"), std::string::npos);
  } else {
    ADD_FAILURE() << "three failures are three tries";
  }
}

TEST(Decide, BacksOffAfterAFailureAndNotLonger) {
  story t;
  t.open();
  t.grant();
  t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
  ASSERT_TRUE(t.next_is<wait_until>());
  auto until_ms = std::get<wait_until>(t.next()).at_ms;
  EXPECT_GT(until_ms, story::start_ms);
  EXPECT_LE(until_ms, story::start_ms + 200) << "spread, but no longer";
  t.now_ms = until_ms;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

// A clock that was set back a day made every pause a day long.
TEST(Decide, AClockThatIsSetBackMakesNoPauseLong) {
  for (std::int64_t back_ms : {150, 250, 1000, 40'000, 86'400'000}) {
    SCOPED_TRACE(back_ms);
    story t;
    t.open();
    t.grant();
    t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
    t.now_ms -= back_ms;
    auto before = t.now_ms;
    if (t.next_is<wait_until>()) // Whoever waited asks again: there must be an end to it.
      t.now_ms = std::get<wait_until>(t.next()).at_ms;
    EXPECT_TRUE(t.next_is<ask_for_grant>());
    EXPECT_LE(t.now_ms - before, 2 * backoff_ms(1));
  }
}

// A success forgot the deaths before it, and a step has but three attempts: with
// the defaults the limit of restarts was never reached.
TEST(Decide, MoreRestartsThanTheIntensityWithinThePeriodParkTheTask) {
  story t;
  t.open();
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(t.next_is<park>()) << i;
    t.grant();
    t.add(draft_died(t.state, "the child died"));
    t.now_ms += 1000;
    if (i % 2 == 1)
      t.step_ok();
  }
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "restarting-too-often");
  t.add(draft_parked(t.state, "restarting-too-often", "", ""));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_TRUE(t.next_is<ask_for_grant>()) << "a person's retry begins anew";
}

TEST(Decide, ATaskWhoseActorAlwaysDiesAfterARefusalIsParked) {
  story t;
  t.until(step::test);
  t.checks(false);
  ASSERT_TRUE(t.next_is<open_round>());
  for (int i = 0; i < 4; ++i) {
    ASSERT_FALSE(t.next_is<park>()) << i;
    t.add(draft_restarted(t.state, "the task's actor died"));
    EXPECT_EQ(t.next_is<wait_until>(), i < 3) << "not at once again";
    t.now_ms += 5000;
  }
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "restarting-too-often");
}

// A verdict is no attempt: only what follows from it counts.
TEST(Decide, AnAttemptThatEndedInAVerdictIsNotOneTooMany) {
  story t;
  t.until(step::review);
  for (int i = 0; i < 2; ++i) {
    t.grant();
    t.answer("bad");
    t.judge_as(judged::rejected, {"no verdict"});
  }
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"wrong"});
  t.add(draft_restarted(t.state, "the task's actor died"));
  t.now_ms += 1000;
  EXPECT_TRUE(t.next_is<open_round>());
}

// A service that was down for two seconds cost a task its three attempts.
TEST(Decide, WhatIsUnavailableIsWaitedForAndCostsNoAttempt) {
  story t;
  t.open();
  for (int i = 0; i < 20; ++i) {
    t.grant();
    t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
    EXPECT_EQ(t.state.attempt, 1u);
    ASSERT_TRUE(t.next_is<wait_until>());
    t.now_ms = std::get<wait_until>(t.next()).at_ms;
    ASSERT_TRUE(t.next_is<ask_for_grant>());
  }
  t.step_ok();
  EXPECT_EQ(t.state.failures, 0u) << "the next pause is a short one";
}

TEST(Decide, WhatIsUnavailableForLongerThanThePatienceParks) {
  story t;
  t.conf.limits.patience = std::chrono::minutes(5);
  t.until(step::plan);
  int outages = 0;
  while (!t.next_is<park>() && ++outages < 100) {
    t.grant();
    t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
    if (t.next_is<wait_until>())
      t.now_ms = std::get<wait_until>(t.next()).at_ms;
  }
  ASSERT_TRUE(t.next_is<park>());
  auto p = std::get<park>(t.next());
  EXPECT_EQ(p.reason, "unavailable-too-long");
  EXPECT_NE(p.why.find("codex was unavailable"), std::string::npos) << p.why;
  EXPECT_NE(p.why.find("connection reset"), std::string::npos) << p.why;
  EXPECT_NE(p.remedy.find("scheduler retry T"), std::string::npos) << p.remedy;
  auto waited = t.now_ms - story::start_ms;
  EXPECT_GE(waited, 300'000);
  EXPECT_LT(waited, 340'000);
  t.add(draft_parked(t.state, p.reason, p.why, p.remedy));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_TRUE(t.next_is<ask_for_grant>());
}

// The checks that a failed deploy makes due are no sign that the service is back.
TEST(Decide, ADeployServiceThatStaysAwayParksAlthoughTheChecksAreGreen) {
  story t;
  t.until(step::deliver);
  t.commit_and_build("c");
  for (int i = 0; i < 100 && !t.next_is<park>(); ++i) {
    t.add(draft_failed(t.state, {fault::unavailable, "503"}));
    if (!t.next_is<wait_until>())
      continue;
    t.now_ms = std::get<wait_until>(t.next()).at_ms;
    t.checks(true);
  }
  ASSERT_TRUE(t.next_is<park>());
  EXPECT_EQ(std::get<park>(t.next()).reason, "unavailable-too-long");
}

TEST(Decide, ANewRunDoesNotCountTheTimeInWhichNobodyWaited) {
  story t;
  t.open();
  t.grant();
  t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
  t.now_ms += 86'400'000;
  t.add(draft_resumed(t.state));
  t.grant();
  t.add(draft_failed(t.state, {fault::unavailable, "connection reset"}));
  EXPECT_TRUE(t.next_is<wait_until>());
}

TEST(Decide, TheSameNumberOfRestartsOverALongerTimeIsBearable) {
  story t;
  t.conf.limits.tries = 100;
  t.open();
  for (int i = 0; i < 4; ++i) {
    t.grant();
    t.add(draft_died(t.state, "the child died"));
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

// -- who is left alone, and who goes first -------------------------------------

TEST(Deferral, BelievesAHintButNotForEver) {
  using namespace std::chrono_literals;
  auto of = [](std::optional<milliseconds> hint, std::uint32_t n) {
    return deferral_ms(hint, n, 1h, "seed");
  };
  auto about = [](std::int64_t got, std::int64_t ms) {
    return got >= ms && got <= ms + std::max<std::int64_t>(ms / 10, 100);
  };
  EXPECT_TRUE(about(of({}, 0), 1'000));
  EXPECT_TRUE(about(of({}, 3), 8'000)) << "longer each time";
  EXPECT_TRUE(about(of(20ms, 0), 20));
  EXPECT_TRUE(about(of(0ms, 2), 0));
  EXPECT_TRUE(about(of(0ms, 3), 1'000)) << "who says \"now\" all night is not asked all night";
  EXPECT_TRUE(about(of(0ms, 6), 8'000));
  EXPECT_TRUE(about(of(60s, 6), 60'000));
  EXPECT_TRUE(about(of(87'600h, 0), 3'600'000)) << "no longer than is configured";
  EXPECT_TRUE(about(of({}, 4'000'000'000), 3'600'000));
}

TEST(Precedence, IsOfWhoIsFurtherAlong) {
  task_state audit, talking, review;
  audit.at = talking.at = step::audit;
  talking.turns = 3;
  review.at = step::review;
  EXPECT_GT(precedence_of(talking), precedence_of(audit));
  EXPECT_GT(precedence_of(review), precedence_of(talking));
}

} // namespace
