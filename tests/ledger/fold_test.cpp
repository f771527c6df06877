#include "tests/ledger/story.hpp"

#include "ledger/step_table.hpp"

using namespace ledger;
using ledger::testing::story;

namespace {

TEST(Fold, AnOpenedTaskStandsAtTheAuditWithItsPromptOnRecord) {
  story t;
  t.open();
  EXPECT_EQ(t.state.at, step::audit);
  EXPECT_EQ(t.state.ph, phase::ready);
  EXPECT_EQ(t.state.branch, "refs/heads/ai-gated/T");
  ASSERT_NE(file_of(t.state, path::prompt), nullptr);
}

TEST(Fold, WalksEveryStepOfTheTableToDone) {
  story t;
  t.until(step::deliver);
  EXPECT_EQ(t.state.verified_tree, "tree1");
  t.deliver();
  EXPECT_EQ(t.state.is, status::done);
  for (auto p : {path::prompt, path::audit, path::decisions, path::decisions_ok, path::plan,
                 path::apply, path::changes, path::run_log, path::post_audit, path::final_ok,
                 path::final_verify, path::status})
    EXPECT_NE(file_of(t.state, p), nullptr) << p;
}

TEST(Fold, IsTheSameAllAtOnceAndRecordByRecord) {
  story t;
  t.until(step::test);
  t.checks(false);
  t.add(draft_round_opened(t.state));
  auto whole = fold("T", t.records);
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->seq, t.state.seq);
  EXPECT_EQ(whole->head, t.state.head);
  EXPECT_EQ(whole->files, t.state.files);
  EXPECT_EQ(whole->round, 2u);
}

TEST(Fold, AFileThatGrowsIsExpectedAsItIsNow) {
  story t;
  t.open();
  auto grown = [&](std::uint64_t at, const std::string& chunk, const std::string& whole) {
    gate_decision open;
    open.open = true;
    auto r =
        t.place(t.state.seq == 1 ? draft_granted(t.state, open)
                                 : draft_asked(t.state, {"offline", "none", "1", sha256("in"), 0}));
    r.files.push_back({"turns.jsonl", sha256(whole), whole.size()});
    r.detail["appended"] = json::array({json{
        {"path", "turns.jsonl"}, {"at", at}, {"sha256", sha256(chunk)}, {"bytes", chunk.size()}}});
    return r;
  };
  auto holed = apply(t.state, grown(3, "two", "onetwo"));
  ASSERT_FALSE(holed);
  EXPECT_NE(holed.error().detail.find("continues"), std::string::npos);
  auto first = apply(t.state, grown(0, "one", "one"));
  ASSERT_TRUE(first) << first.error().detail;
  t.state = *first;
  EXPECT_FALSE(apply(t.state, grown(0, "two", "two"))) << "over a recorded file";
  EXPECT_FALSE(apply(t.state, grown(2, "two", "ontwo"))) << "not at its end";
  auto second = apply(t.state, grown(3, "two", "onetwo"));
  ASSERT_TRUE(second) << second.error().detail;
  EXPECT_EQ(file_of(*second, "turns.jsonl")->sha256, sha256("onetwo"));
}

TEST(Fold, RefusesRecordsThatCannotFollow) {
  struct row {
    const char* name;
    std::function<draft(story&)> wrong;
  };
  const row rows[] = {
      {"a grant twice",
       [](story& t) {
         t.grant();
         return draft_granted(t.state, {});
       }},
      {"an answer that nobody asked for",
       [](story& t) {
         t.grant();
         answering a;
         a.text = ledger::testing::text("x");
         return draft_answered(t.state, a);
       }},
      {"a receipt without an intent", [](story& t) { return draft_committed(t.state, "c"); }},
      {"a build before the commit",
       [](story& t) { return draft_built(t.state, true, "", nullptr); }},
      {"a round that nothing caused", [](story& t) { return draft_round_opened(t.state); }},
      {"done without receipts",
       [](story& t) { return draft_finished(t.state, status::done, t.conf, 0); }},
      {"a second opening",
       [](story&) {
         opening o{ledger::testing::text("again"), "repo", "b", "t", "d", 0, {}};
         return draft_opened(o, "T");
       }},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    story t;
    t.open();
    EXPECT_NE(t.refusal_of(r.wrong(t)), "");
  }
}

TEST(Fold, RefusesChecksOfAnotherTree) {
  story t;
  t.until(step::test);
  t.grant();
  checks_outcome c;
  c.tree = "another";
  c.ok = true;
  c.run_log = ledger::testing::text("green");
  EXPECT_NE(t.refusal_of(draft_checked(t.state, c)), "");
}

TEST(Fold, RefusesAContractWithoutASignature) {
  story t;
  t.until(step::decide);
  t.grant();
  t.answer("decisions");
  auto d = draft_judged(t.state, {judged::accepted, {}});
  d.sign = false;
  EXPECT_NE(t.refusal_of(d), "");
}

TEST(Fold, RefusesToWriteOverARecordedFile) {
  story t;
  t.until(step::decide);
  t.grant();
  t.add(draft_asked(t.state, {}));
  answering a;
  a.text = ledger::testing::text("x");
  auto d = draft_answered(t.state, a);
  d.files.front().path = path::audit;
  EXPECT_NE(t.refusal_of(d), "");
}

TEST(Fold, ARejectedAnswerIsKeptInOldAndCountsAnAttempt) {
  story t;
  t.open();
  t.grant();
  t.answer("too short");
  t.judge_as(judged::rejected, {"it is too short"});
  EXPECT_EQ(t.state.attempt, 2u);
  EXPECT_EQ(t.state.ph, phase::ready);
  EXPECT_EQ(file_of(t.state, path::audit), nullptr);
  EXPECT_NE(file_of(t.state, "gemini/old/audit.rejected-1.md"), nullptr);
  ASSERT_EQ(t.state.complaints.size(), 1u);
  t.grant();
  t.answer("still too short");
  t.judge_as(judged::rejected, {"again"});
  EXPECT_NE(file_of(t.state, "gemini/old/audit.rejected-2.md"), nullptr);
}

TEST(Fold, AVoidedStepLeavesTheCandidateAsItWas) {
  story t;
  t.until(step::implement);
  t.grant();
  t.answer("did more than allowed", "evil");
  t.judge_as(judged::voided, {"src/x is not in Claude's list"});
  EXPECT_EQ(t.state.tree, "");
  EXPECT_NE(file_of(t.state, "codex/old/changes.rejected-1.diff"), nullptr);
  t.step_ok("tree1");
  EXPECT_EQ(t.state.tree, "tree1");
}

TEST(Fold, ARunThatBeginsVoidsGrantsOfFormerRuns) {
  story t;
  t.until(step::implement);
  t.grant();
  t.add(draft_asked(t.state, {}));
  t.add(draft_resumed(t.state));
  EXPECT_EQ(t.state.ph, phase::ready);
  EXPECT_EQ(t.state.attempt, 1u) << "the death of our own process never counts";
}

TEST(Fold, AResumedTaskKeepsAnAnswerThatWasFiled) {
  story t;
  t.open();
  t.grant();
  t.answer("audit");
  t.add(draft_resumed(t.state));
  EXPECT_EQ(t.state.ph, phase::answered);
}

TEST(Fold, ANewConfigurationAfterTheFinalContractRevokesItAndRunsStepsFiveToSevenAgain) {
  story t;
  t.until(step::deliver);
  t.add(draft_reconfigured(t.state, "digest2"));
  EXPECT_EQ(t.state.at, step::test);
  EXPECT_FALSE(t.state.final_ok);
  EXPECT_TRUE(t.state.decisions_ok);
  EXPECT_EQ(t.state.verified_tree, "");
  EXPECT_EQ(t.state.tree, "tree1");
  EXPECT_EQ(file_of(t.state, path::final_ok), nullptr);
  EXPECT_NE(file_of(t.state, "contract/old/CLAUDE_FINAL_OK.reconfigured-1"), nullptr);
  t.checks(true); // Step 5 to 7 once more: their files find their places free.
  t.step_ok();
  t.step_ok();
  t.deliver();
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Fold, ANewConfigurationBeforeAnyCodeIsWrittenAsksForNewDecisions) {
  story t;
  t.until(step::implement);
  t.add(draft_reconfigured(t.state, "digest2"));
  EXPECT_EQ(t.state.at, step::decide);
  EXPECT_FALSE(t.state.decisions_ok);
}

TEST(Fold, ANoStandsUnderANewConfiguration) {
  story t;
  t.until(step::review);
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"fields are swapped"});
  t.add(draft_reconfigured(t.state, "digest2"));
  EXPECT_EQ(t.state.ph, phase::refused);
  EXPECT_TRUE(t.next_is<open_round>());
}

TEST(Fold, AnEndedTaskTakesNoRecordsButAPersons) {
  story t;
  t.open();
  t.add(draft_parked(t.state, "r", "w", "do"));
  EXPECT_NE(t.refusal_of(draft_resumed(t.state)), "");
  auto again = draft_retried(t.state, std::nullopt, nullptr);
  ASSERT_TRUE(again);
  t.add(*again);
  EXPECT_EQ(t.state.is, status::running);
}

TEST(InputsOf, GivesTheFixesAndThePersonsNotes) {
  story t;
  t.until(step::test);
  t.checks(false);
  t.add(draft_parked(t.state, "r", "w", "do"));
  auto again = draft_retried(t.state, std::nullopt, ledger::testing::text("mind the footer"));
  ASSERT_TRUE(again);
  t.add(*again);
  t.add(draft_round_opened(t.state));
  std::vector<std::string> paths;
  for (auto& f : inputs_of(t.state, step::test))
    paths.push_back(f.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"inputs/prompt.md", "inputs/note-1.md", "claude/decisions.md",
                                      "codex/plan.md", "codex/apply.md"}));
  t.step_ok("tree2");
  t.checks(true);
  paths.clear();
  for (auto& f : inputs_of(t.state, step::review))
    paths.push_back(f.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{"claude/decisions.md", "codex/apply.md", "codex/fix-1.md",
                                      "tests/run.log", "codex/changes.diff"}));
}

} // namespace
