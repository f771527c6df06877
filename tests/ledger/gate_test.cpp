#include "tests/ledger/story.hpp"

using namespace ledger;
using ledger::testing::story;

namespace {

closed_because why_closed(const story& t, const gate_evidence& e) {
  auto d = may_enter(t.state, e);
  EXPECT_FALSE(d.open);
  EXPECT_FALSE(d.why.empty());
  return d.because;
}

TEST(Gate, OpensForEveryStepWhenTheDiskIsAsRecorded) {
  for (auto& row : step_table) {
    if (row.id == step::ingest)
      continue;
    SCOPED_TRACE(row.name);
    story t;
    t.until(row.id);
    auto d = may_enter(t.state, t.honest_evidence());
    EXPECT_TRUE(d.open) << d.why;
  }
}

TEST(Gate, AMissingContractStopsWhereItIsNeeded) {
  for (auto at : {step::implement, step::test, step::deliver}) {
    SCOPED_TRACE(to_string(at));
    story t;
    t.until(at);
    auto e = t.honest_evidence();
    (at == step::deliver ? e.final : e.decisions).bytes.reset();
    EXPECT_EQ(why_closed(t, e), closed_because::contract_missing);
  }
}

TEST(Gate, AContractWrittenByHandOpensNothing) {
  story t;
  t.until(step::decide);
  auto e = t.honest_evidence();
  e.decisions.bytes = contract_text(contract::decisions, "T");
  EXPECT_EQ(why_closed(t, e), closed_because::contract_forged);
}

TEST(Gate, AFinalContractWrittenByHandIsNoticedLongBeforeTheDelivery) {
  story t;
  t.until(step::test);
  auto e = t.honest_evidence();
  e.final.bytes = contract_text(contract::final, "T");
  EXPECT_EQ(why_closed(t, e), closed_because::contract_forged);
}

TEST(Gate, AContractOpensOnlyWithExactBytesSignatureTaskAndRepository) {
  struct row {
    const char* name;
    std::function<void(contract_seen&)> spoil;
  };
  const row rows[] = {
      {"another task's bytes", [](auto& c) { c.bytes = "CLAUDE_DECISIONS_OK:U\n"; }},
      {"no newline", [](auto& c) { c.bytes = "CLAUDE_DECISIONS_OK:T"; }},
      {"empty", [](auto& c) { c.bytes = ""; }},
      {"a blank more", [](auto& c) { c.bytes = "CLAUDE_DECISIONS_OK:T \n"; }},
      {"no signature", [](auto& c) { c.signature_ok = false; }},
      {"signed for another repository", [](auto& c) { c.signed_repo_id = "other"; }},
      {"signed for another task", [](auto& c) { c.signed_task = "U"; }},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    story t;
    t.until(step::implement);
    auto e = t.honest_evidence();
    r.spoil(e.decisions);
    EXPECT_EQ(why_closed(t, e), closed_because::contract_forged);
  }
}

TEST(Gate, AContractForAnotherTextOpensNothing) {
  story t;
  t.until(step::implement);
  t.state.decisions_ok->text_sha256 = sha256("other decisions");
  EXPECT_EQ(why_closed(t, t.honest_evidence()), closed_because::file_altered);
}

TEST(Gate, AContractForAnotherTreeOpensNothing) {
  story t;
  t.until(step::deliver);
  t.state.tree = "tree9";
  EXPECT_EQ(why_closed(t, t.honest_evidence()), closed_because::tree_changed);
}

TEST(Gate, AnUnverifiedTreeIsNotDelivered) {
  story t;
  t.until(step::deliver);
  t.state.verified_tree.clear();
  EXPECT_EQ(why_closed(t, t.honest_evidence()), closed_because::tree_changed);
}

TEST(Gate, AnotherConfigurationThanTheContractsOpensNothing) {
  for (auto at : {step::implement, step::deliver}) {
    story t;
    t.until(at);
    auto e = t.honest_evidence();
    e.config_digest = "another";
    EXPECT_EQ(why_closed(t, e), closed_because::config_changed);
  }
}

TEST(Gate, AMissingOrAlteredInputStopsTheStep) {
  for (auto& row : step_table) {
    if (row.by == role::scheduler)
      continue;
    SCOPED_TRACE(row.name);
    story t;
    t.until(row.id);
    for (std::size_t i = 0; i < t.honest_evidence().inputs.size(); ++i) {
      auto e = t.honest_evidence();
      e.inputs[i].found_sha256.clear();
      EXPECT_EQ(why_closed(t, e), closed_because::file_missing);
      e.inputs[i].found_sha256 = sha256("altered");
      EXPECT_EQ(why_closed(t, e), closed_because::file_altered);
    }
  }
}

TEST(Gate, AnInputThatNoRecordNamesIsNotTakenForThere) {
  story t;
  t.until(step::plan);
  t.state.files.erase(path::audit);
  EXPECT_EQ(why_closed(t, t.honest_evidence()), closed_because::file_missing);
}

// The gate looked at what it was given: with nothing it was open.
TEST(Gate, AnInputThatNobodyLookedAtIsNotTakenForThere) {
  auto each_input = [](const story& t) {
    for (std::size_t i = 0; i < t.honest_evidence().inputs.size(); ++i) {
      auto e = t.honest_evidence();
      SCOPED_TRACE(e.inputs[i].expected.path);
      e.inputs.erase(e.inputs.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_EQ(why_closed(t, e), closed_because::file_missing);
      // Nor is another content at the same path, though it is what was found.
      e = t.honest_evidence();
      e.inputs[i].expected.sha256 = e.inputs[i].found_sha256 = sha256("another");
      EXPECT_EQ(why_closed(t, e), closed_because::file_missing);
    }
  };
  for (auto& row : step_table) {
    if (row.by == role::scheduler)
      continue;
    SCOPED_TRACE(row.name);
    story t;
    t.until(row.id);
    each_input(t);
  }
  story fix;
  fix.fix_due();
  ASSERT_GT(fix.honest_evidence().inputs.size(), inputs_of(fix.state, step::test).size())
      << "the cause's evidence is looked at as well";
  each_input(fix);
}

// CLAUDE_DECISIONS_OK could be taken away or altered from step 6 on, and the
// task was delivered all the same.
TEST(Gate, EveryContractIsLookedAtAtEveryGate) {
  for (auto& row : step_table)
    for (auto c : {contract::decisions, contract::final}) {
      if (row.id == step::ingest)
        continue;
      SCOPED_TRACE(std::string{row.name} + ", " + std::string{to_string(c)});
      story t;
      t.until(row.id);
      auto spoilt = [&](auto spoil) {
        auto e = t.honest_evidence();
        spoil(c == contract::decisions ? e.decisions : e.final);
        return why_closed(t, e);
      };
      EXPECT_EQ(spoilt([](contract_seen& s) { s.bytes = "CLAUDE_OK:T\n"; }),
                closed_because::contract_forged);
      bool won = row.id > (c == contract::decisions ? step::decide : step::review);
      if (!won) {
        EXPECT_EQ(spoilt([&](contract_seen& s) { s.bytes = contract_text(c, "T"); }),
                  closed_because::contract_forged);
        continue;
      }
      EXPECT_EQ(spoilt([](contract_seen& s) { s.bytes.reset(); }),
                closed_because::contract_missing);
      EXPECT_EQ(spoilt([](contract_seen& s) { s.signature_ok = false; }),
                closed_because::contract_forged);
      auto lost = t; // A stop gave it up, and somebody began behind it.
      (c == contract::decisions ? lost.state.decisions_ok : lost.state.final_ok).reset();
      EXPECT_EQ(why_closed(lost, lost.honest_evidence()), closed_because::contract_missing);
    }
}

// Nothing in the gate asked for green checks of this very tree.
TEST(Gate, ATreeThatIsNotGreenIsNeitherReviewedNorDelivered) {
  for (auto at : {step::review, step::verify, step::deliver})
    for (std::string checked : {"", "tree9"}) {
      story t;
      t.until(at);
      t.state.checked_tree = checked;
      EXPECT_EQ(why_closed(t, t.honest_evidence()), closed_because::tree_changed);
    }
}

TEST(Gate, AnotherRepositoryOpensNothing) {
  story t;
  t.until(step::audit);
  auto e = t.honest_evidence();
  e.repo_id = "elsewhere";
  EXPECT_EQ(why_closed(t, e), closed_because::not_due);
}

TEST(Gate, SaysOnWhatItOpened) {
  story t;
  t.until(step::deliver);
  auto d = may_enter(t.state, t.honest_evidence());
  ASSERT_TRUE(d.open);
  EXPECT_EQ(d.evidence["contract"], path::final_ok);
  EXPECT_EQ(d.evidence["tree"], "tree1");
}

TEST(ContractText, IsWhatThePipelineSays) {
  EXPECT_EQ(contract_text(contract::decisions, "Fix-Footer"), "CLAUDE_DECISIONS_OK:Fix-Footer\n");
  EXPECT_EQ(contract_text(contract::final, "Fix-Footer"), "CLAUDE_FINAL_OK:Fix-Footer\n");
}

} // namespace
