// A person's retry, from every step and after every end.

#include "tests/ledger/story.hpp"

#include <functional>
#include <utility>

using namespace ledger;
using ledger::testing::story;

namespace {

/// Ends a task as each thing does that a person can follow with a retry.
const std::vector<std::pair<const char*, std::function<void(story&)>>> endings{
    {"parked", [](story& t) { t.add(draft_parked(t.state, "r", "w", "do")); }},
    {"stopped", [](story& t) { t.add(draft_stopped(t.state, "r", "w", "do")); }},
    {"cancelled", [](story& t) { t.add(draft_cancelled(t.state)); }},
};

// `retry --from deliver` forgot that Gemini had verified the tree, and could
// never work; `--from test` while a fix was due lost the candidate's diff.
TEST(Retry, ARetryFromEveryStepReachesDoneAgain) {
  auto again = [](story& t, step from) {
    SCOPED_TRACE("from " + std::string{to_string(from)});
    auto d = draft_retried(t.state, from, nullptr);
    ASSERT_TRUE(d) << d.error().detail;
    t.add(*d);
    EXPECT_EQ(t.state.at, from);
    t.play();
    EXPECT_EQ(t.state.is, status::done) << t.state.why;
    EXPECT_NE(file_of(t.state, path::changes), nullptr);
    EXPECT_EQ(t.state.out->tree, t.state.tree);
  };
  for (auto& from : step_table) {
    story done;
    done.play();
    ASSERT_EQ(done.state.is, status::done);
    again(done, from.id);
    again(done, from.id); // And once more: no name is taken twice.
    for (auto& stands : step_table) {
      if (stands.id < from.id || stands.id == step::ingest)
        continue;
      for (auto& [name, end] : endings) {
        SCOPED_TRACE(std::string{name} + " at " + std::string{stands.name});
        story t;
        t.until(stands.id);
        end(t);
        again(t, from.id);
      }
    }
  }
}

TEST(Retry, ARetryWhileAFixIsDueReachesDoneFromEveryStep) {
  for (auto& from : step_table) {
    if (from.id > step::test)
      continue;
    for (auto& [name, end] : endings)
      for (bool filed : {false, true}) {
        SCOPED_TRACE(std::string{name} + ", from " + std::string{from.name}
                     + (filed ? ", the fix is filed" : ""));
        story t;
        t.fix_due();
        t.grant();
        if (filed)
          t.answer("fixed", "tree2");
        end(t);
        t.add(*draft_retried(t.state, from.id, nullptr));
        t.play();
        EXPECT_EQ(t.state.is, status::done) << t.state.why;
      }
  }
}

// The round had moved codex/changes.diff to old/, the retry dropped the fix, and
// the review missed the diff: a healthy ledger ended as damaged.
TEST(Retry, ARetryFromTestWithoutTheDueFixBringsTheCandidatesDiffBack) {
  story t;
  t.until(step::review);
  auto diff = *file_of(t.state, path::changes);
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"wrong"});
  t.add(draft_round_opened(t.state));
  t.add(draft_parked(t.state, "no-fix-left", "w", "do"));
  t.add(*draft_retried(t.state, step::test, nullptr));
  EXPECT_FALSE(t.state.fixing);
  EXPECT_EQ(t.state.diff_path, path::changes);
  ASSERT_NE(file_of(t.state, path::changes), nullptr);
  EXPECT_EQ(file_of(t.state, path::changes)->sha256, diff.sha256);
  t.checks(true);
  EXPECT_TRUE(may_enter(t.state, t.honest_evidence()).open);
}

TEST(Retry, ARetryFromTestJudgesAFixThatWasPaidFor) {
  story t;
  t.fix_due();
  t.grant();
  t.answer("fixed", "tree2");
  t.add(draft_cancelled(t.state));
  t.add(*draft_retried(t.state, step::test, nullptr));
  EXPECT_TRUE(t.next_is<judge_answer>());
  t.judge_as(judged::accepted);
  EXPECT_EQ(t.state.tree, "tree2");
}

TEST(Retry, ARetryFromTestWhoseDiffIsLostNamesTheStepThatMakesAnother) {
  story t;
  t.fix_due();
  t.add(draft_stopped(t.state, "file-missing", "w", "do", {t.state.diff_path}));
  auto d = draft_retried(t.state, step::test, nullptr);
  ASSERT_FALSE(d);
  EXPECT_NE(d.error().detail.find("--from implement"), std::string::npos) << d.error().detail;
  EXPECT_TRUE(draft_retried(t.state, step::implement, nullptr));
}

// A task that ended between `answered` and its judgement was asked again on
// retry, at its user's cost, and the new answer found its place taken.
TEST(Retry, ARetryJudgesTheAnswerThatWasFiledInsteadOfPayingForAnother) {
  auto by_failures = [](story& t) {
    while (!t.next_is<park>()) {
      t.add(draft_failed(t.state, {fault::unavailable, "git is busy"}));
      t.now_ms += 60'000;
    }
    auto p = std::get<park>(t.next());
    t.add(draft_parked(t.state, p.reason, p.why, p.remedy));
  };
  auto by_refusal = [](story& t) {
    t.add(draft_failed(t.state, {fault::refused, "no", "no"}));
    ASSERT_TRUE(t.next_is<park>());
    t.add(draft_parked(t.state, "no", "no", "do"));
  };
  auto ways = endings;
  ways.emplace_back("tries used while judging", by_failures);
  ways.emplace_back("refused while judging", by_refusal);
  for (auto& row : step_table)
    for (auto& [name, end] : ways) {
      if (row.by == role::scheduler)
        continue;
      SCOPED_TRACE(std::string{row.name} + ", " + name);
      story t;
      if (row.id == step::test)
        t.fix_due();
      else
        t.until(row.id);
      t.grant();
      t.answer("paid for", row.writes_code ? "tree9" : "");
      end(t);
      t.add(*draft_retried(t.state, std::nullopt, nullptr));
      ASSERT_TRUE(t.next_is<judge_answer>());
      t.judge_as(judged::accepted);
      t.play();
      EXPECT_EQ(t.state.is, status::done) << t.state.why;
      if (row.writes_code) {
        EXPECT_EQ(t.state.tree, "tree9");
      }
    }
}

TEST(Retry, AnAnswerThatCanNoLongerBeJudgedMovesAwayAndIsAskedForAgain) {
  for (std::string lost : {"codex/apply.md", "codex/changes.diff"}) {
    SCOPED_TRACE(lost);
    story t;
    t.until(step::implement);
    t.grant();
    t.answer("paid for", "tree1");
    t.add(draft_stopped(t.state, "file-altered", "w", "do", {lost}));
    t.add(*draft_retried(t.state, std::nullopt, nullptr));
    EXPECT_TRUE(t.next_is<ask_for_grant>());
    EXPECT_EQ(file_of(t.state, path::apply), nullptr);
    EXPECT_EQ(file_of(t.state, path::changes), nullptr);
    t.play();
    EXPECT_EQ(t.state.is, status::done);
  }
}

} // namespace
