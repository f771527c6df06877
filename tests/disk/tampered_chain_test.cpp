// Chains that are whole in themselves, and yet not what was written here.

#include "ledger/disk/recovery.hpp"
#include "tests/disk/ledger_fixture.hpp"
#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class TamperedChain : public ledger_test {
protected:
  static bool names(const std::vector<damage>& all, std::string_view task, std::string_view part) {
    return std::any_of(all.begin(), all.end(), [&](auto& d) {
      return d.task == task && d.why.find(part) != std::string::npos;
    });
  }

  // A line behind the last one, as somebody would write it who knows the format.
  void add_line(const std::string& task, event what) {
    auto text = text_at(task, path::journal);
    auto chain = parse_journal(text).value();
    record r;
    r.seq = chain.size() + 1;
    r.time = chain.back().time;
    r.what = what;
    r.at = chain.back().at;
    r.prev = sha256(to_line(chain.back()));
    write(at(task, path::journal), text + to_line(r) + "\n");
  }
};

// A line that was added by hand was taken into the database without a word, and
// `verify` found nothing.
TEST_F(TamperedChain, LinesThatOnlyTheFolderHasAreNamed) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  EXPECT_TRUE(verify().empty());
  add_line("T", event::resumed);
  add_line("T", event::resumed);
  EXPECT_TRUE(names(verify(), "T", "lines 2 to 3: only the folder has")) << verify().size();
  auto j = open();
  EXPECT_TRUE(says(j.healed(), "took lines 2 to 3")) << j.healed().size();
  EXPECT_TRUE(says(j.healed(), "added by hand"));
}

TEST_F(TamperedChain, WithoutADatabaseLinesOfTheFolderAreNoNews) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  lose_database();
  EXPECT_TRUE(verify().empty());
  EXPECT_FALSE(says(open().healed(), "added by hand"));
}

// `: > journal.jsonl` after a clean end was completed in silence. What was
// settled in the folder can only have been taken out of it.
TEST_F(TamperedChain, ASettledJournalThatIsCutIsDamage) {
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    answer(j, "T", 1, "a.md", "a");
    ASSERT_TRUE(j.close());
  }
  auto whole = text_at("T", path::journal);
  auto first = whole.find('\n') + 1;
  for (auto keep : {std::size_t{0}, std::size_t{7}, first, first + 9, whole.size() - 1}) {
    write(at("T", path::journal), whole.substr(0, keep));
    EXPECT_TRUE(names(verify(), "T", "it is cut off")) << keep;
    auto j = open();
    EXPECT_NE(why(j, "T").find("SELECT line FROM records WHERE task = 'T'"), std::string::npos)
        << why(j, "T");
    EXPECT_EQ(j.damages().size(), 1u);
    EXPECT_EQ(text_at("T", path::journal), whole.substr(0, keep));
    ASSERT_TRUE(j.close());
  }
  write(at("T", path::journal), whole); // The remedy.
  EXPECT_TRUE(verify().empty());
  EXPECT_TRUE(open().damages().empty());
}

TEST_F(TamperedChain, AJournalThatWasCutWhileItRanStaysDamaged) {
  {
    auto j = open();
    begin(j, "T");
    answer(j, "T", 1, "a.md", "a");
    write(at("T", path::journal), "");
    answer(j, "T", 2, "b.md", "b");
    EXPECT_NE(why(j, "T"), "");
  }
  EXPECT_FALSE(verify().empty());
  EXPECT_NE(why(open(), "T").find("it is cut off"), std::string::npos);
}

// cp -r T X, and X was done, with the commit of T.
TEST_F(TamperedChain, ACopiedTaskIsNotAnotherTask) {
  {
    auto j = open();
    begin(j, "T", true);
    ASSERT_TRUE(j.close());
  }
  fs::copy(root_ / "T", root_ / "X", fs::copy_options::recursive);
  EXPECT_TRUE(names(verify(), "X", "record 1 (opened) is of task `T`"));
  EXPECT_FALSE(names(verify(), "T", ""));
  auto j = open();
  EXPECT_NE(why(j, "X").find("is of task `T`"), std::string::npos) << why(j, "X");
  EXPECT_EQ(j.damages().size(), 1u);
}

TEST_F(TamperedChain, ACopiedTaskWithoutASignatureIsKnownByItsBranch) {
  {
    auto j = open();
    told_task(j, "T").until_decisions();
    ASSERT_TRUE(j.close());
  }
  fs::copy(root_ / "T", root_ / "X", fs::copy_options::recursive);
  EXPECT_TRUE(names(verify(), "X", "is of branch `refs/heads/ai-gated/T`"));
  EXPECT_FALSE(names(verify(), "T", ""));
  EXPECT_NE(why(open(), "X"), "");
}

TEST_F(TamperedChain, ATaskOfAnotherRepositoryIsDamage) {
  auto j = open();
  auto d = draft_of(event::finished, {}, true);
  d.detail = json{{"repo", "another"}, {"task", "T"}};
  ASSERT_TRUE(j.append_one(append_of("T", 0, {d})));
  EXPECT_TRUE(names(verify(), "T", "is of repository `another`"));
  EXPECT_NE(why(open(), "T"), "");
}

// The gate compares a contract with the text and the tree at hand; `verify` did
// not, and called a contract for another text "as written".
TEST_F(TamperedChain, AContractForAnotherTextIsForged) {
  auto j = open();
  told_task t(j, "T");
  t.until_decisions();
  auto d = t.judged_well();
  ASSERT_EQ(d.detail["text_sha256"], sha256("decisions"));
  t.tell(d);
  EXPECT_TRUE(verify().empty());
  told_task s(j, "S");
  s.until_decisions();
  d = s.judged_well();
  d.detail["text_sha256"] = sha256("other decisions");
  auto got = j.append_one({"S", s.state.seq, {d}});
  ASSERT_TRUE(got) << got.error().detail;
  auto state = fold("S", *j.records_of("S"));
  if (!state) // Then no state fits the record at all, and the caller names it.
    GTEST_SKIP() << state.error().detail;
  EXPECT_TRUE(names(verify(), "S", "for another text than claude/decisions.md"));
  EXPECT_FALSE(names(verify(), "T", ""));
}

// "Settling" was told by equal times: a revoked contract put back by hand at the
// time of the last record was nobody's.
TEST_F(TamperedChain, ARevokedContractThatIsPutBackIsForged) {
  auto bytes = contract_text(contract::final, "T");
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.append_one(append_of(
        "T", 1,
        {draft_of(event::accepted, {{std::string(path::final_ok), bytes}}, true, step::review)})));
    auto d = draft_of(event::retried, {});
    d.moves = {move_of(std::string(path::final_ok), "contract/old/CLAUDE_FINAL_OK.1", bytes)};
    ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
    ASSERT_TRUE(j.close());
  }
  EXPECT_TRUE(verify().empty());
  write(at("T", path::final_ok), bytes);
  EXPECT_TRUE(names(verify(), "T", "contract-forged"));
}

TEST_F(TamperedChain, ASecondLookBesideAWriterDoesNotHideAMissingJournal) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  fs::remove(at("T", path::journal));
  EXPECT_TRUE(names(verify(), "T", "it is missing"));
}

} // namespace
} // namespace ledger::disk
