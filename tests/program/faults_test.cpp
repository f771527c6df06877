// Roles that throw or hang, signals, and a second scheduler.

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

std::string implement_answer() {
  return ledger::testing::good_answer(ledger::step::implement, "src/index.html");
}

class faults : public ::testing::Test {
protected:
  faults() {
    site.play_scripts(no_checks);
    site.prompt("T", "Change `src/index.html`.\n");
  }
  practice_site site;
};

TEST_F(faults, ARoleThatThrowsIsStartedAgainAndTold) {
  site.prompt("Other", "Change `src/index.html`.\n");
  site.script("T/audit.1.1", "!throw\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(to_string(site.state("T").is), "done");
  auto audits = site.calls();
  audits.erase(std::remove_if(audits.begin(), audits.end(),
                              [](auto& line) { return !has(line, " audit "); }),
               audits.end());
  std::sort(audits.begin(), audits.end());
  EXPECT_EQ(audits, (words{"Other audit 1 1", "T audit 1 1", "T audit 1 2"}));
  auto show = site.run({"show", "T"});
  EXPECT_TRUE(has(show.out, "failed")) << show.out;
  auto other = site.run({"show", "Other"});
  EXPECT_FALSE(has(other.out, "failed")) << other.out;
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

TEST_F(faults, ARoleThatAlwaysThrowsParksItsTaskOnly) {
  site.prompt("Other", "Change `src/index.html`.\n");
  site.script("T/audit", "!throw\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked") << s.why;
  EXPECT_FALSE(s.remedy.empty());
  EXPECT_EQ(to_string(site.state("Other").is), "done");
}

TEST_F(faults, AnInterruptedRunIsTakenUpByTheNext) {
  // The provider interrupts the scheduler and hangs, the first time.
  auto mark = (site.home() / "mark").string();
  site.script("T/implement", implement_answer(),
              "test -e " + mark + " && exit 0\n: >" + mark + "\nkill -INT $PPID\nsleep 600\n");
  fs::copy(site.scripts() / "default/implement.files", site.scripts() / "T/implement.files",
           fs::copy_options::recursive);
  auto first = site.batch();
  EXPECT_EQ(first.exit_code, 130) << first.out << first.err;
  EXPECT_LT(first.took, std::chrono::seconds(60));
  EXPECT_TRUE(has(first.out, "interrupted")) << first.out;
  EXPECT_EQ(leftovers(), words{});
  EXPECT_EQ(to_string(site.state("T").is), "running");
  auto called = site.calls();
  auto second = site.batch();
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
  EXPECT_EQ(to_string(site.state("T").is), "done");
  auto calls = site.calls();
  ASSERT_GT(calls.size(), called.size());
  EXPECT_EQ(calls[called.size()], "T implement 1 1") << "asked again, under the same number";
  EXPECT_EQ(site.worktrees(), words{});
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

// SIGHUP ended the program without a word, and left its children alone.
TEST_F(faults, ATerminalThatHangsUpInterruptsTheRunUnlessThatIsIgnored) {
  site.script("T/implement", implement_answer(), "kill -HUP $PPID\nsleep 600\n");
  fs::copy(site.scripts() / "default/implement.files", site.scripts() / "T/implement.files",
           fs::copy_options::recursive);
  auto first = site.batch();
  EXPECT_EQ(first.exit_code, 130) << first.out << first.err;
  EXPECT_TRUE(has(first.out, "interrupted")) << first.out;
  EXPECT_EQ(leftovers(), words{});
  EXPECT_EQ(to_string(site.state("T").is), "running");
  site.script("T/implement", implement_answer(), "kill -HUP $PPID\n");
  auto second = site.batch_under_nohup();
  EXPECT_EQ(second.exit_code, 0) << second.out << second.err;
  EXPECT_EQ(to_string(site.state("T").is), "done");
}

TEST_F(faults, ASecondSchedulerEndsAtOnce) {
  // The provider starts a second one while the first is at work.
  site.script(
      "T/implement", implement_answer(),
      "cd " + site.top().string() + "\nexport XDG_STATE_HOME=" + (site.home() / "state").string()
          + " XDG_CACHE_HOME=" + (site.home() / "cache").string() + "\n" + PROGRAM + " --tasks "
          + site.tasks().string() + " >../second.out 2>../second.err\necho $? >../second\n");
  fs::copy(site.scripts() / "default/implement.files", site.scripts() / "T/implement.files",
           fs::copy_options::recursive);
  auto first = site.batch();
  EXPECT_EQ(first.exit_code, 0) << first.out << first.err;
  EXPECT_EQ(read_file(site.home() / "second"), "4\n") << read_file(site.home() / "second.err");
  EXPECT_EQ(read_file(site.home() / "second.out"), "");
  EXPECT_EQ(to_string(site.state("T").is), "done");
}

TEST_F(faults, AnAnswerThatIsNoneIsAskedForAgainAndTheTaskParked) {
  site.script("T/decide", "I am not sure.\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked");
  EXPECT_EQ(s.reason, "tries-used") << s.why;
  for (auto name : {"rejected-1", "rejected-2", "rejected-3"})
    EXPECT_TRUE(fs::exists(site.file("T", "claude/old/decisions." + std::string{name} + ".md")))
        << name;
  EXPECT_FALSE(fs::exists(site.file("T", "contract/CLAUDE_DECISIONS_OK")));
}

TEST_F(faults, AChangeOutsideTheScopeIsVoid) {
  auto widely = "echo x >>README.md\n";
  site.script("T/implement", implement_answer(), widely);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked") << s.why;
  EXPECT_TRUE(has(s.why, "README.md")) << s.why;
  EXPECT_EQ(site.branches(), words{});
}

} // namespace
