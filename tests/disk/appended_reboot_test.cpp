// Files that grow by appends: what a power cut leaves of them.

#include "ledger/disk/recovery.hpp"
#include "tests/disk/growing_fixture.hpp"

namespace ledger::disk {
namespace {

class GrowthReboot : public killed_growth_test {
protected:
  // One turn that a checkpoint saw, two that none did.
  void one_of_three_is_settled() {
    {
      auto j = open();
      begin(j, "T");
      grow(j, "one\n");
      ASSERT_TRUE(j.close());
    }
    auto j = open();
    grow(j, "two, longer\n");
    grow(j, "three, the last\n");
    photograph();
  }
  void boot() { boot_ += "+"; }
  void again_after_a_power_cut(const std::string& content) {
    again(content);
    boot();
  }
};

TEST_F(GrowthReboot, WhatNoCheckpointSawIsWrittenAgain) {
  {
    auto j = open();
    three_turns(j);
    photograph();
  }
  for (auto content : {std::string(), std::string("o"), std::string("one\nt\0\0\0", 8),
                       std::string(40, '\0'), whole.substr(0, 6), whole + "torn", whole}) {
    again_after_a_power_cut(content);
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(in_file(), whole);
    EXPECT_EQ(tell(j, growing_draft({{turns, "x"}})).has_value(), true);
  }
  again_after_a_power_cut("");
  fs::remove(at("T", turns));
  open();
  EXPECT_EQ(in_file(), whole);
  again_after_a_power_cut("");
  fs::remove_all(root_ / "T");
  open();
  EXPECT_EQ(in_file(), whole);
  // Healing was a checkpoint: what is gone now stays gone.
  fs::remove(at("T", turns));
  boot();
  open();
  EXPECT_EQ(in_file(), "(missing)");
}

TEST_F(GrowthReboot, WhatACheckpointSawMustBeThere) {
  one_of_three_is_settled();
  for (auto content :
       {std::string("one\n"), std::string("one\ntw"), std::string("one\n") + std::string(50, '\0'),
        whole.substr(0, 20), whole + "torn", whole}) {
    again_after_a_power_cut(content);
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(in_file(), whole) << content;
  }
  for (auto content : {std::string("on"), std::string(), std::string("One\ntwo, longer\n"),
                       "x" + whole.substr(1)}) {
    again_after_a_power_cut(content);
    auto j = open();
    EXPECT_EQ(in_file(), content);
    EXPECT_EQ(tell(j, growing_draft({{turns, "x"}})).error().code, "tampered");
  }
  again_after_a_power_cut("");
  fs::remove(at("T", turns));
  open();
  EXPECT_EQ(in_file(), "(missing)");
}

// A start that cannot complete a file must not have told of it already: were the
// database lost now, the line would be all that is left.
TEST_F(GrowthReboot, NoLineIsCompletedBeforeTheFileItTellsOf) {
  {
    auto j = open();
    begin(j, "T");
    lines = text_at("T", path::journal);
    grow(j, "one\n");
  }
  write(at("T", path::journal), lines);
  fs::remove(at("T", turns));
  fs::create_directories(at("T", turns) / "in the way");
  boot();
  {
    auto j = open();
    EXPECT_NE(why(j, "T"), "");
    EXPECT_EQ(text_at("T", path::journal), lines);
  }
  fs::remove_all(at("T", turns));
  expect_completed();
}

// The kernel cannot have written there what no process did: all of it was on
// the disk, and nobody of us wrote since.
TEST_F(GrowthReboot, BehindAFileThatACheckpointSawWholeNothingIsCut) {
  {
    auto j = open();
    three_turns(j);
    ASSERT_TRUE(j.close());
  }
  write(at("T", turns), whole + "by hand");
  boot();
  auto j = open();
  EXPECT_EQ(in_file(), whole + "by hand");
  EXPECT_EQ(tell(j, growing_draft({{turns, "x"}})).error().code, "tampered");
}

// The move, or the bytes, or both are lost: its settled part has one name only,
// and that is taken by its successor.
TEST_F(GrowthReboot, AMovedFileIsSavedBeforeItsSuccessorIsPut) {
  one_of_three_is_settled();
  auto moved = whole;
  {
    auto j = open();
    auto d = moving();
    d.appends = growing_draft({{turns, "one\n"}}).appends; // It begins like the other.
    ASSERT_TRUE(tell(j, d));
    whole = "one\n";
    grow(j, "new\n");
  }
  photograph();
  for (bool has_both_names : {false, true})
    for (auto content : {std::string("one\n"), std::string("one\ntwo"),
                         std::string("one\n") + std::string(9, '\0'), moved}) {
      again_after_a_power_cut(content);
      fs::remove(at("T", old_turns));
      if (has_both_names)
        fs::create_hard_link(at("T", turns), at("T", old_turns));
      auto j = open();
      EXPECT_TRUE(j.damages().empty()) << why(j, "T");
      EXPECT_EQ(text_at("T", old_turns), moved);
      EXPECT_EQ(in_file(), "one\nnew\n");
      ASSERT_TRUE(tell(j, growing_draft({{turns, "x"}})));
      EXPECT_EQ(text_at("T", old_turns), moved);
      EXPECT_EQ(in_file(), "one\nnew\nx");
    }
}

TEST_F(GrowthReboot, AMovedFileThatNoCheckpointSawIsWrittenAgain) {
  {
    auto j = open();
    three_turns(j);
    ASSERT_TRUE(tell(j, moving()));
    photograph();
  }
  for (auto name : {turns, old_turns, "nowhere"}) {
    restart_from_image();
    photograph();
    fs::remove(at("T", old_turns));
    write(at("T", name), "on");
    boot();
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(text_at("T", old_turns), whole);
  }
}

// A file that moved with its last chunk still in memory was written anew. The
// part of it that a checkpoint saw has no other name: it must be on the disk.
TEST_F(GrowthReboot, AFileWrittenAnewWhenItMovesIsSynced) {
  std::vector<std::string> synced;
  hooks_.sync_error = [&](std::string_view name) {
    synced.emplace_back(name);
    return 0;
  };
  {
    auto j = open();
    begin(j, "T");
    grow(j, "one\n");
    ASSERT_TRUE(j.close());
  }
  auto j = open();
  synced.clear();
  whole += "two\n";
  ASSERT_TRUE(j.append_one(append_of("T", 2, {growing_draft({{turns, "two\n"}}), moving()})));
  EXPECT_NE(std::find(synced.begin(), synced.end(), fmt::format("T/{}", old_turns)), synced.end());
}

TEST_F(GrowthReboot, ATaskThatIsDamagedAtTheStartIsCompletedAtALaterOne) {
  one_of_three_is_settled();
  auto kept = text_at("T", path::journal);
  write(at("T", turns), "one\nt");
  fs::remove(at("T", path::journal));
  fs::create_symlink(base_ / "nowhere", at("T", path::journal));
  boot();
  for (int i = 0; i < 2; ++i) {
    auto j = open();
    EXPECT_NE(why(j, "T"), "");
    ASSERT_TRUE(j.close());
  }
  fs::remove(at("T", path::journal));
  write(at("T", path::journal), kept);
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(in_file(), whole);
}

} // namespace
} // namespace ledger::disk
