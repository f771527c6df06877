#include "providers/folder_state.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace {

using providers::folder_state;
namespace fs = std::filesystem;
using lines = std::vector<std::string>;

struct FolderState : ::testing::Test {
  FolderState() {
    test::write_file(root() / "a.txt", "one\n");
    test::write_file(root() / "dir/b.txt", "b\n");
    test::write_file(root() / "dir/c.txt", "c\n");
    test::write_file(root() / ".git/HEAD", "none\n");
  }
  fs::path root() const { return folder.path() / "root"; }

  folder_state look() {
    auto state = folder_state::of(root());
    EXPECT_TRUE(state);
    EXPECT_TRUE(state->known());
    return std::move(*state);
  }

  folder_state::differences since(const folder_state& state) {
    auto d = state.since(root());
    EXPECT_TRUE(d) << d.error().detail;
    std::sort(d->touched.begin(), d->touched.end());
    std::sort(d->added.begin(), d->added.end());
    return *d;
  }

  test::scratch folder;
};

TEST_F(FolderState, NothingDiffersWhereNothingWasDone) {
  const auto d = since(look());
  EXPECT_EQ(d.touched, lines{});
  EXPECT_EQ(d.added, lines{});
  EXPECT_FALSE(d.of_git);
}

// Same size, same inode, and within one tick of the kernel's clock.
TEST_F(FolderState, SeesAChangeOfTheSameSizeInTheSameInstant) {
  for (int i = 0; i < 50; ++i) {
    test::write_file(root() / "a.txt", "one\n");
    const auto state = look();
    test::write_file(root() / "a.txt", "two\n");
    ASSERT_EQ(since(state).touched, lines{"a.txt"});
  }
}

TEST_F(FolderState, SeesAChangeWhoseTimeWasPutBack) {
  const auto state = look();
  const auto time = fs::last_write_time(root() / "a.txt");
  test::write_file(root() / "a.txt", "two\n");
  fs::last_write_time(root() / "a.txt", time);
  EXPECT_EQ(since(state).touched, lines{"a.txt"});
}

TEST_F(FolderState, SeesWhatIsGoneReplacedOrHasOtherPermissions) {
  const auto state = look();
  fs::remove(root() / "a.txt");
  fs::rename(root() / "dir/b.txt", root() / "dir/d.txt");
  fs::permissions(root() / "dir/c.txt", fs::perms(0755));
  const auto d = since(state);
  EXPECT_EQ(d.touched, (lines{"a.txt", "dir/b.txt", "dir/c.txt"}));
  EXPECT_EQ(d.added, lines{"dir/d.txt"});
}

// The files behind the link are the very same ones.
TEST_F(FolderState, AFolderThatIsReachedThroughALinkIsTouched) {
  const auto state = look();
  fs::rename(root() / "dir", folder.path() / "elsewhere");
  fs::create_directory_symlink(folder.path() / "elsewhere", root() / "dir");
  const auto d = since(state);
  EXPECT_EQ(d.touched, (lines{"dir", "dir/b.txt", "dir/c.txt"}));
  EXPECT_EQ(d.added, lines{"dir"});
}

TEST_F(FolderState, AFolderWithOtherPermissionsIsTouched) {
  const auto state = look();
  fs::permissions(root() / "dir", fs::perms(0700));
  EXPECT_EQ(since(state).touched, lines{"dir"});
}

TEST_F(FolderState, TellsWhateverIsNew) {
  const auto state = look();
  fs::create_directory(root() / "empty");
  fs::create_symlink("nowhere", root() / "link");
  ASSERT_EQ(::mkfifo((root() / "dir/pipe").c_str(), 0600), 0);
  const auto d = since(state);
  EXPECT_EQ(d.touched, lines{});
  EXPECT_EQ(d.added, (lines{"dir/pipe", "empty", "link"}));
}

TEST_F(FolderState, TellsTheRepositoryApart) {
  const auto state = look();
  test::write_file(root() / ".git/HEAD", "some\n");
  test::write_file(root() / ".git/new", "new\n");
  const auto d = since(state);
  EXPECT_TRUE(d.of_git);
  EXPECT_EQ(d.touched, lines{});
  EXPECT_EQ(d.added, lines{});
}

// To read what was written just now would be too much: a tick later nobody has to.
TEST_F(FolderState, KnowsAFolderThatWasWrittenJustNow) {
  for (int i = 0; i < 500; ++i)
    test::write_file(root() / ("new" + std::to_string(i)), "new\n");
  fs::resize_file(root() / "new0", 64 * 1024 * 1024);
  const auto state = look();
  test::write_file(root() / "new1", "NEW\n");
  EXPECT_EQ(since(state).touched, lines{"new1"});
}

TEST_F(FolderState, AFolderThatIsNotThereIsAnError) {
  EXPECT_FALSE(folder_state::of(folder.path() / "nothing"));
}

} // namespace
