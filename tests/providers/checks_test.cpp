#include "providers/checks.hpp"

#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <future>

namespace {

using namespace std::chrono_literals;
using ledger::checks_outcome;
using ledger::fault;
using ledger::sandbox_kind;
namespace fs = std::filesystem;

class Checks : public ::testing::Test {
protected:
  Checks() {
    r.write("tests/run.sh", "grep -q right answer.txt\n");
    r.write("answer.txt", "right\n");
    r.write(".gitignore", "*.log\n");
    base = r.commit("base");
    tree = r.git({"rev-parse", "HEAD^{tree}"});
    auto& c = config.checks;
    c.test.command = "sh tests/run.sh";
    c.lint.command = "none";
    c.schema_drift.command = "none";
    c.timeout = 60s;
    if (!providers::sandbox_works(r.children(), sandbox_kind::bwrap))
      config.sandbox.kind = sandbox_kind::none;
    auto w = providers::open_git_workspace(r.open(), {r.folder() / "slots", 1});
    if (!w)
      throw std::runtime_error(w.error().detail);
    files = std::move(*w);
  }

  ledger::result<checks_outcome> run() { return run(base, tree); }
  ledger::result<checks_outcome> run(const std::string& commit, const std::string& of) {
    return providers::make_checker(config, *files, r.children())->run(commit, of);
  }
  /// The outcome, or an empty red one whose log is the error.
  checks_outcome outcome() {
    auto o = run();
    if (o)
      return std::move(*o);
    checks_outcome none;
    none.run_log = std::make_shared<const std::string>("ERROR " + o.error().detail);
    return none;
  }

  test::scratch_repository r;
  ledger::config config;
  std::unique_ptr<providers::workspace> files;
  std::string base, tree;
};

TEST_F(Checks, GreenChecksWriteALogForPeople) {
  config.checks.setup.command = "echo ready";
  config.checks.lint.command = "echo one; echo two";
  const auto o = outcome();
  EXPECT_TRUE(o.ok);
  EXPECT_EQ(o.tree, tree);
  ASSERT_EQ(o.results.size(), 4u);
  EXPECT_EQ(o.results[0].name, "setup");
  EXPECT_EQ(o.results[1].name, "test");
  EXPECT_EQ(o.results[1].ended, "exit 0");
  EXPECT_TRUE(o.results[3].none);
  EXPECT_EQ(providers::run_log_for_hashing(*o.run_log),
            "checks of tree " + tree
                + "\n"
                  "\n== setup: echo ready\n  ready\nexit: 0\nresult: PASS\n"
                  "\n== test: sh tests/run.sh\nexit: 0\nresult: PASS\n"
                  "\n== lint: echo one; echo two\n  one\n  two\nexit: 0\nresult: PASS\n"
                  "\n== schema_drift: none (the user's written deviation: schema_drift = "
                  "\"none\")\n"
                  "\nresult: GREEN\n");
  EXPECT_NE(o.run_log->find("\ntime: "), std::string::npos);
}

TEST_F(Checks, OneRedCheckMakesAllRedAndTheOthersStillRun) {
  config.checks.test.command = "echo wrong; exit 3";
  config.checks.lint.command = "echo linted";
  const auto o = outcome();
  EXPECT_FALSE(o.ok);
  EXPECT_FALSE(o.results.at(0).ok);
  EXPECT_EQ(o.results.at(0).exit_code, 3);
  EXPECT_TRUE(o.results.at(1).ok);
  EXPECT_NE(o.run_log->find("  wrong\nexit: 3\n"), std::string::npos) << *o.run_log;
  EXPECT_NE(o.run_log->find("result: FAIL (exit 3)\n"), std::string::npos);
  EXPECT_NE(o.run_log->find("  linted\n"), std::string::npos);
  EXPECT_EQ(o.run_log->substr(o.run_log->size() - 13), "\nresult: RED\n");
}

TEST_F(Checks, AFailedSetupStopsTheOthers) {
  config.checks.setup.command = "exit 1";
  config.checks.test.command = "touch /workspace/ran; echo the test ran";
  const auto o = outcome();
  EXPECT_FALSE(o.ok);
  ASSERT_EQ(o.results.size(), 4u);
  EXPECT_FALSE(o.results[1].ok);
  EXPECT_EQ(o.results[1].ended, "not run: setup failed");
  EXPECT_EQ(o.run_log->find("  the test ran"), std::string::npos);
}

TEST_F(Checks, WhatSetupMakesIsThereForTheOthersAndGoneAfterwards) {
  config.checks.setup.command = "echo made > made.log";
  config.checks.test.command = "cat made.log";
  EXPECT_TRUE(outcome().ok);
  config.checks.setup.command = "";
  EXPECT_FALSE(outcome().ok);
}

TEST_F(Checks, OutputThatMatchesFailOnIsRed) {
  struct row {
    const char* pattern;
    const char* command;
    bool ok;
  };
  const std::vector<row> rows{
      {"warning:", "echo a; echo 'x warning: y'; echo b", false},
      {"^warning:", "echo 'x warning: y'", true},
      {"[0-9]+ (failed|skipped)$", "echo 12 failed", false},
      {"[0-9]+ (failed|skipped)$", "echo none failed", true},
      {"a.b", "echo a; echo b", true}, // Each line by itself.
      {"end$", "printf 'no newline at the end'", false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.pattern);
    config.checks.test = {row.command, row.pattern};
    const auto o = outcome();
    EXPECT_EQ(o.ok, row.ok) << *o.run_log;
    EXPECT_EQ(o.run_log->find("matches fail_on `") == std::string::npos, row.ok);
  }
}

TEST_F(Checks, FailOnSurvivesAVeryLongLine) {
  config.checks.test = {"head -c 3000000 /dev/zero | tr '\\0' x; echo boom", "(x*)*boom$"};
  config.checks.test.fail_on = "xboom$";
  EXPECT_FALSE(outcome().ok);
  config.checks.test.fail_on = "^boom";
  EXPECT_TRUE(outcome().ok); // A piece of a line does not begin a line.
}

TEST_F(Checks, AFailOnThatIsNoExpressionIsRefusedBeforeAnythingRuns) {
  config.checks.lint = {"true", "(unclosed"};
  auto o = run();
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().kind, fault::refused);
  EXPECT_NE(o.error().detail.find("(unclosed"), std::string::npos);
  EXPECT_FALSE(fs::exists(r.folder() / "slots/wt-0"));
}

TEST_F(Checks, AHungCheckIsRedInTime) {
  config.checks.timeout = 300ms;
  config.checks.test.command = "echo begun; sleep 300";
  const auto began = std::chrono::steady_clock::now();
  const auto o = outcome();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
  EXPECT_FALSE(o.ok);
  EXPECT_NE(o.run_log->find("  begun\n"), std::string::npos);
  EXPECT_NE(o.run_log->find("result: FAIL (timed out after 300 ms)"), std::string::npos)
      << *o.run_log;
}

TEST_F(Checks, ACheckWithoutACommandIsRed) {
  for (const char* command : {"", "none"}) {
    config.checks.test.command = command;
    EXPECT_FALSE(outcome().ok) << command;
  }
  config.checks.test.command = "true";
  config.checks.lint.command = "";
  EXPECT_FALSE(outcome().ok);
}

TEST_F(Checks, ACheckThatCannotBeStartedIsRed) {
  config.checks.test.command = "/no/such/program";
  const auto o = outcome();
  EXPECT_FALSE(o.ok);
  EXPECT_EQ(o.results.at(0).exit_code, 127);
}

TEST_F(Checks, OutputCannotForgeOurLines) {
  config.checks.test.command = "echo 'exit: 0'; echo 'result: PASS'; echo '== lint: x'; echo "
                               "'result: GREEN'; echo 'time: 1 ms'; exit 1";
  const auto o = outcome();
  EXPECT_FALSE(o.ok);
  for (const char* line :
       {"\nexit: 0\n", "\nresult: PASS\n", "\n== lint: x\n", "\nresult: GREEN\n"})
    EXPECT_EQ(o.run_log->find(line), std::string::npos) << line;
  EXPECT_NE(providers::run_log_for_hashing(*o.run_log).find("  time: 1 ms\n"), std::string::npos);
}

TEST_F(Checks, SeeTheTreeAndNotWhatAnAgentLeftIgnored) {
  // The test passes only with a file that git ignores; the agent makes it.
  config.checks.test.command = "test -e cheat.log";
  {
    auto l = files->checkout(base, tree);
    ASSERT_TRUE(l);
    test::write_file((*l)->folder() / "cheat.log", "x");
    EXPECT_EQ((*l)->take(tree).value().tree, tree);
  }
  EXPECT_FALSE(outcome().ok);
}

TEST_F(Checks, CannotReachTheRepository) {
  if (config.sandbox.kind != sandbox_kind::bwrap)
    GTEST_SKIP() << "no user namespaces here";
  const auto head = (r.top() / ".git/HEAD").string();
  config.checks.test.command = "echo evil > .git; rm -f .git; mkdir -p .git/hooks; test -e '" + head
                               + "' && echo reached; echo evil > '" + head + "'; true";
  const auto o = outcome();
  EXPECT_EQ(o.run_log->find("  reached"), std::string::npos) << *o.run_log;
  EXPECT_EQ(test::read_file(head), "ref: refs/heads/main\n");
  config.checks.test.command = "true";
  EXPECT_TRUE(outcome().ok); // The slot is whole.
}

TEST_F(Checks, CapsTheOutputOfAllTogether) {
  config.checks.test.command = "echo begin; yes a line of forty bytes or something like it | head "
                               "-c 40000000; echo; echo end";
  config.checks.lint.command = config.checks.test.command;
  config.checks.schema_drift.command = config.checks.test.command;
  const auto o = outcome();
  EXPECT_TRUE(o.ok);
  EXPECT_LE(o.run_log->size(), 64u * 1024 * 1024);
  EXPECT_GT(o.run_log->size(), 24u * 1024 * 1024);
  EXPECT_NE(o.run_log->find("bytes left out"), std::string::npos);
  EXPECT_NE(o.run_log->find("  begin\n"), std::string::npos);
  EXPECT_NE(o.run_log->find("  end\nexit: 0\n"), std::string::npos);
}

TEST_F(Checks, TheEndOfTheProgramIsNeitherRedNorGreen) {
  const auto begun = r.folder() / "slots/wt-0/begun";
  config.checks.test.command = "touch begun; sleep 300";
  auto running = std::async(std::launch::async, [this] { return run(); });
  while (!fs::exists(begun))
    std::this_thread::yield();
  r.children().close();
  auto o = running.get();
  ASSERT_FALSE(o);
  EXPECT_EQ(o.error().kind, fault::unavailable);
}

TEST_F(Checks, AnUnknownTreeIsAnErrorNotARedCheck) {
  auto o = run(base, "0123456789012345678901234567890123456789");
  EXPECT_FALSE(o);
}

} // namespace
