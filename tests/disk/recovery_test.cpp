#include "ledger/disk/recovery.hpp"

#include "tests/disk/ledger_fixture.hpp"

namespace ledger::disk {
namespace {

class Recovery : public ledger_test {
protected:
  std::string lines(const std::string& task) const { return text_at(task, path::journal); }

  static std::string first_lines(const std::string& text, std::size_t count) {
    std::size_t end = 0;
    while (count-- > 0)
      end = text.find('\n', end) + 1;
    return text.substr(0, end);
  }

  // Three records of T and one of S, checkpointed and closed.
  std::string settled_ledger(bool sign = true) {
    auto j = open();
    begin(j, "T", sign);
    answer(j, "T", 1, "gemini/audit.md", "audit");
    answer(j, "T", 2, "claude/decisions.md", "decisions");
    begin(j, "S", sign);
    EXPECT_TRUE(j.close());
    return lines("T");
  }

  // Only T is hurt; S goes on.
  void expect_damage(journal& j, std::string_view part) {
    EXPECT_NE(why(j, "T").find(part), std::string::npos) << why(j, "T");
    EXPECT_EQ(j.damages().size(), 1u);
    auto refused = j.append_one(append_of("T", 3, {draft_of(event::granted, {})}));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, fault::refused);
    EXPECT_EQ(refused.error().code, "damaged");
    answer(j, "S", 1, "gemini/audit.md", "audit");
  }
};

// -- kill -9, within one boot ---------------------------------------------------

TEST_F(Recovery, KilledBeforeTheCommitAFileIsAHarmlessOrphan) {
  auto j = open();
  begin(j, "T");
  photograph();
  write(image() / "ledger/T/gemini/audit.md", "orphan");
  restart_from_image();
  auto again = open();
  EXPECT_TRUE(again.damages().empty());
  EXPECT_EQ(again.records_of("T")->size(), 1u);
  answer(again, "T", 1, "gemini/audit.md", "audit");
  EXPECT_EQ(text_at("T", "gemini/audit.md"), "audit");
  EXPECT_TRUE(verify().empty());
}

// Every cut of journal.jsonl after the last acknowledged line but one: the
// database completes it, whatever the killed write left of it.
TEST_F(Recovery, KilledWhileTheLinesAreWrittenTheyAreCompleted) {
  std::string whole;
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "gemini/audit.md", "audit");
    whole = lines("T");
  }
  photograph();
  auto keep = first_lines(whole, 1).size();
  for (auto cut = keep; cut < whole.size(); cut += 37) {
    restart_from_image();
    write(at("T", path::journal), whole.substr(0, cut));
    {
      auto j = open();
      EXPECT_TRUE(j.damages().empty()) << why(j, "T");
      EXPECT_TRUE(says(j.healed(), "completed journal.jsonl")) << cut;
      EXPECT_EQ(lines("T"), whole);
      answer(j, "T", 2, "claude/decisions.md", "decisions");
    }
    EXPECT_TRUE(verify().empty());
    fs::remove_all(root_);
    {
      auto j = open();
      EXPECT_TRUE(j.tasks().empty());
      begin(j, "T");
      answer(j, "T", 1, "gemini/audit.md", "audit");
    }
    photograph();
  }
}

TEST_F(Recovery, KilledBeforeTheFirstLineTheJournalIsWritten) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T", true);
  }
  restart_from_image();
  EXPECT_FALSE(fs::exists(at("T", path::journal)));
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(parse_journal(lines("T")).value(), *j.records_of("T"));
  EXPECT_EQ(j.keys().head_of("T")->seq, 1u); // The head has caught up.
}

TEST_F(Recovery, KilledBeforeTheOriginalIsRemovedTheMoveIsFinished) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  }
  restart_from_image();
  EXPECT_EQ(text_at("T", "a.md"), "one");
  EXPECT_TRUE(verify().empty()); // Nothing is wrong with an unfinished move.
  auto j = open();
  EXPECT_TRUE(says(j.healed(), "finished moving"));
  EXPECT_FALSE(fs::exists(at("T", "a.md")));
  EXPECT_EQ(text_at("T", "old/a.1.md"), "one");
}

TEST_F(Recovery, AnOriginalThatIsNotWhatMovedIsLeftAlone) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  }
  restart_from_image();
  write(at("T", "a.md"), "somebody's");
  auto j = open();
  EXPECT_EQ(text_at("T", "a.md"), "somebody's");
}

TEST_F(Recovery, AMoveOfAnEarlierAppendIsNotFinishedAgain) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
    answer(j, "T", 3, "b.md", "b");
  }
  write(at("T", "a.md"), "one"); // Put back by a person.
  auto j = open();
  EXPECT_EQ(text_at("T", "a.md"), "one");
  EXPECT_TRUE(j.damages().empty());
}

TEST_F(Recovery, KilledBeforeANameChangesHandsTheNewFileIsPut) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    auto d = draft_of(event::rejected, {{"a.md", "two"}});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  }
  restart_from_image();
  EXPECT_EQ(text_at("T", "a.md"), "one");
  EXPECT_TRUE(verify().empty());
  auto j = open();
  EXPECT_EQ(text_at("T", "a.md"), "two");
  EXPECT_EQ(text_at("T", "old/a.1.md"), "one");
  EXPECT_TRUE(verify().empty());
}

TEST_F(Recovery, KilledBeforeTheCommitOfAReplacementNothingHasChanged) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "one");
  j = open();
  hooks_.before_put = [this](const std::string& path) -> result<void> {
    if (path == "T/b.md")
      photograph(); // After a.md was staged and old/a.1.md linked.
    return {};
  };
  j = open();
  auto d = draft_of(event::rejected, {{"a.md", "two"}, {"b.md", "b"}});
  d.moves = {move_of("a.md", "old/a.1.md", "one")};
  ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  restart_from_image();
  EXPECT_TRUE(verify().empty());
  auto again = open();
  EXPECT_TRUE(again.damages().empty());
  EXPECT_EQ(again.records_of("T")->size(), 2u);
  EXPECT_EQ(text_at("T", "a.md"), "one");
}

TEST_F(Recovery, ARecordedFileIsNeverRestoredWithinOneBoot) {
  for (bool replaced : {false, true}) {
    {
      auto j = open();
      begin(j, replaced ? "B" : "A");
    }
    auto task = replaced ? "B" : "A";
    if (replaced)
      write(at(task, "inputs/prompt.md"), "altered");
    else
      fs::remove(at(task, "inputs/prompt.md"));
    auto j = open();
    EXPECT_EQ(text_at(task, "inputs/prompt.md"), replaced ? "altered" : "(missing)");
  }
}

// -- reboot ---------------------------------------------------------------------

TEST_F(Recovery, AfterARebootWhatNoCheckpointSawIsRestored) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "one");
    auto d = draft_of(event::rejected, {{"c.md", "sea"}});
    d.moves = {move_of("a.md", "old/a.1.md", "one")};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  }
  auto whole = lines("T");
  fs::remove(at("T", "inputs/prompt.md"));
  write(at("T", "c.md"), std::string(3, '\0')); // Torn: the size is there, the bytes are not.
  fs::remove_all(at("T", "old"));
  write(at("T", "a.md"), "one"); // Neither link nor unlink came through.
  write(at("T", path::journal), first_lines(whole, 1) + std::string(200, '\0'));
  boot_ = "boot-2";
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(text_at("T", "inputs/prompt.md"), "prompt");
    EXPECT_EQ(text_at("T", "c.md"), "sea");
    EXPECT_EQ(text_at("T", "old/a.1.md"), "one");
    EXPECT_FALSE(fs::exists(at("T", "a.md")));
    EXPECT_EQ(lines("T"), whole);
  }
  EXPECT_TRUE(verify().empty());
  // Healing was a checkpoint: what is gone now stays gone.
  fs::remove(at("T", "inputs/prompt.md"));
  boot_ = "boot-3";
  open();
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "(missing)");
}

TEST_F(Recovery, AfterARebootWhatAStopFoundGoneIsNotRestored) {
  {
    auto j = open();
    begin(j, "T");
    fs::remove(at("T", "inputs/prompt.md"));
    auto stopped = draft_of(event::stopped, {});
    stopped.detail["gone"] = {"inputs/prompt.md"};
    ASSERT_TRUE(j.append_one(append_of("T", 1, {stopped})));
  }
  boot_ = "boot-2";
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "(missing)");
}

TEST_F(Recovery, AfterARebootEvenTheWholeFolderIsRestored) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "gemini/audit.md", "audit");
  }
  fs::remove_all(root_ / "T");
  boot_ = "boot-2";
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(text_at("T", "gemini/audit.md"), "audit");
  EXPECT_TRUE(fs::is_directory(at("T", "contract")));
}

TEST_F(Recovery, AfterARebootCheckpointedFilesAreNotRestored) {
  settled_ledger();
  {
    auto j = open();
    answer(j, "T", 3, "new.md", "new");
  }
  fs::remove(at("T", "gemini/audit.md"));
  fs::remove(at("T", "new.md"));
  boot_ = "boot-2";
  auto j = open();
  EXPECT_EQ(text_at("T", "gemini/audit.md"), "(missing)");
  EXPECT_EQ(text_at("T", "new.md"), "new");
}

TEST_F(Recovery, AfterARebootACheckpointedJournalMustStillBeThere) {
  settled_ledger(false);
  fs::remove(at("T", path::journal));
  boot_ = "boot-2";
  auto j = open();
  expect_damage(j, "missing");
}

// -- one copy is gone -------------------------------------------------------------

TEST_F(Recovery, WithoutTheDatabaseTheFoldersAreEnough) {
  auto whole = settled_ledger();
  lose_database();
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(j.tasks(), (std::vector<std::string>{"S", "T"}));
    EXPECT_EQ(*j.records_of("T"), parse_journal(whole).value());
    answer(j, "T", 3, "codex/plan.md", "plan");
  }
  auto j = open();
  EXPECT_EQ(j.records_of("T")->size(), 4u);
  EXPECT_TRUE(verify().empty());
}

TEST_F(Recovery, WithoutTheDatabaseAnUnfinishedLineIsCutOff) {
  auto whole = settled_ledger();
  lose_database();
  write(at("T", path::journal), whole + "{\"seq\":4,\"ti");
  auto j = open();
  EXPECT_TRUE(j.damages().empty()) << why(j, "T");
  EXPECT_EQ(lines("T"), whole);
  answer(j, "T", 3, "codex/plan.md", "plan");
  EXPECT_EQ(parse_journal(lines("T")).value().size(), 4u);
}

TEST_F(Recovery, AFolderThatIsAheadIsTakenIntoTheDatabase) {
  settled_ledger();
  fs::copy(root_ / ".scheduler", base_ / "old-database", fs::copy_options::recursive);
  {
    auto j = open();
    answer(j, "T", 3, "codex/plan.md", "plan");
    ASSERT_TRUE(j.close());
  }
  fs::remove_all(root_ / ".scheduler");
  fs::rename(base_ / "old-database", root_ / ".scheduler");
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(j.records_of("T")->size(), 4u);
    EXPECT_TRUE(says(j.healed(), "took line 4"));
  }
  EXPECT_TRUE(open().healed().empty());
}

TEST_F(Recovery, AMissingJournalOrFolderIsDamage) {
  settled_ledger(false);
  photograph();
  fs::remove(at("T", path::journal));
  {
    auto j = open();
    expect_damage(j, "missing");
    EXPECT_FALSE(fs::exists(at("T", path::journal)));
  }
  restart_from_image();
  fs::remove_all(root_ / "T");
  auto j = open();
  expect_damage(j, "folder is gone");
}

TEST_F(Recovery, WithoutDatabaseAndFolderTheSignedHeadIsMissed) {
  settled_ledger();
  lose_database();
  fs::remove_all(root_ / "T");
  auto j = open();
  expect_damage(j, "folder is gone");
}

// -- two copies disagree ----------------------------------------------------------

TEST_F(Recovery, AForkIsDamageThatNamesBothHeads) {
  settled_ledger(false);
  photograph();
  std::string other_head, head;
  {
    auto j = open();
    answer(j, "T", 3, "codex/plan.md", "mine");
    head = sha256(to_line(j.records_of("T")->back()));
    ASSERT_TRUE(j.close());
  }
  fs::copy(root_ / ".scheduler", base_ / "database", fs::copy_options::recursive);
  restart_from_image();
  {
    auto j = open();
    answer(j, "T", 3, "codex/plan.md", "theirs");
    other_head = sha256(to_line(j.records_of("T")->back()));
    ASSERT_TRUE(j.close());
  }
  fs::remove_all(root_ / ".scheduler");
  fs::rename(base_ / "database", root_ / ".scheduler");
  for (auto& boot : {boot_, std::string("boot-2")}) {
    boot_ = boot;
    auto j = open();
    EXPECT_NE(why(j, "T").find("fork"), std::string::npos) << why(j, "T");
    EXPECT_NE(why(j, "T").find(head), std::string::npos);
    EXPECT_NE(why(j, "T").find(other_head), std::string::npos);
  }
  EXPECT_NE(head, other_head);
}

TEST_F(Recovery, AChangedLineIsDamageNamingIt) {
  auto whole = settled_ledger(false);
  auto bad = whole;
  bad[first_lines(whole, 1).size() + 20] ^= 1;
  write(at("T", path::journal), bad);
  auto j = open();
  expect_damage(j, "line 2");
}

TEST_F(Recovery, AChangedLineIsDamageWithoutTheDatabaseToo) {
  auto whole = settled_ledger(false);
  auto bad = whole;
  bad[first_lines(whole, 1).size() + 20] ^= 1;
  write(at("T", path::journal), bad);
  lose_database();
  auto j = open();
  expect_damage(j, "line 3: its prev"); // The altered one is the line before.
}

TEST_F(Recovery, BytesBehindTheLastLineAreDamage) {
  auto whole = settled_ledger(false);
  write(at("T", path::journal), whole + "{\"seq\":4,\"ti");
  auto j = open();
  expect_damage(j, "line 4");
}

TEST_F(Recovery, ACutOffJournalIsNoticedByItsSignedHead) {
  {
    auto j = open();
    begin(j, "T");
    begin(j, "S");
    ASSERT_TRUE(
        j.append_one(append_of("T", 1, {draft_of(event::finished, {}, true, step::deliver)})));
    ASSERT_TRUE(j.close());
  }
  write(at("T", path::journal), first_lines(lines("T"), 1));
  lose_database();
  auto j = open();
  expect_damage(j, "cut off");
}

TEST_F(Recovery, AJournalThatWasCutOffAndContinuedIsNoticed) {
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    photograph();
    ASSERT_TRUE(
        j.append_one(append_of("T", 1, {draft_of(event::finished, {}, true, step::deliver)})));
  }
  fs::remove_all(root_); // The keys, with the head, stay.
  fs::rename(image() / "ledger", root_);
  auto heads = keys_ / "0123456789abcdef.heads";
  auto kept = read_file(heads / "T").value();
  fs::remove(heads / "T");
  {
    auto j = open();
    answer(j, "T", 1, "a.md", "a");
  }
  write(heads / "T", kept);
  auto j = open();
  expect_damage(j, "cut off and continued");
}

TEST_F(Recovery, ASignatureOfAnotherKeyIsDamage) {
  settled_ledger();
  fs::remove_all(keys_);
  auto j = open();
  EXPECT_NE(why(j, "T").find("record 1"), std::string::npos) << why(j, "T");
  EXPECT_EQ(j.damages().size(), 2u);
}

TEST_F(Recovery, ALinkInThePlaceOfATaskIsDamage) {
  settled_ledger(false);
  fs::rename(root_ / "T", base_ / "T");
  fs::create_directory_symlink(base_ / "T", root_ / "T");
  auto j = open();
  expect_damage(j, "symbolic link");
}

TEST_F(Recovery, OpeningTwiceHealsOnce) {
  settled_ledger();
  for (int i = 0; i < 3; ++i) {
    auto j = open();
    EXPECT_TRUE(j.healed().empty());
    EXPECT_TRUE(j.damages().empty());
  }
}

} // namespace
} // namespace ledger::disk
