// What somebody may plant in the ledger's folders, and whom it may hurt.

#include "ledger/disk/tree.hpp"
#include "tests/disk/ledger_fixture.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <thread>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace ledger::disk {
namespace {

class HostileFolder : public ledger_test {
protected:
  // T and S begun, neither settled.
  void two_tasks() {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
  }
};

// A file at T/gemini was "not found" to the start of every task: exit 5 for all.
TEST_F(HostileFolder, AFileInThePlaceOfAFolderHurtsThatTaskOnly) {
  two_tasks();
  fs::remove_all(at("T", "gemini"));
  write(at("T", "gemini"), "x");
  auto j = open();
  EXPECT_NE(why(j, "T").find("gemini"), std::string::npos) << why(j, "T");
  EXPECT_EQ(j.damages().size(), 1u);
  answer(j, "S", 1, "gemini/audit.md", "audit");
}

TEST_F(HostileFolder, AFileInThePlaceOfTheTaskHurtsThatTaskOnly) {
  photograph_commits();
  two_tasks();
  restart_from_image(); // T is committed, but its lines are not written yet.
  fs::remove_all(root_ / "T");
  write(root_ / "T", "x");
  auto j = open();
  EXPECT_NE(why(j, "T"), "");
  answer(j, "S", 1, "gemini/audit.md", "audit");
}

// A folder in .scheduler/tmp could not be unlinked: exit 6 for ever.
TEST_F(HostileFolder, AFolderAmongTheStagedFilesIsNoObstacle) {
  two_tasks();
  fs::create_directories(root_ / ".scheduler/tmp/1/x");
  fs::create_directories(root_ / ".scheduler/tmp/2");
  auto j = open();
  answer(j, "T", 1, "a.md", "one");
  auto d = draft_of(event::rejected, {{"a.md", "two"}});
  d.moves = {move_of("a.md", "old/a.md", "one")};
  write(at("T", "old/a.md"), "orphan"); // So that the link is staged too.
  ASSERT_TRUE(j.append_one(append_of("T", 2, {d})));
  EXPECT_EQ(text_at("T", "a.md"), "two");
  EXPECT_EQ(text_at("T", "old/a.md"), "one");
}

// The state was "there is no ledger", and `verify` found nothing wrong with it.
TEST_F(HostileFolder, ALinkInThePlaceOfTheLedgerIsCorruptNotAbsent) {
  {
    auto j = open();
    begin(j, "T");
    ASSERT_TRUE(j.close());
  }
  fs::rename(root_, base_ / "real");
  fs::create_directory_symlink(base_ / "real", root_);
  auto seen = read_snapshot(root_, keyring::open_public(keys_, test_repository));
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().kind, fault::corrupt);
  auto j = journal::open(options(), open_keys());
  ASSERT_FALSE(j);
  EXPECT_EQ(j.error().kind, fault::corrupt);
}

TEST_F(HostileFolder, AFileInThePlaceOfTheContractsIsNamed) {
  two_tasks();
  fs::remove_all(at("T", "contract"));
  write(at("T", "contract"), "x");
  auto all = verify();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].file, "contract");
}

// An append to a FIFO or a folder was "unavailable", tried again for ever and
// told to nobody, while the database kept every byte of every task.
TEST_F(HostileFolder, WhatCanNeverBeWrittenIsDamageAtOnce) {
  for (bool fifo : {true, false}) {
    auto task = fifo ? "A" : "B";
    auto j = open();
    begin(j, task);
    if (fifo) {
      plant_fifo(at(task, path::journal));
    } else {
      fs::remove(at(task, path::journal));
      fs::create_directories(at(task, path::journal));
    }
    answer(j, task, 1, "a.md", "a"); // Durable all the same.
    EXPECT_NE(why(j, task), "");
    EXPECT_EQ(j.append_one(append_of(task, 2, {draft_of(event::granted, {})})).error().code,
              "damaged");
    EXPECT_FALSE(j.trouble());
    EXPECT_TRUE(j.close());
  }
}

TEST_F(HostileFolder, ANewFileIsNotPutOverAFolder) {
  two_tasks();
  fs::create_directories(at("T", "a.md/x"));
  auto j = open();
  auto got = j.append_one(append_of("T", 1, {draft_of(event::answered, {{"a.md", "a"}})}));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, fault::corrupt) << got.error().detail;
}

// From here on linkat fails in this thread as on a file system without links.
bool forbid_links() {
  sock_filter program[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_linkat},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  sock_fprog filter{4, program};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// The copy was not synced, and its original, checkpointed long ago, removed: a
// power cut had neither.
TEST_F(HostileFolder, WhereFilesCannotBeLinkedTheCopyIsSynced) {
  std::vector<std::string> synced;
  hooks_.sync_error = [&](std::string_view name) {
    synced.emplace_back(name);
    return 0;
  };
  auto j = open();
  begin(j, "T");
  answer(j, "T", 1, "a.md", "one");
  synced.clear();
  bool forbidden = false;
  result<appended> got = fail(fault::unavailable, "");
  std::thread([&] {
    forbidden = forbid_links();
    auto d = draft_of(event::rejected, {});
    d.moves = {move_of("a.md", "old/a.md", "one")};
    got = j.append_one(append_of("T", 2, {d}));
  }).join();
  if (!forbidden)
    GTEST_SKIP() << "seccomp is not permitted here: " << std::strerror(errno);
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(text_at("T", "old/a.md"), "one");
  EXPECT_FALSE(fs::exists(at("T", "a.md")));
  EXPECT_NE(std::find(synced.begin(), synced.end(), "T/old/a.md"), synced.end());
}

TEST(Tree, NeedsAKernelWhoseSyncfsTellsOfLostWrites) {
  for (auto release : {"5.8.0", "5.10.0-8-amd64", "6.1.0", "10.0", "5.8"})
    EXPECT_TRUE(syncfs_tells_of_lost_writes(release)) << release;
  for (auto release : {"5.7.19", "4.19.0-5-amd64", "5", "", "x.y", "5."})
    EXPECT_FALSE(syncfs_tells_of_lost_writes(release)) << release;
}

} // namespace
} // namespace ledger::disk
