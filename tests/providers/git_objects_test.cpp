// Questions to a git that stays, and to one that is started for each.

#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace {

using ledger::fault;
namespace fs = std::filesystem;

struct GitObjects : ::testing::Test {
  GitObjects() {
    r.write("a.txt", "one\ntwo\n");
    r.write("dir/b.txt", "b\n");
    r.write("name with\nnewline", "odd\n");
    r.write("image.bin", std::string("\0\1\xff", 3));
    base = tree_of(r.commit("base"));
    r.write("a.txt", "one\n2\n");
    r.write("dir/b.txt", "");
    fs::remove(r.top() / "image.bin");
    r.write("dir/new name", "new\n");
    tree = tree_of(r.commit("second"));
  }
  std::string tree_of(const std::string& commit) {
    return r.git({"rev-parse", commit + "^{tree}"});
  }

  /// A git in PATH that notes each start, and does not stay if `stays` is false.
  std::string put_git(bool stays) {
    const auto refuse = stays ? "" : "case \"$*\" in *--stdin*|*--batch-command*) exit 1;; esac\n";
    test::write_file(r.folder() / "bin/git", "#!/bin/sh\nPATH=" + std::string(std::getenv("PATH"))
                                                 + "\necho x >> '" + starts().string() + "'\n"
                                                 + refuse + "exec git \"$@\"\n");
    test::make_executable(r.folder() / "bin/git");
    return (r.folder() / "bin").string();
  }
  fs::path starts() const { return r.folder() / "starts"; }
  long started() const {
    const auto text = test::read_file(starts());
    return std::count(text.begin(), text.end(), 'x');
  }

  test::scratch_repository r;
  std::string base, tree;
};

TEST_F(GitObjects, AGitThatStaysSaysWhatOneThatIsStartedSays) {
  const auto stays = r.open();
  const auto changes = stays.changes(base, tree).value();
  const auto diff = stays.diff(base, tree).value();
  EXPECT_EQ(changes.size(), 4u);
  const test::variable path("PATH", put_git(false));
  const auto starts = r.open();
  EXPECT_EQ(starts.diff(base, tree).value(), diff);
  const auto again = starts.changes(base, tree).value();
  ASSERT_EQ(again.size(), changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(again[i].path, changes[i].path);
    EXPECT_EQ(again[i].new_id, changes[i].new_id);
  }
  for (const auto* g : {&stays, &starts}) {
    EXPECT_EQ(g->read_blob(tree, "dir/b.txt").value(), "");
    EXPECT_EQ(g->read_blob(base, "image.bin").value(), std::string("\0\1\xff", 3));
    EXPECT_EQ(g->read_blob(tree, "name with\nnewline").value(), "odd\n");
    EXPECT_EQ(g->read_blob(tree, "dir").error().kind, fault::not_found);
    EXPECT_EQ(g->read_blob(tree, "image.bin").error().kind, fault::not_found);
    EXPECT_EQ(g->diff(tree, tree).value(), "");
    EXPECT_EQ(g->tree_of(tree).value(), tree);
    EXPECT_EQ(g->tree_of(std::string(40, '1')).error().kind, fault::not_found);
    EXPECT_EQ(g->changes(base, std::string(40, '1')).error().kind, fault::unavailable);
    EXPECT_TRUE(g->has_object(tree));
    EXPECT_FALSE(g->has_object(std::string(40, '1')));
    EXPECT_TRUE(g->is_whole(base, tree));
  }
}

TEST_F(GitObjects, ManyQuestionsStartFewGits) {
  const test::variable path("PATH", put_git(true));
  const auto g = r.open();
  for (int i = 0; i < 50; ++i) {
    ASSERT_EQ(g.changes(base, tree).value().size(), 4u);
    ASSERT_FALSE(g.diff(base, tree).value().empty());
    ASSERT_TRUE(g.has_object(tree));
    ASSERT_EQ(g.read_blob(tree, "a.txt").value(), "one\n2\n");
  }
  EXPECT_LE(started(), 5); // To open it, a setting, and one of each kind.
}

// One that stays writes what `commit-tree` writes, whatever a name or a message holds.
TEST_F(GitObjects, ACommitIsTheSameWhoeverWritesIt) {
  const std::string head = r.git({"rev-parse", "HEAD"});
  std::vector<providers::commit_spec> specs;
  for (const std::string message :
       {"", "subject", "subject\n\nbody\n", "Gr\u00fc\u00dfe\n\n\n", "\xff\n"})
    specs.push_back({tree, head, message, "A. Name", "a@b", 1'700'000'000});
  for (const std::string name : {"J\u00fcrgen", " blanks ", "a <b>", "ends.", "\"quoted\""})
    specs.push_back({tree, "", "m\n", name, "a@b", 5});
  const auto stays = r.open();
  std::vector<std::string> ids;
  for (const auto& c : specs)
    ids.push_back(stays.commit_tree(c).value());
  const test::variable path("PATH", put_git(false));
  const auto starts = r.open();
  for (std::size_t i = 0; i < specs.size(); ++i)
    EXPECT_EQ(starts.commit_tree(specs[i]).value(), ids[i]) << specs[i].message << specs[i].name;
  specs[0].tree = head;
  EXPECT_FALSE(stays.commit_tree(specs[0])); // No tree.
  r.git({"fsck", "--strict"});
}

// Files, folders and nothing in turn, against an index.
TEST_F(GitObjects, ATreeOfEditsIsTheOneThatAnIndexGives) {
  const auto g = r.open();
  const std::vector<std::vector<providers::file_edit>> rows{
      {{"a.txt", "100644", "new\n"}},
      {{"dir/b.txt", "", ""}},
      {{"dir/b.txt", "", ""}, {"dir/new name", "", ""}},
      {{"dir/b.txt", "100755", "x"}, {"a.txt", "", ""}},
      {{"dir-b", "100644", ""},
       {"dir.b", "100644", "b"},
       {"dir/z/y/x", "100644", "c"},
       {"dir0", "100644", "d"}},
      {{"a.txt", "", ""}, {"a.txt/below", "100644", "e"}},
      {{"nothing", "", ""}}};
  for (const auto& row : rows) {
    const auto made = g.tree_edited(tree, row);
    ASSERT_TRUE(made);
    r.git({"read-tree", "--reset", "-u", tree});
    for (const auto& e : row) {
      fs::remove(r.top() / e.path);
      if (!e.mode.empty())
        r.write(e.path, e.content);
      if (e.mode == "100755")
        test::make_executable(r.top() / e.path);
    }
    r.git({"add", "--all"});
    EXPECT_EQ(*made, r.git({"write-tree"})) << row[0].path;
  }
  EXPECT_FALSE(g.tree_edited(tree, {{"dir", "100644", "a folder that turns into a file"}}));
  EXPECT_FALSE(g.tree_edited(tree, {{"a.txt/below", "100644", "a file that is there"}}));
  const auto none = g.tree_edited(tree, {{"a.txt", "", ""},
                                         {"dir/b.txt", "", ""},
                                         {"dir/new name", "", ""},
                                         {"name with\nnewline", "", ""}});
  EXPECT_EQ(none.value(), r.git({"hash-object", "-t", "tree", "/dev/null"}));
  r.git({"fsck", "--strict"});
}

TEST_F(GitObjects, APatchThatWasTriedIsNotTriedAgainWhileItsTreeIsWhole) {
  const std::string patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n";
  const test::variable path("PATH", put_git(true));
  const auto g = r.open();
  const auto made = g.tree_with(base, patch).value();
  ASSERT_TRUE(g.is_whole(base, made));
  const auto before = started();
  EXPECT_EQ(g.tree_with(base, patch).value(), made);
  EXPECT_EQ(started(), before);
}

TEST_F(GitObjects, ATreeThatIsGoneIsMadeAgain) {
  const std::string patch = "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-one\n+1\n two\n";
  const auto g = r.open();
  const auto made = g.tree_with(base, patch).value();
  r.git({"prune", "--expire=now"});
  ASSERT_FALSE(g.has_object(made));
  EXPECT_EQ(g.tree_with(base, patch).value(), made);
  EXPECT_TRUE(g.is_whole(base, made));
}

// A git that stays keeps packs open: it would still find in one what nobody else
// finds any more.
TEST_F(GitObjects, APackThatIsGoneIsNotRemembered) {
  const auto blob = r.git({"rev-parse", tree + ":dir/new name"});
  r.git({"repack", "-a", "-d", "--quiet"});
  const auto g = r.open();
  ASSERT_TRUE(g.has_object(blob));
  ASSERT_TRUE(g.is_whole(base, tree));
  fs::rename(r.top() / ".git/objects/pack", r.folder() / "pack");
  fs::create_directories(r.top() / ".git/objects/pack");
  EXPECT_FALSE(g.has_object(blob));
  EXPECT_FALSE(g.is_whole(base, tree));
}

TEST_F(GitObjects, ATreeWithoutAFolderOrAFileOfItIsNotWhole) {
  for (const auto* part : {"dir", "dir/new name"}) {
    const auto id = r.git({"rev-parse", tree + ":" + part});
    const auto file = r.top() / ".git/objects" / id.substr(0, 2) / id.substr(2);
    const auto g = r.open();
    ASSERT_TRUE(g.is_whole(base, tree));
    fs::rename(file, r.folder() / "taken");
    EXPECT_FALSE(g.is_whole(base, tree)) << part;
    fs::rename(r.folder() / "taken", file);
    EXPECT_TRUE(g.is_whole(base, tree)) << part;
  }
}

} // namespace
