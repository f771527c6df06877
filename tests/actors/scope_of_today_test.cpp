// What changed between an answer and its delivery: the scope, or the task's end.

#include "tests/actors/world.hpp"

namespace {

using namespace actors::testing;
using ledger::event;
using ledger::status;

class ScopeOfToday : public world {
protected:
  /// Runs until the review has no key, then begins anew under another scope.
  ledger::task_state changed_after_the_checks(const std::function<void()>& change) {
    player->scripts[step::review] = [](const providers::request&) -> fake_player::said {
      return ledger::fail(ledger::fault::refused, "no key", "no-key");
    };
    EXPECT_EQ(run_one().is, status::parked);
    player->scripts.clear();
    retry();
    change();
    w.config_digest = ledger::digest_of(w.config);
    return run_one();
  }

  void retry() {
    auto s = state_of("T");
    auto d = ledger::draft_retried(s, std::nullopt, nullptr);
    ASSERT_TRUE(d) << d.error().detail;
    ASSERT_TRUE(journal->append_one({"T", s.seq, {*d}}));
  }
};

// Scope was judged only when an answer came: what was protected later was
// committed all the same.
TEST_F(ScopeOfToday, WhatIsProtectedSinceTheAnswerIsNotCommitted) {
  auto before = w.config.scope;
  auto s =
      changed_after_the_checks([this] { w.config.scope.protected_globs.push_back("src/page.*"); });
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(s.reason, "out-of-scope");
  EXPECT_NE(s.why.find("src/page.html"), std::string::npos) << s.why;
  EXPECT_NE(s.why.find("src/page.*"), std::string::npos) << s.why;
  EXPECT_FALSE(s.remedy.empty());
  EXPECT_TRUE(records_of("T", event::intended).empty());
  EXPECT_EQ(files.moves, 0);
  EXPECT_EQ(deploys.deploys, 0);

  // As the remedy says.
  w.config.scope = before;
  w.config_digest = ledger::digest_of(w.config);
  retry();
  EXPECT_EQ(run_one().is, status::done);
  EXPECT_EQ(files.moves, 1);
}

TEST_F(ScopeOfToday, WhatIsSchemaSinceTheAnswerIsNotCommitted) {
  auto s = changed_after_the_checks([this] { w.config.scope.schema_globs = {"src/**"}; });
  EXPECT_EQ(s.reason, "out-of-scope");
  EXPECT_EQ(files.moves, 0);
}

TEST_F(ScopeOfToday, AnotherScopeThatTheCandidateKeepsToIsNoHindrance) {
  auto s =
      changed_after_the_checks([this] { w.config.scope.protected_globs.push_back("docs/**"); });
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
}

TEST_F(ScopeOfToday, TheFilesThatAnAcceptedFixNamesAreInScope) {
  player->scripts[step::decide] = [](const providers::request&) {
    return providers::answer{ledger::testing::good_answer(step::decide, "src/**"), 0, {}};
  };
  checks.red = {"tree1"};
  player->scripts[step::test] = [this](const providers::request&) {
    files.will_be("tree2");
    files.next.changes.push_back({"000000", "100644", "0", "b", 'A', "src/more.html"});
    return providers::answer{
        ledger::testing::good_answer(step::test) + "\n## Files\n\n- `src/more.html`\n", 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(s.out->tree, "tree2");
}

// `cancel` between an answer and its judgement, then `retry`: the answer was
// asked for again, paid for again, and could not be filed.
TEST_F(ScopeOfToday, ARetryAfterACancelJudgesTheAnswerThatWasFiled) {
  for (auto at : {step::plan, step::implement}) {
    auto task = "T" + std::to_string(static_cast<int>(at));
    w.on_record = [&, done = false](const std::string&, const ledger::record& r) mutable {
      if (done || r.what != event::answered || r.at != at)
        return;
      done = true;
      auto s = state_of(task);
      ASSERT_TRUE(journal->append_one({task, s.seq, {ledger::draft_cancelled(s)}}));
    };
    auto before = player->calls;
    EXPECT_EQ(run_one(task).is, status::cancelled);
    w.on_record = nullptr;
    auto s = state_of(task);
    ASSERT_TRUE(journal->append_one(
        {task, s.seq, {ledger::draft_retried(s, std::nullopt, nullptr).value()}}));
    s = run_one(task);
    EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
    EXPECT_EQ(player->calls - before, 6) << "no answer was paid for twice";
  }
}

} // namespace
