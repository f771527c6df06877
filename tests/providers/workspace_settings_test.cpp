// Whatever the user has configured, and however he keeps his objects: a file of
// a slot is, byte for byte, what its blob is, and every change is seen.

#include "tests/providers/variable.hpp"
#include "tests/providers/workspace_fixture.hpp"

namespace {

using test::has;
using test::paths;
namespace fs = std::filesystem;
using lines = std::vector<std::string>;

class WorkspaceSettings : public test::workspace_fixture {};

/// Commits what `make` did and gives its commit and tree.
std::pair<std::string, std::string> committed(test::scratch_repository& r) {
  auto commit = r.commit();
  return {commit, r.git({"rev-parse", "HEAD^{tree}"})};
}

// X.txt beside x.txt was lost, an executable bit too, and links became files.
TEST_F(WorkspaceSettings, NoSettingHidesAChange) {
  r.write("Ä.txt", "composed\n");
  const auto [commit, its_tree] = committed(r);
  for (const char* setting : {"core.ignoreCase", "core.precomposeUnicode", "core.autocrlf"})
    r.git({"config", setting, "true"});
  for (const char* setting : {"core.fileMode", "core.symlinks"})
    r.git({"config", setting, "false"});
  test::write_file(r.folder() / "attributes", "*.txt text eol=crlf\n*.sh -diff\n");
  r.git({"config", "core.attributesFile", (r.folder() / "attributes").string()});
  r.write(".git/info/attributes", "*.txt text eol=crlf\n");
  auto w = open(1);
  auto l = checkout(*w, commit, its_tree);
  const auto& f = l->folder();
  EXPECT_EQ(l->take(its_tree)->tree, its_tree);
  test::write_file(f / "A.TXT", "beside a.txt\n");
  test::write_file(f / "A\xcc\x88.txt", "decomposed\n");
  fs::permissions(f / "dir/run.sh", fs::perms(0644));
  fs::permissions(f / "dir/b.txt", fs::perms(0755));
  fs::create_symlink("a.txt", f / "link");
  test::write_file(f / "crlf.txt", "x\r\n");
  auto c = l->take(its_tree);
  ASSERT_TRUE(c) << c.error().detail;
  const lines want{"A 100644 A.TXT",     "A 100644 A\xcc\x88.txt", "A 100644 crlf.txt",
                   "M 100755 dir/b.txt", "M 100644 dir/run.sh",    "A 120000 link"};
  EXPECT_EQ(paths(*c), want);
  EXPECT_EQ(r.open().read_blob(c->tree, "crlf.txt").value(), "x\r\n");
  l.reset();
  l = checkout(*w, commit, c->tree);
  EXPECT_TRUE(fs::is_symlink(l->folder() / "link"));
  EXPECT_EQ(l->take(its_tree)->tree, c->tree);
}

// With attributes obeyed, a checkout and its tree could differ without anybody
// having touched a file: a blob with CRLF under `text`, an expanded $Id$.
TEST_F(WorkspaceSettings, AnUntouchedCheckoutGivesItsTreeWhateverAttributesSay) {
  const auto blob = [&](const std::string& path, const std::string& content) {
    test::write_file(r.folder() / "content", content);
    const auto id = r.git({"hash-object", "-w", "--no-filters", (r.folder() / "content").string()});
    r.git({"update-index", "--add", "--cacheinfo", "100644," + id + "," + path});
  };
  blob(".gitattributes", "* text=auto eol=crlf\n*.txt text\nid.c ident\n*.u working-tree-encoding="
                         "UTF-16\n");
  blob("lf.txt", "a\nb\n");
  blob("crlf.txt", "a\r\nb\r\n");
  blob("mixed.txt", "a\r\nb\n");
  blob("id.c", "$Id$\n");
  blob("x.u", "text\n");
  const auto its_tree = r.git({"write-tree"});
  auto w = open(1);
  for (int i = 0; i < 2; ++i) {
    auto l = checkout(*w, base, its_tree);
    EXPECT_EQ(test::read_file(l->folder() / "lf.txt"), "a\nb\n");
    EXPECT_EQ(test::read_file(l->folder() / "crlf.txt"), "a\r\nb\r\n");
    EXPECT_EQ(test::read_file(l->folder() / "id.c"), "$Id$\n");
    for (const char* name : {"lf.txt", "crlf.txt", "mixed.txt", "id.c", "x.u"})
      test::write_file(l->folder() / name, test::read_file(l->folder() / name)); // Looked into.
    auto c = l->take(its_tree);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->tree, its_tree);
    EXPECT_EQ(c->diff, "");
    EXPECT_EQ(r.git({"diff"}, l->folder()), "");
  }
}

TEST_F(WorkspaceSettings, WhatTheUserIgnoresCountsWhereverHeSaysSo) {
  test::write_file(r.folder() / "excludes", "\xef\xbb\xbf*.tmp\n*.kept");
  r.git({"config", "core.excludesFile", (r.folder() / "excludes").string()});
  r.write(".git/info/exclude", "*.own\n!x.kept\n");
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  for (const char* name : {"x.tmp", "x.own", "x.log", "x.kept", "x.new"})
    test::write_file(l->folder() / name, "x\n");
  EXPECT_EQ(paths(take(*l)), (lines{"A 100644 x.kept", "A 100644 x.new"}));
}

TEST_F(WorkspaceSettings, TheUsersOwnExcludesFileIsFoundWhereGitLooks) {
  test::write_file(r.folder() / "config/git/ignore", "*.tmp\n");
  const test::variable config("XDG_CONFIG_HOME", (r.folder() / "config").string());
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  test::write_file(l->folder() / "x.tmp", "x\n");
  EXPECT_EQ(take(*l).tree, tree);
}

TEST_F(WorkspaceSettings, ARepositoryThatBorrowsItsObjectsWorks) {
  const auto clone = r.folder() / "clone", second = r.folder() / "second";
  r.git({"clone", "--quiet", "--shared", r.top().string(), clone.string()});
  r.git({"clone", "--quiet", "--shared", clone.string(), second.string()});
  auto g = providers::git::open(r.children(), second);
  ASSERT_TRUE(g) << g.error().detail;
  auto w = providers::open_git_workspace(*g, {slots(), 1});
  ASSERT_TRUE(w) << w.error().detail;
  auto l = checkout(**w, base, tree);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_EQ(l->objects().size(), 3u);
  EXPECT_EQ(r.git({"log", "--format=%s"}, l->folder()), "base");
  test::write_file(l->folder() / "new", "new\n");
  const auto c = take(*l);
  EXPECT_EQ(g->read_blob(c.tree, "new").value(), "new\n");
  EXPECT_FALSE(r.open().has_object(c.tree)); // Written where it belongs.
}

TEST_F(WorkspaceSettings, ObjectsThatAPartialCloneLacksAreFetched) {
  const auto clone = r.folder() / "clone";
  r.git({"config", "uploadpack.allowFilter", "true"});
  r.git({"config", "uploadpack.allowAnySHA1InWant", "true"});
  r.git({"clone", "--quiet", "--no-checkout", "--filter=blob:none", "file://" + r.top().string(),
         clone.string()});
  auto g = providers::git::open(r.children(), clone);
  ASSERT_TRUE(g) << g.error().detail;
  auto w = providers::open_git_workspace(*g, {slots(), 1});
  ASSERT_TRUE(w) << w.error().detail;
  auto l = checkout(**w, base, tree);
  EXPECT_EQ(everything_in(l->folder()), base_files);
  EXPECT_EQ(take(*l).tree, tree);
}

TEST_F(WorkspaceSettings, AShallowCloneWorks) {
  r.write("a.txt", "second\n");
  const auto [commit, its_tree] = committed(r);
  const auto clone = r.folder() / "clone";
  r.git({"clone", "--quiet", "--depth=1", "file://" + r.top().string(), clone.string()});
  auto g = providers::git::open(r.children(), clone);
  ASSERT_TRUE(g) << g.error().detail;
  auto w = providers::open_git_workspace(*g, {slots(), 1});
  auto l = checkout(**w, commit, its_tree);
  EXPECT_EQ(r.git({"log", "--format=%s"}, l->folder()), "work");
  EXPECT_EQ(l->take(its_tree)->tree, its_tree);
}

TEST(WorkspaceFormats, ARepositoryWithSha256Works) {
  test::scratch_repository r;
  fs::remove_all(r.top() / ".git");
  r.git({"init", "--quiet", "--object-format=sha256"});
  r.git({"config", "user.name", "x"});
  r.git({"config", "user.email", "x"});
  r.write("a.txt", "one\n");
  const auto commit = r.commit();
  const auto tree = r.git({"rev-parse", "HEAD^{tree}"});
  ASSERT_EQ(tree.size(), 64u);
  auto w = providers::open_git_workspace(r.open(), {r.folder() / "slots", 1});
  ASSERT_TRUE(w) << w.error().detail;
  auto l = (*w)->checkout(commit, tree);
  ASSERT_TRUE(l) << l.error().detail;
  EXPECT_EQ(r.git({"status", "--porcelain"}, (*l)->folder()), "");
  test::write_file((*l)->folder() / "a.txt", "two\n");
  auto c = (*l)->take(tree);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(paths(*c), lines{"M 100644 a.txt"});
  EXPECT_EQ(r.open().tree_with(tree, c->diff).value(), c->tree);
}

// Whoever shares a repository with his group could not write any more where we
// had made a folder of objects.
TEST_F(WorkspaceSettings, NewObjectsAreSharedAsTheRepositoryIs) {
  r.git({"config", "core.sharedRepository", "group"});
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  test::write_file(l->folder() / "new.txt", "a new one\n");
  const auto c = take(*l);
  const auto folder = r.top() / ".git/objects" / c.tree.substr(0, 2);
  EXPECT_NE(fs::status(folder).permissions() & fs::perms::group_write, fs::perms::none) << folder;
}

} // namespace
