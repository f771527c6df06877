// Where a person is asked, what an approval opens, and what takes it away.

#include "tests/ledger/story.hpp"

#include "ledger/detail.hpp"

#include <functional>

using namespace ledger;
using ledger::testing::story;

namespace {

/// Waits for a person at `at`, as the configuration wishes.
story waiting_at(step at) {
  story t;
  t.conf.approve = {true, true};
  t.until(at);
  t.wait_for_person();
  return t;
}

gate_decision gate_of(const story& t) {
  return may_enter(t.state, t.honest_evidence());
}

TEST(Approving, EitherThePromptOrTheConfigurationAsksForIt) {
  for (bool by_prompt : {false, true})
    for (auto at : {step::implement, step::deliver}) {
      SCOPED_TRACE(std::string{to_string(at)} + (by_prompt ? " by the prompt" : ""));
      approvals wish{at == step::implement, at == step::deliver};
      story t;
      opening o{ledger::testing::text("do it"), "repo", "base0", "tree0", digest_of(t.conf), 0, {}};
      (by_prompt ? o.approve : t.conf.approve) = wish;
      t.add(draft_opened(o, "T"));
      EXPECT_EQ(t.state.approve, by_prompt ? wish : approvals{});
      for (auto& row : step_table)
        if (row.id != step::ingest) {
          t.until(row.id);
          auto gate = gate_of(t);
          EXPECT_EQ(gate.open, row.id != at) << row.name << gate.why;
          if (row.id == at) {
            t.wait_for_person();
            t.approve();
          }
        }
    }
}

TEST(Approving, AWaitingTaskRestsAndSaysWhatToDo) {
  for (auto at : {step::implement, step::deliver}) {
    auto t = waiting_at(at);
    EXPECT_EQ(t.state.is, status::waiting);
    EXPECT_EQ(t.state.reason, "approval");
    EXPECT_EQ(text_at(t.records.back().detail, "step"), to_string(at));
    EXPECT_NE(t.state.why.find("[approve]"), std::string::npos) << t.state.why;
    EXPECT_NE(t.state.remedy.find("`scheduler approve T`"), std::string::npos) << t.state.remedy;
    EXPECT_TRUE(t.next_is<rest>());
    EXPECT_TRUE(t.records.back().sig.empty()) << "it rests only";
    EXPECT_TRUE(still_waits(t.state, t.conf.approve));
    EXPECT_FALSE(still_waits(t.state, {})) << "nobody asks for it any more";
  }
}

TEST(Approving, AnApprovalNamesStepTreeUserAndTimeAndOpensTheGate) {
  for (auto at : {step::implement, step::deliver}) {
    auto t = waiting_at(at);
    EXPECT_FALSE(gate_of(t).open);
    t.approve();
    auto& r = t.records.back();
    EXPECT_EQ(r.what, event::approved);
    EXPECT_FALSE(r.sig.empty());
    EXPECT_EQ(text_at(r.detail, "step"), to_string(at));
    EXPECT_EQ(text_at(r.detail, "tree"), at == step::deliver ? "tree1" : "tree0");
    EXPECT_EQ(text_at(r.detail, "user"), "alice");
    EXPECT_EQ(number_at(r.detail, "uid"), 1000);
    EXPECT_EQ(text_at(r.detail, "time"), format_time(t.now_ms));
    auto text = contract_text(contract::human, "T");
    EXPECT_EQ(text, "HUMAN_OK:T\n");
    EXPECT_EQ(file_of(t.state, path::human_ok)->sha256, sha256(text));
    EXPECT_EQ(t.state.is, status::running);
    auto gate = gate_of(t);
    EXPECT_TRUE(gate.open) << gate.why;
    EXPECT_EQ(gate.evidence["approved"]["record"], t.state.human_ok->seq);
    EXPECT_TRUE(std::holds_alternative<rest>(t.play()));
    EXPECT_EQ(t.state.is, at == step::deliver ? status::done : status::waiting) << t.state.why;
  }
}

TEST(Approving, AnApprovalOfThePlanDoesNotOpenTheDelivery) {
  auto t = waiting_at(step::implement);
  t.approve();
  t.until(step::deliver);
  ASSERT_TRUE(t.state.human_ok) << "nothing took it away";
  EXPECT_EQ(gate_of(t).because, closed_because::approval_due);
  t.wait_for_person();
  t.approve();
  EXPECT_NE(file_of(t.state, "contract/old/HUMAN_OK.superseded-1"), nullptr) << "it is kept";
  EXPECT_TRUE(gate_of(t).open);
}

TEST(Approving, TurnedOnLaterItCountsForWhatIsAhead) {
  story t;
  t.until(step::deliver);
  EXPECT_TRUE(gate_of(t).open);
  t.conf.approve.deploy = true;
  EXPECT_EQ(gate_of(t).because, closed_because::approval_due);
  t.conf.approve = {true, false};
  EXPECT_TRUE(gate_of(t).open) << "that gate is behind it";
  EXPECT_EQ(digest_of(t.conf), t.state.config_digest) << "and no contract falls by it";
}

TEST(Approving, AContractOfAPersonIsJudgedAsStrictlyAsTheOthers) {
  using enum closed_because;
  struct row {
    const char* name;
    closed_because because;
    std::function<void(gate_evidence&)> spoil;
  };
  const row rows[] = {
      {"deleted", contract_missing, [](auto& e) { e.human.bytes.reset(); }},
      {"no newline", contract_forged, [](auto& e) { e.human.bytes = "HUMAN_OK:T"; }},
      {"another task's", contract_forged, [](auto& e) { e.human.bytes = "HUMAN_OK:U\n"; }},
      {"no signature", contract_forged, [](auto& e) { e.human.signature_ok = false; }},
      {"another repository", contract_forged, [](auto& e) { e.human.signed_repo_id = "other"; }},
      {"another configuration", config_changed, [](auto& e) { e.config_digest = "other"; }},
  };
  for (auto at : {step::implement, step::deliver})
    for (auto& r : rows) {
      SCOPED_TRACE(std::string{r.name} + " at " + std::string{to_string(at)});
      auto t = waiting_at(at);
      t.approve();
      auto e = t.honest_evidence();
      r.spoil(e);
      auto gate = may_enter(t.state, e);
      EXPECT_FALSE(gate.open);
      EXPECT_EQ(gate.because, r.because) << gate.why;
    }
}

TEST(Approving, AnApprovalForAnotherTreeOrTextOpensNothing) {
  auto t = waiting_at(step::deliver);
  t.approve();
  auto other_tree = t;
  other_tree.state.human_ok->tree = "tree2";
  EXPECT_EQ(gate_of(other_tree).because, closed_because::tree_changed);
  auto other_text = t;
  other_text.state.human_ok->text_sha256 = sha256("another diff");
  EXPECT_EQ(gate_of(other_text).because, closed_because::file_altered);
}

TEST(Approving, OneWrittenByHandIsForgedWhereverItLies) {
  for (auto& row : step_table) {
    if (row.id == step::ingest)
      continue;
    SCOPED_TRACE(row.name);
    story t;
    t.until(row.id);
    auto e = t.honest_evidence();
    e.human.bytes = contract_text(contract::human, "T");
    EXPECT_EQ(may_enter(t.state, e).because, closed_because::contract_forged);
  }
}

TEST(Approving, NothingIsApprovedOverEvidenceThatTheGateRefuses) {
  auto t = waiting_at(step::deliver);
  auto forged = t.honest_evidence();
  forged.human.bytes = contract_text(contract::human, "T");
  auto gone = t.honest_evidence();
  gone.final.bytes.reset();
  auto d = draft_approved(t.state, std::nullopt, forged, {});
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error().kind, fault::corrupt);
  EXPECT_EQ(d.error().code, "contract-forged");
  d = draft_approved(t.state, std::nullopt, gone, {});
  ASSERT_FALSE(d);
  EXPECT_EQ(d.error().code, "contract-missing");
}

TEST(Approving, NothingIsApprovedInAdvanceOrTwice) {
  story t;
  t.conf.approve = {true, true};
  auto refused = [&](std::optional<step> at) {
    auto d = draft_approved(t.state, at, t.honest_evidence(), {});
    EXPECT_FALSE(d);
    return d ? std::string{} : d.error().detail;
  };
  t.until(step::plan);
  EXPECT_NE(refused({}).find("at step plan"), std::string::npos) << refused({});
  t.until(step::implement);
  t.wait_for_person();
  EXPECT_NE(refused(step::deliver).find("waits at step implement"), std::string::npos);
  t.approve();
  EXPECT_NE(refused({}).find("already"), std::string::npos);
  t.add(draft_parked(t.state, "r", "w", "do"));
  EXPECT_NE(refused({}).find("is parked at step implement"), std::string::npos) << refused({});
}

TEST(Approving, FallsWithWhateverTakesTheFinalContractAway) {
  struct row {
    const char* name;
    std::function<void(story&)> tell;
    const char* kept;
  };
  const row rows[] = {
      {"a failed build",
       [](story& t) {
         t.grant();
         t.add(draft_intended(t.state, 1, ""));
         t.add(draft_committed(t.state, "c"));
         t.add(draft_built(t.state, false, "exit 1", nullptr));
         t.add(draft_round_opened(t.state));
       },
       "round-1"},
      {"another configuration", [](story& t) { t.add(draft_reconfigured(t.state, "digest2")); },
       "reconfigured-1"},
      {"a retry from the verification",
       [](story& t) { t.add(*draft_retried(t.state, step::verify, nullptr)); }, "retried-1"},
      {"a retry from the beginning",
       [](story& t) { t.add(*draft_retried(t.state, step::ingest, nullptr)); }, "generation-1"},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    auto t = waiting_at(step::deliver);
    t.approve();
    r.tell(t);
    EXPECT_FALSE(t.state.human_ok);
    EXPECT_EQ(file_of(t.state, path::human_ok), nullptr);
    EXPECT_NE(file_of(t.state, "contract/old/HUMAN_OK." + std::string{r.kept}), nullptr);
  }
}

TEST(Approving, ARetryThatLeavesTheTreeKeepsIt) {
  auto t = waiting_at(step::deliver);
  t.approve();
  t.grant();
  t.add(draft_parked(t.state, "r", "w", "do"));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_TRUE(t.state.human_ok);
  EXPECT_TRUE(gate_of(t).open);
}

TEST(Approving, AFixThatChangesTheTreeHasToBeApprovedAgain) {
  auto t = waiting_at(step::deliver);
  t.approve();
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  t.add(draft_committed(t.state, "c"));
  t.add(draft_built(t.state, false, "exit 1", nullptr));
  EXPECT_TRUE(std::holds_alternative<open_round>(t.next()));
  t.add(draft_round_opened(t.state));
  t.step_ok("tree2");
  t.until(step::deliver);
  EXPECT_EQ(t.state.tree, "tree2");
  t.wait_for_person();
  t.approve();
  EXPECT_EQ(text_at(t.records.back().detail, "tree"), "tree2");
}

/// A landing found the same patch on another tree, with green checks.
void carry_over(story& t, const std::string& tree) {
  placement p;
  p.how = placing::patch;
  p.branch = "refs/heads/trunk";
  p.onto = "base-of-" + tree;
  p.onto_tree = "onto-" + tree;
  p.tree = p.tested_tree = tree;
  p.run_log = ledger::testing::text("green on " + tree);
  t.add(draft_placed(t.state, p));
}

TEST(Approving, ALandingCarriesItOverAsItDoesTheReview) {
  auto t = waiting_at(step::deliver);
  t.approve();
  t.grant();
  carry_over(t, "combined");
  t.add(draft_parked(t.state, "r", "w", "do"));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  auto gate = gate_of(t);
  EXPECT_TRUE(gate.open) << gate.why;
  t.state.tree = "another";
  EXPECT_EQ(gate_of(t).because, closed_because::tree_changed);
}

// One given after the review was carried over named the tree before: nobody had
// approved what was to be delivered.
TEST(Approving, OneGivenAfterALandingCombinedTreesNamesTheCombinedTree) {
  story t;
  t.until(step::deliver);
  t.grant();
  carry_over(t, "combined");
  t.add(draft_parked(t.state, "r", "w", "do"));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  t.conf.approve.deploy = true;
  t.wait_for_person();
  t.approve();
  EXPECT_EQ(text_at(t.records.back().detail, "tree"), "combined");
  EXPECT_TRUE(gate_of(t).open) << gate_of(t).why;
}

TEST(Approving, RecordsThatDoNotFitAreCorrupt) {
  auto t = waiting_at(step::deliver);
  auto good = *draft_approved(t.state, std::nullopt, t.honest_evidence(), {});
  EXPECT_EQ(t.refusal_of(good), "");
  auto spoilt = [&](auto spoil) {
    auto d = good;
    spoil(d);
    return t.refusal_of(d);
  };
  EXPECT_NE(spoilt([](auto& d) { d.sign = false; }), "");
  EXPECT_NE(spoilt([](auto& d) { d.files.clear(); }), "");
  EXPECT_NE(spoilt([](auto& d) { d.detail["step"] = "implement"; }), "");
  EXPECT_NE(spoilt([](auto& d) { d.detail["tree"] = "tree2"; }), "");
  EXPECT_NE(spoilt([](auto& d) { d.detail["text_sha256"] = "x"; }), "");
  t.add(good);
  auto back = *draft_retried(t.state, step::verify, nullptr);
  EXPECT_EQ(t.refusal_of(back), "");
  std::erase_if(back.moves, [](auto& m) { return m.from == path::human_ok; });
  EXPECT_NE(t.refusal_of(back), "") << "an approval outlives its tree";
  auto reconfigured = draft_reconfigured(t.state, "digest2");
  std::erase_if(reconfigured.moves, [](auto& m) { return m.from == path::human_ok; });
  EXPECT_NE(t.refusal_of(reconfigured), "");
}

TEST(Approving, ARunThatTakesAWaitingTaskUpAsksTheGateAnew) {
  auto t = waiting_at(step::implement);
  t.add(draft_resumed(t.state));
  EXPECT_EQ(t.state.is, status::running);
  EXPECT_EQ(t.state.reason, "");
  EXPECT_TRUE(t.next_is<ask_for_grant>());
  EXPECT_EQ(gate_of(t).because, closed_because::approval_due);
}

} // namespace
