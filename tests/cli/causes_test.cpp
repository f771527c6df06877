#include "cli/causes.hpp"

#include <gtest/gtest.h>

namespace {

using lines = std::vector<std::string>;

TEST(Causes, TellsTheLastLinesOfTheCheckThatFailed) {
  std::string log = "checks of tree abc\n"
                    "\n== test: make test\n  fine\nexit: 0\ntime: 1 ms\nresult: PASS\n"
                    "\n== lint: make lint\n  one\n  two\n\n  three\n  four\n  five\n  six\n"
                    "exit: 1\ntime: 2 ms\nresult: FAIL (exit 1)\n"
                    "\n== schema_drift: none\n\nresult: RED\n";
  EXPECT_EQ(cli::telling_lines(log), (lines{"two", "three", "four", "five", "six"}));
  EXPECT_EQ(cli::telling_lines(log, 1), lines{"six"});
}

TEST(Causes, OfAnyOtherLogTellsTheLastLines) {
  EXPECT_EQ(cli::telling_lines("a\nb\n\n", 1), lines{"b"});
  EXPECT_EQ(cli::telling_lines(""), lines{});
  EXPECT_EQ(cli::telling_lines("\x1b[2Jred"), lines{"\\x1b[2Jred"});
}

TEST(Causes, IsWhatTheChangeWasRefusedWithNotThatNoFixWasLeft) {
  ledger::task_state s;
  EXPECT_EQ(cli::cause_of(s).why, "");
  s.cause = ledger::round_cause{
      "checks-red", "red: test (exit 1)", {{"tests/old/run.round-1.log", "ab", 3}}};
  s.refused =
      ledger::refused_step{std::string{ledger::refusal::provider_refused}, "no diff block is left"};
  auto c = cli::cause_of(s);
  EXPECT_EQ(c.why, "checks-red: red: test (exit 1)");
  EXPECT_EQ(c.log, "tests/old/run.round-1.log");
  EXPECT_TRUE(c.is_output);
  s.refused = ledger::refused_step{std::string{ledger::refusal::build_failed}, "exit 2"};
  s.files.put({"final/build.log", "ab", 3});
  c = cli::cause_of(s);
  EXPECT_EQ(c.why, "build-failed: exit 2");
  EXPECT_EQ(c.log, "final/build.log");
}

} // namespace
