// L6: a failed fsync ends the journal, whatever a later fsync says.
//
// The story behind it: after an fsync that failed, the kernel drops the dirty
// pages and the next fsync answers "ok" although the data is gone. A journal
// that tried again would acknowledge what no disk holds.

#include "ledger/disk/journal.hpp"
#include "ledger/drafts.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <map>
#include <memory>
#include <string>

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
    auto j = ledger::disk::journal::open(std::move(o), std::move(*keys));
    EXPECT_TRUE(j) << (j ? "" : j.error().detail);
    return std::move(*j);
  }

  static ledger::disk::append opening(const std::string& task) {
    ledger::opening o;
    o.prompt = std::make_shared<const std::string>("do it\n");
    o.base = "b";
    o.base_tree = "t";
    return {task, 0, {ledger::draft_opened(o, task)}};
  }

  fs::path root = fs::temp_directory_path() / ("failed-sync-" + std::to_string(::getpid()));
  failing_vfs vfs;
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

} // namespace
