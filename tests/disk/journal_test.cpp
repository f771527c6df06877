#include "ledger/disk/journal.hpp"

#include "tests/disk/ledger_fixture.hpp"

#include <cerrno>
#include <cstring>
#include <map>

#include <sys/mount.h>

namespace ledger::disk {
namespace {

using Journal = ledger_test;

TEST_F(Journal, AnAppendIsInTheFolderWhenItReturns) {
  auto j = open();
  auto got = j.append_one(append_of(
      "T", 0,
      {draft_of(event::opened, {{"inputs/prompt.md", "prompt"}}), draft_of(event::granted, {})}));
  ASSERT_TRUE(got) << got.error().detail;
  ASSERT_EQ((*got)->size(), 2u);
  auto& first = (*got)->front();
  EXPECT_EQ(first.seq, 1u);
  EXPECT_EQ(first.prev, no_predecessor);
  EXPECT_EQ(first.time, "2026-11-22T17:14:49.123Z");
  ASSERT_EQ(first.files.size(), 1u);
  EXPECT_EQ(first.files[0], (file_ref{"inputs/prompt.md", sha256("prompt"), 6}));
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "prompt");
  EXPECT_EQ(text_at("T", "journal.jsonl"), to_line(first) + "\n" + to_line((*got)->back()) + "\n");
  for (auto folder : task_folders)
    EXPECT_TRUE(fs::is_directory(at("T", folder))) << folder;
  ASSERT_NE(j.records_of("T"), nullptr);
  EXPECT_EQ(*j.records_of("T"), **got);
  EXPECT_EQ(j.records_of("S"), nullptr);
}

TEST_F(Journal, ASecondOpenContinuesTheChain) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  auto j = open();
  EXPECT_TRUE(j.healed().empty());
  answer(j, "T", 1, "gemini/audit.md", "audit");
  auto chain = parse_journal(text_at("T", "journal.jsonl"));
  ASSERT_TRUE(chain) << chain.error().detail;
  EXPECT_EQ(*chain, *j.records_of("T"));
  EXPECT_EQ(chain->size(), 2u);
  EXPECT_TRUE(verify().empty());
}

// Several threads put and complete the files of a group: each task must come out
// as if it were alone.
TEST_F(Journal, HelpersWriteWhatOneThreadWrites) {
  constexpr int tasks = 40, rounds = 6;
  auto o = options();
  o.hooks.now_ms = {}; // With the hooks that wants there would be no helpers.
  o.helpers = 3;
  auto opened = journal::open(std::move(o), open_keys());
  ASSERT_TRUE(opened) << opened.error().detail;
  auto& j = *opened;
  std::map<std::string, std::uint64_t> seq;
  for (int round = 0; round < rounds; ++round) {
    std::vector<append> group;
    for (int part = 0; part < 2; ++part)
      for (int t = 0; t < tasks; ++t) {
        auto name = fmt::format("T{}", t);
        auto path = fmt::format("gemini/{}-{}.md", round, part);
        auto after = seq[name]++;
        bool stale = t == 7 && part == 1;
        group.push_back(append_of(name, stale ? 99 : after,
                                  {draft_of(event::answered, {{path, name + path}}, true)}));
        seq[name] -= stale ? 1 : 0;
      }
    auto results = j.append_group(group);
    ASSERT_EQ(results.size(), group.size());
    for (std::size_t i = 0; i < group.size(); ++i)
      EXPECT_EQ(results[i].has_value(), group[i].after_seq != 99) << i;
  }
  for (auto& [name, last] : seq) {
    auto chain = parse_journal(text_at(name, "journal.jsonl"));
    ASSERT_TRUE(chain) << name << ": " << chain.error().detail;
    EXPECT_EQ(chain->size(), last) << name;
    EXPECT_EQ(*chain, *j.records_of(name)) << name;
    for (auto& r : *chain)
      for (auto& f : r.files)
        EXPECT_EQ(text_at(name, f.path), name + f.path);
  }
  ASSERT_TRUE(j.close());
  EXPECT_TRUE(verify().empty());
}

TEST_F(Journal, AStaleAppendIsRefused) {
  auto j = open();
  begin(j, "T");
  for (std::uint64_t after : {0u, 2u}) {
    auto got = j.append_one(append_of("T", after, {draft_of(event::granted, {})}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, fault::refused);
    EXPECT_EQ(got.error().code, "stale");
  }
  EXPECT_EQ(j.records_of("T")->size(), 1u);
}

TEST_F(Journal, AppendsOfOneGroupMayContinueEachOther) {
  auto j = open();
  std::vector<append> group{append_of("T", 0, {draft_of(event::opened, {{"a.md", "a"}})}),
                            append_of("T", 1, {draft_of(event::granted, {{"b.md", "b"}})}),
                            append_of("T", 1, {draft_of(event::granted, {})})};
  auto got = j.append_group(group);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_TRUE(got[0]);
  EXPECT_TRUE(got[1]);
  ASSERT_FALSE(got[2]);
  EXPECT_EQ(got[2].error().code, "stale");
  EXPECT_EQ(parse_journal(text_at("T", "journal.jsonl")).value().size(), 2u);
}

TEST_F(Journal, OneFailingAppendDoesNotTouchTheOthers) {
  hooks_.before_put = [](const std::string& path) -> result<void> {
    if (path == "B/second.md")
      return fail(fault::unavailable, "no space");
    return {};
  };
  auto j = open();
  std::vector<append> group;
  for (auto task : {"A", "B", "C"})
    group.push_back(
        append_of(task, 0, {draft_of(event::opened, {{"first.md", "1"}, {"second.md", "2"}})}));
  auto got = j.append_group(group);
  EXPECT_TRUE(got[0]);
  ASSERT_FALSE(got[1]);
  EXPECT_EQ(got[1].error().kind, fault::unavailable);
  EXPECT_TRUE(got[2]);
  EXPECT_EQ(j.tasks(), (std::vector<std::string>{"A", "C"}));
  // What it left is an orphan that the next try overwrites.
  auto again = j.append_one(append_of("B", 0, {draft_of(event::opened, {{"first.md", "new"}})}));
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(text_at("B", "first.md"), "new");
}

TEST_F(Journal, ARecordedFileIsNeverOverwritten) {
  auto j = open();
  begin(j, "T");
  auto got = j.append_one(
      append_of("T", 1, {draft_of(event::answered, {{"inputs/prompt.md", "another"}})}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, "occupied");
  EXPECT_EQ(text_at("T", "inputs/prompt.md"), "prompt");
  // Nor by a move, nor twice in one append.
  answer(j, "T", 1, "a.md", "a");
  auto moving = draft_of(event::rejected, {});
  moving.moves = {move_of("a.md", "inputs/prompt.md", "a")};
  EXPECT_EQ(j.append_one(append_of("T", 2, {moving})).error().code, "occupied");
  auto twice = draft_of(event::answered, {{"b.md", "1"}, {"b.md", "2"}});
  EXPECT_EQ(j.append_one(append_of("T", 2, {twice})).error().code, "occupied");
}

TEST_F(Journal, AMoveIsRecordedAndLeavesNoOriginal) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "gemini/audit.md", "bad");
  auto d = draft_of(event::rejected, {});
  d.moves = {move_of("gemini/audit.md", "gemini/old/audit.rejected-1.md", "bad")};
  auto got = j.append_one(append_of("T", 2, {d}));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ((*got)->front().detail.dump(), R"({"note":"text","moved":[{"from":"gemini/audit.md",)"
                                           R"("to":"gemini/old/audit.rejected-1.md","sha256":")"
                                               + sha256("bad") + R"(","bytes":3}]})");
  EXPECT_FALSE(fs::exists(at("T", "gemini/audit.md")));
  EXPECT_EQ(text_at("T", "gemini/old/audit.rejected-1.md"), "bad");
  answer(j, "T", 3, "gemini/audit.md", "good");
  EXPECT_EQ(text_at("T", "gemini/audit.md"), "good");
  EXPECT_TRUE(verify().empty());
}

TEST_F(Journal, AMoveReplacesAnOrphanOfAKilledRun) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "gemini/audit.md", "bad");
  write(at("T", "gemini/old/audit.rejected-1.md"), "orphan");
  auto d = draft_of(event::rejected, {});
  d.moves = {move_of("gemini/audit.md", "gemini/old/audit.rejected-1.md", "bad")};
  ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  EXPECT_EQ(text_at("T", "gemini/old/audit.rejected-1.md"), "bad");
}

TEST_F(Journal, AFileMayTakeThePlaceOfOneThatMovesInTheSameAppend) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "one");
  auto first = draft_of(event::rejected, {{"a.md", "two"}});
  first.moves = {move_of("a.md", "old/a.1.md", "one")};
  auto second = draft_of(event::rejected, {{"a.md", "three"}});
  second.moves = {move_of("a.md", "old/a.2.md", "two")};
  auto got = j.append_one(append_of("T", 2, {first, second}));
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(text_at("T", "old/a.1.md"), "one");
  EXPECT_EQ(text_at("T", "old/a.2.md"), "two");
  EXPECT_EQ(text_at("T", "a.md"), "three");
  // The same in two appends of one group.
  auto third = draft_of(event::rejected, {{"a.md", "four"}});
  third.moves = {move_of("a.md", "old/a.3.md", "three")};
  auto fourth = draft_of(event::rejected, {});
  fourth.moves = {move_of("a.md", "old/a.4.md", "four")};
  std::vector<append> group{append_of("T", 4, {third}), append_of("T", 5, {fourth})};
  for (auto& r : j.append_group(group))
    ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(text_at("T", "old/a.3.md"), "three");
  EXPECT_EQ(text_at("T", "old/a.4.md"), "four");
  EXPECT_FALSE(fs::exists(at("T", "a.md")));
  EXPECT_TRUE(verify().empty());
}

TEST_F(Journal, AnAlteredFileCannotMoveAway) {
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "one");
  auto d = draft_of(event::rejected, {});
  d.moves = {move_of("a.md", "old/a.md", "one")};
  write(at("T", "a.md"), "altered");
  for (int i = 0; i < 2; ++i) {
    auto got = j.append_one(append_of("T", 2, {d}));
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, fault::refused);
    EXPECT_EQ(got.error().code, "tampered");
    EXPECT_NE(got.error().detail.find("a.md"), std::string::npos);
    fs::remove(at("T", "a.md"));
  }
}

TEST_F(Journal, SignedRecordsVerifyAndAreRemembered) {
  auto j = open();
  begin(j, "T", true);
  answer(j, "T", 1, "a.md", "a");
  auto& r = j.records_of("T")->front();
  EXPECT_TRUE(j.keys().trusts(signed_part(r), r.sig));
  ASSERT_TRUE(j.keys().head_of("T"));
  EXPECT_EQ(j.keys().head_of("T")->seq, 1u);
  EXPECT_EQ(j.keys().head_of("T")->line_sha256, sha256(to_line(r)));
  EXPECT_TRUE((*j.records_of("T"))[1].sig.empty());
}

TEST_F(Journal, AClockThatIsSetBackDoesNotTurnTheChainBack) {
  std::int64_t now = 5000;
  hooks_.now_ms = [&] { return now; };
  auto j = open();
  begin(j, "T");
  now = 4000;
  answer(j, "T", 1, "a.md", "a");
  EXPECT_EQ((*j.records_of("T"))[1].time, format_time(5000));
  now = 6000;
  answer(j, "T", 2, "b.md", "b");
  EXPECT_EQ((*j.records_of("T"))[2].time, format_time(6000));
}

TEST_F(Journal, NamesThatLeadOutsideAreRefused) {
  auto j = open();
  for (auto task : {"", ".", "..", ".scheduler", "a/b", "../x"})
    EXPECT_FALSE(j.append_one(append_of(task, 0, {draft_of(event::opened, {})}))) << task;
  for (auto path : {"../x", "/x", "journal.jsonl", ""})
    EXPECT_EQ(
        j.append_one(append_of("T", 0, {draft_of(event::opened, {{path, "x"}})})).error().code,
        "malformed")
        << path;
  EXPECT_FALSE(fs::exists(base_ / "x"));
}

TEST_F(Journal, APlantedLinkIsNotWrittenThrough) {
  auto j = open();
  begin(j, "T");
  fs::create_directories(base_ / "outside");
  fs::remove(at("T", "gemini"));
  fs::create_directory_symlink(base_ / "outside", at("T", "gemini"));
  auto got =
      j.append_one(append_of("T", 1, {draft_of(event::answered, {{"gemini/audit.md", "text"}})}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, fault::corrupt);
  EXPECT_TRUE(fs::is_empty(base_ / "outside"));
}

TEST_F(Journal, NoticesAJournalThatWasTamperedWithWhileItRan) {
  auto j = open();
  begin(j, "T");
  begin(j, "S");
  write(at("T", "journal.jsonl"), "");
  answer(j, "T", 1, "a.md", "a"); // Durable all the same.
  EXPECT_NE(why(j, "T"), "");
  auto next = j.append_one(append_of("T", 2, {draft_of(event::granted, {})}));
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, "damaged");
  answer(j, "S", 1, "a.md", "a");
}

TEST_F(Journal, LargeFilesBypassTheDatabase) {
  auto o = options();
  o.sync_directly_bytes = 1000;
  auto j = std::move(*journal::open(o, open_keys()));
  begin(j, "T");
  std::string large(5'000'000, 'x');
  answer(j, "T", 1, "large.md", large);
  EXPECT_EQ(text_at("T", "large.md"), large);
  auto size = fs::file_size(root_ / ".scheduler/ledger.db-wal");
  EXPECT_LT(size, large.size() / 2);
}

TEST_F(Journal, NotesAreKept) {
  {
    auto j = open();
    EXPECT_EQ(j.note("k").error().kind, fault::not_found);
    ASSERT_TRUE(j.put_note("k", "1"));
    ASSERT_TRUE(j.put_note("k", "2"));
  }
  EXPECT_EQ(open().note("k").value_or(""), "2");
}

TEST_F(Journal, ManyCheckpointsLoseNothing) {
  checkpoint_bytes_ = 10'000;
  auto j = open();
  for (int i = 0; i < 40; ++i)
    begin(j, fmt::format("T{}", i));
  std::string text(1000, 'x');
  for (int i = 0; i < 40; ++i)
    answer(j, fmt::format("T{}", i), 1, "a.md", text + std::to_string(i));
  ASSERT_TRUE(j.close());
  EXPECT_TRUE(verify().empty());
  EXPECT_EQ(open().tasks().size(), 40u);
}

// It crashed: the database's handle was gone.
TEST_F(Journal, AfterItsEndNothingIsTakenAnyMore) {
  auto j = open();
  begin(j, "T");
  ASSERT_TRUE(j.put_note("k", "1"));
  ASSERT_TRUE(j.close());
  auto got = j.append_one(append_of("T", 1, {draft_of(event::answered, {{"a.md", "a"}})}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, fault::refused);
  EXPECT_FALSE(fs::exists(at("T", "a.md")));
  EXPECT_EQ(j.put_note("k", "2").error().kind, fault::refused);
  EXPECT_EQ(j.note("k").error().kind, fault::refused);
  EXPECT_TRUE(j.close());
}

TEST_F(Journal, ADatabaseOfANewerVersionIsRefused) {
  {
    auto j = open();
    ASSERT_TRUE(j.close());
  }
  // user_version stands at offset 60 of the file, big-endian.
  auto file = root_ / ".scheduler/ledger.db";
  auto bytes = read_file(file).value();
  bytes[63] = 9;
  write(file, bytes);
  auto j = journal::open(options(), open_keys());
  ASSERT_FALSE(j);
  EXPECT_EQ(j.error().kind, fault::refused);
  EXPECT_NE(j.error().detail.find("newer"), std::string::npos);
}

TEST_F(Journal, AFileThatIsNoDatabaseIsCorrupt) {
  write(root_ / ".scheduler/ledger.db", std::string(4096, 'x'));
  auto j = journal::open(options(), open_keys());
  ASSERT_FALSE(j);
  EXPECT_EQ(j.error().kind, fault::corrupt);
}

struct small_disk {
  explicit small_disk(fs::path folder)
      : at(std::move(folder))
      , is_mounted(::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=4m") == 0) {}
  ~small_disk() {
    if (is_mounted)
      ::umount2(at.c_str(), MNT_DETACH);
  }
  fs::path at;
  bool is_mounted;
};

// On a file system of 4 MiB: appends fail as unavailable when it is full, what
// was acknowledged stays, and the journal goes on when there is room again.
TEST_F(Journal, AFullDiskPausesAndLosesNothing) {
  fs::create_directories(root_);
  small_disk disk(root_);
  if (!disk.is_mounted)
    GTEST_SKIP() << "mounting a tmpfs is not permitted here: " << std::strerror(errno);
  std::uint64_t acknowledged = 1;
  bool was_full = false;
  {
    auto j = open();
    begin(j, "T");
    write(root_ / "ballast", std::string(1'500'000, 'b'));
    std::string text(30'000, 'x');
    for (int i = 0; i < 100 && !was_full; ++i) {
      auto got = j.append_one(append_of(
          "T", acknowledged, {draft_of(event::answered, {{fmt::format("a{}.md", i), text}})}));
      if (got) {
        acknowledged += 1;
        continue;
      }
      was_full = true;
      EXPECT_EQ(got.error().kind, fault::unavailable) << got.error().detail;
    }
    EXPECT_TRUE(was_full);
    fs::remove(root_ / "ballast");
    answer(j, "T", acknowledged, "after.md", "after");
  }
  {
    auto j = open();
    EXPECT_EQ(j.records_of("T")->size(), acknowledged + 1);
    EXPECT_TRUE(j.damages().empty());
    EXPECT_TRUE(verify().empty());
  }
}

} // namespace
} // namespace ledger::disk
