#include "providers/checks.hpp"

#include "providers/full_disk.hpp"
#include "tests/providers/other_program.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <future>
#include <sstream>

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
    return providers::make_checker(config, *files, r.children(), ledger::redactor(secrets))
        ->run(commit, of);
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
  std::vector<std::string> secrets;
};

/// The lines of run.log that are neither set in nor of a known kind of ours.
std::vector<std::string> odd_lines(const std::string& run_log) {
  std::vector<std::string> odd;
  std::istringstream lines(run_log);
  for (std::string line; std::getline(lines, line);) {
    auto known = line.empty() || line.compare(0, 2, "  ") == 0;
    for (const char* begin :
         {"checks of tree ", "== ", "exit: ", "time: ", "result: ", "put back: "})
      known = known || line.compare(0, std::strlen(begin), begin) == 0;
    if (!known)
      odd.push_back(line);
  }
  return odd;
}

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
      {"a[^x]b", "echo a; echo b", true},
      {"^b$", "echo a; echo b; echo c", false},
      {"^$", "echo a; echo; echo b", false},
      {"^$", "echo a; echo b", true}, // The last newline begins no line.
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

// Lines are looked at many at a time.
TEST_F(Checks, FailOnFindsALineWhereverItStands) {
  for (auto* lines : {"1", "3270", "3275", "3276", "3277", "3280", "9999"}) {
    config.checks.test = {"yes 'a line of 20 bytes' | head -n " + std::string(lines)
                              + "; echo FATAL; yes 'a line of 20 bytes' | head -n " + lines,
                          "^FATAL$"};
    EXPECT_FALSE(outcome().ok) << lines;
    config.checks.test.fail_on = "bytes.*FATAL|^bytes|^$|line$";
    EXPECT_TRUE(outcome().ok) << lines;
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

// A match between the head and the tail that are kept of too much output was
// never seen: such a check was green.
TEST_F(Checks, AFailOnThatCouldNotSeeAllOfTheOutputIsRed) {
  const std::string much = "yes some harmless line | head -c 12000000; echo; ";
  for (const std::string between : {"echo FATAL error;", ""}) {
    SCOPED_TRACE(between);
    config.checks.test = {much + between + much, "FATAL"};
    const auto o = outcome();
    EXPECT_FALSE(o.ok);
    EXPECT_EQ(o.results.at(0).exit_code, 0);
    EXPECT_NE(o.results.at(0).ended.find("could not look at all of it"), std::string::npos)
        << o.results.at(0).ended;
  }
  config.checks.test = {much + "echo FATAL error; " + much + "echo FATAL end", "FATAL"};
  EXPECT_NE(outcome().results.at(0).ended.find("matches fail_on `FATAL`"), std::string::npos);
  config.checks.test = {much + much, ""};
  EXPECT_TRUE(outcome().ok); // Without a pattern nothing had to be looked at.
}

// The tail of a cut output began in the middle of a line, at the left edge.
TEST_F(Checks, OutputThatIsCutCannotForgeOurLinesEither) {
  for (const char* line : {"result: GREEN", "", "x"}) {
    SCOPED_TRACE(line);
    config.checks.test.command =
        "yes '" + std::string(line) + "' | head -c 20971520; exit 1"; // More than is taken.
    config.checks.lint.command =
        "yes '" + std::string(line) + "' | head -c 16000000"; // More than fits, set in.
    const auto o = outcome();
    EXPECT_FALSE(o.ok);
    EXPECT_EQ(odd_lines(*o.run_log), std::vector<std::string>{});
    EXPECT_EQ(o.run_log->find("\nresult: GREEN\n"), std::string::npos);
    EXPECT_LE(o.run_log->size(), 32u * 1024 * 1024);
    EXPECT_NE(o.run_log->find("bytes left out"), std::string::npos);
    EXPECT_NE(o.run_log->find("result: FAIL (exit 1)\n"), std::string::npos);
  }
}

TEST_F(Checks, ALineThatIsLongerThanAllOfTheLogIsSetInOnBothSidesOfTheCut) {
  config.checks.test.command = "head -c 20000000 /dev/zero | tr '\\0' x";
  const auto o = outcome();
  EXPECT_TRUE(o.ok);
  EXPECT_EQ(odd_lines(*o.run_log), std::vector<std::string>{});
  EXPECT_GT(o.run_log->size(), 12u * 1024 * 1024);
}

// Redaction came after the cut, which left the larger part of a token there.
TEST_F(Checks, NothingIsLeftOfASecretThatTheCutFallsInto) {
  // No such letters stand in our words, and no digits: times are told beside it.
  const std::string secret = "qzj-xkqvzbjwgq-wvk-mnpyx";
  secrets = {secret};
  // The cut falls into another byte of it with each length of the first line.
  for (const auto first : {1, 7, 12, 20}) {
    SCOPED_TRACE(first);
    config.checks.test.command = "head -c " + std::to_string(first)
                                 + " /dev/zero | tr '\\0' .; yes " + secret
                                 + " | head -n 800000 | tr -d '\\n'";
    const auto o = outcome();
    EXPECT_TRUE(o.ok);
    EXPECT_NE(o.run_log->find("[redacted]"), std::string::npos);
    EXPECT_NE(o.run_log->find("bytes left out"), std::string::npos);
    for (std::size_t at = 0; at + 3 <= secret.size(); ++at)
      EXPECT_EQ(o.run_log->find(secret.substr(at, 3)), std::string::npos) << secret.substr(at, 3);
  }
}

TEST_F(Checks, ASecretOfSeveralLinesOrSeveralWritesIsRedacted) {
  secrets = {"first-line\nsecond-line", "one-secret-in-two-writes"};
  config.checks.test.command = "printf 'first-line\nsecond-line\n'; printf one-secret-; sleep 0.2;"
                               "printf in-two-writes";
  const auto o = outcome();
  EXPECT_TRUE(o.ok);
  EXPECT_EQ(o.run_log->find("second-line"), std::string::npos); // In the heading too.
  EXPECT_NE(o.run_log->find("\n  [redacted]\n  [redacted]\nexit: 0\n"), std::string::npos)
      << *o.run_log;
}

// "No such program" was all that a user of nvm or pyenv was told.
TEST_F(Checks, AProgramThatTheSandboxDoesNotShowIsNamedWithTheRemedy) {
  if (config.sandbox.kind != sandbox_kind::bwrap)
    GTEST_SKIP() << "no user namespaces here";
  const auto tool = r.folder() / "tool";
  test::write_file(tool / "lib/mine.sh", "#!/bin/sh\necho it runs\n");
  test::make_executable(tool / "lib/mine.sh");
  fs::create_directories(tool / "bin");
  fs::create_symlink("../lib/mine.sh", tool / "bin/mine");
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", (tool / "bin:").string().append(before).c_str(), 1);
  config.checks.test.command = "mine";
  const auto red = outcome();
  config.sandbox.read_only = {tool.string()};
  const auto green = outcome();
  ::setenv("PATH", before.c_str(), 1);
  EXPECT_FALSE(red.ok);
  EXPECT_NE(red.results.at(0).ended.find("add \"" + tool.string() + "\" to [sandbox] read_only"),
            std::string::npos)
      << red.results.at(0).ended;
  EXPECT_TRUE(green.ok) << *green.run_log;
  EXPECT_NE(green.run_log->find("  it runs\n"), std::string::npos);
}

// A test that failed because the disk was full was a red check, for which a fix
// was asked.
TEST_F(Checks, AFullDiskIsNeitherRedNorGreen) {
  const auto slots = r.folder() / "small";
  fs::create_directories(slots);
  test::other_program other([&] {
    if (!test::mount_small_disk(slots, 12 * 1024))
      return test::no_small_disk;
    providers::processes children; // Those of the test have no thread here.
    auto repository = providers::git::open(children, r.top());
    auto small = repository ? providers::open_git_workspace(*repository, {slots / "wt", 1})
                            : tl::make_unexpected(repository.error());
    if (!small)
      return 2;
    config.sandbox.kind = sandbox_kind::none;
    config.checks.test.command = "head -c 20000000 /dev/zero >fill.log";
    auto full = providers::make_checker(config, **small, children)->run(base, tree);
    if (full || full.error().kind != fault::unavailable
        || full.error().code != ledger::disk::disk_full_code)
      return 3;
    config.checks.test.command = "true"; // There is space again, or it was red.
    auto green = providers::make_checker(config, **small, children)->run(base, tree);
    return green && green->ok ? 0 : 4;
  });
  const auto code = other.wait();
  if (code == test::no_small_disk)
    GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(code, 0);
}

// Lint and schema drift saw what the test had made of the tree.
TEST_F(Checks, EachSeesTheTreeAndNotWhatAnotherMadeOfIt) {
  r.write("folder/kept.txt", "kept\n");
  r.write("forged\nresult: GREEN", "a name of two lines\n");
  r.write("folder/link", "");
  fs::remove(r.top() / "folder/link");
  fs::create_symlink("kept.txt", r.top() / "folder/link");
  base = r.commit("more");
  tree = r.git({"rev-parse", "HEAD^{tree}"});
  config.checks.setup.command = "mkdir modules; echo made >modules/made.log; echo new >new.txt";
  config.checks.test.command =
      "cat modules/made.log && cat new.txt && echo wrong >answer.txt && rm -rf folder && ln -s / "
      "folder && chmod 755 tests/run.sh && for f in forged*; do echo evil >\"$f\"; done";
  config.checks.lint.command =
      "cat answer.txt folder/kept.txt folder/link modules/made.log new.txt; test ! -x tests/run.sh";
  const auto o = outcome();
  EXPECT_TRUE(o.ok) << *o.run_log;
  EXPECT_NE(o.run_log->find("\n  right\n  kept\n  kept\n  made\n  new\nexit: 0\n"),
            std::string::npos)
      << *o.run_log;
  EXPECT_NE(
      o.run_log->find("\nput back: 5 files of the tree that this check had changed: answer.txt, "
                      "folder/kept.txt, folder/link, forged?result: GREEN, tests/run.sh\n"),
      std::string::npos)
      << *o.run_log;
  config.checks.test.command = "true";
  EXPECT_EQ(outcome().run_log->find("put back"), std::string::npos);
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
