// Folders that cannot follow the database for a while: by a power cut, by
// damage, by a disk that is full.

#include "ledger/disk/recovery.hpp"
#include "tests/disk/ledger_fixture.hpp"
#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class LaggingFolder : public ledger_test {
protected:
  fs::path heads() const { return keys_ / (std::string(test_repository) + ".heads"); }

  // The folder of T is again as it was in the image: a power cut took the rest.
  void cut_power() {
    fs::remove_all(root_ / "T");
    fs::copy(image() / "ledger/T", root_ / "T", fs::copy_options::recursive);
    boot_ += "+";
  }
};

// Healing put the new changes.diff before it linked the old one to its second
// name: the only copy of a checkpointed file was overwritten.
TEST_F(LaggingFolder, AfterAPowerCutAMovedFileIsSavedBeforeItsSuccessorIsPut) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "codex/changes.diff", "one");
    ASSERT_TRUE(j.close());
  }
  photograph(); // All that the disk will have.
  {
    auto j = open();
    auto d = draft_of(event::round_opened, {});
    d.moves = {move_of("codex/changes.diff", "codex/old/changes.round-1.diff", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
    answer(j, "T", 3, "codex/changes.diff", "two");
  }
  cut_power();
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_TRUE(says(j.healed(), "moved codex/changes.diff"));
  }
  EXPECT_EQ(text_at("T", "codex/changes.diff"), "two");
  EXPECT_EQ(text_at("T", "codex/old/changes.round-1.diff"), "one");
}

TEST_F(LaggingFolder, AfterAPowerCutAFileThatMovedTwiceIsFound) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    ASSERT_TRUE(j.close());
  }
  photograph();
  {
    auto j = open();
    auto first = draft_of(event::rejected, {});
    first.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {first})));
    auto second = draft_of(event::rejected, {{"a.md", "two"}});
    second.moves = {move_of("old/a.1.md", "old/a.2.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 3, {second})));
  }
  cut_power();
  auto j = open();
  EXPECT_EQ(text_at("T", "old/a.2.md"), "one");
  EXPECT_EQ(text_at("T", "a.md"), "two");
  EXPECT_FALSE(fs::exists(at("T", "old/a.1.md")));
}

// The second name of a moved file must be on the disk before a new file takes
// its first: another power cut may follow the first.
TEST_F(LaggingFolder, WhatMovedIsSyncedBeforeAnythingElseIsHealed) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    ASSERT_TRUE(j.close());
  }
  photograph();
  {
    auto j = open();
    auto d = draft_of(event::rejected, {{"a.md", "two"}});
    d.moves = {move_of("a.md", "old/a.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  }
  cut_power();
  std::vector<std::string> content_at_sync;
  hooks_.sync_error = [&](std::string_view name) {
    if (name.empty())
      content_at_sync.push_back(text_at("T", "a.md") + text_at("T", "old/a.md"));
    return 0;
  };
  open();
  ASSERT_FALSE(content_at_sync.empty());
  EXPECT_EQ(content_at_sync.front(), "oneone");
  EXPECT_EQ(content_at_sync.back(), "twoone");
}

// A task that could not be read at the first start after a reboot lost what was
// to be restored: the marks and the boot id went on for everyone.
TEST_F(LaggingFolder, ATaskThatIsDamagedForOneStartIsRestoredAtTheNext) {
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    answer(j, "T", 1, "gemini/audit.md", "audit");
  }
  auto whole = text_at("T", path::journal);
  fs::remove(at("T", "gemini/audit.md"));
  fs::remove(at("T", path::journal));
  fs::create_symlink(base_ / "nowhere", at("T", path::journal));
  boot_ = "boot-2";
  for (int i = 0; i < 3; ++i) {
    auto j = open();
    EXPECT_NE(why(j, "T").find("symbolic link"), std::string::npos) << why(j, "T");
    answer(j, "S", 1 + static_cast<std::uint64_t>(i), fmt::format("{}.md", i), "s");
    ASSERT_TRUE(j.close());
  }
  // Nobody else is treated as if the machine had started anew.
  fs::remove(at("S", "0.md"));
  fs::remove(at("T", path::journal));
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(text_at("T", path::journal), whole);
    EXPECT_EQ(text_at("T", "gemini/audit.md"), "audit");
    EXPECT_EQ(text_at("S", "0.md"), "(missing)");
  }
  // From now on T is a task like any other.
  fs::remove(at("T", "gemini/audit.md"));
  open();
  EXPECT_EQ(text_at("T", "gemini/audit.md"), "(missing)");
}

TEST_F(LaggingFolder, ATaskThatIsDamagedWhileItRunsIsCompletedOnceItIsSound) {
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    auto kept = text_at("T", path::journal);
    plant_fifo(at("T", path::journal));
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("inputs/prompt.md", "old/prompt.md", "prompt")};
    ASSERT_TRUE(j.append_one(append_of("T", 1, {d})));
    EXPECT_NE(why(j, "T"), "");
    answer(j, "S", 1, "a.md", "s");
    ASSERT_TRUE(j.close());
    fs::remove(at("T", path::journal));
    write(at("T", path::journal), kept);
  }
  EXPECT_TRUE(verify().empty());
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(parse_journal(text_at("T", path::journal)).value().size(), 2u);
  EXPECT_EQ(text_at("T", "old/prompt.md"), "prompt");
  EXPECT_FALSE(fs::exists(at("T", "inputs/prompt.md")));
}

// A head that could not be written was forgotten without a word, and with it
// what a cut-off journal is noticed by.
TEST_F(LaggingFolder, AFolderThatCannotBeCompletedIsToldAndTriedAgain) {
  checkpoint_bytes_ = 1; // Every group.
  {
    auto j = open();
    begin(j, "S");
    write(heads(), "in the way");
    begin(j, "T", true);
    ASSERT_TRUE(j.trouble());
    EXPECT_EQ(j.trouble()->kind, fault::unavailable);
    EXPECT_NE(j.trouble()->detail.find("T: its folder cannot be completed"), std::string::npos)
        << j.trouble()->detail;
    EXPECT_TRUE(j.damages().empty());
    answer(j, "S", 1, "a.md", "s"); // Nobody else waits for it.
    auto closed = j.close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, fault::unavailable);
  }
  fs::remove(heads());
  {
    auto j = open();
    EXPECT_FALSE(j.trouble());
    ASSERT_TRUE(j.keys().head_of("T"));
    fs::remove(heads() / "T");
    fs::remove(heads());
    write(heads(), "in the way");
    ASSERT_TRUE(j.append_one(append_of("T", 1, {draft_of(event::finished, {}, true)})));
    EXPECT_TRUE(j.trouble());
    fs::remove(heads());
    answer(j, "S", 2, "b.md", "s");
    EXPECT_FALSE(j.trouble());
    EXPECT_EQ(j.keys().head_of("T")->seq, 2u);
    EXPECT_TRUE(j.close());
  }
}

// One task in trouble held every checkpoint back: the database kept the bytes
// of all tasks for as long as it lasted.
TEST_F(LaggingFolder, ATaskThatLagsHoldsNobodysCheckpointBack) {
  checkpoint_bytes_ = 1;
  {
    auto j = open();
    begin(j, "S");
    write(heads(), "in the way");
    begin(j, "T", true);
    answer(j, "S", 1, "a.md", "s");
    EXPECT_TRUE(j.trouble());
  }
  fs::remove(heads());
  fs::remove(at("S", "a.md"));
  fs::remove(at("T", "inputs/prompt.md"));
  boot_ = "boot-2";
  auto j = open();
  EXPECT_TRUE(j.damages().empty());
  EXPECT_EQ(text_at("S", "a.md"), "(missing)");          // A checkpoint saw it.
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "prompt"); // None did.
}

// kill -9 between putting a contract and its commit, then `cancel` or `retry`:
// only a batch cleared it away, so the task was forged for ever.
TEST_F(LaggingFolder, AContractThatAKillLeftIsRemovedByWhoeverOpensTheLedger) {
  for (bool resumed : {false, true}) {
    auto task = resumed ? "B" : "A";
    auto bytes = contract_text(contract::decisions, task);
    {
      auto j = open();
      told_task t(j, task);
      t.until_decisions();
      if (resumed) // Killed by the second run.
        t.tell(draft_resumed(t.state));
    }
    write(at(task, path::decisions_ok), bytes);
    EXPECT_TRUE(verify().empty());
    {
      auto j = open();
      EXPECT_TRUE(says(j.healed(), "removed contract/CLAUDE_DECISIONS_OK"));
      EXPECT_FALSE(fs::exists(at(task, path::decisions_ok)));
      told_task t(j, task);
      t.tell(draft_cancelled(t.state));
    }
    EXPECT_TRUE(verify().empty());
    // What nobody was about to put is left for people to see.
    write(at(task, path::final_ok), contract_text(contract::final, task));
    open();
    EXPECT_TRUE(fs::exists(at(task, path::final_ok)));
    EXPECT_EQ(verify().size(), 1u);
    fs::remove(at(task, path::final_ok));
  }
}

TEST_F(LaggingFolder, OnlyTheExactBytesOfAContractAreRemoved) {
  {
    auto j = open();
    told_task t(j, "T");
    t.until_decisions();
  }
  write(at("T", path::decisions_ok), contract_text(contract::decisions, "S"));
  auto j = open();
  EXPECT_TRUE(fs::exists(at("T", path::decisions_ok)));
  EXPECT_EQ(verify().size(), 1u);
}

// Two appends of one group: the second decided by the group's end that a.md was
// free, and overwrote it before the group was durable.
TEST_F(LaggingFolder, KilledBeforeTheCommitOfAGroupNothingHasChanged) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    ASSERT_TRUE(j.close());
  }
  hooks_.before_put = [this](const std::string& path) -> result<void> {
    if (path == "T/b.md")
      photograph();
    return {};
  };
  {
    auto j = open();
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    std::vector<append> group{
        append_of("T", 2, {d}),
        append_of("T", 3, {draft_of(event::answered, {{"a.md", "two"}, {"b.md", "b"}})})};
    for (auto& r : j.append_group(group))
      ASSERT_TRUE(r) << r.error().detail;
    EXPECT_EQ(text_at("T", "a.md"), "two");
    EXPECT_EQ(text_at("T", "old/a.1.md"), "one");
    EXPECT_TRUE(verify().empty());
  }
  restart_from_image();
  auto j = open();
  EXPECT_EQ(j.records_of("T")->size(), 2u);
  EXPECT_EQ(text_at("T", "a.md"), "one");
  EXPECT_TRUE(verify().empty());
}

// A link cannot wait for the commit as a new file can.
TEST_F(LaggingFolder, NothingMovesToANameThatADurableRecordExpects) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "a");
  answer(j, "T", 2, "b.md", "b");
  auto d = draft_of(event::rejected, {});
  d.moves = {move_of("b.md", "c.md", "b"), move_of("a.md", "b.md", "a")};
  auto got = j.append_one(append_of("T", 3, {d}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "occupied");
  EXPECT_EQ(text_at("T", "b.md"), "b");
}

} // namespace
} // namespace ledger::disk
