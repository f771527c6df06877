// The throw-away repository that whoever works in a slot finds there.

#include "providers/sandbox.hpp"
#include "tests/providers/workspace_fixture.hpp"

namespace {

using providers::lease;
namespace fs = std::filesystem;
using lines = std::vector<std::string>;

/// Once in bubblewrap, once as it is.
class WorkspaceRepository
    : public test::workspace_fixture
    , public ::testing::WithParamInterface<ledger::sandbox_kind> {
protected:
  void SetUp() override {
    if (auto works = providers::sandbox_works(r.children(), GetParam()); !works)
      GTEST_SKIP() << "no user namespaces here: " << works.error().detail;
  }

  /// What a check prints, and its exit code.
  std::string check(const lease& l, const std::string& command) {
    providers::cage c;
    c.folder = l.folder().string();
    c.objects = l.objects();
    c.env["GIT_CONFIG_NOSYSTEM"] = "1";
    auto ran = r.children().run(providers::caged_shell(GetParam(), c, command));
    return ran ? ran->output + ran->ended() : ran.error().detail;
  }
};

// In the sandbox `.git` named a folder that was not there, so every check that
// called git was red: `git diff --exit-code`, `git describe`, husky.
TEST_P(WorkspaceRepository, ChecksMayAskGit) {
  r.git({"tag", "-a", "-m", "released", "v1.2"});
  r.write("a.txt", "second\n");
  const auto commit = r.commit("second");
  auto w = open(1);
  auto l = checkout(*w, commit, tree); // A candidate that takes the change back.
  EXPECT_EQ(check(*l, "git diff-files --exit-code"), "exit 0"); // Has no look at contents.
  EXPECT_EQ(check(*l, "git diff --exit-code && git status --porcelain && git diff --cached --stat"),
            "M  a.txt\n a.txt | 4 +++-\n 1 file changed, 3 insertions(+), 1 deletion(-)\nexit 0");
  EXPECT_EQ(check(*l, "git diff-files --exit-code; git ls-files -m; git describe; git log "
                      "--format=%s; git show HEAD~1:a.txt"),
            "v1.2-1-g" + r.git({"rev-parse", "--short", commit})
                + "\nsecond\nbase\none\ntwo\nthree\nexit 0");
  EXPECT_EQ(check(*l, "git config core.hooksPath .husky"), "exit 0");
}

TEST_P(WorkspaceRepository, ShowsWhatAGeneratorChanged) {
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  // As large as before, and within the same instant.
  const auto text = check(*l, "printf 'one\\nTWO\\nthree\\n' > a.txt; git diff --exit-code");
  EXPECT_NE(text.find("\n-two\n+TWO\n"), std::string::npos) << text;
  EXPECT_NE(text.find("exit 1"), std::string::npos) << text;
}

TEST_P(WorkspaceRepository, ObjectsMadeInItStayInIt) {
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  const auto id = r.git({"rev-parse", base + ":a.txt"});
  EXPECT_EQ(check(*l, "echo new > x; git add x; git -c user.name=x -c user.email=x commit -q -m x "
                      "&& git gc -q && git fsck --connectivity-only 2>&1 && git rev-parse HEAD:x "
                      "> id && rm -rf .git/objects/info"),
            "exit 0");
  const auto made = test::read_file(l->folder() / "id");
  EXPECT_FALSE(r.open().has_object(made.substr(0, made.find('\n'))));
  EXPECT_TRUE(r.open().has_object(id));
}

TEST_P(WorkspaceRepository, PutBackGivesTheTreeAgainAndKeepsWhatIsNew) {
  auto w = open(1);
  auto l = checkout(*w, base, tree);
  auto changed = l->put_back();
  ASSERT_TRUE(changed) << changed.error().detail;
  EXPECT_EQ(*changed, lines{});
  check(*l, "echo x > a.txt; rm -r dir; mkdir dir; mkdir dir/b.txt; echo y > dir/b.txt/y; "
            "mkdir node_modules; echo z > node_modules/z; echo new > new; rm -rf .git; "
            "chmod 000 node_modules; chmod +x .gitignore");
  changed = l->put_back();
  ASSERT_TRUE(changed) << changed.error().detail;
  std::sort(changed->begin(), changed->end());
  EXPECT_EQ(*changed, (lines{".gitignore", "a.txt", "dir/b.txt", "dir/run.sh"}));
  auto want = base_files;
  want.insert({"new", "node_modules/", "node_modules/z"});
  EXPECT_EQ(everything_in(l->folder()), want);
  EXPECT_EQ(test::read_file(l->folder() / "a.txt"), "one\ntwo\nthree\n");
  EXPECT_EQ(check(*l, "git diff --exit-code"), "exit 0");
}

INSTANTIATE_TEST_SUITE_P(Kinds, WorkspaceRepository,
                         ::testing::Values(ledger::sandbox_kind::bwrap, ledger::sandbox_kind::none),
                         [](const auto& kind) {
                           return kind.param == ledger::sandbox_kind::bwrap ? "Bubblewrap"
                                                                            : "AsItIs";
                         });

} // namespace
