#include "providers/pull_request.hpp"

#include "tests/providers/other_program.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"

#include <gtest/gtest.h>

#include <future>
#include <sys/stat.h>
#include <thread>

namespace {

using namespace std::chrono_literals;
using ledger::fault;
using test::scratch_repository;
namespace fs = std::filesystem;

constexpr const char* branch = "refs/heads/ai-gated/T";

/// A forge: finds what `opens` names, and adds to it.
std::string forge(const fs::path& opens) {
  return "opens='" + opens.string() + R"('
case $SCHEDULER_ACTION in
find) grep -q "^$SCHEDULER_BRANCH " "$opens" 2>/dev/null || exit 3 ;;
open) echo "$SCHEDULER_BRANCH $SCHEDULER_COMMIT" >>"$opens" ;;
esac
echo '{"pr_id": "7", "pr_url": "https://example.org/pull/7"}'
)";
}

class PullRequest : public ::testing::Test {
protected:
  PullRequest() {
    r.write("a.txt", "a\n");
    base = r.commit("base");
    order.commit = commit("one");
    r.git({"init", "--quiet", "--bare", remote().string()});
    r.git({"remote", "add", "origin", remote().string()});
    c.landing.mode = ledger::landing_mode::pr;
    c.landing.push = order.remote = "origin";
    c.landing.command = forge(opens());
    c.checks.timeout = 60s;
    order.task = "T";
    order.branch = branch;
    order.target = "main";
    order.title = "T: a change";
    order.body = "Task `T`\n";
    order.ours = {order.commit};
  }

  fs::path remote() const { return r.folder() / "remote.git"; }
  fs::path opens() const { return r.folder() / "opens"; }
  fs::path scratch() const { return r.folder() / "scratch"; }

  std::unique_ptr<providers::pull_requests> make(std::vector<std::string> secrets = {}) {
    return providers::make_pull_requests(
        {c, repository, r.children(), scratch(), ledger::redactor(std::move(secrets))});
  }

  /// A commit on the base that no branch knows.
  std::string commit(const std::string& content) {
    r.git({"checkout", "--quiet", "--detach", base});
    r.write("a.txt", content);
    auto id = r.commit(content);
    r.git({"checkout", "--quiet", "main"});
    return id;
  }
  std::string there() {
    return r.git({"for-each-ref", "--format=%(objectname)", branch}, remote());
  }

  scratch_repository r;
  ledger::config c;
  std::string base;
  providers::pull_request_order order;
  providers::git repository = r.open();
};

TEST_F(PullRequest, PushesTheBranchAndAgainDoesNothing) {
  auto p = make();
  ASSERT_TRUE(p->reach());
  ASSERT_TRUE(p->push(order));
  EXPECT_EQ(there(), order.commit);
  EXPECT_TRUE(p->push(order));
  EXPECT_EQ(there(), order.commit);
}

TEST_F(PullRequest, PushesOverACommitOfTheTasksOwn) {
  auto p = make();
  ASSERT_TRUE(p->push(order));
  order.commit = commit("two");
  order.ours.push_back(order.commit);
  ASSERT_TRUE(p->push(order));
  EXPECT_EQ(there(), order.commit);
}

TEST_F(PullRequest, NeverOverwritesWhatSomebodyElsePushed) {
  auto theirs = commit("theirs");
  r.git({"push", "--quiet", "origin", theirs + ":" + branch});
  auto pushed = make()->push(order);
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().kind, fault::refused);
  EXPECT_EQ(pushed.error().code, providers::remote_branch_moved_code);
  for (auto part : {theirs, std::string("git push origin --delete ai-gated/T")})
    EXPECT_NE(pushed.error().detail.find(part), std::string::npos) << pushed.error().detail;
  EXPECT_EQ(there(), theirs);
}

TEST_F(PullRequest, ARemoteThatIsAwayIsUnavailable) {
  fs::remove_all(remote());
  auto p = make();
  for (auto& tried : {p->reach(), p->push(order)}) {
    ASSERT_FALSE(tried);
    EXPECT_EQ(tried.error().kind, fault::unavailable);
  }
}

TEST_F(PullRequest, IsFoundOnceItIsOpen) {
  auto p = make();
  auto none = p->find(order);
  ASSERT_TRUE(none) << none.error().detail;
  EXPECT_FALSE(*none);
  auto opened = p->open(order);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->id, "7");
  auto found = p->find(order);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->url, "https://example.org/pull/7");
  EXPECT_EQ(test::read_file(opens()), "ai-gated/T " + order.commit + "\n");
}

TEST_F(PullRequest, TheCommandGetsItsVariablesTheTokenAndNothingElse) {
  test::variable token("SCHEDULER_TEST_PR_TOKEN", "a-token-of-some-length");
  test::variable other("SCHEDULER_TEST_OTHER_TOKEN", "another-token-entirely");
  r.git({"remote", "set-url", "origin", "https://me:secret@example.org/site.git"});
  c.landing.token_env = "SCHEDULER_TEST_PR_TOKEN";
  // Whatever fails shows its words.
  c.landing.command = "pwd; env | grep -E 'SCHEDULER' | sort; cat \"$SCHEDULER_BODY_FILE\"; exit 1";
  auto opened = make()->open(order);
  ASSERT_FALSE(opened);
  auto& words = opened.error().detail;
  for (const auto& line :
       {scratch().string(), std::string("SCHEDULER_ACTION=open\n"),
        std::string("SCHEDULER_TASK=T\n"), "SCHEDULER_COMMIT=" + order.commit + "\n",
        std::string("SCHEDULER_BRANCH=ai-gated/T\n"), std::string("SCHEDULER_TARGET=main\n"),
        std::string("SCHEDULER_REMOTE=origin\n"),
        std::string("SCHEDULER_REMOTE_URL=https://example.org/site.git\n"),
        std::string("SCHEDULER_TITLE=T: a change\n"), std::string("Task `T`\n"),
        std::string("SCHEDULER_TEST_PR_TOKEN=[redacted]\n")})
    EXPECT_NE(words.find(line), std::string::npos) << line << words;
  EXPECT_EQ(words.find("another-token"), std::string::npos);
  EXPECT_EQ(words.find("a-token"), std::string::npos);
}

TEST_F(PullRequest, AnyOtherFailureOfOpenIsRefusedWithItsWords) {
  for (auto* command : {"echo no rights >&2; exit 1", "echo no rights"}) {
    SCOPED_TRACE(command);
    c.landing.command = command;
    auto opened = make()->open(order);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, fault::refused);
    EXPECT_EQ(opened.error().code, providers::pull_request_refused_code);
    EXPECT_NE(opened.error().detail.find("no rights"), std::string::npos) << opened.error().detail;
  }
}

TEST_F(PullRequest, AnOutageIsUnavailable) {
  c.checks.timeout = 2s;
  for (auto* command : {"exit 75", "kill -9 $$", "sleep 300"}) {
    SCOPED_TRACE(command);
    c.landing.command = command;
    auto opened = make()->open(order);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, fault::unavailable) << opened.error().detail;
  }
}

TEST_F(PullRequest, AFindThatFailsNeverMeansThatThereIsNone) {
  c.landing.command = "exit 1";
  auto failed = make()->find(order);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, fault::unavailable);
  c.landing.command = "echo yes";
  auto unclear = make()->find(order);
  ASSERT_FALSE(unclear);
  EXPECT_EQ(unclear.error().kind, fault::refused);
}

TEST_F(PullRequest, NoSecretIsInTheAnswer) {
  test::variable token("SCHEDULER_TEST_PR_TOKEN", "a-token-of-some-length");
  c.landing.token_env = "SCHEDULER_TEST_PR_TOKEN";
  c.landing.command = "echo '{\"pr_id\": \"7 other-secret-value\", \"pr_url\": "
                      "\"https://u:'$SCHEDULER_TEST_PR_TOKEN'@host/\"}'";
  auto opened = make({"other-secret-value"})->open(order);
  ASSERT_TRUE(opened) << opened.error().detail;
  EXPECT_EQ(opened->id, "7 [redacted]");
  EXPECT_EQ(opened->url, "https://u:[redacted]@host/");
}

// As of deploys: asked while the open() of a killed run is under way, the command
// would say that nothing is there.
TEST_F(PullRequest, AnOpenOfAKilledRunIsWaitedFor) {
  ASSERT_EQ(::mkfifo((r.folder() / "go").c_str(), 0600), 0);
  c.landing.command = "cd '" + r.folder().string() + R"('
if test $SCHEDULER_ACTION = find; then
  test -e done || exit 3
  echo '{"pr_id": "7", "pr_url": "u"}'
  exit
fi
setsid sh -c 'echo begun >>begun; read -r line <go; : >done' &
wait
)";
  {
    test::other_program killed([&] {
      providers::processes children;
      const auto its_own = providers::git::open(children, r.top());
      if (its_own)
        (void)providers::make_pull_requests({c, *its_own, children, scratch()})->open(order);
      return 0;
    });
    while (!fs::exists(r.folder() / "begun"))
      std::this_thread::yield();
    killed.kill();
  }
  auto p = make();
  auto found = std::async(std::launch::async, [&] { return p->find(order); });
  test::write_file(r.folder() / "go", "go\n");
  const auto there = found.get();
  ASSERT_TRUE(there) << there.error().detail;
  EXPECT_TRUE(*there);
  EXPECT_EQ(test::read_file(r.folder() / "begun"), "begun\n");
}

TEST_F(PullRequest, IsForTheConfiguredBranchOrTheBaseIfThatIsOne) {
  EXPECT_EQ(make()->target().value(), "") << "the base is HEAD";
  c.repo.base = "main";
  EXPECT_EQ(make()->target().value(), "main");
  c.repo.base = base;
  EXPECT_EQ(make()->target().value(), "");
  c.landing.branch = "release";
  EXPECT_EQ(make()->target().value(), "release");
}

TEST_F(PullRequest, IsReadyWithItsRemoteAndItsToken) {
  EXPECT_TRUE(providers::pull_requests_are_ready(c, repository));
  c.landing.push = "upstream";
  auto no_remote = providers::pull_requests_are_ready(c, repository);
  ASSERT_FALSE(no_remote);
  EXPECT_NE(no_remote.error().detail.find("git remote add upstream"), std::string::npos);
  c.landing.push = remote().string();
  EXPECT_FALSE(providers::pull_requests_are_ready(c, repository)) << "an address";
  c.landing.push = "origin";
  c.landing.token_env = "SCHEDULER_TEST_NO_TOKEN";
  auto no_token = providers::pull_requests_are_ready(c, repository);
  ASSERT_FALSE(no_token);
  EXPECT_NE(no_token.error().detail.find("SCHEDULER_TEST_NO_TOKEN"), std::string::npos);
  EXPECT_EQ(make()->find(order).error().code, "no-token");
  c.landing.mode = ledger::landing_mode::none;
  EXPECT_TRUE(providers::pull_requests_are_ready(c, repository));
}

} // namespace
