// Combining trees, and the branch that tasks land on: here, at a remote, and
// checked out.

#include "providers/trunk.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

namespace {

using ledger::fault;
using test::scratch_repository;
namespace fs = std::filesystem;

std::string lines(const std::string& third = "three", const std::string& ninth = "nine") {
  return "one\ntwo\n" + third + "\nfour\nfive\nsix\nseven\neight\n" + ninth + "\n";
}

class Combine : public ::testing::Test {
protected:
  Combine() {
    r.write("a.txt", lines());
    r.write("b.txt", "b\n");
    base = tree_of(r.commit("base"));
  }

  std::string tree_of(const std::string& commit) {
    return r.git({"rev-parse", commit + "^{tree}"});
  }

  /// The tree of the base with these files changed; an empty content deletes.
  std::string with(const std::map<std::string, std::string>& files) {
    r.git({"checkout", "--quiet", "--detach", "main"});
    for (auto& [path, content] : files)
      if (content.empty())
        fs::remove_all(r.top() / path);
      else
        r.write(path, content);
    auto tree = tree_of(r.commit());
    r.git({"checkout", "--quiet", "main"});
    return tree;
  }

  std::string file(const std::string& tree, const std::string& path) {
    return r.git({"show", tree + ":" + path});
  }

  providers::merged_trees combine(const std::string& onto, const std::string& change) {
    auto m = r.open().merge_trees(base, onto, change);
    if (!m) {
      ADD_FAILURE() << m.error().detail;
      return {};
    }
    return *m;
  }

  scratch_repository r;
  std::string base;
};

TEST_F(Combine, ChangesOfTwoFilesAreOneTreeAndTheSamePatch) {
  auto m = combine(with({{"b.txt", "B\n"}}), with({{"a.txt", lines("3")}}));
  EXPECT_TRUE(m.clashes.empty());
  EXPECT_TRUE(m.same_patch);
  EXPECT_EQ(m.tree, with({{"a.txt", lines("3")}, {"b.txt", "B\n"}}));
}

TEST_F(Combine, ChangesFarApartInOneFileCombineButAreNotTheSamePatch) {
  auto m = combine(with({{"a.txt", lines("three", "9")}}), with({{"a.txt", lines("3")}}));
  EXPECT_TRUE(m.clashes.empty());
  EXPECT_FALSE(m.same_patch) << "a reviewer saw another file";
  EXPECT_EQ(m.tree, with({{"a.txt", lines("3", "9")}}));
}

TEST_F(Combine, WhatClashesHasTheVersionThatLandedAndNoMarks) {
  auto onto = with({{"a.txt", lines("III")}});
  auto m = combine(onto, with({{"a.txt", lines("3")}, {"new.txt", "new\n"}, {"b.txt", ""}}));
  EXPECT_EQ(m.clashes, std::vector<std::string>{"a.txt"});
  EXPECT_EQ(m.tree, with({{"a.txt", lines("III")}, {"new.txt", "new\n"}, {"b.txt", ""}}));
  for (auto* part : {"a.txt: both versions", "<<<<<<< what landed before", "III", "=======", "3",
                     ">>>>>>> this change"})
    EXPECT_NE(m.log.find(part), std::string::npos) << part << " in " << m.log;
}

TEST_F(Combine, AFileThatOneDeletedAndTheOtherChangedClashes) {
  auto m = combine(with({{"a.txt", ""}}), with({{"a.txt", lines("3")}}));
  EXPECT_EQ(m.clashes, std::vector<std::string>{"a.txt"});
  EXPECT_EQ(m.tree, with({{"a.txt", ""}}));
  m = combine(with({{"a.txt", lines("3")}}), with({{"a.txt", ""}, {"b.txt", "B\n"}}));
  EXPECT_EQ(m.clashes, std::vector<std::string>{"a.txt"});
  EXPECT_EQ(m.tree, with({{"a.txt", lines("3")}, {"b.txt", "B\n"}}));
}

// Scope is judged by paths: a change must not wander to another file because git
// takes that for the old one under a new name.
TEST_F(Combine, AChangeDoesNotFollowARename) {
  auto m = combine(with({{"a.txt", ""}, {"moved.txt", lines()}}), with({{"a.txt", lines("3")}}));
  EXPECT_EQ(m.clashes, std::vector<std::string>{"a.txt"});
  EXPECT_EQ(file(m.tree, "moved.txt") + "\n", lines());
}

TEST_F(Combine, AFileWhereTheOtherMadeAFolderClashes) {
  auto m = combine(with({{"x/y.txt", "y\n"}}), with({{"x", "file\n"}, {"b.txt", "B\n"}}));
  EXPECT_FALSE(m.clashes.empty());
  EXPECT_EQ(m.tree, with({{"x/y.txt", "y\n"}, {"b.txt", "B\n"}}));
}

TEST_F(Combine, WhatIsThereAlreadyAddsNothing) {
  auto change = with({{"a.txt", lines("3")}});
  EXPECT_EQ(combine(change, change).tree, change);
}

TEST_F(Combine, TheUsersMergeSettingsHaveNoSay) {
  r.git({"config", "merge.ours.driver", "touch " + (r.folder() / "ran").string()});
  r.git({"config", "merge.default", "ours"});
  r.git({"config", "merge.conflictStyle", "diff3"});
  auto m = combine(with({{"a.txt", lines("III")}}), with({{"a.txt", lines("3")}}));
  EXPECT_EQ(m.clashes.size(), 1u);
  EXPECT_EQ(m.log.find("|||||||"), std::string::npos) << m.log;
  EXPECT_FALSE(fs::exists(r.folder() / "ran"));
}

class Trunk : public ::testing::Test {
protected:
  Trunk() {
    r.write("a.txt", "a\n");
    start = r.commit("base");
    c.landing.mode = ledger::landing_mode::branch;
    c.landing.branch = "trunk";
  }

  void with_remote() {
    r.git({"init", "--quiet", "--bare", remote().string()});
    r.git({"remote", "add", "origin", remote().string()});
    c.landing.push = "origin";
  }
  fs::path remote() const { return r.folder() / "remote.git"; }

  std::unique_ptr<providers::trunk> open() { return providers::make_trunk(c, r.open(), start); }

  /// A commit on another, which no branch knows.
  std::string commit_on(const std::string& parent, const std::string& content) {
    r.git({"checkout", "--quiet", "--detach", parent});
    r.write("a.txt", content);
    auto id = r.commit(content);
    r.git({"checkout", "--quiet", "main"});
    return id;
  }

  std::string here() { return r.git({"rev-parse", "refs/heads/trunk"}); }
  std::string there() { return r.git({"rev-parse", "refs/heads/trunk"}, remote()); }

  std::string tip_of(providers::trunk& t) {
    auto tip = t.tip();
    return tip ? tip->commit : tip.error().code + ": " + tip.error().detail;
  }

  scratch_repository r;
  ledger::config c;
  std::string start;
};

TEST_F(Trunk, BeginsAtTheBaseAndMovesForward) {
  auto t = open();
  EXPECT_EQ(tip_of(*t), start);
  auto one = commit_on(start, "one\n"), two = commit_on(one, "two\n");
  EXPECT_FALSE(t->holds(one, start).value());
  ASSERT_TRUE(t->advance(start, one));
  ASSERT_TRUE(t->advance(one, two));
  EXPECT_EQ(here(), two);
  EXPECT_TRUE(t->holds(one, start).value());
}

// The look at where a task begins went through holds(), which finishes moves that a
// kill interrupted: it pushed commits that their author had not pushed yet.
TEST_F(Trunk, ALookMovesNothing) {
  with_remote();
  r.git({"push", "--quiet", "origin", "main:refs/heads/trunk"});
  auto mine = commit_on(start, "not pushed yet\n"), other = commit_on(start, "other\n");
  r.git({"branch", "trunk", mine});
  auto t = open();
  auto tip = t->tip_beyond(start);
  ASSERT_TRUE(tip) << tip.error().detail;
  ASSERT_TRUE(*tip);
  EXPECT_EQ((*tip)->commit, mine);
  EXPECT_EQ(there(), start);
  EXPECT_FALSE(t->tip_beyond(other).value()) << "it does not hold that";
}

TEST_F(Trunk, DoesNotUndoWhatSomebodyElseDid) {
  auto t = open();
  auto one = commit_on(start, "one\n"), theirs = commit_on(start, "theirs\n");
  r.git({"branch", "trunk", theirs});
  auto moved = t->advance(start, one);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, providers::trunk_moved_code);
  EXPECT_EQ(here(), theirs);
}

TEST_F(Trunk, IsPushedWithTheRemoteFirst) {
  with_remote();
  auto t = open();
  auto one = commit_on(start, "one\n");
  ASSERT_TRUE(t->advance(start, one));
  EXPECT_EQ(here(), one);
  EXPECT_EQ(there(), one);
}

// Killed between the two: the remote has it, the branch here does not.
TEST_F(Trunk, WhatOnlyTheRemoteHasIsBroughtUpHere) {
  with_remote();
  auto one = commit_on(start, "one\n");
  r.git({"push", "--quiet", "origin", one + ":refs/heads/trunk"});
  auto t = open();
  EXPECT_TRUE(t->holds(one, start).value());
  EXPECT_EQ(here(), one);
  auto again = t->advance(start, one);
  EXPECT_TRUE(again) << again.error().detail;
}

TEST_F(Trunk, TheRemotesTipIsTheTipWithItsObjects) {
  with_remote();
  auto clone = r.folder() / "clone";
  r.git({"push", "--quiet", "origin", "main:refs/heads/trunk"});
  r.git({"clone", "--quiet", "--branch", "trunk", remote().string(), clone.string()});
  test::write_file(clone / "b.txt", "theirs\n");
  r.git({"add", "--all"}, clone);
  r.git({"-c", "user.name=S", "-c", "user.email=s@example.org", "commit", "--quiet", "-m", "x"},
        clone);
  r.git({"push", "--quiet", "origin", "trunk"}, clone);
  auto t = open();
  EXPECT_EQ(tip_of(*t), there());
  auto mine = commit_on(there(), "mine\n");
  ASSERT_TRUE(t->advance(there(), mine));
  EXPECT_EQ(there(), mine);
}

TEST_F(Trunk, ARemoteThatMovedMeanwhileIsNotOverwritten) {
  with_remote();
  auto t = open();
  auto one = commit_on(start, "one\n"), theirs = commit_on(start, "theirs\n");
  r.git({"push", "--quiet", "origin", theirs + ":refs/heads/trunk"});
  auto moved = t->advance(start, one);
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, providers::trunk_moved_code);
  EXPECT_EQ(there(), theirs);
}

TEST_F(Trunk, ARemoteThatIsAwayIsAnOutage) {
  with_remote();
  fs::remove_all(remote());
  auto tip = open()->tip();
  ASSERT_FALSE(tip);
  EXPECT_EQ(tip.error().kind, fault::unavailable);
}

TEST_F(Trunk, APushRunsNoHook) {
  with_remote();
  auto ran = r.folder() / "ran";
  auto hook = r.top() / ".git/hooks/pre-push";
  test::write_file(hook, "#!/bin/sh\ntouch " + ran.string() + "\nexit 1\n");
  test::make_executable(hook);
  ASSERT_TRUE(open()->advance(start, commit_on(start, "one\n")));
  EXPECT_FALSE(fs::exists(ran));
}

TEST_F(Trunk, BranchesThatWentApartAreLeftToAPerson) {
  with_remote();
  auto one = commit_on(start, "one\n"), other = commit_on(start, "other\n");
  r.git({"push", "--quiet", "origin", one + ":refs/heads/trunk"});
  r.git({"branch", "trunk", other});
  auto tip = open()->tip();
  ASSERT_FALSE(tip);
  EXPECT_EQ(tip.error().kind, fault::refused);
  EXPECT_EQ(tip.error().code, "trunk-diverged");
}

class TrunkCheckedOut : public Trunk {
protected:
  TrunkCheckedOut() {
    r.git({"branch", "trunk"});
    r.git({"worktree", "add", "--quiet", folder().string(), "trunk"});
  }
  fs::path folder() const { return r.folder() / "checked-out"; }
  std::string content() { return test::read_file(folder() / "a.txt"); }
};

TEST_F(TrunkCheckedOut, IsRefusedWithTheFolderAndTheRemedy) {
  auto tip = open()->tip();
  ASSERT_FALSE(tip);
  EXPECT_EQ(tip.error().kind, fault::refused);
  EXPECT_NE(tip.error().detail.find(folder().string()), std::string::npos);
  EXPECT_NE(tip.error().detail.find("update_checkout"), std::string::npos);
  EXPECT_FALSE(open()->advance(start, commit_on(start, "one\n")));
  EXPECT_EQ(here(), start);
}

TEST_F(TrunkCheckedOut, ACleanFolderFollows) {
  c.landing.update_checkout = true;
  test::write_file(folder() / "mine.txt", "untracked\n");
  auto one = commit_on(start, "one\n");
  ASSERT_TRUE(open()->tip());
  ASSERT_TRUE(open()->advance(start, one));
  EXPECT_EQ(content(), "one\n");
  EXPECT_EQ(r.git({"status", "--porcelain", "--untracked-files=no"}, folder()), "");
  EXPECT_EQ(test::read_file(folder() / "mine.txt"), "untracked\n");
}

TEST_F(TrunkCheckedOut, OneWithChangesIsRefused) {
  c.landing.update_checkout = true;
  test::write_file(folder() / "a.txt", "mine\n");
  auto tip = open()->tip();
  ASSERT_FALSE(tip);
  EXPECT_EQ(tip.error().code, "checkout-not-clean");
  EXPECT_EQ(content(), "mine\n");
}

// Killed between the move and the folder: the branch is ahead of its files.
TEST_F(TrunkCheckedOut, AFolderThatWasLeftBehindFollowsLater) {
  c.landing.update_checkout = true;
  auto one = commit_on(start, "one\n");
  r.git({"update-ref", "refs/heads/trunk", one});
  EXPECT_TRUE(open()->holds(one, start).value());
  EXPECT_EQ(content(), "one\n");
  EXPECT_TRUE(open()->tip());
}

TEST_F(TrunkCheckedOut, AFileOfTheUsersIsNeverOverwritten) {
  c.landing.update_checkout = true;
  test::write_file(folder() / "new.txt", "mine\n");
  r.git({"checkout", "--quiet", "--detach", start});
  r.write("new.txt", "theirs\n");
  auto one = r.commit();
  r.git({"checkout", "--quiet", "main"});
  auto moved = open()->advance(start, one);
  EXPECT_FALSE(moved);
  EXPECT_EQ(test::read_file(folder() / "new.txt"), "mine\n");
}

} // namespace
