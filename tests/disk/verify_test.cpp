#include "ledger/disk/verify.hpp"

#include "tests/disk/ledger_fixture.hpp"
#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class Verify : public ledger_test {
protected:
  // A task whose decisions were accepted: record 3 is signed, its contract lies there.
  void decided(journal& j) {
    begin(j, "T");
    auto answered =
        draft_of(event::answered, {{"claude/decisions.md", "yes"}}, false, step::decide);
    ASSERT_TRUE(j.append_one(append_of("T", 1, {answered})));
    auto accepted = draft_of(event::accepted, {{std::string(path::decisions_ok), contract_}}, true,
                             step::decide);
    ASSERT_TRUE(j.append_one(append_of("T", 2, {accepted})));
  }
  std::string one_damage() const {
    auto all = verify();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? "" : all[0].file + ": " + all[0].why;
  }
  std::string contract_ = "CLAUDE_DECISIONS_OK:T\n";
};

TEST_F(Verify, AnUntouchedLedgerIsWhole) {
  auto j = open();
  decided(j);
  EXPECT_TRUE(verify().empty());
  ASSERT_TRUE(j.close());
  EXPECT_TRUE(verify().empty());
}

TEST_F(Verify, NamesWhatIsMissingOrAltered) {
  auto j = open();
  decided(j);
  write(at("T", "inputs/prompt.md"), "Prompt");
  EXPECT_EQ(one_damage().find("inputs/prompt.md: it was altered"), 0u) << one_damage();
  fs::remove(at("T", "inputs/prompt.md"));
  EXPECT_EQ(one_damage().find("inputs/prompt.md: it is missing"), 0u) << one_damage();
  fs::create_symlink(base_ / "elsewhere", at("T", "inputs/prompt.md"));
  write(base_ / "elsewhere", "prompt");
  EXPECT_EQ(one_damage().find("inputs/prompt.md"), 0u) << one_damage();
}

TEST_F(Verify, AContractWithoutARecordIsForged) {
  auto j = open();
  decided(j);
  write(at("T", path::final_ok), "CLAUDE_FINAL_OK:T\n");
  EXPECT_EQ(one_damage().find("contract/CLAUDE_FINAL_OK: contract-forged"), 0u) << one_damage();
  fs::remove(at("T", path::final_ok));
  write(at("T", "contract/HUMAN_OK"), "HUMAN_OK:T\n");
  EXPECT_EQ(one_damage().find("contract/HUMAN_OK: contract-forged"), 0u) << one_damage();
}

TEST_F(Verify, AnUnsignedContractIsForged) {
  auto j = open();
  begin(j, "T");
  auto d = draft_of(event::accepted, {{std::string(path::decisions_ok), contract_}}, false,
                    step::decide);
  ASSERT_TRUE(j.append_one(append_of("T", 1, {d})));
  EXPECT_NE(one_damage().find("not signed"), std::string::npos);
}

TEST_F(Verify, AContractMustHaveItsExactBytes) {
  auto j = open();
  contract_ = "CLAUDE_DECISIONS_OK:S\n";
  decided(j);
  EXPECT_NE(one_damage().find("its bytes are not"), std::string::npos);
}

TEST_F(Verify, AContractThatAKillLeftBeforeItsRecordIsNoError) {
  auto j = open();
  told_task(j, "T").until_decisions();
  write(at("T", path::decisions_ok), contract_);
  EXPECT_TRUE(verify().empty());
  write(at("T", path::decisions_ok), contract_ + " ");
  EXPECT_NE(one_damage().find("contract-forged"), std::string::npos);
  fs::remove(at("T", path::decisions_ok));
  write(at("T", path::final_ok), "CLAUDE_FINAL_OK:T\n"); // Not what `decide` wins.
  EXPECT_NE(one_damage().find("contract-forged"), std::string::npos);
}

TEST_F(Verify, FollowsEveryFileIntoOld) {
  auto j = open();
  decided(j);
  auto reset = draft_of(event::retried, {{"inputs/prompt.md", "another"}}, false, step::ingest);
  reset.moves = {
      move_of("inputs/prompt.md", "old/1/inputs/prompt.md", "prompt"),
      move_of("claude/decisions.md", "old/1/claude/decisions.md", "yes"),
      move_of(std::string(path::decisions_ok), "contract/old/CLAUDE_DECISIONS_OK.1", contract_)};
  auto got = j.append_one(append_of("T", 3, {reset}));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_TRUE(verify().empty());
  write(at("T", "contract/old/CLAUDE_DECISIONS_OK.1"), "x");
  EXPECT_EQ(one_damage().find("contract/old/"), 0u);
  // A revoked contract that is put back has no record behind it.
  write(at("T", "contract/old/CLAUDE_DECISIONS_OK.1"), contract_);
  answer(j, "T", 4, "x.md", "x");
  write(at("T", path::decisions_ok), contract_ + "x");
  EXPECT_NE(one_damage().find("contract-forged"), std::string::npos);
}

TEST_F(Verify, ASignatureOfAStrangerIsNamed) {
  auto j = open();
  decided(j);
  write(keys_ / "0123456789abcdef.trusted", signing_key::generate().pub() + "\n");
  EXPECT_NE(one_damage().find("record 3"), std::string::npos);
}

// A contract that was deleted stopped the task for ever: the record of the stop
// still expected the file, so no later record could write it again.
TEST_F(Verify, WhatAStopFoundGoneIsNamedUntilItIsWrittenAgain) {
  auto j = open();
  decided(j);
  fs::remove(at("T", path::decisions_ok));
  auto stopped = draft_of(event::stopped, {}, false, step::implement);
  stopped.detail["gone"] = {path::decisions_ok};
  ASSERT_TRUE(j.append_one(append_of("T", 3, {stopped})));
  EXPECT_EQ(one_damage().find("contract/CLAUDE_DECISIONS_OK: it is missing"), 0u) << one_damage();
  write(at("T", path::decisions_ok), contract_);
  EXPECT_EQ(one_damage().find("contract/CLAUDE_DECISIONS_OK: contract-forged"), 0u) << one_damage();
  auto again =
      draft_of(event::accepted, {{std::string(path::decisions_ok), contract_}}, true, step::decide);
  auto won = j.append_one(append_of("T", 4, {again}));
  ASSERT_TRUE(won) << won.error().detail;
  EXPECT_TRUE(verify().empty());
}

TEST_F(Verify, AnAlteredFileThatAStopNamedStaysNamed) {
  auto j = open();
  decided(j);
  write(at("T", "inputs/prompt.md"), "Prompt");
  auto stopped = draft_of(event::stopped, {}, false, step::implement);
  stopped.detail["gone"] = {"inputs/prompt.md"};
  ASSERT_TRUE(j.append_one(append_of("T", 3, {stopped})));
  EXPECT_EQ(one_damage().find("inputs/prompt.md: it was altered"), 0u) << one_damage();
  write(at("T", "inputs/prompt.md"), "prompt");
  EXPECT_TRUE(verify().empty());
}

TEST_F(Verify, OnlyTheNamedTasksAreLookedAt) {
  auto j = open();
  begin(j, "T");
  begin(j, "S");
  fs::remove(at("T", "inputs/prompt.md"));
  auto keys = keyring::open_public(keys_, "0123456789abcdef");
  auto found = read_snapshot(root_, keys);
  ASSERT_TRUE(found);
  EXPECT_TRUE(verify_ledger(root_, keys, *found, {"S"}).empty());
  EXPECT_EQ(verify_ledger(root_, keys, *found, {"T"}).size(), 1u);
  EXPECT_EQ(verify_ledger(root_, keys, *found, {"none"}).size(), 1u);
}

} // namespace
} // namespace ledger::disk
