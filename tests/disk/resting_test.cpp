// What the journal no longer holds of tasks that have come to rest.

#include "tests/disk/told_task.hpp"

#include <optional>

namespace ledger::disk {
namespace {

class Resting : public ledger_test {
protected:
  void park(journal& j) {
    told_task t(j, "T");
    t.open();
    t.tell(draft_parked(t.state, "limit-patience", "it took too long", "retry"));
  }
  result<appended> go_on(journal& j) {
    auto s = fold("T", parse_journal(text_at("T", path::journal)).value()).value();
    return j.append_one({"T", s.seq, {draft_retried(s, std::nullopt, nullptr).value()}});
  }
  void expect_damage(journal& j, const std::string& part) {
    ASSERT_NE(j.records_of("T"), nullptr);
    EXPECT_TRUE(j.records_of("T")->empty());
    EXPECT_NE(why(j, "T").find(part), std::string::npos) << why(j, "T");
  }
};

TEST_F(Resting, ItsRecordsAreReadAgain) {
  auto j = open();
  park(j);
  ASSERT_NE(j.records_of("T"), nullptr);
  EXPECT_EQ(*j.records_of("T"), parse_journal(text_at("T", path::journal)).value());
  EXPECT_EQ(j.records_of("T")->size(), 2u);
}

TEST_F(Resting, ItGoesOnWhereItWas) {
  auto j = open();
  park(j);
  ASSERT_TRUE(go_on(j));
  EXPECT_EQ(j.records_of("T")->size(), 3u);
  EXPECT_TRUE(verify().empty());
  told_task t(j, "T");
  t.tell(draft_parked(t.state, "limit-patience", "again", "retry"));
  ASSERT_TRUE(go_on(j));
  EXPECT_TRUE(j.damages().empty());
}

TEST_F(Resting, WhatItExpectsOnDiskIsKnownAgain) {
  auto j = open();
  park(j);
  auto s = fold("T", *j.records_of("T")).value();
  auto d = draft_retried(s, std::nullopt, nullptr).value();
  d.files.push_back({"inputs/prompt.md", std::make_shared<const std::string>("another")});
  auto got = j.append_one({"T", s.seq, {d}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "occupied");
}

TEST_F(Resting, AJournalThatWasAlteredMeanwhileIsDamage) {
  auto j = open();
  park(j);
  auto whole = text_at("T", path::journal);
  auto again = whole;
  again.replace(again.find("too long"), 8, "too much");
  write(at("T", path::journal), again);
  expect_damage(j, "not what was recorded");
  write(at("T", path::journal), whole);
  auto got = go_on(j);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "damaged");
}

TEST_F(Resting, AJournalThatWasCutOffMeanwhileIsDamage) {
  auto j = open();
  park(j);
  auto whole = text_at("T", path::journal);
  write(at("T", path::journal), whole.substr(0, whole.find('\n') + 1));
  expect_damage(j, "cut off");
}

TEST_F(Resting, AJournalThatIsGoneIsDamage) {
  auto j = open();
  park(j);
  fs::remove(at("T", path::journal));
  expect_damage(j, "journal.jsonl");
}

} // namespace
} // namespace ledger::disk
