#include "ledger/disk/standings.hpp"
#include "ledger/standing.hpp"
#include "tests/disk/told_task.hpp"

#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <map>
#include <optional>
#include <thread>

namespace ledger::disk {
namespace {

constexpr std::string_view told_reason = "limit-patience";

class Overview : public ledger_test {
protected:
  keyring readers() const { return keyring::open_public(keys_, test_repository); }

  overview look() const {
    auto found = read_overview(root_, readers());
    EXPECT_TRUE(found) << found.error().detail;
    return found ? std::move(*found) : overview{};
  }

  void park(journal& j, const std::string& task) {
    told_task t(j, task);
    if (t.state.seq == 0)
      t.open();
    t.tell(draft_parked(t.state, told_reason, "it took too long", "retry"));
  }

  void retry(journal& j, const std::string& task) {
    told_task t(j, task);
    t.tell(draft_retried(t.state, std::nullopt, nullptr).value());
  }

  // What only somebody shows who goes by the rows.
  void doctor_the_rows() const {
    auto file = readers().standings_file();
    auto text = read_file(file).value();
    auto at = text.find(told_reason);
    ASSERT_NE(at, std::string::npos);
    for (; at != std::string::npos; at = text.find(told_reason, at))
      text.replace(at, told_reason.size(), "from-the-rows");
    // The very same file, which the journal has open.
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }

  std::string reason_of(const std::string& task) const {
    auto seen = look();
    EXPECT_TRUE(seen.damages.empty()) << seen.damages.front().why;
    auto it = seen.standings.find(task);
    return it == seen.standings.end() ? "(unknown)" : it->second.reason;
  }

  // Everything that is told of a ledger when nothing is believed.
  static std::map<std::string, std::string> texts(const snapshot& s) {
    std::map<std::string, std::string> out;
    for (auto& [task, chain] : s.tasks)
      if (auto state = fold(task, chain.records))
        out[task] = to_text(standing_of(*state));
    return out;
  }
  static std::map<std::string, std::string> texts(const overview& o) {
    std::map<std::string, std::string> out;
    for (auto& [task, s] : o.standings)
      out[task] = to_text(s);
    return out;
  }
  void expect_what_a_snapshot_says() const {
    auto whole = read_snapshot(root_, readers());
    ASSERT_TRUE(whole) << whole.error().detail;
    EXPECT_EQ(texts(look()), texts(*whole));
    EXPECT_EQ(look().damages.size(), whole->damages.size());
  }
};

TEST_F(Overview, ThereIsNoLedger) {
  EXPECT_EQ(read_overview(root_, readers()).error().kind, fault::not_found);
}

TEST_F(Overview, SaysWhatASnapshotSaysAtEveryMoment) {
  hooks_.after_commit = [this](std::uint64_t) { expect_what_a_snapshot_says(); };
  {
    auto j = open();
    for (auto* task : {"A", "B", "C"}) {
      park(j, task);
      expect_what_a_snapshot_says();
    }
    told_task(j, "D").open();
    retry(j, "B");
    expect_what_a_snapshot_says();
    park(j, "B");
    ASSERT_TRUE(j.close());
  }
  expect_what_a_snapshot_says();
  hooks_ = {};
  auto j = open();
  expect_what_a_snapshot_says();
  retry(j, "A");
  expect_what_a_snapshot_says();
}

TEST_F(Overview, SaysTheSameWhetherTheStateBeforeTheEndWasTold) {
  auto j = open();
  told_task t(j, "T");
  t.before_is_told = false;
  t.open();
  t.tell(draft_parked(t.state, told_reason, "it took too long", "retry"));
  expect_what_a_snapshot_says();
  doctor_the_rows();
  EXPECT_EQ(reason_of("T"), "from-the-rows") << "it has a row all the same";
}

TEST_F(Overview, AStateOfAnotherMomentOrTaskIsNotBelieved) {
  auto j = open();
  told_task s(j, "S"), t(j, "T"), later(j, "U");
  for (auto* task : {&s, &t, &later})
    task->open();
  auto old = std::make_shared<task_state>(t.state);
  old->seq = 0;
  auto other = std::make_shared<task_state>(s.state);
  auto parked = [](auto& of) { return draft_parked(of.state, told_reason, "why", "retry"); };
  ASSERT_TRUE(j.append_one({"T", 1, {parked(t)}, old}));
  ASSERT_TRUE(j.append_one({"U", 1, {parked(later)}, other}));
  expect_what_a_snapshot_says();
}

TEST_F(Overview, ATaskAtRestIsKnownByItsRow) {
  {
    auto j = open();
    park(j, "T");
    doctor_the_rows();
    EXPECT_EQ(reason_of("T"), "from-the-rows") << "while the scheduler is at work";
    ASSERT_TRUE(j.close());
  }
  EXPECT_EQ(reason_of("T"), "from-the-rows") << "after its end";
}

TEST_F(Overview, ATaskThatGoesOnIsNot) {
  auto j = open();
  park(j, "T");
  retry(j, "T");
  EXPECT_EQ(look().standings.at("T").is, status::running);
}

TEST_F(Overview, ATouchedJournalIsReadAgain) {
  auto j = open();
  park(j, "T");
  park(j, "S");
  doctor_the_rows();
  fs::last_write_time(at("T", path::journal), fs::file_time_type::clock::now());
  EXPECT_EQ(reason_of("T"), told_reason);
  EXPECT_EQ(reason_of("S"), "from-the-rows");
}

TEST_F(Overview, AnAlteredJournalOfTheSameSizeIsDamage) {
  {
    auto j = open();
    park(j, "T");
    ASSERT_TRUE(j.close());
  }
  auto text = text_at("T", path::journal);
  auto when = fs::last_write_time(at("T", path::journal));
  text.replace(text.find("too long"), 8, "too much");
  write(at("T", path::journal), text);
  fs::last_write_time(at("T", path::journal), when);
  auto seen = look();
  ASSERT_EQ(seen.damages.size(), 1u);
  EXPECT_EQ(seen.damages[0].task, "T");
}

TEST_F(Overview, AMissingFolderIsDamage) {
  {
    auto j = open();
    park(j, "T");
    park(j, "S");
    ASSERT_TRUE(j.close());
  }
  fs::remove_all(root_ / "T");
  auto seen = look();
  ASSERT_EQ(seen.damages.size(), 1u);
  EXPECT_EQ(seen.damages[0].task, "T");
  EXPECT_EQ(seen.standings.count("S"), 1u);
}

TEST_F(Overview, RowsBesideAnotherDatabaseAreNotBelieved) {
  {
    auto j = open();
    park(j, "T");
    ASSERT_TRUE(j.close());
  }
  doctor_the_rows();
  auto db = root_ / ".scheduler" / "ledger.db";
  fs::copy_file(db, base_ / "ledger.db");
  fs::rename(base_ / "ledger.db", db);
  EXPECT_EQ(reason_of("T"), told_reason) << "the same content in another file";
  lose_database();
  EXPECT_EQ(reason_of("T"), told_reason);
}

TEST_F(Overview, ADatabaseThatLacksWhatTheRowsTellOfIsNoticedBesideAScheduler) {
  auto j = open();
  park(j, "S");
  photograph();
  park(j, "T");
  doctor_the_rows();
  for (auto* name : {"ledger.db", "ledger.db-wal", "ledger.db-shm"})
    fs::rename(image() / "ledger" / ".scheduler" / name, root_ / ".scheduler" / name);
  auto seen = look();
  EXPECT_EQ(seen.standings.at("S").reason, told_reason);
  ASSERT_EQ(seen.damages.size(), 1u) << "only the folder has it";
  EXPECT_EQ(seen.damages[0].task, "T");
}

TEST_F(Overview, RowsOfAnotherBootAreBelievedOnlyBehindAClosedJournal) {
  boot_ = "another";
  {
    auto j = open();
    park(j, "T");
    doctor_the_rows();
    EXPECT_EQ(reason_of("T"), told_reason);
    ASSERT_TRUE(j.close());
  }
  EXPECT_EQ(reason_of("T"), "from-the-rows");
}

TEST_F(Overview, RowsAreVoidOnceSomebodyElseIsTrusted) {
  auto j = open();
  park(j, "T");
  doctor_the_rows();
  auto list = readers().trusted_file();
  write(list, read_file(list).value() + "# nobody else\n");
  EXPECT_EQ(reason_of("T"), told_reason);
  write(list, "# nobody\n");
  auto seen = look();
  ASSERT_EQ(seen.damages.size(), 1u);
  EXPECT_NE(seen.damages[0].why.find("not by a trusted key"), std::string::npos)
      << seen.damages[0].why;
}

TEST_F(Overview, AFileThatIsNotAsItWasWrittenIsNotBelieved) {
  auto j = open();
  park(j, "T");
  doctor_the_rows();
  auto file = readers().standings_file();
  auto good = read_file(file).value();
  write(file, good + "row 1 2 3");
  EXPECT_EQ(reason_of("T"), "from-the-rows") << "its last line is being written";
  for (auto wrong : {good + "row 1 2 3\n", good + "nonsense\n", good.substr(1), std::string{}}) {
    write(file, wrong);
    EXPECT_EQ(reason_of("T"), told_reason) << wrong;
  }
  plant_fifo(file);
  EXPECT_EQ(reason_of("T"), told_reason);
}

TEST_F(Overview, NothingDependsOnTheRows) {
  {
    auto j = open();
    park(j, "T");
    auto file = readers().standings_file();
    fs::remove(file);
    fs::create_directory(file);
    write(file / "full", "");
    park(j, "S");
    ASSERT_TRUE(j.close());
  }
  {
    auto j = open();
    EXPECT_TRUE(j.damages().empty());
    park(j, "R");
    ASSERT_TRUE(j.close());
  }
  EXPECT_EQ(look().standings.size(), 3u);
}

TEST_F(Overview, AStartCarriesRowsOnAndMakesThoseThatLack) {
  {
    auto j = open();
    park(j, "S");
    park(j, "T");
    ASSERT_TRUE(j.close());
  }
  doctor_the_rows();
  fs::last_write_time(at("T", path::journal), fs::file_time_type::clock::now());
  auto j = open();
  auto seen = look();
  EXPECT_EQ(seen.standings.at("S").reason, "from-the-rows");
  EXPECT_EQ(seen.standings.at("T").reason, told_reason);
  doctor_the_rows();
  EXPECT_EQ(reason_of("T"), "from-the-rows");
}

TEST_F(Overview, BesideALiveWriterNothingLooksDamaged) {
  checkpoint_bytes_ = 100'000;
  auto j = open();
  park(j, "T0");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int t = 1; t <= 150; ++t) {
      park(j, fmt::format("T{}", t));
      retry(j, fmt::format("T{}", t / 2));
      park(j, fmt::format("T{}", t / 2));
    }
    done = true;
  });
  std::size_t reads = 0;
  while (!done || reads == 0) {
    auto seen = read_overview(root_, readers());
    if (!seen) {
      EXPECT_EQ(seen.error().kind, fault::unavailable) << seen.error().detail;
      continue;
    }
    ++reads;
    for (auto& d : seen->damages)
      ADD_FAILURE() << d.task << ' ' << d.file << ": " << d.why;
  }
  writer.join();
  expect_what_a_snapshot_says();
}

} // namespace
} // namespace ledger::disk
