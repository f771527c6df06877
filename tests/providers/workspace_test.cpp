// What a lease begins as, and what is taken from it.

#include "tests/providers/variable.hpp"
#include "tests/providers/workspace_fixture.hpp"

#include <functional>
#include <sys/stat.h>

namespace {

using test::has;
using test::paths;
namespace fs = std::filesystem;

class Workspace : public test::workspace_fixture {};

TEST_F(Workspace, ALeaseBeginsAsExactlyItsTree) {
  auto w = open();
  auto l = checkout(*w, base, tree);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_EQ(test::read_file(l->folder() / "a.txt"), "one\ntwo\nthree\n");
  EXPECT_EQ(fs::status(l->folder() / "dir/run.sh").permissions() & fs::perms::owner_exec,
            fs::perms::owner_exec);
  EXPECT_EQ(r.git({"rev-parse", "HEAD"}, l->folder()), base);
  EXPECT_EQ(r.git({"status", "--porcelain"}, l->folder()), "");
  const auto c = take(*l);
  EXPECT_EQ(c.tree, tree);
  EXPECT_TRUE(c.changes.empty());
  EXPECT_TRUE(c.hidden.empty());
  EXPECT_EQ(c.diff, "");
}

TEST_F(Workspace, TakesEveryKindOfChange) {
  auto w = open();
  auto l = checkout(*w, base, tree);
  const auto& f = l->folder();
  test::write_file(f / "a.txt", "one\n2\nthree\n");
  test::write_file(f / "new folder/ä.txt", "new\n");
  fs::rename(f / "dir/b.txt", f / "dir/c.txt");
  fs::permissions(f / "dir/run.sh", fs::perms(0644));
  fs::create_symlink("/etc/passwd", f / "link");
  test::write_file(f / "debug.log", "ignored\n");
  test::write_file(f / "node_modules/x/.env", "not the change's business\n");
  const auto c = take(*l);
  const std::vector<std::string> want{"M 100644 a.txt",     "D 000000 dir/b.txt",
                                      "A 100644 dir/c.txt", "M 100644 dir/run.sh",
                                      "A 120000 link",      "A 100644 new folder/ä.txt"};
  EXPECT_EQ(paths(c), want);
  EXPECT_TRUE(c.hidden.empty()) << c.hidden.front();
  EXPECT_EQ(r.open().tree_with(tree, c.diff).value(), c.tree);
  EXPECT_EQ(w->changes(tree, c.tree).value(), c.changes);
}

TEST_F(Workspace, SeesAChangeOfTheSameSizeInTheSameInstant) {
  auto w = open();
  for (int i = 0; i < 20; ++i) {
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / "a.txt", "one\nTWO\nthree\n");
    EXPECT_EQ(paths(take(*l)), std::vector<std::string>{"M 100644 a.txt"}) << i;
  }
}

TEST_F(Workspace, AReusedSlotKeepsNothing) {
  auto w = open(1);
  fs::path folder;
  {
    auto l = checkout(*w, base, tree);
    folder = l->folder();
    test::write_file(folder / "a.txt", "changed");
    test::write_file(folder / "debug.log", "ignored");
    test::write_file(folder / "extra/deep/file", "x");
    fs::create_directories(folder / "empty/folders");
    r.git({"init", "--quiet", "nested"}, folder);
    ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    fs::remove(folder / "dir/b.txt"); // A file becomes a folder …
    fs::create_directories(folder / "dir/b.txt/sub");
    fs::remove_all(folder / "dir/run.sh");
    fs::create_symlink("/etc", folder / "dir/run.sh");
    test::write_file(folder / "locked/x", "x");
    fs::permissions(folder / "locked", fs::perms::none);
  }
  auto l = checkout(*w, base, tree);
  EXPECT_EQ(l->folder(), folder);
  EXPECT_EQ(everything_in(folder), base_files);
  EXPECT_EQ(take(*l).tree, tree);
}

// The same tree again needs no git: what was done to it is undone.
TEST_F(Workspace, ASlotIsMendedWhereItWasTouchedOnly) {
  auto w = open(1);
  checkout(*w, base, tree); // The files of a new slot are all new: git makes it.
  checkout(*w, base, tree);
  std::string folder;
  {
    auto l = checkout(*w, base, tree);
    folder = l->folder().string();
    test::write_file(l->folder() / "a.txt", "ONE\ntwo\nthree\n");
    fs::remove(l->folder() / "dir/run.sh");
    test::write_file(l->folder() / "node_modules/x/y.js", "y\n");
    test::write_file(l->folder() / "dir/c.txt", "c\n");
    EXPECT_EQ(take(*l).changes.size(), 3u);
  }
  auto l = checkout(*w, base, tree);
  EXPECT_EQ(l->folder().string(), folder);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_EQ(test::read_file(l->folder() / "a.txt"), "one\ntwo\nthree\n");
  EXPECT_EQ(fs::status(l->folder() / "dir/run.sh").permissions() & fs::perms::owner_exec,
            fs::perms::owner_exec);
  EXPECT_EQ(r.run({"git", "diff-files", "--name-only"}, l->folder()), ""); // Looks at times only.
  EXPECT_EQ(take(*l).tree, tree);
}

TEST_F(Workspace, WhoChangesNothingStartsNoGit) {
  auto w = open(1);
  for (int i = 0; i < 3; ++i) // All are started, and its files are not new any more.
    take(*checkout(*w, base, tree));
  const test::variable path("PATH", "/nowhere");
  auto l = checkout(*w, base, tree);
  auto c = take(*l);
  EXPECT_EQ(c.tree, tree);
  EXPECT_TRUE(c.changes.empty());
  EXPECT_EQ(l->put_back().value(), std::vector<std::string>{});
}

// What git would make of it with an index, and no git is started for it.
TEST_F(Workspace, WhoChangesOnlyFilesThatWereThereStartsNoGit) {
  auto w = open(1);
  for (const auto* text : {"first\n", "second\n"}) { // The gits that stay are started.
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / "dir/b.txt", text);
    take(*l);
  }
  auto l = checkout(*w, base, tree);
  fs::remove(l->folder() / "dir/b.txt");
  test::make_executable(l->folder() / "a.txt");
  test::write_file(l->folder() / "dir/run.sh", "#!/bin/sh\necho\r\n");
  providers::candidate c;
  {
    const test::variable path("PATH", "/nowhere");
    c = take(*l);
  }
  r.git({"add", "--all"}, l->folder());
  EXPECT_EQ(c.tree, r.git({"write-tree"}, l->folder()));
  EXPECT_EQ(c.changes.size(), 3u);
  EXPECT_TRUE(c.hidden.empty());
}

TEST_F(Workspace, AFileThatBecameALinkIsNotRead) {
  test::write_file(r.folder() / "secret", "secret");
  auto w = open(1);
  checkout(*w, base, tree);
  auto l = checkout(*w, base, tree);
  fs::remove(l->folder() / "a.txt");
  fs::create_symlink(r.folder() / "secret", l->folder() / "a.txt");
  const auto c = take(*l);
  ASSERT_EQ(c.changes.size(), 1u);
  EXPECT_EQ(c.changes[0].new_mode, "120000");
  EXPECT_EQ(r.git({"cat-file", "blob", c.changes[0].new_id}), (r.folder() / "secret").string());
}

TEST_F(Workspace, AFolderReplacedByALinkIsNotFollowed) {
  test::write_file(r.folder() / "precious/b.txt", "precious");
  auto w = open(1);
  {
    auto l = checkout(*w, base, tree);
    fs::remove_all(l->folder() / "dir");
    fs::create_directory_symlink(r.folder() / "precious", l->folder() / "dir");
  }
  auto l = checkout(*w, base, tree);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_EQ(test::read_file(r.folder() / "precious/b.txt"), "precious");
}

TEST_F(Workspace, ASlotGoesFromTreeToTree) {
  r.write("a.txt", "other\n");
  r.git({"rm", "-r", "--quiet", "dir"});
  r.write("dir", "now a file\n");
  const auto second = r.commit("second");
  const auto second_tree = r.git({"rev-parse", "HEAD^{tree}"});
  auto w = open(1);
  for (int i = 0; i < 2; ++i) {
    checkout(*w, base, tree);
    auto l = checkout(*w, second, second_tree);
    EXPECT_EQ(test::read_file(l->folder() / "dir"), "now a file\n");
    EXPECT_EQ(r.git({"rev-parse", "HEAD"}, l->folder()), second);
    l.reset();
    l = checkout(*w, base, tree);
    EXPECT_EQ(everything_in(l->folder()), base_files);
    EXPECT_EQ(r.git({"rev-parse", "HEAD"}, l->folder()), base);
  }
}

TEST_F(Workspace, ADamagedSlotHeals) {
  struct row {
    const char* name;
    std::function<void(const fs::path&)> damage;
  };
  const std::vector<row> rows{
      {".git removed", [](auto& f) { fs::remove_all(f / ".git"); }},
      {".git elsewhere",
       [](auto& f) {
         fs::remove_all(f / ".git");
         test::write_file(f / ".git", "gitdir: /no/such/place\n");
       }},
      {".git half gone", [](auto& f) { fs::remove(f / ".git/HEAD"); }},
      {".git a link",
       [](auto& f) {
         fs::rename(f / ".git", f / "moved");
         fs::create_symlink("moved", f / ".git");
       }},
      {"the whole slot removed", [](auto& f) { fs::remove_all(f); }},
      {"a file in the slot's place",
       [](auto& f) {
         fs::remove_all(f);
         test::write_file(f, "x");
       }},
      {"index garbage", [](auto& f) { test::write_file(f.parent_path() / "index-0", "x"); }},
      {"locked by a killed git",
       [](auto& f) { test::write_file(f.parent_path() / "index-0.lock", ""); }},
  };
  auto w = open(1);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto l = checkout(*w, base, tree);
    row.damage(l->folder());
    l.reset();
    auto again = w->checkout(base, tree);
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(everything_in((*again)->folder()), base_files);
    EXPECT_EQ(take(**again).tree, tree);
    EXPECT_EQ(r.git({"rev-parse", "HEAD"}, (*again)->folder()), base);
  }
}

TEST_F(Workspace, FlagsInTheWorktreesIndexHideNothing) {
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  r.git({"update-index", "--assume-unchanged", "a.txt"}, l->folder());
  r.git({"update-index", "--skip-worktree", "dir/b.txt"}, l->folder());
  test::write_file(l->folder() / "a.txt", "changed\n");
  fs::remove(l->folder() / "dir/b.txt");
  const std::vector<std::string> want{"M 100644 a.txt", "D 000000 dir/b.txt"};
  EXPECT_EQ(paths(take(*l)), want);
  l.reset();
  l = checkout(*w, base, tree);
  EXPECT_EQ(test::read_file(l->folder() / "a.txt"), "one\ntwo\nthree\n");
  EXPECT_EQ(everything_in(l->folder()), base_files);
}

TEST_F(Workspace, NestedRepositoriesAreReportedAndNothingOfThemRuns) {
  const auto marker = r.folder() / "ran";
  test::write_file(r.folder() / "monitor", "#!/bin/sh\ntouch '" + marker.string() + "'\n");
  test::make_executable(r.folder() / "monitor");
  const auto hostile = [&](const fs::path& folder, bool with_commit) {
    fs::create_directories(folder);
    r.git({"init", "--quiet"}, folder);
    if (with_commit) {
      test::write_file(folder / "x", "x\n");
      r.git({"add", "x"}, folder);
      r.git({"-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x"}, folder);
    }
    r.git({"config", "core.fsmonitor", (r.folder() / "monitor").string()}, folder);
  };
  auto w = open(1);
  {
    auto l = checkout(*w, base, tree);
    hostile(l->folder() / "sub", true);
    hostile(l->folder() / "dir", true); // Holds files of the base.
    hostile(l->folder() / "deep/empty", false);
    hostile(l->folder() / "node_modules/x", true); // In a folder that git ignores.
    test::write_file(l->folder() / "odd/.GIT/config", "[core]\n");
    test::write_file(l->folder() / "file/.git", "gitdir: ../sub/.git\n");
    test::write_file(l->folder() / "a.txt", "seen as well\n");
    const auto c = take(*l);
    for (const char* path : {"sub/.git", "dir/.git", "deep/empty/.git", "node_modules/x/.git",
                             "odd/.GIT", "file/.git"})
      EXPECT_TRUE(has(c.hidden, path)) << path;
    EXPECT_TRUE(has(paths(c), "M 100644 a.txt"));
  }
  auto l = checkout(*w, base, tree);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_FALSE(fs::exists(marker)) << "a nested repository's monitor was run";
}

TEST_F(Workspace, TheNestedMonitorWouldRunWithPlainGit) {
  // That the test above can fail: what an unguarded git does in such a tree.
  const auto marker = r.folder() / "ran";
  test::write_file(r.folder() / "monitor", "#!/bin/sh\ntouch '" + marker.string() + "'\n");
  test::make_executable(r.folder() / "monitor");
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  r.git({"init", "--quiet", "sub"}, l->folder());
  test::write_file(l->folder() / "sub/x", "x\n");
  r.git({"add", "x"}, l->folder() / "sub");
  r.git({"-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x"},
        l->folder() / "sub");
  r.git({"config", "core.fsmonitor", (r.folder() / "monitor").string()}, l->folder() / "sub");
  fs::remove(marker);
  r.git({"add", "-A"}, l->folder());
  r.git({"status"}, l->folder());
  EXPECT_TRUE(fs::exists(marker));
}

TEST_F(Workspace, ProtectedNamesThatGitIgnoresAreReported) {
  struct row {
    const char* name;
    const char* ignore_file;
    const char* rules;
    const char* path;
    bool reported;
  };
  const std::vector<row> rows{
      {"by the user's rule", ".gitignore", "*.log\nnode_modules/\n.env\n", ".env", true},
      {"by a new rule", ".gitignore", "*.log\nnode_modules/\nconf/\n", "conf/.env", true},
      {"by a nested file that ignores itself", "conf/.gitignore", "*\n", "conf/deep/.env", true},
      {"a key", ".gitignore", "*.log\nnode_modules/\n*.pem\n", "server.pem", true},
      {"the ledger", ".gitignore", "*.log\nnode_modules/\n.ai-*\n", ".ai-stack-trace/T/x", true},
      {"an ordinary ignored file", ".gitignore", "*.log\nnode_modules/\n", "x.log", false},
      {"in a folder that the user ignores", ".gitignore", "*.log\nnode_modules/\n",
       "node_modules/x/.env", false},
  };
  auto w = open(1);
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / row.ignore_file, row.rules);
    test::write_file(l->folder() / row.path, "secret\n");
    const auto c = take(*l);
    EXPECT_EQ(has(c.hidden, row.path), row.reported)
        << (c.hidden.empty() ? "nothing reported" : c.hidden.front());
  }
}

TEST_F(Workspace, TheUsersOwnExcludesHideNoProtectedName) {
  r.write(".git/info/exclude", "/.ai-stack-trace/\n.env*\n");
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  test::write_file(l->folder() / ".env.local", "secret\n");
  test::write_file(l->folder() / ".ai-stack-trace/T/contract/CLAUDE_FINAL_OK", "forged\n");
  const auto c = take(*l);
  EXPECT_TRUE(has(c.hidden, ".env.local"));
  EXPECT_TRUE(has(c.hidden, ".ai-stack-trace/"));
}

TEST_F(Workspace, EmptyFoldersAndPipesAreNoPartOfATree) {
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  fs::create_directories(l->folder() / "empty");
  ASSERT_EQ(::mkfifo((l->folder() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(take(*l).tree, tree);
}

} // namespace
