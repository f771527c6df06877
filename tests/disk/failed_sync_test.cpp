// L6: a failed fsync ends the journal, whatever a later fsync says.
//
// The story behind it: after an fsync that failed, the kernel drops the dirty
// pages and the next fsync answers "ok" although the data is gone. A journal
// that tried again would acknowledge what no disk holds.

#include "ledger/disk/journal.hpp"
#include "ledger/drafts.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using ledger::fault;

/// SQLite's own file system, whose syncs fail while `failing` is set.
struct failing_vfs {
  static inline bool failing = false;
  static inline sqlite3_vfs* real = nullptr;
  static inline sqlite3_vfs shim{};
  static inline std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> patched;
  static inline int (*real_sync)(sqlite3_file*, int) = nullptr;

  static int sync(sqlite3_file* f, int flags) {
    return failing ? SQLITE_IOERR_FSYNC : real_sync(f, flags);
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* f, int flags, int* out) {
    auto rc = real->xOpen(real, name, f, flags, out);
    if (rc != SQLITE_OK || !f->pMethods)
      return rc;
    auto& copy = patched[f->pMethods];
    if (!copy) {
      copy = std::make_unique<sqlite3_io_methods>(*f->pMethods);
      real_sync = copy->xSync;
      copy->xSync = sync;
    }
    f->pMethods = copy.get();
    return rc;
  }

  failing_vfs() {
    real = sqlite3_vfs_find(nullptr);
    shim = *real;
    shim.zName = "failing";
    shim.xOpen = open;
    sqlite3_vfs_register(&shim, 1);
  }
  ~failing_vfs() {
    failing = false;
    sqlite3_vfs_register(real, 1);
    sqlite3_vfs_unregister(&shim);
  }
};

class FailedSync : public ::testing::Test {
protected:
  FailedSync() { fs::remove_all(root); }
  ~FailedSync() override { fs::remove_all(root); }

  ledger::disk::journal open() {
    auto keys = ledger::disk::keyring::open(root / "keys", "repo", true);
    EXPECT_TRUE(keys);
    ledger::disk::journal::options o;
    o.root = root / "ledger";
    o.sync_directly_bytes = 1000;
    o.hooks.sync_error = [this](std::string_view name) { return name == failing_sync ? EIO : 0; };
    auto j = ledger::disk::journal::open(std::move(o), std::move(*keys));
    EXPECT_TRUE(j) << (j ? "" : j.error().detail);
    return std::move(*j);
  }

  static ledger::disk::append opening(const std::string& task, std::size_t bytes = 6) {
    ledger::opening o;
    o.prompt = std::make_shared<const std::string>(bytes, 'x');
    o.repo_id = "repo";
    o.base = "b";
    o.base_tree = "t";
    return {task, 0, {ledger::draft_opened(o, task)}};
  }

  fs::path root = fs::temp_directory_path() / ("failed-sync-" + std::to_string(::getpid()));
  failing_vfs vfs;
  /// Of the tree: a name, "" for syncfs.
  std::string failing_sync = "none";
};

TEST_F(FailedSync, NothingIsAcknowledgedAndNothingIsTakenAfterwards) {
  auto j = open();
  ASSERT_TRUE(j.append_one(opening("A")));
  failing_vfs::failing = true;
  auto b = j.append_one(opening("B"));
  ASSERT_FALSE(b);
  EXPECT_EQ(b.error().kind, fault::lost);
  failing_vfs::failing = false; // The disk says "ok" again: it is not believed.
  auto c = j.append_one(opening("C"));
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().kind, fault::lost);
  EXPECT_FALSE(fs::exists(root / "ledger" / "C" / "journal.jsonl"));
}

TEST_F(FailedSync, TheNextStartHasWhatWasAcknowledgedAndGoesOn) {
  {
    auto j = open();
    ASSERT_TRUE(j.append_one(opening("A")));
    failing_vfs::failing = true;
    ASSERT_FALSE(j.append_one(opening("B")));
    failing_vfs::failing = false;
  }
  auto j = open();
  EXPECT_TRUE(j.damages().empty());
  auto* a = j.records_of("A");
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->size(), 1u);
  auto* b = j.records_of("B");
  if (!b || b->empty()) { // Not acknowledged: it may be there or not, never half.
    EXPECT_TRUE(j.append_one(opening("B")));
  }
}

// A checkpoint drops what the database held, so a syncfs that fails must end all.
TEST_F(FailedSync, ACheckpointThatFailsEndsTheJournal) {
  {
    auto j = open();
    ASSERT_TRUE(j.append_one(opening("A")));
    failing_sync = "";
    auto closed = j.close();
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, fault::lost);
    failing_sync = "none";
    auto b = j.append_one(opening("B"));
    ASSERT_FALSE(b);
    EXPECT_EQ(b.error().kind, fault::lost);
    ASSERT_FALSE(j.close());
  }
  // Its bytes are still in the database: what the disk lost is restored.
  fs::remove(root / "ledger" / "A" / "inputs" / "prompt.md");
  auto keys = ledger::disk::keyring::open(root / "keys", "repo", true);
  ledger::disk::journal::options o;
  o.root = root / "ledger";
  o.hooks.boot_id = [] { return std::string("another boot"); };
  ASSERT_TRUE(ledger::disk::journal::open(std::move(o), std::move(*keys)));
  EXPECT_TRUE(fs::exists(root / "ledger" / "A" / "inputs" / "prompt.md"));
}

TEST_F(FailedSync, ALargeFileThatCannotBeSyncedIsNotRecorded) {
  auto j = open();
  ASSERT_TRUE(j.append_one(opening("A")));
  failing_sync = "B/inputs/prompt.md";
  auto b = j.append_one(opening("B", 5000));
  ASSERT_FALSE(b);
  EXPECT_EQ(b.error().kind, fault::lost);
  EXPECT_EQ(j.records_of("B"), nullptr);
  failing_sync = "none";
  EXPECT_EQ(j.append_one(opening("C")).error().kind, fault::lost);
}

} // namespace
