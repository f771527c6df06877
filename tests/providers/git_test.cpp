#include "providers/git.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

using ledger::fault;
using providers::git;
using test::scratch_repository;
namespace fs = std::filesystem;

class Git : public ::testing::Test {
protected:
  /// A base with a file of each kind.
  void make_base() {
    r.write("a.txt", "one\ntwo\nthree\n");
    r.write("dir/b.txt", "b\n");
    r.write("dir/with space/ä.txt", "umlaut\n");
    r.write("run.sh", "#!/bin/sh\n");
    test::make_executable(r.top() / "run.sh");
    r.write("empty", "");
    r.write("crlf.txt", "x\r\ny\r\n");
    r.write("image.bin", std::string("\0\1\2\xff", 4));
    fs::create_symlink("a.txt", r.top() / "link");
    base = r.commit("base");
  }

  scratch_repository r;
  std::string base;
};

TEST_F(Git, OpensFromASubfolder) {
  make_base();
  auto g = git::open(r.children(), r.top() / "dir/with space");
  ASSERT_TRUE(g) << g.error().detail;
  EXPECT_EQ(g->top(), r.top());
  EXPECT_EQ(g->common_dir(), r.top() / ".git");
}

TEST_F(Git, OpensALinkedWorktreeWithTheSharedCommonFolder) {
  make_base();
  const auto linked = r.folder() / "linked";
  r.git({"worktree", "add", "--quiet", "-b", "other", linked.string()});
  test::write_file(linked / "new", "new\n");
  r.git({"add", "new"}, linked);
  r.git({"commit", "--quiet", "-m", "more"}, linked);
  auto g = git::open(r.children(), linked / "dir");
  ASSERT_TRUE(g) << g.error().detail;
  EXPECT_EQ(g->top(), linked);
  EXPECT_EQ(g->common_dir(), r.top() / ".git");
  EXPECT_EQ(g->resolve_commit("HEAD").value(), r.git({"rev-parse", "other"}));
}

TEST_F(Git, IsNotMisledByTheEnvironmentOfAHook) {
  make_base();
  ::setenv("GIT_DIR", "/no/such/repository", 1);
  ::setenv("GIT_INDEX_FILE", "/no/such/index", 1);
  auto g = git::open(r.children(), r.top());
  const auto id = g ? g->resolve_commit("HEAD") : tl::make_unexpected(g.error());
  ::unsetenv("GIT_DIR");
  ::unsetenv("GIT_INDEX_FILE");
  ASSERT_TRUE(id) << id.error().detail;
  EXPECT_EQ(*id, base);
}

TEST_F(Git, SaysWhatToDoOutsideARepository) {
  test::scratch folder;
  auto g = git::open(r.children(), folder.path());
  ASSERT_FALSE(g);
  EXPECT_EQ(g.error().kind, fault::not_found);
  EXPECT_NE(g.error().detail.find("git init"), std::string::npos) << g.error().detail;
  g = git::open(r.children(), folder.path() / "missing");
  ASSERT_FALSE(g);
  EXPECT_EQ(g.error().kind, fault::not_found);
}

TEST_F(Git, RefusesABareRepository) {
  const auto bare = r.folder() / "bare.git";
  r.git({"init", "--quiet", "--bare", bare.string()});
  auto g = git::open(r.children(), bare);
  ASSERT_FALSE(g);
  EXPECT_EQ(g.error().kind, fault::refused);
  EXPECT_NE(g.error().detail.find("bare"), std::string::npos);
}

TEST_F(Git, ARepositoryWithoutCommitsOpensAndSaysSo) {
  auto id = r.open().resolve_commit("HEAD");
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error().kind, fault::not_found);
  EXPECT_NE(id.error().detail.find("no commit yet"), std::string::npos) << id.error().detail;
}

// The guard of git was switched off for whatever `.git` lay above the folder
// that we were started in: that of anybody who can write to /tmp, say.
TEST_F(Git, ARepositoryOfAnotherOwnerIsOpenedOnlyIfTheUserNamesIt) {
  if (::geteuid() != 0)
    GTEST_SKIP() << "only root can give a folder away";
  const test::variable global("GIT_CONFIG_GLOBAL", "/dev/null");
  const test::variable no_system("GIT_CONFIG_NOSYSTEM", "1");
  ::unsetenv("SUDO_UID");
  make_base();
  r.run({"chown", "-R", "12345", r.top().string()});
  auto g = git::open(r.children(), r.top() / "dir");
  ASSERT_FALSE(g);
  EXPECT_EQ(g.error().kind, fault::refused);
  EXPECT_NE(g.error().detail.find("--repo"), std::string::npos) << g.error().detail;
  g = git::open(r.children(), r.top() / "dir", git::chosen::by_name);
  ASSERT_TRUE(g) << g.error().detail;
  EXPECT_EQ(g->resolve_commit("HEAD").value(), base);
  {
    const test::variable caller("SUDO_UID", "12345");
    EXPECT_TRUE(git::open(r.children(), r.top()));
  }
  // Only the folder is another's, as where it is mounted: `.git` is the user's.
  r.run({"chown", "-R", "0", (r.top() / ".git").string()});
  EXPECT_TRUE(git::open(r.children(), r.top()));
}

TEST_F(Git, ResolvesRevisionsAndNothingElse) {
  make_base();
  r.git({"tag", "-a", "-m", "tagged", "v1"});
  const auto g = r.open();
  for (const char* revision : {"HEAD", "main", "v1", "refs/heads/main"})
    EXPECT_EQ(g.resolve_commit(revision).value_or("nothing"), base) << revision;
  EXPECT_EQ(g.resolve_commit(base.substr(0, 10)).value_or("nothing"), base);
  for (const char* revision : {"", "nope", "--all", "-h", "HEAD^{tree}", "main..main", "HEAD:a.txt",
                               "0123456789012345678901234567890123456789"}) {
    auto id = g.resolve_commit(revision);
    ASSERT_FALSE(id) << revision;
    EXPECT_EQ(id.error().kind, fault::not_found) << revision;
  }
  EXPECT_EQ(g.tree_of("HEAD").value(), r.git({"rev-parse", "HEAD^{tree}"}));
  EXPECT_EQ(g.tree_of("nope").error().kind, fault::not_found);
}

TEST_F(Git, ARefIsItsFullNameOnly) {
  make_base();
  r.git({"branch", "ai-gated/TASK"});
  r.git({"branch", "ai-gated/TASK-2"});
  const auto g = r.open();
  EXPECT_EQ(g.ref("refs/heads/ai-gated/TASK").value().value(), base);
  for (const char* name : {"ai-gated/TASK", "refs/heads/ai-gated", "refs/heads/nope"})
    EXPECT_FALSE(g.ref(name).value().has_value()) << name;
  const std::vector<std::string> want{"refs/heads/ai-gated/TASK", "refs/heads/ai-gated/TASK-2"};
  EXPECT_EQ(g.refs_below("refs/heads/ai-gated/").value(), want);
  EXPECT_TRUE(g.refs_below("refs/heads/none/").value().empty());
}

TEST_F(Git, ListsATreeWithModesAndSizes) {
  make_base();
  const auto entries = r.open().list_tree(base).value();
  std::map<std::string, std::pair<std::string, std::uint64_t>> got;
  for (const auto& e : entries)
    got[e.path] = {e.mode, e.bytes};
  ASSERT_EQ(got.size(), 8u);
  EXPECT_EQ(got["a.txt"], std::pair(std::string("100644"), std::uint64_t{14}));
  EXPECT_EQ(got["dir/with space/ä.txt"].second, 7u);
  EXPECT_EQ(got["run.sh"].first, "100755");
  EXPECT_EQ(got["link"], std::pair(std::string("120000"), std::uint64_t{5}));
  EXPECT_EQ(got["empty"].second, 0u);
  EXPECT_EQ(r.open().list_tree("nope").error().kind, fault::not_found);
}

TEST_F(Git, ReadsFilesOfACommit) {
  make_base();
  const auto g = r.open();
  EXPECT_EQ(g.read_blob(base, "crlf.txt").value(), "x\r\ny\r\n");
  EXPECT_EQ(g.read_blob(base, "image.bin").value(), std::string("\0\1\2\xff", 4));
  EXPECT_EQ(g.read_blob(base, "empty").value(), "");
  for (const char* path : {"nope", "dir", "", "./a.txt", "../a.txt"}) {
    auto blob = g.read_blob(base, path);
    ASSERT_FALSE(blob) << path;
    EXPECT_EQ(blob.error().kind, fault::not_found) << path;
  }
}

TEST_F(Git, ADiffRebuildsTheIdenticalTree) {
  make_base();
  r.git({"mv", "a.txt", "renamed.txt"});
  r.write("dir/b.txt", "changed\n");
  r.write("image.bin", std::string("\0\3\2\xfe\0", 5));
  r.write("crlf.txt", "x\r\nz\r\n");
  r.write("no newline", "at the end");
  r.write("new/empty", "");
  fs::permissions(r.top() / "run.sh", fs::perms(0644));
  fs::remove(r.top() / "link");
  fs::create_symlink("renamed.txt", r.top() / "link");
  fs::remove(r.top() / "empty");
  const auto tree = r.git({"rev-parse", r.commit("change") + "^{tree}"});
  const auto g = r.open();
  const auto base_tree = g.tree_of(base).value();
  const auto diff = g.diff(base_tree, tree).value();
  EXPECT_NE(diff.find("deleted file mode 100644"), std::string::npos); // Renames are split.
  EXPECT_EQ(diff.find("rename from"), std::string::npos);
  EXPECT_EQ(g.tree_with(base_tree, diff).value(), tree);
  EXPECT_EQ(g.tree_with(base_tree, "").value(), base_tree);
}

TEST_F(Git, ADiffDoesNotDependOnConfigurationOrCheckout) {
  make_base();
  r.write("a.txt", "one\n2\nthree\n");
  r.git({"mv", "dir/b.txt", "moved.txt"});
  r.write("dir/with space/ä.txt", "other\n");
  const auto tree = r.git({"rev-parse", r.commit() + "^{tree}"});
  const auto g = r.open();
  const auto before = g.diff(base, tree).value();
  const auto changes = g.changes(base, tree).value();
  for (const char* setting :
       {"diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.algorithm=histogram",
        "diff.renames=copies", "core.quotePath=false", "diff.context=1", "color.ui=always",
        "diff.suppressBlankEmpty=true", "diff.interHunkContext=9", "core.compression=0",
        "diff.external=false", "diff.indentHeuristic=false", "diff.orderFile=order",
        "core.abbrev=5", "diff.ignoreSubmodules=all", "diff.relative=true", "core.pager=false"}) {
    const std::string s = setting;
    const auto equals = s.find('=');
    r.git({"config", s.substr(0, equals), s.substr(equals + 1)});
  }
  r.write("order", "moved.txt\n");
  r.write(".gitattributes", "*.txt -diff\n"); // In the checkout only.
  r.git({"config", "--worktree", "diff.wordRegex", "."});
  EXPECT_EQ(r.open().diff(base, tree).value(), before);
  EXPECT_EQ(r.open().changes(base, tree).value(), changes);
}

TEST_F(Git, ChangesShowGitlinksWhateverIsConfigured) {
  make_base();
  r.git({"update-index", "--add", "--cacheinfo", "160000," + base + ",sub"});
  r.git({"commit", "--quiet", "-m", "link"});
  r.git({"config", "diff.ignoreSubmodules", "all"});
  const auto changes = r.open().changes(base, "HEAD").value();
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].path, "sub");
  EXPECT_EQ(changes[0].new_mode, "160000");
  EXPECT_EQ(changes[0].kind, 'A');
}

TEST_F(Git, APatchThatDoesNotApplyIsRefusedInGitsWords) {
  make_base();
  struct row {
    const char* name;
    std::string patch;
    const char* words;
  };
  const std::string head = "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n";
  const std::vector<row> rows{
      {"other text", head + "@@ -1,1 +1,1 @@\n-nothing like it\n+x\n", "patch failed: a.txt:1"},
      {"no patch", "please change a.txt\n", "No valid patches"},
      {"cut off", head + "@@ -1,3 +1,3 @@\n one\n", "corrupt patch"},
      {"outside",
       "diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 "
       "@@\n+x\n",
       "invalid path"},
      {"into .git",
       "diff --git a/.git/x b/.git/x\nnew file mode 100644\n--- /dev/null\n+++ b/.git/x\n@@ -0,0 "
       "+1 @@\n+x\n",
       "invalid path"},
  };
  const auto g = r.open();
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto tree = g.tree_with(base, row.patch);
    ASSERT_FALSE(tree);
    EXPECT_EQ(tree.error().kind, fault::refused);
    EXPECT_NE(tree.error().detail.find(row.words), std::string::npos) << tree.error().detail;
  }
}

TEST_F(Git, ACommitHasTheSameIdHoweverOftenItIsMade) {
  make_base();
  const auto g = r.open();
  providers::commit_spec spec{g.tree_of(base).value(), base,
                              "subject\n\nbody\n",     "The Scheduler",
                              "scheduler@example.org", 1'700'000'000};
  const auto first = g.commit_tree(spec).value();
  r.git({"config", "user.name", "Somebody Else"});
  r.git({"config", "commit.gpgSign", "true"});
  r.git({"config", "i18n.commitEncoding", "latin1"});
  EXPECT_EQ(r.open().commit_tree(spec).value(), first);
  EXPECT_EQ(r.git({"log", "-1", "--format=%an <%ae> %at %cn %ct %T %P%n%B", first}),
            "The Scheduler <scheduler@example.org> 1700000000 The Scheduler 1700000000 " + spec.tree
                + " " + base + "\nsubject\n\nbody");
  spec.time_s += 1;
  EXPECT_NE(g.commit_tree(spec).value(), first);
}

TEST_F(Git, MovesARefByCompareAndSwapOnly) {
  make_base();
  const auto g = r.open();
  const std::string name = "refs/heads/ai-gated/TASK";
  providers::commit_spec spec{g.tree_of(base).value(), base, "m\n", "n", "e@x", 1};
  const auto first = g.commit_tree(spec).value();
  spec.time_s = 2;
  const auto second = g.commit_tree(spec).value();

  const auto expect_moved = [&](std::string_view to, std::string_view expected, const char* why) {
    auto moved = g.move_ref(name, to, expected);
    ASSERT_FALSE(moved) << why;
    EXPECT_EQ(moved.error().kind, fault::refused) << why;
    EXPECT_EQ(moved.error().code, "ref-moved") << why;
  };
  expect_moved(first, base, "it is not there yet");
  EXPECT_TRUE(g.move_ref(name, first, ""));
  expect_moved(second, "", "it is there already");
  expect_moved(second, base, "it is elsewhere");
  EXPECT_EQ(g.ref(name).value().value(), first);
  EXPECT_TRUE(g.move_ref(name, second, first));
  EXPECT_EQ(g.ref(name).value().value(), second);
}

// A kill -9 of the scheduler took git with it in the middle of update-ref: no
// later run could move that branch.
TEST_F(Git, ALockThatAKilledGitLeftStopsNobody) {
  make_base();
  const auto g = r.open();
  const auto lock = g.common_dir() / "refs/heads/ai-gated/TASK.lock";
  const auto of_another = g.common_dir() / "refs/heads/main.lock";
  std::filesystem::create_directories(lock.parent_path());
  std::ofstream{lock} << "";
  std::ofstream{of_another} << "";
  EXPECT_FALSE(g.move_ref("refs/heads/ai-gated/TASK", base, ""));
  g.drop_stale_locks("refs/heads/ai-gated/");
  EXPECT_TRUE(g.move_ref("refs/heads/ai-gated/TASK", base, ""));
  EXPECT_TRUE(std::filesystem::exists(of_another)) << "only where nobody but us moves refs";
  std::filesystem::remove(of_another);
  g.drop_stale_locks("refs/heads/nobody/"); // Not there: nothing to do.
}

TEST_F(Git, RefusesToMoveABranchThatIsCheckedOut) {
  make_base();
  const auto g = r.open();
  providers::commit_spec spec{g.tree_of(base).value(), base, "m\n", "n", "e@x", 1};
  const auto made = g.commit_tree(spec).value();
  r.git({"switch", "--quiet", "-c", "ai-gated/TASK"});
  auto moved = g.move_ref("refs/heads/ai-gated/TASK", made, base);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, "ref-checked-out");
  EXPECT_EQ(r.git({"rev-parse", "HEAD"}), base);
}

// Whether a HEAD says so in plain words or not.
TEST_F(Git, SeesWhatIsCheckedOutElsewhereOrThroughAnotherName) {
  make_base();
  const auto g = r.open();
  r.git({"branch", "ai-gated/TASK"});
  EXPECT_EQ(g.checked_out_in("refs/heads/ai-gated/TASK").value(), "");
  r.git({"worktree", "add", "--quiet", "../linked", "ai-gated/TASK"});
  EXPECT_EQ(g.checked_out_in("refs/heads/ai-gated/TASK").value(), (r.folder() / "linked").string());
  r.git({"checkout", "--quiet", "--detach"}, r.folder() / "linked");
  EXPECT_EQ(g.checked_out_in("refs/heads/ai-gated/TASK").value(), "");
  r.git({"symbolic-ref", "refs/heads/alias", "refs/heads/ai-gated/TASK"});
  r.git({"symbolic-ref", "HEAD", "refs/heads/alias"});
  EXPECT_EQ(g.checked_out_in("refs/heads/ai-gated/TASK").value(), r.top().string());
}

TEST_F(Git, ARefIsAbsentOnlyIfThereIsNone) {
  make_base();
  const auto g = r.open();
  EXPECT_TRUE(g.is_surely_absent("refs/heads/ai-gated/TASK"));
  ASSERT_TRUE(g.move_ref("refs/heads/ai-gated/TASK", base, ""));
  EXPECT_FALSE(g.is_surely_absent("refs/heads/ai-gated/TASK"));
  EXPECT_TRUE(g.is_surely_absent("refs/heads/ai-gated/OTHER"));
  r.git({"pack-refs", "--all"});
  EXPECT_FALSE(g.is_surely_absent("refs/heads/ai-gated/TASK"));
  r.git({"update-ref", "-d", "refs/heads/ai-gated/TASK"});
  EXPECT_TRUE(g.is_surely_absent("refs/heads/ai-gated/TASK"));
}

TEST_F(Git, ABranchThatLiesInTheWayIsTold) {
  make_base();
  r.git({"branch", "ai-gated"});
  auto moved = r.open().move_ref("refs/heads/ai-gated/TASK", base, "");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().kind, fault::refused) << moved.error().detail;
  EXPECT_EQ(moved.error().code, "ref-in-the-way");
}

TEST_F(Git, ALockThatIsTakenIsWorthARetry) {
  make_base();
  r.write(".git/refs/heads/ai-gated/TASK.lock", "");
  auto moved = r.open().move_ref("refs/heads/ai-gated/TASK", base, "");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().kind, fault::unavailable) << moved.error().detail;
}

TEST_F(Git, ExcludesALineOnce) {
  make_base();
  r.write(".git/info/exclude", "# comment\n*.o"); // No newline at the end.
  const auto g = r.open();
  ASSERT_TRUE(g.exclude("/.ai-stack-trace/"));
  ASSERT_TRUE(g.exclude("/.ai-stack-trace/"));
  EXPECT_EQ(test::read_file(r.top() / ".git/info/exclude"), "# comment\n*.o\n/.ai-stack-trace/\n");
  fs::remove_all(r.top() / ".git/info");
  ASSERT_TRUE(g.exclude("x"));
  EXPECT_EQ(test::read_file(r.top() / ".git/info/exclude"), "x\n");
}

TEST_F(Git, WritesNothingOfTheUsers) {
  make_base();
  r.write("a.txt", "the user is working on this\n");
  r.write("untracked", "x\n");
  r.git({"add", "a.txt"});
  const auto index = test::read_file(r.top() / ".git/index");
  const auto head = test::read_file(r.top() / ".git/HEAD");
  const auto status = r.git({"status", "--porcelain"});
  const auto g = r.open();
  const auto tree = g.tree_with(base, "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ "
                                      "-1,3 +1,3 @@\n one\n-two\n+2\n three\n");
  ASSERT_TRUE(tree) << tree.error().detail;
  const auto commit = g.commit_tree({*tree, base, "m\n", "n", "e@x", 1}).value();
  ASSERT_TRUE(g.move_ref("refs/heads/ai-gated/T", commit, ""));
  EXPECT_EQ(g.read_blob(commit, "a.txt").value(), "one\n2\nthree\n");
  EXPECT_EQ(test::read_file(r.top() / ".git/HEAD"), head);
  EXPECT_EQ(test::read_file(r.top() / "a.txt"), "the user is working on this\n");
  EXPECT_EQ(test::read_file(r.top() / ".git/index"), index);
  EXPECT_EQ(r.git({"status", "--porcelain"}), status);
}

TEST_F(Git, RunsNoHookAndNoMonitor) {
  make_base();
  const auto marker = r.folder() / "ran";
  const auto script = r.top() / ".git/hooks/reference-transaction";
  test::write_file(script, "#!/bin/sh\ntouch '" + marker.string() + "'\n");
  test::make_executable(script);
  r.git({"config", "core.fsmonitor", script.string()});
  const auto g = r.open();
  ASSERT_TRUE(g.move_ref("refs/heads/ai-gated/T", base, ""));
  EXPECT_FALSE(fs::exists(marker));
  r.git({"update-ref", "refs/heads/other", base}); // The hook works: the test shows something.
  EXPECT_TRUE(fs::exists(marker));
}

} // namespace
