#include "tests/disk/ledger_fixture.hpp"

#include <atomic>
#include <map>
#include <thread>

namespace ledger::disk {
namespace {

class Snapshot : public ledger_test {
protected:
  result<snapshot> read() const {
    return read_snapshot(root_, keyring::open_public(keys_, "0123456789abcdef"));
  }
  // Every file and its content: reading may change nothing.
  std::map<std::string, std::string> everything() const {
    std::map<std::string, std::string> out;
    for (auto& e : fs::recursive_directory_iterator(base_))
      out[e.path().string()] = e.is_regular_file() ? digest_of_file(e.path()) : "";
    return out;
  }
};

TEST_F(Snapshot, ThereIsNoLedger) {
  EXPECT_EQ(read().error().kind, fault::not_found);
  EXPECT_FALSE(fs::exists(root_));
}

TEST_F(Snapshot, ShowsEveryChainAndWritesNothing) {
  photograph_commits();
  auto j = open();
  begin(j, "T", true);
  begin(j, "S");
  for (bool image : {false, true}) {
    if (image)
      restart_from_image(); // S is committed, but not in its folder yet.
    auto before = everything();
    auto s = read();
    ASSERT_TRUE(s) << s.error().detail;
    EXPECT_EQ(everything(), before);
    EXPECT_TRUE(s->damages.empty()) << s->damages.front().why;
    ASSERT_EQ(s->tasks.size(), 2u);
    EXPECT_EQ(s->tasks["T"].records, *j.records_of("T"));
    EXPECT_EQ(s->tasks["S"].records, *j.records_of("S"));
  }
}

TEST_F(Snapshot, WorksWithoutTheDatabaseAndAfterTheEnd) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  ASSERT_TRUE(read());
  EXPECT_EQ(read()->tasks["T"].records.size(), 1u);
  lose_database();
  ASSERT_TRUE(read());
  EXPECT_EQ(read()->tasks["T"].records.size(), 1u);
}

TEST_F(Snapshot, NamesDamageOfOneTaskAndShowsTheOthers) {
  auto j = open();
  begin(j, "T");
  begin(j, "S");
  begin(j, "R");
  fs::remove(at("T", path::journal));
  auto s = read();
  ASSERT_TRUE(s);
  ASSERT_EQ(s->damages.size(), 1u);
  EXPECT_EQ(s->damages[0].task, "T");
  EXPECT_EQ(s->damages[0].file, "journal.jsonl");
  EXPECT_EQ(s->tasks["S"].records.size(), 1u);
}

TEST_F(Snapshot, BesideALiveWriterItIsAlwaysAWholeChain) {
  checkpoint_bytes_ = 100'000;
  hooks_.now_ms = {};
  auto j = open();
  begin(j, "T0");
  std::atomic<bool> done = false;
  std::thread writer([&] {
    std::string text(2000, 'x');
    for (int t = 1; t <= 100; ++t)
      for (std::uint64_t n = 0; n < 8; ++n) {
        auto got = j.append_one(
            append_of(fmt::format("T{}", t), n,
                      {draft_of(event::answered, {{fmt::format("a{}.md", n), text}}, n % 4 == 0)}));
        EXPECT_TRUE(got);
      }
    done = true;
  });
  std::size_t reads = 0;
  while (!done || reads == 0) {
    auto s = read();
    if (!s) {
      EXPECT_EQ(s.error().kind, fault::unavailable) << s.error().detail;
      continue;
    }
    reads += 1;
    for (auto& d : s->damages)
      ADD_FAILURE() << d.task << ' ' << d.file << ": " << d.why;
  }
  writer.join();
  EXPECT_EQ(read()->tasks.size(), 101u);
}

} // namespace
} // namespace ledger::disk
