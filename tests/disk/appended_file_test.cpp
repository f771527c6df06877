// Files that grow by appends: what is recorded, what is refused, what readers see.

#include "ledger/disk/journal.hpp"

#include "tests/disk/growing_fixture.hpp"

#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace ledger::disk {
namespace {

using AppendedFile = growing_test;

TEST_F(AppendedFile, AnAppendMakesAFileAndContinuesIt) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  EXPECT_EQ(in_file(), "one\n");
  grow(j, "two\n");
  EXPECT_EQ(in_file(), "one\ntwo\n");
  auto& first = (*j.records_of("T"))[1];
  auto& second = (*j.records_of("T"))[2];
  EXPECT_EQ(first.files, (std::vector{file_ref{turns, sha256("one\n"), 4}}));
  EXPECT_EQ(second.files, (std::vector{file_ref{turns, sha256("one\ntwo\n"), 8}}));
  EXPECT_EQ(second.detail.dump(), fmt::format(R"({{"note":"text","appended":[{{"path":"{}",)"
                                              R"("at":4,"sha256":"{}","bytes":4}}]}})",
                                              turns, sha256("two\n")));
  EXPECT_EQ(growths_of(first).at(0).at, 0u);
  EXPECT_EQ(read_recorded(root_ / "T", turns, sha256("one\ntwo\n")).value_or(""), "one\ntwo\n");
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, ASecondProcessContinuesIt) {
  for (auto chunk : {"one\n", "two\n", "three\n"}) {
    auto j = open();
    if (last_seq(j) == 0)
      begin(j, "T");
    grow(j, chunk);
    EXPECT_TRUE(j.healed().empty());
    ASSERT_TRUE(j.close());
  }
  EXPECT_EQ(in_file(), whole);
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, ManyDraftsAndAppendsOfOneGroupContinueIt) {
  auto j = open();
  begin(j, "T");
  std::vector<append> group{
      append_of("T", 1, {growing_draft({{turns, "1"}, {"b", "x"}}), growing_draft({{turns, "2"}})}),
      append_of("T", 3, {growing_draft({{turns, "3"}})}),
      append_of("T", 4, {growing_draft({{"b", "y"}}), growing_draft({{turns, "4"}})})};
  for (auto& r : j.append_group(group))
    ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(in_file(), "1234");
  EXPECT_EQ(text_at("T", "b"), "xy");
  EXPECT_EQ(j.records_of("T")->back().files.front().sha256, sha256("1234"));
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, AMovedFileBeginsAnew) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  grow(j, "two\n");
  auto d = moving();
  d.appends = growing_draft({{turns, "new\n"}}).appends;
  ASSERT_TRUE(tell(j, d));
  EXPECT_EQ(text_at("T", old_turns), "one\ntwo\n");
  EXPECT_EQ(in_file(), "new\n");
  EXPECT_EQ(growths_of(j.records_of("T")->back()).at(0).at, 0u);
  // Its old name is a second name of nothing that grows.
  whole = "new\n";
  grow(j, "newer\n");
  EXPECT_EQ(in_file(), "new\nnewer\n");
  EXPECT_EQ(text_at("T", old_turns), "one\ntwo\n");
  EXPECT_TRUE(verify().empty());
}

// What grew in a group has no last bytes on disk when it moves in the same one.
TEST_F(AppendedFile, GrowingMovingAndBeginningAnewInOneGroup) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  whole += "two\n";
  auto move_first = moving();
  auto second = draft_of(event::rejected, {});
  second.moves = {move_of(turns, "codex/old/2", "AB")};
  std::vector<append> group{
      append_of("T", 2, {growing_draft({{turns, "two\n"}}), move_first}),
      append_of("T", 4, {growing_draft({{turns, "A"}}), growing_draft({{turns, "B"}})}),
      append_of("T", 6, {second, growing_draft({{turns, "x"}}), growing_draft({{turns, "y"}})})};
  for (auto& r : j.append_group(group))
    ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(text_at("T", old_turns), "one\ntwo\n");
  EXPECT_EQ(text_at("T", "codex/old/2"), "AB");
  EXPECT_EQ(in_file(), "xy");
  EXPECT_TRUE(verify().empty());
  whole = "xy";
  grow(j, "z");
  EXPECT_EQ(in_file(), "xyz");
}

TEST_F(AppendedFile, WhatCannotBeAppendedIsRefused) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  auto with_put = growing_draft({{"b", "1"}});
  with_put.files = draft_of(event::asked, {{"b", "1"}}).files;
  auto without = growing_draft({{"b", "1"}});
  without.appends.front().content = nullptr;
  auto own_detail = growing_draft({});
  own_detail.detail["appended"] = json::array();
  struct row {
    const char* name;
    draft d;
    const char* code;
  };
  const row rows[] = {
      {"twice in one draft", growing_draft({{"b", "1"}, {"b", "2"}}), "malformed"},
      {"put and appended", with_put, "malformed"},
      {"nothing", growing_draft({{"b", ""}}), "malformed"},
      {"no content", without, "malformed"},
      {"outside", growing_draft({{"../b", "1"}}), "malformed"},
      {"the journal", growing_draft({{"journal.jsonl", "1"}}), "malformed"},
      {"detail of its own", own_detail, "malformed"},
      {"to a file that was put", growing_draft({{"inputs/prompt.md", "more"}}), "occupied"},
  };
  for (auto& row : rows) {
    auto got = tell(j, row.d);
    ASSERT_FALSE(got) << row.name;
    EXPECT_EQ(got.error().kind, fault::refused) << row.name;
    EXPECT_EQ(got.error().code, row.code) << row.name;
  }
  // Nor is one put over it, nor continued where it moved to.
  EXPECT_EQ(tell(j, draft_of(event::asked, {{turns, "x"}})).error().code, "occupied");
  ASSERT_TRUE(tell(j, moving()));
  EXPECT_EQ(tell(j, growing_draft({{old_turns, "more"}})).error().code, "occupied");
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "prompt");
  EXPECT_EQ(text_at("T", old_turns), "one\n");
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, AnAlteredFileIsNotContinued) {
  for (bool known : {false, true}) {
    {
      auto j = open();
      if (last_seq(j) == 0)
        begin(j, "T");
      if (whole.empty())
        grow(j, "one\n");
      ASSERT_TRUE(j.close());
    }
    auto j = open();
    if (known)
      grow(j, "two\n");
    // Of a file that this process knows the size is looked at, of any other all.
    for (auto bad : {std::string(whole + "x"), whole.substr(1), std::string(),
                     "x" + whole.substr(1), std::string("(missing)")}) {
      if (known && bad.size() == whole.size())
        continue;
      write(at("T", turns), bad);
      if (bad == "(missing)")
        fs::remove(at("T", turns));
      auto got = tell(j, growing_draft({{turns, "more"}}));
      ASSERT_FALSE(got) << bad;
      EXPECT_EQ(got.error().code, "tampered") << bad;
      EXPECT_EQ(in_file(), bad);
      EXPECT_EQ(verify().size(), 1u);
    }
    write(at("T", turns), whole);
    EXPECT_TRUE(verify().empty());
  }
}

TEST_F(AppendedFile, WhatIsAlteredWhileAGroupIsWrittenIsDamage) {
  hooks_.after_commit = [&](std::uint64_t records) {
    if (records == 3)
      write(at("T", turns), whole + "x");
  };
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  grow(j, "two\n"); // Durable all the same.
  EXPECT_NE(why(j, "T").find(turns), std::string::npos) << why(j, "T");
  EXPECT_EQ(tell(j, growing_draft({{turns, "more"}})).error().code, "damaged");
  EXPECT_EQ(in_file(), "one\nx");
}

TEST_F(AppendedFile, AStrangersFileAtItsNameIsReplacedAsByAPut) {
  auto j = open();
  begin(j, "T");
  write(at("T", turns), "an orphan of a killed start");
  grow(j, "one\n");
  EXPECT_EQ(in_file(), "one\n");
}

TEST_F(AppendedFile, WhatAStopFoundGoneBeginsAnew) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  write(at("T", turns), "altered");
  auto stopped = draft_of(event::stopped, {});
  stopped.detail["gone"] = {turns};
  ASSERT_TRUE(tell(j, stopped));
  grow(j, "two\n");
  EXPECT_EQ(in_file(), "two\n");
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, ALinkInItsPlaceIsNotWrittenThrough) {
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  write(base_ / "outside", "one\n");
  fs::remove(at("T", turns));
  fs::create_symlink(base_ / "outside", at("T", turns));
  EXPECT_EQ(tell(j, growing_draft({{turns, "two\n"}})).error().code, "tampered");
  EXPECT_EQ(read_file(base_ / "outside").value_or(""), "one\n");
}

TEST_F(AppendedFile, VerifyNamesAnAlteredOne) {
  auto j = open();
  three_turns(j);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    auto bad = whole;
    bad[i] ^= 1;
    write(at("T", turns), bad);
    auto all = verify();
    // The last chunk may be on its way, but only a beginning of it.
    ASSERT_EQ(all.size(), 1u) << i;
    EXPECT_EQ(all[0].file, turns);
  }
  write(at("T", turns), whole + "x");
  EXPECT_EQ(verify().size(), 1u);
  fs::remove(at("T", turns));
  EXPECT_EQ(verify().size(), 1u);
  write(at("T", turns), whole);
  EXPECT_TRUE(verify().empty());
}

// -- cost -------------------------------------------------------------------------

std::int64_t pending_in(const fs::path& file) {
  sqlite3* db = nullptr;
  sqlite3_stmt* s = nullptr;
  std::int64_t out = -1;
  if (sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK
      && sqlite3_prepare_v2(db, "SELECT sum(length(content)) FROM pending", -1, &s, nullptr)
             == SQLITE_OK
      && sqlite3_step(s) == SQLITE_ROW)
    out = sqlite3_column_int64(s, 0);
  sqlite3_finalize(s);
  sqlite3_close(db);
  return out;
}

// Putting the whole file each time would write 90 MB for these 3.
TEST_F(AppendedFile, SixtyTurnsCostWhatTheyHave) {
  constexpr std::size_t count = 60, bytes = 50'000;
  auto j = open();
  begin(j, "T");
  auto before = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i)
    grow(j, std::string(bytes - 1, static_cast<char>('a' + i % 26)) + "\n");
  auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(in_file(), whole);
  EXPECT_EQ(pending_in(root_ / ".scheduler/ledger.db"),
            static_cast<std::int64_t>(count * bytes + 6)); // And the prompt.
  auto log = fs::file_size(root_ / ".scheduler/ledger.db-wal");
  EXPECT_LT(log, 2 * count * bytes);
  // 10 ms of work; 3 s are for a machine that does everything else as well.
  EXPECT_LT(took, std::chrono::seconds(3));
  EXPECT_TRUE(verify().empty());
}

TEST_F(AppendedFile, LargeChunksAreInTheDatabaseToo) {
  photograph_commits();
  {
    auto j = open();
    begin(j, "T");
    grow(j, std::string(1'500'000, 'a'));
    grow(j, std::string(1'500'000, 'b'));
  }
  restart_from_image();
  EXPECT_EQ(in_file().size(), 1'500'000u);
  auto j = open();
  EXPECT_TRUE(says(j.healed(), "completed codex/apply.turns.jsonl"));
  EXPECT_EQ(in_file(), whole);
}

TEST_F(AppendedFile, CheckpointsInBetweenLoseNothing) {
  checkpoint_bytes_ = 3000;
  {
    auto j = open();
    begin(j, "T");
    for (int i = 0; i < 30; ++i)
      grow(j, std::string(1000, static_cast<char>('a' + i % 26)));
  }
  auto j = open();
  EXPECT_EQ(in_file(), whole);
  grow(j, "more");
  EXPECT_TRUE(verify().empty());
}

// -- readers ----------------------------------------------------------------------

// Beside a live writer no reader sees damage, though the file is always a
// little ahead of the picture or behind it.
TEST_F(AppendedFile, BesideALiveWriterNothingLooksDamaged) {
  checkpoint_bytes_ = 100'000;
  hooks_.now_ms = {};
  auto j = open();
  begin(j, "T");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 0; i < 400; ++i) {
      auto chunk = std::string(2000, static_cast<char>('a' + i % 26));
      grow(j, chunk);
      if (i % 50 != 49)
        continue;
      auto d = draft_of(event::rejected, {});
      d.moves = {move_of(turns, fmt::format("codex/old/{}", i), whole)};
      EXPECT_TRUE(tell(j, d));
      whole.clear();
    }
    done = true;
  });
  while (!done)
    for (auto& d : verify())
      if (!d.task.empty()) // Else it was too busy to be copied.
        ADD_FAILURE() << d.task << ' ' << d.file << ": " << d.why;
  writer.join();
  EXPECT_TRUE(verify().empty());
}

} // namespace
} // namespace ledger::disk
