#include "ledger/disk/files.hpp"

#include "tests/disk/ledger_fixture.hpp"

#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

namespace ledger::disk {
namespace {

class Files : public ledger_test {
protected:
  static void write_plainly(const fs::path& file) { std::ofstream(file) << "litter"; }
};

TEST_F(Files, WhatWasPutIsRead) {
  auto file = base_ / "a" / "b" / "c.txt";
  for (auto d : {durability::none, durability::synced}) {
    ASSERT_TRUE(put_file(file, "text", d));
    EXPECT_EQ(read_file(file).value_or(""), "text");
    ASSERT_TRUE(put_file(file, "", d, 0600));
    EXPECT_EQ(read_file(file).value_or("x"), "");
  }
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(digest_of_file(file), sha256(""));
  // Nothing but the file itself is left in its folder.
  EXPECT_EQ(std::distance(fs::directory_iterator(file.parent_path()), {}), 1);
}

// Process ids come again: the litter of a killed namesake was "File exists".
TEST_F(Files, TheLitterOfAKilledNamesakeIsNoObstacle) {
  auto file = base_ / "a/file";
  ASSERT_TRUE(put_file(file, "one", durability::none));
  for (int n = 0; n < 2000; ++n)
    write_plainly(base_ / "a" / fmt::format(".put-{}-{}", ::getpid(), n));
  ASSERT_TRUE(put_file(file, "two", durability::none));
  EXPECT_EQ(read_file(file).value_or(""), "two");
}

TEST_F(Files, ReadingSaysWhyNot) {
  EXPECT_EQ(read_file(base_ / "none").error().kind, fault::not_found);
  EXPECT_EQ(read_file(base_).error().kind, fault::refused);
  write(base_ / "large", "12345");
  EXPECT_EQ(read_file(base_ / "large", 4).error().kind, fault::refused);
  EXPECT_TRUE(read_file(base_ / "large", 5));
  fs::create_symlink(base_ / "large", base_ / "link");
  EXPECT_EQ(read_file(base_ / "link").error().kind, fault::refused);
  EXPECT_EQ(digest_of_file(base_ / "link"), "");
  EXPECT_EQ(digest_of_file(base_), "");
  EXPECT_EQ(digest_of_file(base_ / "none"), "");
  ASSERT_EQ(::mkfifo((base_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_file(base_ / "fifo").error().kind, fault::refused); // And does not hang.
}

TEST_F(Files, ARecordedFileIsReadOnlyIfItIsTheRecordedOne) {
  write(base_ / "T/gemini/audit.md", "text");
  EXPECT_EQ(read_recorded(base_ / "T", "gemini/audit.md", sha256("text")).value_or(""), "text");
  EXPECT_EQ(read_recorded(base_ / "T", "gemini/audit.md", sha256("other")).error().kind,
            fault::corrupt);
  EXPECT_EQ(read_recorded(base_ / "T", "gemini/none.md", sha256("text")).error().kind,
            fault::not_found);
}

TEST_F(Files, ALinkInATasksFolderIsNeverFollowed) {
  write(base_ / "outside/audit.md", "text");
  fs::create_directories(base_ / "T/claude");
  fs::create_directory_symlink(base_ / "outside", base_ / "T/gemini");
  fs::create_symlink(base_ / "outside/audit.md", base_ / "T/claude/audit.md");
  for (auto path : {"gemini/audit.md", "claude/audit.md", "../outside/audit.md"})
    EXPECT_EQ(read_recorded(base_ / "T", path, sha256("text")).error().kind, fault::corrupt)
        << path;
}

} // namespace
} // namespace ledger::disk
