// Trees that come back, slots that come and go, and what is not touched.

#include "tests/providers/workspace_fixture.hpp"

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

namespace {

using namespace std::chrono_literals;
using ledger::fault;
using providers::candidate;
using providers::open_git_workspace;
using test::paths;
namespace fs = std::filesystem;

class WorkspaceSlots : public test::workspace_fixture {};

TEST_F(WorkspaceSlots, ATreeThatGcRemovedIsRebuiltFromItsDiff) {
  auto w = open(1);
  candidate c;
  {
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / "new.txt", "new\n");
    test::write_file(l->folder() / "image.bin", std::string("\0\1\xff", 3));
    c = take(*l);
  }
  const auto g = r.open();
  ASSERT_TRUE(g.has_object(c.tree));
  EXPECT_TRUE(w->ensure_tree(tree, "not needed", c.tree));
  r.git({"prune", "--expire=now"});
  ASSERT_FALSE(g.has_object(c.tree)) << "gc removed nothing: the test shows nothing";
  auto rebuilt = w->ensure_tree(tree, c.diff, c.tree);
  ASSERT_TRUE(rebuilt) << rebuilt.error().detail;
  EXPECT_EQ(g.read_blob(c.tree, "new.txt").value(), "new\n");

  // gc may leave the tree and remove a file of it.
  const auto blob = r.git({"rev-parse", c.tree + ":new.txt"});
  fs::remove(r.top() / ".git/objects" / blob.substr(0, 2) / blob.substr(2));
  ASSERT_TRUE(g.has_object(c.tree));
  ASSERT_TRUE(w->ensure_tree(tree, c.diff, c.tree));
  EXPECT_EQ(g.read_blob(c.tree, "new.txt").value(), "new\n");
}

TEST_F(WorkspaceSlots, ADiffThatGivesAnotherTreeIsCorrupt) {
  auto w = open(1);
  candidate c;
  {
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / "new.txt", "new\n");
    c = take(*l);
  }
  r.git({"prune", "--expire=now"});
  auto other = c.diff;
  other.replace(other.find("+new"), 4, "+NEW");
  for (const auto& diff : {other, std::string("garbage"), std::string()}) {
    auto rebuilt = w->ensure_tree(tree, diff, c.tree);
    ASSERT_FALSE(rebuilt);
    EXPECT_EQ(rebuilt.error().kind, fault::corrupt) << rebuilt.error().detail;
  }
}

TEST_F(WorkspaceSlots, KnowsWhatIsInATree) {
  auto w = open(1);
  for (const char* path : {"a.txt", "dir", "dir/", "dir/b.txt", ".gitignore"})
    EXPECT_TRUE(w->exists(tree, path)) << path;
  for (const char* path : {"", "b.txt", "dir/nope", "di", "DIR", "a.txt/x"})
    EXPECT_FALSE(w->exists(tree, path)) << path;
  EXPECT_FALSE(w->exists("0123456789012345678901234567890123456789", "a.txt"));
}

TEST_F(WorkspaceSlots, ACheckoutOfAnUnknownTreeIsAnErrorAndCostsNoSlot) {
  auto w = open(1);
  for (int i = 0; i < 3; ++i) {
    auto l = w->checkout(base, "0123456789012345678901234567890123456789");
    ASSERT_FALSE(l);
    EXPECT_EQ(l.error().kind, fault::not_found);
    l = w->checkout("0123456789012345678901234567890123456789", tree);
    ASSERT_FALSE(l);
  }
  EXPECT_EQ(take(*checkout(*w, base, tree)).tree, tree);
}

TEST_F(WorkspaceSlots, ALeaseWaitsUntilASlotIsFree) {
  auto w = open(1);
  auto first = checkout(*w, base, tree);
  std::atomic<bool> got{false};
  auto second = std::async(std::launch::async, [&] {
    auto l = checkout(*w, base, tree);
    got = true;
    return everything_in(l->folder());
  });
  EXPECT_EQ(second.wait_for(100ms), std::future_status::timeout);
  EXPECT_FALSE(got);
  test::write_file(first->folder() / "left behind", "x");
  first.reset();
  EXPECT_EQ(second.get(), base_files);
}

TEST_F(WorkspaceSlots, ManyAtOnceNeverShareASlot) {
  auto w = open(3);
  std::mutex mutex;
  std::set<fs::path> used;
  std::atomic<int> clashes{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      auto l = w->checkout(base, tree);
      if (!l) {
        ++wrong;
        return;
      }
      {
        const std::lock_guard lock(mutex);
        clashes += used.insert((*l)->folder()).second ? 0 : 1;
      }
      test::write_file((*l)->folder() / ("f" + std::to_string(i)), "x\n");
      auto c = (*l)->take(tree);
      wrong += c && c->changes.size() == 1 ? 0 : 1;
      const std::lock_guard lock(mutex);
      used.erase((*l)->folder());
    });
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(clashes, 0);
  EXPECT_EQ(wrong, 0);
}

TEST_F(WorkspaceSlots, LeavesNothingBehind) {
  {
    auto w = open(2);
    auto a = checkout(*w, base, tree);
    auto b = checkout(*w, base, tree);
    fs::permissions(a->folder() / "dir", fs::perms::none);
    EXPECT_NE(a->folder(), b->folder());
  }
  EXPECT_FALSE(fs::exists(slots()));
  EXPECT_FALSE(fs::exists(r.top() / ".git/worktrees"));
  const auto listed = r.git({"worktree", "list", "--porcelain"});
  EXPECT_EQ(listed.find("worktree ", 1), std::string::npos) << listed;
}

TEST_F(WorkspaceSlots, OpenRemovesWhatAKilledRunLeft) {
  const auto mine = r.folder() / "users-own";
  r.git({"worktree", "add", "--quiet", "-b", "mine", mine.string()});
  {
    auto w = open(2);
    auto a = checkout(*w, base, tree);
    // As a kill leaves it: the folder, its marker, links.
    fs::copy(slots(), r.folder() / "copy",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  EXPECT_FALSE(fs::exists(slots()));
  fs::rename(r.folder() / "copy", slots());
  test::write_file(slots() / "wt-7/half", "x");
  {
    auto w = open(2);
    EXPECT_FALSE(fs::exists(slots() / "wt-0"));
    EXPECT_FALSE(fs::exists(slots() / "wt-7"));
    EXPECT_EQ(take(*checkout(*w, base, tree)).tree, tree);
  }
  EXPECT_EQ(r.git({"status", "--porcelain"}, mine), "");
  EXPECT_TRUE(fs::exists(mine / "a.txt"));
  EXPECT_FALSE(fs::exists(slots()));
}

TEST_F(WorkspaceSlots, RefusesAFolderThatHoldsOthersWorktrees) {
  test::write_file(slots() / "wt-1/work", "the user's own");
  auto w = open_git_workspace(r.open(), {slots(), 1});
  ASSERT_FALSE(w);
  EXPECT_EQ(w.error().kind, fault::refused);
  EXPECT_EQ(test::read_file(slots() / "wt-1/work"), "the user's own");

  fs::remove_all(slots());
  auto ours = open(1);
  test::scratch_repository other;
  other.write("x", "x");
  other.commit();
  auto theirs = open_git_workspace(other.open(), {slots(), 1});
  ASSERT_FALSE(theirs);
  EXPECT_EQ(theirs.error().kind, fault::refused);
  EXPECT_EQ(take(*checkout(*ours, base, tree)).tree, tree);
}

TEST_F(WorkspaceSlots, TouchesNothingOfTheUsers) {
  r.write("a.txt", "the user is working on this\n");
  r.git({"add", "a.txt"});
  r.write("dir/b.txt", "and on this\n");
  const auto index = test::read_file(r.top() / ".git/index");
  const auto config = test::read_file(r.top() / ".git/config");
  const auto status = r.git({"status", "--porcelain"});
  const auto branches = r.git({"for-each-ref"});
  {
    auto w = open(1);
    auto l = checkout(*w, base, tree);
    test::write_file(l->folder() / "new", "new\n");
    const auto c = take(*l);
    const auto commit = w->commit({c.tree, base, "m\n", "n", "e@x", 5}).value();
    EXPECT_EQ(w->branch_tip("refs/heads/ai-gated/T").value(), "");
    ASSERT_TRUE(w->move_branch("refs/heads/ai-gated/T", commit, ""));
    EXPECT_EQ(w->branch_tip("refs/heads/ai-gated/T").value(), commit);
  }
  EXPECT_EQ(test::read_file(r.top() / ".git/index"), index);
  EXPECT_EQ(test::read_file(r.top() / ".git/HEAD"), "ref: refs/heads/main\n");
  EXPECT_EQ(test::read_file(r.top() / ".git/config"), config);
  EXPECT_EQ(test::read_file(r.top() / "a.txt"), "the user is working on this\n");
  EXPECT_EQ(test::read_file(r.top() / "dir/b.txt"), "and on this\n");
  EXPECT_EQ(r.git({"status", "--porcelain"}), status);
  r.git({"update-ref", "-d", "refs/heads/ai-gated/T"});
  EXPECT_EQ(r.git({"for-each-ref"}), branches);
}

TEST_F(WorkspaceSlots, BytesAreBytesWhateverTheUsersLineEndings) {
  r.write("crlf.txt", "x\r\n");
  const auto second = r.commit();
  const auto second_tree = r.git({"rev-parse", "HEAD^{tree}"});
  r.git({"config", "core.autocrlf", "true"});
  auto w = open(1);
  auto l = checkout(*w, second, second_tree);
  EXPECT_EQ(test::read_file(l->folder() / "crlf.txt"), "x\r\n");
  EXPECT_EQ(test::read_file(l->folder() / "a.txt"), "one\ntwo\nthree\n");
  test::write_file(l->folder() / "new.txt", "y\r\n");
  const auto c = l->take(second_tree);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(paths(*c), std::vector<std::string>{"A 100644 new.txt"});
  EXPECT_EQ(r.open().read_blob(c->tree, "new.txt").value(), "y\r\n");
}

/// They lay in the system's temporary folder, and each batch left one behind.
TEST_F(WorkspaceSlots, IndexesThatAreKeptLieBesideTheSlotsAndGoWithThem) {
  const auto g = r.open();
  const auto kept = slots() / "index-kept-1";
  const auto change = [&](const char* word) {
    return g.tree_with(tree, std::string("--- a/dir/b.txt\n+++ b/dir/b.txt\n@@ -1 +1 @@\n-b\n+")
                                 + word + "\n");
  };
  {
    auto w = providers::open_git_workspace(g, {slots(), 1});
    ASSERT_TRUE(w);
    ASSERT_TRUE(change("one"));
    EXPECT_TRUE(fs::exists(kept));
  }
  EXPECT_FALSE(fs::exists(slots()));
  EXPECT_TRUE(change("two")) << "nobody depends on one that is kept";
  fs::create_directories(slots());
  EXPECT_TRUE(change("three"));
  EXPECT_TRUE(fs::is_empty(slots()));
}

} // namespace
