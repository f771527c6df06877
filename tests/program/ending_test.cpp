// How a run ends before its tasks do: signals, a disk that fails, a journal
// that somebody damages while it is written.

#include "tests/program/program_fixture.hpp"

#include <algorithm>

namespace {

using namespace tests;

constexpr auto no_checks = R"([checks]
test = "true"
lint = "none"
schema_drift = "none"

[deploy]
kind = "none"
)";

/// Shell: the process id of the scheduler that holds the repository's lock.
std::string scheduler_of(const practice_site& site) {
  return "$(cat " + (site.top() / ".git/scheduler.lock").string() + ")";
}

void write_crowd(practice_site& site, int tasks) {
  for (int i = 0; i < tasks; ++i)
    site.own_prompt("Plain-" + std::to_string(i), "Plain " + std::to_string(i) + ".\n");
}

/// Nothing was recorded that the end of the run made happen, and the next run
/// brings every task to its end.
void expect_taken_up(practice_site& site, std::size_t tasks) {
  for (auto& [task, s] : site.states()) {
    EXPECT_FALSE(s.is == ledger::status::parked || s.is == ledger::status::stopped)
        << task << ": " << s.reason << ": " << s.why;
    for (auto& r : site.records(task))
      EXPECT_FALSE(r.what == ledger::event::failed || r.what == ledger::event::restarted)
          << task << ": " << r.detail.dump();
  }
  EXPECT_EQ(leftovers(), words{});
  auto second = site.batch({"-j", std::to_string(tasks)});
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
  auto states = site.states();
  EXPECT_EQ(states.size(), tasks);
  for (auto& [task, s] : states)
    EXPECT_EQ(to_string(s.is), "done") << task << ": " << s.reason << ": " << s.why;
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

// Ctrl-C ended git under the tasks at work; each took that for a failure of
// its own and recorded it, and a few were parked or filed as corrupt.
TEST(heavy_ending, AnInterruptedCrowdIsTakenUpAsIfNothingHadHappened) {
  practice_site site;
  write_crowd(site, 30);
  // In the middle of step 4: each task has its grants, answers and contract.
  site.env["SCHEDULER_TEST_INTERRUPT_AFTER"] = "480";
  auto first = site.batch({"-j", "30"});
  site.env.clear();
  EXPECT_EQ(first.exit_code, 130) << first.out << first.err;
  EXPECT_TRUE(has(first.out, "interrupted: all is saved")) << first.out;
  EXPECT_FALSE(has(first.err, "the attempt failed")) << first.err;
  expect_taken_up(site, 30);
}

// The journal and the tools were destroyed under the actors that used them:
// the run ended with a crash (139) where exit code 6 was due.
TEST(heavy_ending, ALedgerThatIsLostInACrowdEndsTheRunWithSixAndLosesNothing) {
  practice_site site;
  write_crowd(site, 30);
  site.env["SCHEDULER_TEST_LOSE_AFTER"] = "165";
  auto first = site.batch({"-j", "30"});
  site.env.clear();
  EXPECT_EQ(first.exit_code, 6) << first.out << first.err;
  EXPECT_TRUE(has(first.out, "the ledger ended the run")) << first.out;
  EXPECT_TRUE(has(first.out, "Input/output error")) << first.out;
  EXPECT_TRUE(has(first.out, "Plain-29")) << "where the tasks stand: " << first.out;
  expect_taken_up(site, 30);
}

class ending : public ::testing::Test {
protected:
  /// Checks that do `commands` in place of a test, without a sandbox: they see
  /// the scheduler's process.
  void check_by(const std::string& commands) {
    write_file(site.home() / "check.sh", commands);
    site.configure(
        "[roles.gemini]\nprovider = \"offline\"\n[roles.claude]\nprovider = \"offline\"\n"
        "[roles.codex]\nprovider = \"offline\"\n[sandbox]\nkind = \"none\"\n"
        "[checks]\ntest = \". "
        + (site.home() / "check.sh").string()
        + "\"\nlint = \"none\"\nschema_drift = \"none\"\n[deploy]\nkind = \"none\"\n");
    site.plain_prompt("T");
  }
  practice_site site;
};

class ending_by
    : public ending
    , public ::testing::WithParamInterface<std::string> {};

// While the base was checked a signal had its default effect: the scheduler was
// gone and its check ran on.
TEST_P(ending_by, ASignalDuringTheChecksOnTheBaseEndsThemToo) {
  check_by("kill -" + GetParam() + " " + scheduler_of(site) + "\nexec sleep 600\n");
  for (auto& further : {words{}, words{"--allow-red-base"}}) {
    auto e = site.batch(further);
    EXPECT_EQ(e.exit_code, 130) << e.out << e.err;
    EXPECT_LT(e.took, std::chrono::seconds(60));
    EXPECT_TRUE(has(e.out, "interrupted")) << e.out;
    EXPECT_EQ(leftovers(), words{});
    EXPECT_TRUE(site.states().empty()) << "no task was opened";
  }
}
INSTANTIATE_TEST_SUITE_P(EachThatEndsARun, ending_by, ::testing::Values("INT", "TERM", "HUP"),
                         [](auto& which) { return which.param; });

// The handlers were gone before the children were: a second Ctrl-C killed the
// scheduler while it ended them.
TEST_F(ending, ASecondSignalIsToldThatTheRunIsEndingAndChangesNothing) {
  // From a session of its own: the end of the check does not end it.
  check_by("p=" + scheduler_of(site)
           + "\nsetsid -f sh -c \"kill -INT $p; kill -TERM $p; kill -HUP $p\"\nexec sleep 600\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 130) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "is ending already")) << e.err;
  EXPECT_TRUE(has(e.out, "interrupted")) << e.out;
  EXPECT_EQ(leftovers(), words{});
}

// Every append of the task was refused as damaged, each refusal was to be
// recorded by the next append, and so on: the batch never ended.
TEST_F(ending, AJournalThatIsRemovedDuringTheRunEndsItsTaskOnly) {
  site.play_scripts(no_checks);
  site.prompt("T", "Change `src/index.html`.\n");
  site.prompt("Other", "Change `src/index.html`.\n");
  site.script("T/implement",
              ledger::testing::good_answer(ledger::step::implement, "src/index.html"),
              "rm " + site.file("T", "journal.jsonl").string() + "\n");
  fs::copy(site.scripts() / "default/implement.files", site.scripts() / "T/implement.files",
           fs::copy_options::recursive);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 5) << e.out << e.err;
  EXPECT_LT(e.took, std::chrono::minutes(2));
  EXPECT_TRUE(has(e.out, "T is damaged")) << e.out;
  EXPECT_EQ(to_string(site.state("Other").is), "done");
}

} // namespace
