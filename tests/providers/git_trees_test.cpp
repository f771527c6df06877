// Trees and diffs whatever attributes and settings say, and what a failure means.

#include "ledger/disk/files.hpp"
#include "providers/git.hpp"
#include "tests/providers/other_program.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace {

using ledger::fault;
using providers::git;
using test::scratch_repository;
namespace fs = std::filesystem;

class GitTrees : public ::testing::Test {
protected:
  void make_base() {
    r.write("a.txt", "one\ntwo\nthree\n");
    base = r.commit("base");
  }

  scratch_repository r;
  std::string base;
};

// diff-tree asks the index of its git folder, and info/attributes, for
// attributes: what the user had staged decided what reviewers saw.
TEST_F(GitTrees, ADiffDoesNotDependOnAnyAttributes) {
  make_base();
  r.write("package-lock.json", "{}\n");
  const auto before = r.commit();
  r.write("package-lock.json", "{\"a\": 1}\n");
  r.write("a.txt", "one\n2\nthree\n");
  const auto after = r.commit();
  const auto diff = r.open().diff(before, after).value();
  EXPECT_NE(diff.find("\n+{\"a\": 1}\n"), std::string::npos) << diff;
  r.write(".gitattributes", "*.txt -diff\n*.json binary\n");
  r.git({"add", ".gitattributes"}); // Staged.
  EXPECT_EQ(r.open().diff(before, after).value(), diff);
  r.write(".git/info/attributes", "*.txt -diff\n*.json diff=x\n");
  r.git({"config", "diff.x.binary", "true"});
  EXPECT_EQ(r.open().diff(before, after).value(), diff);
  const auto later = r.commit(); // Committed.
  r.write("package-lock.json", "{\"b\": 2}\n");
  EXPECT_NE(r.open().diff(later, r.commit()).value().find("\n+{\"b\": 2}\n"), std::string::npos);
}

// A base whose files are something else in the user's checkout than in the slots
// would be checked, and deployed, as pointers of LFS.
TEST_F(GitTrees, ATreeThatNeedsAFilterIsRefusedWithASentence) {
  struct row {
    const char* name;
    const char* attributes;
    const char* setting; ///< Empty: none.
    bool refused;
  };
  const std::vector<row> rows{
      {"LFS", "*.bin filter=lfs diff=lfs merge=lfs -text\n", "filter.lfs.smudge", true},
      {"clean alone", "*.txt filter=strip\n", "filter.strip.clean", true},
      {"a process", "*.txt filter=strip\n", "filter.strip.process", true},
      {"a filter that nobody has", "*.txt filter=strip\n", "filter.other.clean", false},
      {"a filter for no file", "*.psd filter=lfs\n", "filter.lfs.smudge", false},
      {"a filter taken back", "* filter=lfs\n* -filter\n", "filter.lfs.smudge", false},
      {"another encoding", "*.txt working-tree-encoding=UTF-16LE\n", "", true},
      {"line ends", "* text=auto eol=crlf\n", "", false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    scratch_repository one;
    one.write("a.txt", "a\n");
    one.write("x.bin", "x\n");
    one.commit();
    one.write(".gitattributes", row.attributes);
    one.git({"add", ".gitattributes"});
    one.git({"commit", "--quiet", "-m", "attributes"});
    const auto tree = one.git({"rev-parse", "HEAD^{tree}"});
    if (*row.setting != '\0')
      one.git({"config", row.setting, "cat"});
    const auto needs = one.open().needs_no_filter(tree);
    EXPECT_EQ(!needs, row.refused) << (needs ? "" : needs.error().detail);
    if (!needs) {
      EXPECT_EQ(needs.error().kind, fault::refused);
    }
  }
}

// Every exit code of git meant "no" for ever, so an object store that could not
// be written made of a good patch one that does not apply.
TEST_F(GitTrees, WhatCannotBeWrittenIsNoAnswerAboutAPatch) {
  make_base();
  const auto g = r.open();
  const std::string patch =
      "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,3 +1,3 @@\n"
      " one\n-two\n+2\n three\n";
  const auto applies = g.tree_with(base, patch).value();
  r.git({"repack", "-a", "-d", "--quiet"});
  r.git({"prune", "--expire=now"});
  ASSERT_FALSE(g.has_object(applies));
  for (int i = 0; i < 256; ++i) { // Also root cannot make a file below a file.
    const auto folder = r.top() / ".git/objects" / fmt::format("{:02x}", i);
    fs::remove_all(folder);
    test::write_file(folder, "");
  }
  auto tree = g.tree_with(base, patch);
  ASSERT_FALSE(tree);
  EXPECT_EQ(tree.error().kind, fault::unavailable) << tree.error().detail;
  EXPECT_FALSE(g.applies_reversed(base, patch).value());
  auto wrong =
      g.tree_with(base, "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n"
                        "-other\n+2\n");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, fault::refused) << wrong.error().detail;
}

TEST_F(GitTrees, AFullDiskIsToldAsOne) {
  make_base();
  fs::create_directories(r.folder() / "disk");
  test::other_program on_a_small_disk([&] {
    const auto disk = r.folder() / "disk", repository = disk / "repo";
    if (!test::mount_small_disk(disk, 2048))
      return test::no_small_disk;
    fs::copy(r.top(), repository, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    std::ofstream(disk / "filler") << std::string(4096 * 1024, 'x');
    providers::processes children;
    auto g = git::open(children, repository);
    if (!g)
      return 1;
    auto tree = g->tree_with(base, "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n"
                                   "+++ b/n\n@@ -0,0 +1 @@\n+new\n");
    if (tree || tree.error().kind != fault::unavailable)
      return 2;
    return tree.error().code == ledger::disk::disk_full_code ? 0 : 3;
  });
  const auto code = on_a_small_disk.wait();
  if (code == test::no_small_disk)
    GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(code, 0);
}

TEST_F(GitTrees, AGitThatIsEndedOrCannotReadIsNoAnswerEither) {
  make_base();
  // Fails for the command that `ruled` names as a machine that is worn out does.
  test::write_file(r.folder() / "bin/git",
                   "#!/bin/sh\nPATH=" + std::string(std::getenv("PATH")) + "\nruled=$(cat '"
                       + (r.folder() / "ruled").string()
                       + "')\nfor word; do case $word in $ruled)\n"
                         "echo 'error: patch failed: a.txt:1' >&2\n"
                         "echo 'error: open(\"x\"): Too many open files' >&2\nexit 1;;\n"
                         "esac; done\nexec git \"$@\"\n");
  test::make_executable(r.folder() / "bin/git");
  const auto tree = r.open().tree_of(base).value();
  const test::variable path("PATH", (r.folder() / "bin").string());
  test::write_file(r.folder() / "ruled", "apply");
  const auto g = r.open(), stays = r.open();
  ASSERT_EQ(stays.tree_of(base).value(), tree);
  EXPECT_EQ(g.applies_reversed(tree, "x").error().kind, fault::unavailable);
  EXPECT_EQ(stays.tree_with(tree, "x").error().kind, fault::unavailable);
  test::write_file(r.folder() / "ruled", "*");
  EXPECT_EQ(stays.tree_of(base).value(), tree); // It runs already.
  EXPECT_EQ(g.tree_of(base).error().kind, fault::unavailable);
  EXPECT_EQ(g.resolve_commit("main").error().kind, fault::unavailable);
  EXPECT_EQ(g.read_blob(base, "a.txt").error().kind, fault::unavailable);
  EXPECT_EQ(g.diff(tree, tree).error().kind, fault::unavailable);
}

} // namespace
