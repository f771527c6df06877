// Files that grow by appends: kills, and a lost database.

#include "ledger/disk/recovery.hpp"
#include "tests/disk/growing_fixture.hpp"

namespace ledger::disk {
namespace {

using GrowthKill = killed_growth_test;

// -- kill -9, within one boot -------------------------------------------------------

TEST_F(GrowthKill, BeforeTheCommitOfTheFirstAppendItIsAnOrphan) {
  {
    auto j = open();
    begin(j, "T");
  }
  write(at("T", turns), "one\n");
  auto j = open();
  EXPECT_TRUE(verify().empty());
  grow(j, "another one\n");
  EXPECT_EQ(in_file(), "another one\n");
}

TEST_F(GrowthKill, BeforeTheCommitOfALaterOneNothingHasChanged) {
  hooks_.before_put = [this](const std::string& path) -> result<void> {
    if (path == "T/b.md")
      photograph();
    return {};
  };
  {
    auto j = open();
    begin(j, "T");
    grow(j, "one\n");
    std::vector<append> group{append_of("T", 2, {growing_draft({{turns, "two\n"}})}),
                              append_of("T", 3, {draft_of(event::answered, {{"b.md", "b"}})})};
    for (auto& r : j.append_group(group))
      ASSERT_TRUE(r) << r.error().detail;
  }
  restart_from_image();
  auto j = open();
  EXPECT_EQ(last_seq(j), 2u);
  EXPECT_EQ(in_file(), "one\n");
  grow(j, "other\n");
  EXPECT_EQ(in_file(), "one\nother\n");
  EXPECT_TRUE(verify().empty());
}

// Every length between the old size and the new one.
TEST_F(GrowthKill, WhileTheChunkIsWrittenItIsCompleted) {
  killed_behind_the_commit();
  for (auto size = settled.size(); size <= whole.size(); ++size) {
    again(whole.substr(0, size));
    EXPECT_TRUE(verify().empty()) << size; // Nothing is wrong with it.
    expect_completed();
  }
}

TEST_F(GrowthKill, BetweenTheChunkAndItsLineTheLineIsCompleted) {
  killed_behind_the_commit();
  again(whole);
  auto j = open();
  EXPECT_TRUE(says(j.healed(), "completed journal.jsonl"));
  EXPECT_FALSE(says(j.healed(), turns));
  EXPECT_EQ(in_file(), whole);
}

TEST_F(GrowthKill, BehindSeveralChunksOfOneGroupAllAreCompleted) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    grow(j, "one\n");
    auto got = j.append_one(append_of(
        "T", 2,
        {growing_draft({{turns, "2\n"}}), growing_draft({{turns, "33\n"}, {"b", "begun"}})}));
    ASSERT_TRUE(got) << got.error().detail;
    whole += "2\n33\n";
  }
  restart_from_image();
  photograph();
  for (std::size_t size = 4; size <= whole.size(); ++size) {
    again(whole.substr(0, size));
    EXPECT_TRUE(verify().empty()) << size;
    expect_completed();
    EXPECT_EQ(text_at("T", "b"), "begun");
  }
}

TEST_F(GrowthKill, BehindTheFirstChunkAndTheSecondOfOneGroup) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    auto got = j.append_one(
        append_of("T", 1, {growing_draft({{turns, "one\n"}}), growing_draft({{turns, "two\n"}})}));
    ASSERT_TRUE(got) << got.error().detail;
    whole = "one\ntwo\n";
  }
  restart_from_image();
  photograph();
  for (std::size_t size = 4; size <= whole.size(); ++size) {
    again(whole.substr(0, size));
    expect_completed();
  }
  again("on"); // The first is put before the commit: never in part.
  expect_named("on");
}

// Within one boot nothing is restored that no kill can have taken.
TEST_F(GrowthKill, WhateverElseStandsThereIsNamedAndLeftAlone) {
  killed_behind_the_commit();
  for (std::size_t i = 0; i < settled.size(); ++i) {
    auto bad = settled;
    bad[i] ^= 1;
    again(bad);
    expect_named(bad);
  }
  again(settled.substr(0, settled.size() - 1)); // Less than was answered.
  expect_named(settled.substr(0, settled.size() - 1));
  again("");
  expect_named("");
  again(whole + "x"); // More than was ever recorded.
  expect_named(whole + "x");
  // The beginning of the chunk, but altered: only the next start can tell.
  again(settled + "thrEE");
  {
    auto j = open();
    EXPECT_EQ(in_file(), settled + "thrEE");
    EXPECT_EQ(verify().size(), 1u);
    EXPECT_EQ(tell(j, growing_draft({{turns, "more"}})).error().code, "tampered");
  }
  again("x");
  fs::remove(at("T", turns));
  {
    auto j = open();
    EXPECT_FALSE(fs::exists(at("T", turns)));
    EXPECT_EQ(verify().size(), 1u);
    EXPECT_EQ(tell(j, growing_draft({{turns, "more"}})).error().code, "tampered");
  }
}

// -- moves ------------------------------------------------------------------------

TEST_F(GrowthKill, BeforeTheOriginalIsRemovedTheMoveIsFinished) {
  photograph_commits();
  {
    auto j = open();
    three_turns(j);
    ASSERT_TRUE(tell(j, moving()));
  }
  restart_from_image();
  EXPECT_TRUE(verify().empty());
  expect_completed(old_turns);
  EXPECT_FALSE(fs::exists(at("T", turns)));
}

// The same name, the same first turn: the old file is not the new one, and what
// its second name holds must never grow.
TEST_F(GrowthKill, BeforeANameChangesHandsTheNewFileIsPut) {
  for (auto first : {"one\n", "other\n"}) {
    whole.clear();
    photograph_commits();
    {
      auto j = open();
      begin(j, "T");
      grow(j, "one\n");
      auto d = moving();
      d.appends = growing_draft({{turns, first}}).appends;
      ASSERT_TRUE(tell(j, d));
    }
    restart_from_image();
    EXPECT_EQ(in_file(), "one\n");
    fs::remove(at("T", old_turns)); // An image knows no second names.
    fs::create_hard_link(at("T", turns), at("T", old_turns));
    EXPECT_TRUE(verify().empty());
    whole = first;
    expect_completed();
    EXPECT_EQ(text_at("T", old_turns), "one\n");
    fs::remove_all(root_);
    fs::remove_all(keys_);
  }
}

// All of it in one group: grown, moved, begun anew, grown. Killed at each step
// of what follows the commit.
TEST_F(GrowthKill, BehindAGroupThatGrowsMovesAndBeginsAnew) {
  std::string both;
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    grow(j, "one\n");
    whole += "two\n";
    both = whole;
    std::vector<append> group{
        append_of("T", 2, {growing_draft({{turns, "two\n"}}), moving()}),
        append_of("T", 4, {growing_draft({{turns, "A"}}), growing_draft({{turns, "BCD"}})})};
    for (auto& r : j.append_group(group))
      ASSERT_TRUE(r) << r.error().detail;
  }
  restart_from_image();
  photograph();
  ASSERT_EQ(in_file(), "one\n");
  whole = "ABCD";
  for (auto content : {"one\n", "A", "AB", "ABC", "ABCD"}) {
    again(content);
    EXPECT_TRUE(verify().empty()) << content;
    expect_completed();
    EXPECT_EQ(text_at("T", old_turns), both) << content;
  }
  again("strange");
  {
    auto j = open();
    EXPECT_EQ(in_file(), "strange");
  }
  EXPECT_EQ(verify().size(), 1u);
}

TEST_F(GrowthKill, AFileThatMovedWithoutItsLastChunkLeavesNoOriginal) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    grow(j, "one\n");
    whole += "two\n";
    ASSERT_TRUE(j.append_one(append_of("T", 2, {growing_draft({{turns, "two\n"}}), moving()})));
  }
  restart_from_image();
  EXPECT_EQ(in_file(), "one\n");
  EXPECT_TRUE(verify().empty());
  expect_completed(old_turns);
  EXPECT_FALSE(fs::exists(at("T", turns)));
}

// -- one copy is gone ---------------------------------------------------------------

TEST_F(GrowthKill, WithoutTheDatabaseTheFolderIsEnough) {
  {
    auto j = open();
    three_turns(j);
    ASSERT_TRUE(j.close());
  }
  lose_database();
  expect_completed();
  EXPECT_TRUE(verify().empty());
}

// Killed between the chunk and its line, and the database lost: nothing tells of
// the chunk, as nothing tells of an unfinished line.
TEST_F(GrowthKill, WithoutTheDatabaseWhatNoLineTellsOfIsCutOff) {
  killed_behind_the_commit();
  for (auto size = settled.size() + 1; size <= whole.size(); ++size) {
    again(whole.substr(0, size));
    write(at("T", path::journal), lines);
    lose_database();
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_TRUE(says(j.healed(), "that no record tells of")) << size;
    EXPECT_EQ(in_file(), settled);
    ASSERT_TRUE(tell(j, growing_draft({{turns, "other"}})));
    EXPECT_EQ(in_file(), settled + "other");
    EXPECT_TRUE(verify().empty());
  }
  again("x" + whole.substr(1));
  lose_database();
  open();
  EXPECT_EQ(in_file(), "x" + whole.substr(1)); // Altered, not torn.
}

// -- a task that is held --------------------------------------------------------------

TEST_F(GrowthKill, ATaskThatIsDamagedForAWhileIsCompletedOnceItIsSound) {
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    grow(j, "one\n");
    plant_fifo(at("T", turns));
    EXPECT_EQ(tell(j, growing_draft({{turns, "more"}})).error().code, "tampered");
    fs::remove(at("T", turns));
    write(at("T", turns), whole);
    auto kept = text_at("T", path::journal);
    plant_fifo(at("T", path::journal));
    grow(j, "two\n"); // Its chunk comes first, then its line fails.
    EXPECT_NE(why(j, "T"), "");
    answer(j, "S", 1, "a.md", "s");
    ASSERT_TRUE(j.close());
    fs::remove(at("T", path::journal));
    write(at("T", path::journal), kept);
    write(at("T", turns), "one\ntw");
  }
  EXPECT_TRUE(verify().empty());
  expect_completed();
}

} // namespace
} // namespace ledger::disk
