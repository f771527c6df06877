// A finished task's branch is pushed, and a pull request is opened for it, once.

#include "tests/program/landing_fixture.hpp"

#include <algorithm>

namespace {

using namespace tests;
using ledger::event;
using ledger::step;

constexpr auto canary = "canary-4f1c9b7e-do-not-tell";
constexpr int killed = 128 + 9;

/// A forge that keeps what was opened in the file `pulls`, and would open two if
/// told. Files beside it make it refuse, be down once, or kill who asks.
constexpr auto forge = R"sh(
echo "$SCHEDULER_ACTION $SCHEDULER_BRANCH" >>calls
case $SCHEDULER_ACTION in
find) grep -q "^$SCHEDULER_BRANCH " pulls 2>/dev/null || exit 3 ;;
open)
  if test -e refuse; then
    echo "no rights for $SCHEDULER_TARGET, $FORGE_LOGIN" >&2
    exit 1
  fi
  if rm down 2>/dev/null; then
    exit 75
  fi
  cp "$SCHEDULER_BODY_FILE" "body-$SCHEDULER_TASK"
  echo "$SCHEDULER_BRANCH $SCHEDULER_COMMIT $SCHEDULER_TARGET $SCHEDULER_TITLE" >>pulls
  if rm kill 2>/dev/null; then
    kill -9 $PPID
  fi ;;
esac
echo "{\"pr_id\": \"1\", \"pr_url\": \"https://u:$FORGE_LOGIN@forge/$SCHEDULER_TASK\"}"
)sh";

struct pr_site : house_site {
  explicit pr_site(const std::string& landing = {}, const std::string& checks = "exit 0\n")
      : house_site(checks, "[landing]\nmode = \"pr\"\npush = \"origin\"\n" + landing) {
    write_file(folder() / "forge.sh", "cd '" + folder().string() + "'\n" + forge);
    reconfigure("mode = \"pr\"\n",
                "mode = \"pr\"\ncommand = \". '" + (folder() / "forge.sh").string() + "'\"\n");
    git({"init", "-q", "--bare", remote().string()});
    git({"remote", "add", "origin", remote().string()});
    edit("T", "src/about.html", "s/Three people/Four people/");
  }

  fs::path folder() const { return home() / "forge"; }
  fs::path remote() const { return home() / "remote.git"; }
  void tell(const std::string& word) const { write_file(folder() / word, ""); }
  void take_back(const std::string& word) const { fs::remove(folder() / word); }

  /// Task and commit of each pull request that was opened.
  words pulls() const {
    words all;
    for (auto& line : lines_of(read_file(folder() / "pulls")))
      all.push_back(line.substr(0, line.find(' ', line.find(' ') + 1)));
    std::sort(all.begin(), all.end());
    return all;
  }
  /// "ai-gated/T 0123…" for each branch at the remote.
  words remote_branches() const {
    return lines_of(git({"for-each-ref", "--format=%(refname:lstrip=2) %(objectname)"}, remote()));
  }
  std::string pull_of(const std::string& task) const {
    return "ai-gated/" + task + " " + state(task).out->commit;
  }
};

void expect_one_of(const pr_site& site, const words& tasks) {
  words want;
  for (auto& task : tasks) {
    auto s = site.state(task);
    EXPECT_EQ(to_string(s.is), "done") << task << ": " << s.why;
    EXPECT_EQ(s.out->request.commit, s.out->commit);
    EXPECT_FALSE(s.landed);
    want.push_back(site.pull_of(task));
  }
  EXPECT_EQ(site.pulls(), want);
  EXPECT_EQ(site.remote_branches(), want);
  auto verify = site.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
  EXPECT_TRUE(leftovers().empty());
}

TEST(pull_request, OpensOneForEachTaskAndSaysWhere) {
  pr_site site("branch = \"main\"\n");
  site.edit("U", "src/index.html", "s/Bread/Good bread/");
  auto main = site.git({"rev-parse", "main"});
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  expect_one_of(site, {"T", "U"});
  EXPECT_EQ(site.git({"rev-parse", "main"}), main);
  EXPECT_TRUE(has(read_file(site.folder() / "pulls"), " main T: change made")) << "target, title";
  auto body = read_file(site.folder() / "body-T");
  EXPECT_TRUE(has(body, site.state("T").out->commit) && has(body, "CLAUDE_FINAL_OK: YES")) << body;
  EXPECT_TRUE(has(e.err, "pull request opened: https://u:@forge/T (1)")) << e.err;
  auto status = ledger::json::parse(read_file(site.file("T", "final/status.json")))["landing"];
  EXPECT_EQ(status["mode"], "pr");
  EXPECT_EQ(status["branch"], "ai-gated/T");
  EXPECT_EQ(status["commit"], site.state("T").out->commit);
  EXPECT_EQ(status["prUrl"], "https://u:@forge/T");
  auto shown = site.run({"show", "T"});
  EXPECT_TRUE(has(shown.out, "Pull request  https://u:@forge/T 1")) << shown.out;
  EXPECT_TRUE(has(site.run({"status", "--json"}).out, "\"pr_url\":\"https://u:@forge/T\""));
}

// Killed after each record in turn: one push, one pull request.
TEST(heavy_pull_request, KilledAfterAnyRecordOfItThereIsOne) {
  pr_site reference;
  ASSERT_EQ(reference.batch().exit_code, 0);
  auto records = reference.records("T").size();
  // What was before, other tests kill.
  auto first = reference.seq_of("T", event::built, step::deliver);
  for (std::uint64_t n = first; n <= records; ++n) {
    SCOPED_TRACE(n);
    pr_site site;
    EXPECT_EQ(site.batch_killed_after(n).exit_code, killed);
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
    expect_one_of(site, {"T"});
    EXPECT_EQ(site.times("T", event::landed, "pr"), 1u);
    EXPECT_EQ(site.commits_of("T").size(), 1u);
  }
}

TEST(pull_request, OneThatAKilledRunOpenedIsAdopted) {
  pr_site site;
  site.tell("kill");
  EXPECT_EQ(site.batch().exit_code, killed);
  EXPECT_EQ(site.pulls().size(), 1u);
  EXPECT_EQ(site.times("T", event::landed), 0u);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "found as opened before")) << e.err;
  expect_one_of(site, {"T"});
}

TEST(pull_request, WithoutItsContractNothingIsPushed) {
  pr_site reference;
  ASSERT_EQ(reference.batch().exit_code, 0);
  for (auto what : {event::built, event::landing}) {
    SCOPED_TRACE(to_string(what));
    pr_site site;
    auto n = reference.seq_of("T", what, step::deliver);
    EXPECT_EQ(site.batch_killed_after(n).exit_code, killed);
    ASSERT_TRUE(fs::remove(site.file("T", "contract/CLAUDE_FINAL_OK")));
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, 3) << e.out << e.err;
    EXPECT_EQ(site.state("T").reason, "contract-missing");
    EXPECT_EQ(site.remote_branches(), words{});
    EXPECT_FALSE(fs::exists(site.folder() / "calls"));
  }
}

TEST(pull_request, OneThatIsRefusedParksTheTaskAndARetryGoesOn) {
  pr_site site("branch = \"release\"\n");
  site.tell("refuse");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked");
  EXPECT_EQ(s.reason, "pull-request-refused");
  EXPECT_TRUE(has(s.why, "no rights for release")) << s.why;
  EXPECT_EQ(s.round, 1u) << "it is not the change's fault";
  site.take_back("refuse");
  EXPECT_EQ(site.run({"retry", "T"}).exit_code, 0);
  e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  expect_one_of(site, {"T"});
  EXPECT_EQ(site.times("T", event::checked), 1u);
  EXPECT_EQ(site.times("T", event::intended), 1u);
}

TEST(pull_request, AnOutageIsWaitedForAndTouchesNoCode) {
  pr_site site;
  site.tell("down");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  expect_one_of(site, {"T"});
  EXPECT_EQ(site.times("T", event::failed), 1u);
  EXPECT_EQ(site.times("T", event::checked), 1u);
}

TEST(pull_request, ABranchThatSomebodyElsePushedIsNotOverwritten) {
  pr_site site;
  site.git({"push", "-q", "origin", "main:refs/heads/ai-gated/T"});
  auto theirs = site.remote_branches();
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(s.reason, "remote-branch-moved");
  EXPECT_TRUE(has(s.why, "git push origin --delete ai-gated/T")) << s.why;
  EXPECT_EQ(site.remote_branches(), theirs);
  EXPECT_FALSE(fs::exists(site.folder() / "pulls"));
  site.git({"push", "-q", "origin", "--delete", "ai-gated/T"});
  EXPECT_EQ(site.run({"retry", "T"}).exit_code, 0);
  EXPECT_EQ(site.batch().exit_code, 0);
  expect_one_of(site, {"T"});
}

TEST(pull_request, AnotherCommitOfTheTaskGoesOntoTheSameOne) {
  pr_site site;
  EXPECT_EQ(site.batch().exit_code, 0);
  auto former = site.state("T").out->commit;
  EXPECT_EQ(site.run({"retry", "T", "--from", "implement"}).exit_code, 0);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto now = site.state("T").out->commit;
  EXPECT_NE(now, former);
  EXPECT_EQ(site.remote_branches(), words{"ai-gated/T " + now});
  EXPECT_EQ(site.pulls(), words{"ai-gated/T " + former}) << "it was opened once";
  EXPECT_EQ(site.state("T").request->commit, now);
}

TEST(pull_request, ItsTokenIsNowhereButInTheCommand) {
  pr_site site("token_env = \"FORGE_LOGIN\"\n", "test -z \"$FORGE_LOGIN\"\n");
  site.env["FORGE_LOGIN"] = canary;
  site.tell("refuse");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_TRUE(has(site.state("T").why, "[redacted]")) << site.state("T").why;
  site.take_back("refuse");
  EXPECT_EQ(site.run({"retry", "T"}).exit_code, 0);
  auto again = site.batch();
  EXPECT_EQ(again.exit_code, 0) << again.out << again.err;
  EXPECT_EQ(site.state("T").out->request.url, "https://u:[redacted]@forge/T");
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, canary)) << path;
  for (auto& text : {e.out, e.err, again.out, again.err, site.run({"show", "T"}).out})
    EXPECT_FALSE(has(text, canary)) << text;
}

TEST(pull_request, ABatchDoesNotBeginWithoutItsRemoteOrItsToken) {
  pr_site site;
  site.git({"remote", "rename", "origin", "elsewhere"});
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "git remote add origin")) << e.err;
  EXPECT_TRUE(has(site.run({"doctor"}).out, "bad   landing pr: [landing] push = \"origin\""));
  site.git({"remote", "rename", "elsewhere", "origin"});
  EXPECT_TRUE(has(site.run({"doctor"}).out, "ok    landing pr: what it needs is set"));
  site.reconfigure("push = \"origin\"\n", "push = \"origin\"\ntoken_env = \"NO_SUCH_TOKEN\"\n");
  e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "NO_SUCH_TOKEN")) << e.err;
  site.reconfigure("token_env = \"NO_SUCH_TOKEN\"\n", "");
  fs::remove_all(site.remote());
  e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(site.states().empty());
}

} // namespace
