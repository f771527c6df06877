// Records are read again where they are asked for: the journal keeps none in memory that
// the folder has.

#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class Remembered : public ledger_test {
protected:
  std::vector<record> on_disk(const std::string& task) const {
    return parse_journal(text_at(task, path::journal)).value();
  }
  fs::path heads() const { return keys_ / (std::string(test_repository) + ".heads"); }
};

TEST_F(Remembered, RecordsOfATaskAtWorkAreReadAgain) {
  auto j = open();
  told_task t(j, "T");
  t.until_decisions();
  ASSERT_NE(j.records_of("T"), nullptr);
  EXPECT_GT(j.records_of("T")->size(), 5u);
  EXPECT_EQ(*j.records_of("T"), on_disk("T"));
  t.judge();
  EXPECT_EQ(*j.records_of("T"), on_disk("T"));
  EXPECT_EQ(fold("T", *j.records_of("T")).value().seq, t.state.seq);
}

TEST_F(Remembered, SoAreThoseOfATaskThatEndsUnremembered) {
  auto j = open();
  told_task t(j, "T");
  t.open();
  t.tell(draft_parked(t.state, "limit-patience", "it took too long", "retry"));
  EXPECT_EQ(j.records_of("T")->size(), 2u);
  ASSERT_TRUE(j.close());
  auto seen = read_overview(root_, keyring::open_public(keys_, test_repository));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->standings.at("T").reason, "limit-patience");
}

TEST_F(Remembered, WhatTheFolderHasNotGotYetIsAmongThem) {
  auto j = open();
  begin(j, "T");
  write(heads(), "in the way"); // Of a signed record: its folder cannot be completed.
  ASSERT_TRUE(j.append_one(append_of("T", 1, {draft_of(event::accepted, {}, true)})));
  ASSERT_TRUE(j.lags("T"));
  ASSERT_TRUE(j.append_one(append_of("T", 2, {draft_of(event::granted, {})})));
  ASSERT_LT(on_disk("T").size(), 3u) << "nothing lags, so nothing is shown";
  ASSERT_EQ(j.records_of("T")->size(), 3u);
  EXPECT_EQ(j.records_of("T")->back().what, event::granted);
  fs::remove(heads());
  j.catch_up();
  EXPECT_EQ(on_disk("T").size(), 3u);
  EXPECT_EQ(*j.records_of("T"), on_disk("T"));
}

TEST_F(Remembered, AJournalThatWasAlteredAtWorkIsDamage) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "one");
  auto altered = text_at("T", path::journal);
  altered.replace(altered.find("text"), 4, "xxxx");
  write(at("T", path::journal), altered);
  EXPECT_TRUE(j.records_of("T")->empty());
  EXPECT_NE(why(j, "T").find("journal.jsonl"), std::string::npos) << why(j, "T");
}

} // namespace
} // namespace ledger::disk
