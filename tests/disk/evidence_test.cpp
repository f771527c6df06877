#include "ledger/disk/evidence.hpp"

#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class Evidence : public ledger_test {
protected:
  // T stands before `plan`, its decisions are accepted.
  task_state decided(journal& j) {
    told_task t(j, "T");
    t.until_decisions();
    t.judge();
    return t.state;
  }
  static gate_evidence seen(const journal& j, const task_state& s) {
    return collect_evidence(j.folder_of(s.task), s, j.keys(), s.config_digest);
  }
};

TEST_F(Evidence, OpensTheGateOfAnUntouchedTask) {
  auto j = open();
  auto s = decided(j);
  auto e = seen(j, s);
  EXPECT_EQ(e.decisions.bytes, contract_text(contract::decisions, "T"));
  EXPECT_TRUE(e.decisions.signature_ok);
  EXPECT_FALSE(e.final.bytes);
  EXPECT_EQ(e.inputs.size(), 3u);
  EXPECT_TRUE(may_enter(s, e).open);
  EXPECT_TRUE(altered_files(j.folder_of("T"), s.files).empty());
}

// A folder that was replaced by a link to a copy of it: steps were granted on
// files that were not the task's own.
TEST_F(Evidence, WhatIsReachedThroughALinkIsNotThere) {
  for (auto folder : {"contract", "gemini", "inputs"}) {
    fs::remove_all(root_);
    fs::remove_all(keys_);
    fs::remove_all(base_ / "copy");
    auto j = open();
    auto s = decided(j);
    fs::rename(at("T", folder), base_ / "copy");
    fs::create_directory_symlink(base_ / "copy", at("T", folder));
    auto gate = may_enter(s, seen(j, s));
    EXPECT_FALSE(gate.open) << folder;
    EXPECT_FALSE(altered_files(j.folder_of("T"), s.files).empty()) << folder;
    EXPECT_FALSE(verify().empty()) << folder;
  }
}

TEST_F(Evidence, AContractBehindALinkIsForgedNotMissing) {
  auto j = open();
  auto s = decided(j);
  fs::rename(at("T", "contract"), base_ / "copy");
  fs::create_directory_symlink(base_ / "copy", at("T", "contract"));
  EXPECT_EQ(may_enter(s, seen(j, s)).because, closed_because::contract_forged);
}

TEST_F(Evidence, ATaskFolderThatIsALinkShowsNothing) {
  auto j = open();
  auto s = decided(j);
  fs::rename(root_ / "T", base_ / "copy");
  fs::create_directory_symlink(base_ / "copy", root_ / "T");
  auto e = seen(j, s);
  EXPECT_FALSE(may_enter(s, e).open);
  EXPECT_NE(e.decisions.bytes, contract_text(contract::decisions, "T"));
  EXPECT_EQ(altered_files(j.folder_of("T"), s.files).size(), s.files.size());
}

} // namespace
} // namespace ledger::disk
