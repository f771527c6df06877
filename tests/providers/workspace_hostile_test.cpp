// What a tree, or a child that was let loose in a slot, must not be able to do.

#include "tests/providers/other_program.hpp"
#include "tests/providers/workspace_fixture.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using test::has;
using test::paths;
namespace fs = std::filesystem;

class WorkspaceHostile : public test::workspace_fixture {
protected:
  /// A script that says that it ran.
  std::string script(const std::string& name) {
    const auto file = r.folder() / name;
    test::write_file(file, "#!/bin/sh\ntouch '" + marker.string() + "'\ncat\n");
    test::make_executable(file);
    return file.string();
  }

  const fs::path marker = r.folder() / "ran";
};

/// `levels` folders, one in the other, further than any path may lead.
void make_deep(const fs::path& top, int levels) {
  int at = ::open(top.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < levels && at >= 0; ++i) {
    ::mkdirat(at, "dd", 0755);
    const int next = ::openat(at, "dd", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    ::close(at);
    at = next;
  }
  ASSERT_GE(at, 0);
  ::close(::openat(at, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  ::close(at);
}

/// Few descriptors, for as long as this lives.
class few_descriptors {
public:
  explicit few_descriptors(rlim_t count) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto now = before_;
    now.rlim_cur = count;
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
  rlimit before_{};
};

// A filter of the user's names a script of the repository; the agent rewrote
// the script and touched a file that the filter is for. `git add` ran it, as the
// user, outside the sandbox, before anybody had judged the change.
TEST_F(WorkspaceHostile, AFilterOfTheUsersIsNotRunOnWhatAnAgentWrote) {
  r.write(".gitattributes", "*.ipynb filter=strip\n");
  r.write("n.ipynb", "{}\n");
  const auto commit = r.commit("notebooks");
  const auto its_tree = r.git({"rev-parse", "HEAD^{tree}"});
  r.git({"config", "filter.strip.clean", "./tools/strip.sh"});
  r.git({"config", "filter.strip.smudge", "./tools/strip.sh"});
  r.git({"config", "filter.strip.required", "true"});
  auto w = open(1);
  auto l = checkout(*w, commit, its_tree);
  test::write_file(l->folder() / "tools/strip.sh",
                   "#!/bin/sh\ntouch '" + marker.string() + "'\ncat\n");
  test::make_executable(l->folder() / "tools/strip.sh");
  test::write_file(l->folder() / "n.ipynb", "{\"changed\": 1}\n");
  auto c = l->take(its_tree);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_FALSE(fs::exists(marker)) << "the agent's script was run outside the sandbox";
  EXPECT_EQ(r.open().read_blob(c->tree, "n.ipynb").value(), "{\"changed\": 1}\n");
  l.reset();
  checkout(*w, commit, c->tree);
  EXPECT_FALSE(fs::exists(marker)) << "a filter was run by a checkout";
}

// The same with attributes that the agent wrote itself, for a filter that the
// user has for something else, of each kind that git knows.
TEST_F(WorkspaceHostile, AttributesThatAnAgentWroteRunNothing) {
  const auto evil = script("evil");
  for (const char* kind : {"clean", "smudge", "process"})
    r.git({"config", std::string("filter.f.") + kind, evil});
  r.git({"config", "diff.d.textconv", evil});
  r.git({"config", "diff.d.command", evil});
  r.git({"config", "core.fsmonitor", evil});
  r.git({"config", "core.hooksPath", r.folder().string()});
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  test::write_file(l->folder() / ".gitattributes", "* filter=f diff=d\n");
  test::write_file(l->folder() / "a.txt", "changed\n");
  const auto c = take(*l);
  EXPECT_TRUE(has(paths(c), "M 100644 a.txt"));
  l.reset();
  checkout(*w, base, c.tree);
  EXPECT_FALSE(fs::exists(marker));
}

TEST_F(WorkspaceHostile, ThatFilterWouldRunWithPlainGit) {
  // That the two tests above can fail.
  r.git({"config", "filter.f.clean", script("evil")});
  r.write(".gitattributes", "* filter=f\n");
  r.write("a.txt", "changed\n");
  r.git({"add", "a.txt"});
  EXPECT_TRUE(fs::exists(marker));
}

// What somebody does to the `.git` that he finds in a slot reached the user's
// branches, settings and hooks when that was a worktree of the repository.
TEST_F(WorkspaceHostile, NothingDoneToTheSlotsGitReachesTheRepository) {
  const auto refs = r.git({"for-each-ref"});
  const auto config = test::read_file(r.top() / ".git/config");
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  const auto& f = l->folder();
  r.git({"config", "core.fsmonitor", script("evil")}, f);
  r.git({"-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "--allow-empty", "-m",
         "mine"},
        f);
  r.git({"update-ref", "refs/heads/main", "HEAD"}, f);
  r.git({"branch", "evil"}, f);
  test::write_file(f / ".git/hooks/post-checkout", "#!/bin/sh\n");
  fs::remove(marker); // The user's own git ran it, in the slot: that is his.
  EXPECT_EQ(take(*l).tree, tree);
  EXPECT_EQ(r.git({"for-each-ref"}), refs);
  EXPECT_EQ(test::read_file(r.top() / ".git/config"), config);
  EXPECT_FALSE(fs::exists(r.top() / ".git/hooks/post-checkout"));
  l.reset();
  l = checkout(*w, base, tree);
  EXPECT_EQ(r.git({"rev-parse", "HEAD"}, l->folder()), base);
  EXPECT_EQ(r.git({"branch", "--list", "evil"}, l->folder()), "");
  EXPECT_FALSE(fs::exists(marker));
}

// A check that made 3,000 folders, one in the other: removing them took a
// descriptor for each, so the checkout failed for ever, for every task, and the
// next start refused the folder because its marker was gone.
TEST_F(WorkspaceHostile, ADeepFolderCostsNoSlot) {
  auto w = open(1);
  const few_descriptors few(128);
  {
    auto l = checkout(*w, base, tree);
    make_deep(l->folder(), 3000);
  }
  auto l = w->checkout(base, tree);
  ASSERT_TRUE(l) << l.error().detail;
  EXPECT_EQ(everything_in((*l)->folder()), base_files);
  make_deep((*l)->folder(), 3000);
  l->reset();
  w.reset();
  EXPECT_FALSE(fs::exists(slots()));
}

// A slot that could not be emptied was on top of the pile for ever, and at the
// end the folder lost its marker although the slot was still in it, so that the
// next start took it for somebody else's.
TEST_F(WorkspaceHostile, ASlotThatCannotBeEmptiedIsTriedLastAndKeepsTheMarker) {
  fs::create_directories(r.folder() / "disk");
  test::other_program with_mounts([&] {
    // Root removes anything but a place where something is mounted.
    if (!test::mount_small_disk(r.folder() / "disk", 64))
      return test::no_small_disk;
    providers::processes children;
    auto g = providers::git::open(children, r.top());
    if (!g)
      return 1;
    auto w = providers::open_git_workspace(*g, {slots(), 2});
    const auto stuck = checkout(**w, base, tree)->folder();
    fs::create_directories(stuck / "mounted");
    if (::mount("tmpfs", (stuck / "mounted").c_str(), "tmpfs", 0, nullptr) != 0)
      return 2;
    if ((*w)->checkout(base, tree))
      return 3;
    for (int i = 0; i < 2; ++i)
      if (auto other = (*w)->checkout(base, tree); !other || (*other)->folder() == stuck)
        return 4;
    w->reset();
    return fs::exists(slots() / ".scheduler-slots") ? 0 : 5;
  });
  const auto code = with_mounts.wait();
  if (code == test::no_small_disk)
    GTEST_SKIP() << "no user namespaces here";
  ASSERT_EQ(code, 0);
  EXPECT_TRUE(fs::exists(slots() / "wt-0"));
  auto again = providers::open_git_workspace(r.open(), {slots(), 1});
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_FALSE(fs::exists(slots() / "wt-0"));
}

// A committed `-diff` hid a file from the reviewers and from the search for
// secrets, and whoever writes a NUL into a file does so still: that content is
// handed over to be searched.
TEST_F(WorkspaceHostile, TheDiffShowsTextWhateverAttributesSayAndTheRestIsHandedOver) {
  r.write(".gitattributes", "package-lock.json -diff\n*.txt binary\n");
  r.write("package-lock.json", "{}\n");
  r.write("image.bin", std::string("\0before", 7));
  r.write("gone.bin", std::string("\0gone", 5));
  const auto commit = r.commit();
  const auto its_tree = r.git({"rev-parse", "HEAD^{tree}"});
  auto w = open(1);
  auto l = checkout(*w, commit, its_tree);
  test::write_file(l->folder() / "package-lock.json", "{\"token\": 1}\n");
  test::write_file(l->folder() / "a.txt", "one\nGIT binary patch\nthree\n");
  test::write_file(l->folder() / "image.bin", std::string("\0after", 6));
  fs::remove(l->folder() / "gone.bin");
  fs::remove(l->folder() / "dir/b.txt"); // Becomes a link: two parts in the diff.
  fs::create_symlink("x", l->folder() / "dir/b.txt");
  test::write_file(l->folder() / "same.bin", std::string("\0after", 6));
  auto c = l->take(its_tree);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_NE(c->diff.find("\n+{\"token\": 1}\n"), std::string::npos) << c->diff;
  EXPECT_NE(c->diff.find("\n+GIT binary patch\n"), std::string::npos) << c->diff;
  std::vector<std::string> unshown;
  for (const auto& f : c->unshown)
    unshown.push_back(f.path + " " + f.content.substr(1));
  std::sort(unshown.begin(), unshown.end());
  EXPECT_EQ(unshown, (std::vector<std::string>{"gone.bin gone", "image.bin after",
                                               "image.bin after", "image.bin before"}));
  EXPECT_EQ(r.open().tree_with(its_tree, c->diff).value(), c->tree);
}

TEST_F(WorkspaceHostile, PuttingBackReachesNothingBehindALink) {
  test::write_file(r.folder() / "precious/b.txt", "precious\n");
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  fs::remove_all(l->folder() / "dir");
  fs::create_directory_symlink(r.folder() / "precious", l->folder() / "dir");
  auto changed = l->put_back();
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_TRUE(has(*changed, "dir/b.txt"));
  EXPECT_EQ(test::read_file(r.folder() / "precious/b.txt"), "precious\n");
  EXPECT_EQ(everything_in(l->folder()), base_files);
}

} // namespace
