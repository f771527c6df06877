#include "providers/remove_tree.hpp"

#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using providers::remove_tree;
namespace fs = std::filesystem;

TEST(RemoveTree, RemovesEveryKindOfThing) {
  test::scratch s;
  const auto top = s.path() / "top";
  test::write_file(top / "a/b/c/file", "x");
  test::write_file(top / "locked/file", "x");
  fs::permissions(top / "locked", fs::perms::none);
  ASSERT_EQ(::mkfifo((top / "pipe").c_str(), 0600), 0);
  fs::create_symlink("nowhere", top / "broken");
  EXPECT_FALSE(remove_tree(top));
  EXPECT_FALSE(fs::exists(top));
  EXPECT_FALSE(remove_tree(top)) << "nothing there is no error";
  EXPECT_FALSE(remove_tree(top / "below" / "nothing"));
  test::write_file(top, "a file");
  EXPECT_FALSE(remove_tree(top));
  EXPECT_FALSE(fs::exists(top));
}

TEST(RemoveTree, FollowsNoLink) {
  test::scratch s;
  test::write_file(s.path() / "precious/file", "x");
  fs::permissions(s.path() / "precious", fs::perms(0555));
  fs::create_directories(s.path() / "top/sub");
  fs::create_directory_symlink(s.path() / "precious", s.path() / "top/sub/link");
  fs::create_directory_symlink(s.path() / "precious", s.path() / "link");
  EXPECT_FALSE(remove_tree(s.path() / "top"));
  EXPECT_FALSE(remove_tree(s.path() / "link"));
  EXPECT_EQ(test::read_file(s.path() / "precious/file"), "x");
  EXPECT_EQ(fs::status(s.path() / "precious").permissions(), fs::perms(0555));
}

TEST(RemoveTree, GoesAsDeepAsAnybodyCanGo) {
  test::scratch s;
  fs::create_directories(s.path() / "top/.removed-1");
  int at = ::open((s.path() / "top").c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < 5000 && at >= 0; ++i) {
    ::mkdirat(at, "d", i % 100 == 50 ? 0000 : 0755);
    ::fchmodat(at, "d", 0755, 0);
    const int next = ::openat(at, "d", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (i % 100 == 50)
      ::fchmod(next, 0);
    ::close(::openat(at, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0));
    ::close(at);
    at = next;
  }
  ASSERT_GE(at, 0);
  ::close(at);
  const auto e = remove_tree(s.path() / "top");
  EXPECT_FALSE(e) << e.message();
  EXPECT_FALSE(fs::exists(s.path() / "top"));
}

} // namespace
