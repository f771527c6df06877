#include "bench/sync_witness.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

#include <unistd.h>

namespace bench {
namespace {

ledger::record record_behind(char mark) {
  ledger::record r;
  r.seq = 2;
  r.time = "2026-11-27T00:00:00.000Z";
  r.prev = std::string(64, mark);
  return r;
}

TEST(SyncWitness, WhatWasWrittenIsCoveredByTheNextSyncThatCompletes) {
  sync_witness w;
  auto r = record_behind('a');
  w.wrote("other bytes " + ledger::to_line(r) + " and more");
  EXPECT_FALSE(w.covered(r)) << "not synced yet";
  w.synced(false);
  EXPECT_FALSE(w.covered(r)) << "the sync failed";
  w.synced(true);
  EXPECT_TRUE(w.covered(r));
  EXPECT_EQ(w.syncs(), 1u);
}

TEST(SyncWitness, ASyncBeforeTheWriteCoversNothing) {
  sync_witness w;
  auto r = record_behind('b');
  w.synced(true);
  w.wrote(ledger::to_line(r));
  EXPECT_FALSE(w.covered(r));
}

TEST(SyncWitness, ASignedRecordIsKnownByItsSignature) {
  sync_witness w;
  auto r = record_behind('c');
  r.sig = std::string(86, 's') + "==";
  w.wrote(ledger::to_line(r));
  w.synced(true);
  auto other = r;
  other.sig = std::string(86, 't') + "==";
  EXPECT_FALSE(w.covered(other)) << "of another task, with the same predecessor";
  EXPECT_TRUE(w.covered(r));
}

// Without this the harness would prove nothing: SQLite tells of a commit that no
// sync covers just as well.
TEST(SyncWitness, SeesThatSQLiteDidNotSync) {
  auto folder = std::filesystem::temp_directory_path() / fmt::format("witness-{}", ::getpid());
  std::filesystem::create_directories(folder);
  auto& w = call_witness();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "w.db").c_str(), &db), SQLITE_OK);
  auto run = [&](const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sql;
  };
  run("PRAGMA journal_mode = WAL; CREATE TABLE records (line TEXT)");
  auto insert = [&](const ledger::record& r) {
    run(fmt::format("INSERT INTO records VALUES ('{}')", ledger::to_line(r)));
  };
  run("PRAGMA synchronous = OFF");
  insert(record_behind('d'));
  EXPECT_FALSE(w.covered(record_behind('d')));
  run("PRAGMA synchronous = FULL");
  insert(record_behind('e'));
  EXPECT_TRUE(w.covered(record_behind('e')));
  sqlite3_close(db);
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace bench
