// Files that grow by appends: a folder that cannot follow for a while.

#include "ledger/disk/evidence.hpp"
#include "tests/disk/growing_fixture.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include <sys/mount.h>
#include <sys/resource.h>

namespace ledger::disk {
namespace {

/// While it lives, no file of this process grows beyond `bytes`.
class small_files {
public:
  explicit small_files(rlim_t bytes)
      : former_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &former_);
    auto limit = former_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  small_files(const small_files&) = delete;
  small_files& operator=(const small_files&) = delete;
  ~small_files() {
    ::setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, former_handler_);
  }

private:
  void (*former_handler_)(int);
  rlimit former_{};
};

// A head that cannot be written holds up the whole folder of its task.
class LaggingGrowth : public growing_test {
protected:
  void hold_up(journal& j) {
    fs::remove_all(heads());
    write(heads(), "in the way");
    ASSERT_TRUE(tell(j, draft_of(event::answered, {}, true)));
    ASSERT_TRUE(j.trouble());
  }
  void free_up() { fs::remove(heads()); }
  fs::path heads() const { return keys_ / (std::string(test_repository) + ".heads"); }

  // A reader needs to list the heads.
  bool looks_well() {
    free_up();
    auto all = verify();
    write(heads(), "in the way");
    return all.empty();
  }

  // One turn is in the file, two lag.
  void lag(journal& j) {
    grow(j, "one\n");
    hold_up(j);
    grow(j, "two, longer\n");
    grow(j, "three, the last\n");
    EXPECT_EQ(in_file(), "one\n");
    EXPECT_TRUE(looks_well());
  }
};

// The kernel writes what fits and then refuses: a chunk in part.
TEST_F(LaggingGrowth, AFullDiskLosesNothingAndTheNextGroupCompletes) {
  std::unique_ptr<small_files> full;
  bool fill_up = false;
  hooks_.after_commit = [&](std::uint64_t) {
    if (fill_up)
      full = std::make_unique<small_files>(in_file().size() + 10);
  };
  auto j = open();
  begin(j, "T");
  grow(j, "one\n");
  auto had = whole;
  fill_up = true;
  grow(j, std::string(5000, 'x') + "\n");
  full.reset();
  fill_up = false;
  ASSERT_TRUE(j.trouble());
  EXPECT_NE(j.trouble()->detail.find(turns), std::string::npos) << j.trouble()->detail;
  EXPECT_EQ(in_file(), had); // All or nothing.
  EXPECT_EQ(parse_journal(text_at("T", path::journal)).value().size(), 2u);
  EXPECT_TRUE(verify().empty());
  grow(j, "after\n");
  EXPECT_FALSE(j.trouble());
  EXPECT_EQ(in_file(), whole);
  EXPECT_EQ(parse_journal(text_at("T", path::journal)).value(), *j.records_of("T"));
  EXPECT_TRUE(verify().empty());
}

TEST_F(LaggingGrowth, CloseCompletesIt) {
  auto j = open();
  begin(j, "T");
  lag(j);
  free_up();
  ASSERT_TRUE(j.close());
  EXPECT_EQ(in_file(), whole);
  EXPECT_TRUE(verify().empty());
}

TEST_F(LaggingGrowth, TheNextStartCompletesItThoughOthersWereCheckpointed) {
  checkpoint_bytes_ = 1; // Every group.
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T");
    lag(j);
    answer(j, "S", 1, "a.md", "s");
    free_up();
  }
  photograph();
  for (auto& boot : {boot_, std::string("boot-2")})
    for (auto content : {"one\n", "one\ntwo, lon", "one\ntwo, longer\nth"}) {
      boot_ = boot;
      write(at("T", turns), content);
      {
        auto j = open();
        EXPECT_TRUE(j.damages().empty()) << why(j, "T");
        EXPECT_EQ(in_file(), whole);
      }
      restart_from_image();
      photograph();
    }
}

// The file could not be whole on the disk, but its name in old/ must be.
TEST_F(LaggingGrowth, AFileThatLagsMovesWithAllItHas) {
  auto j = open();
  begin(j, "T");
  lag(j);
  auto d = moving();
  d.appends = growing_draft({{turns, "new\n"}}).appends;
  ASSERT_TRUE(tell(j, d));
  EXPECT_EQ(text_at("T", old_turns), whole);
  EXPECT_EQ(in_file(), "one\n"); // Its name changes hands later.
  EXPECT_TRUE(looks_well());
  photograph();
  free_up();
  ASSERT_TRUE(tell(j, growing_draft({{turns, "newer\n"}})));
  for (bool killed : {false, true}) {
    if (killed) {
      restart_from_image();
      free_up();
      j = open();
    }
    EXPECT_TRUE(j.damages().empty()) << why(j, "T");
    EXPECT_EQ(text_at("T", old_turns), whole);
    EXPECT_EQ(in_file(), killed ? "new\n" : "new\nnewer\n");
    EXPECT_TRUE(verify().empty());
  }
}

TEST_F(LaggingGrowth, AnAlteredFileThatLagsDoesNotMove) {
  auto j = open();
  begin(j, "T");
  lag(j);
  write(at("T", turns), "One\n");
  EXPECT_EQ(tell(j, moving()).error().code, "tampered");
}

// A stop looks at every file. One that lags was recorded as gone, and its
// chunks were never written.
TEST_F(LaggingGrowth, AFileThatLagsIsNotTakenForAltered) {
  auto j = open();
  begin(j, "T");
  lag(j);
  by_path<file_ref> files;
  files.put(j.records_of("T")->back().files.front());
  EXPECT_TRUE(altered_files(root_ / "T", files).empty());
  for (auto bad : {"on", "One\n", "one\ntwo"}) {
    write(at("T", turns), bad);
    EXPECT_EQ(altered_files(root_ / "T", files).size(), 1u) << bad;
  }
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

TEST_F(LaggingGrowth, OnADiskOfFourMegabytesNothingIsLost) {
  fs::create_directories(root_);
  small_disk disk(root_);
  if (!disk.is_mounted)
    GTEST_SKIP() << "mounting a tmpfs is not permitted here: " << std::strerror(errno);
  bool was_full = false;
  {
    auto j = open();
    begin(j, "T");
    write(root_ / "ballast", std::string(1'500'000, 'b'));
    for (int i = 0; i < 100 && !was_full; ++i) {
      auto chunk = std::string(30'000, static_cast<char>('a' + i % 26));
      auto got = tell(j, growing_draft({{turns, chunk}}));
      if (got)
        whole += chunk;
      was_full = !got || j.trouble();
      if (!got) {
        EXPECT_EQ(got.error().kind, fault::unavailable) << got.error().detail;
      }
    }
    EXPECT_TRUE(was_full);
    fs::remove(root_ / "ballast");
    grow(j, "after\n");
    EXPECT_EQ(in_file(), whole);
  }
  auto j = open();
  EXPECT_TRUE(j.damages().empty());
  EXPECT_EQ(in_file(), whole);
  EXPECT_TRUE(verify().empty());
}

} // namespace
} // namespace ledger::disk
