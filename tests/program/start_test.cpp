// What keeps a batch from starting, and what is left out of one.

#include "ledger/disk/lock.hpp"
#include "tests/program/program_fixture.hpp"

#include <unistd.h>

namespace {

using namespace tests;

/// Exit 2, a sentence on stderr, nothing on stdout, nothing opened.
void expect_not_started(const practice_site& site, const ended& e, const std::string& sentence) {
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, sentence)) << e.err;
  EXPECT_EQ(e.out, "");
  EXPECT_FALSE(fs::exists(site.ledger()));
  EXPECT_EQ(site.calls(), words{});
}

TEST(start, AHeldRepositoryIsLeftAlone) {
  practice_site site;
  site.plain_prompt("T");
  auto lock = ledger::disk::repository_lock::take(fs::canonical(site.top() / ".git"));
  ASSERT_TRUE(lock) << lock.error().detail;
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 4) << e.err;
  EXPECT_LT(e.took, std::chrono::seconds(30));
  EXPECT_TRUE(has(e.err, std::to_string(::getpid()))) << e.err;
  EXPECT_FALSE(fs::exists(site.ledger()));
}

TEST(start, NeedsAFolderOfPrompts) {
  practice_site site;
  expect_not_started(site, site.run({"--tasks", "nowhere"}), "there is no such folder");
}

TEST(start, NeedsARepository) {
  practice_site site;
  auto e = site.run({"--tasks", site.tasks().string(), "--repo", site.tasks().string()});
  expect_not_started(site, e, "git");
}

TEST(start, NeedsACommit) {
  practice_site site;
  site.plain_prompt("T");
  auto empty = site.home() / "empty";
  fs::create_directories(empty);
  site.git({"init", "-q"}, empty);
  fs::copy(site.top() / "scheduler.toml", empty);
  auto e = site.run({"--tasks", site.tasks().string(), "--repo", empty.string()});
  expect_not_started(site, e, "has no commit yet");
  EXPECT_FALSE(fs::exists(empty / ledger::ledger_root));
}

TEST(start, NamesTheNearestKey) {
  practice_site site;
  site.reconfigure("timeout = \"2m\"", "timeuot = \"2m\"");
  expect_not_started(site, site.batch(), "\"timeuot\"");
  EXPECT_TRUE(has(site.batch().err, "\"timeout\"")) << site.batch().err;
}

TEST(start, SaysHowToWriteAMissingConfiguration) {
  practice_site site;
  fs::remove(site.top() / "scheduler.toml");
  auto e = site.batch();
  expect_not_started(site, e, "scheduler.toml");
  EXPECT_TRUE(has(e.err, "[roles.claude]")) << e.err;
}

// The slots have what is in the blobs: of LFS they would check, and deploy, the
// pointers.
TEST(start, RefusesABaseThatNeedsAFilter) {
  practice_site site;
  site.plain_prompt("T");
  site.commit_file(".gitattributes", "*.html filter=f\n");
  site.git({"config", "filter.f.clean", "cat"});
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "filter=f")) << e.err;
  EXPECT_TRUE(site.states().empty());
  site.git({"config", "--unset", "filter.f.clean"});
  EXPECT_EQ(site.batch().exit_code, 0);
}

TEST(start, ADryRunWritesNothing) {
  practice_site site;
  site.plain_prompt("T");
  auto before = content_below(site.home());
  auto e = site.batch({"--dry-run"});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_TRUE(has(e.out, "T")) << e.out;
  EXPECT_TRUE(has(e.out, "nothing was written and nobody was called")) << e.out;
  EXPECT_EQ(content_below(site.home()), before);
  EXPECT_FALSE(fs::exists(site.calls_file()));
}

TEST(start, ADryRunAfterARunWritesNothingEither) {
  practice_site site;
  site.plain_prompt("T");
  ASSERT_EQ(site.batch().exit_code, 0);
  site.plain_prompt("U");
  auto before = content_below(site.home());
  auto e = site.batch({"--dry-run"});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_TRUE(has(e.out, "stay done")) << e.out;
  EXPECT_TRUE(has(e.out, "open, then audit")) << e.out;
  EXPECT_EQ(content_below(site.home()), before);
}

// A closed pipe killed the batch by SIGPIPE: `2>&1 | head -3` ended it at once.
TEST(start, AReaderWhoGoesAwayDoesNotEndTheBatch) {
  practice_site site;
  for (auto* task : {"A", "B", "C"})
    site.plain_prompt(task);
  auto e = site.shell("\"$0\" --tasks '" + site.tasks().string() + "' 2>&1 | head -1");
  EXPECT_EQ(site.states().size(), 3u) << e.out;
  for (auto& [task, state] : site.states())
    EXPECT_EQ(to_string(state.is), "done") << task;
  EXPECT_EQ(leftovers(), words{});
}

TEST(start, AResultThatCannotBeWrittenIsNoSuccess) {
  practice_site site;
  site.plain_prompt("T");
  ASSERT_EQ(site.batch().exit_code, 0);
  for (std::string command : {"verify", "status", "--help"}) {
    auto e = site.shell("\"$0\" " + command + " >/dev/full");
    EXPECT_NE(e.exit_code, 0) << command;
    EXPECT_TRUE(has(e.err, "could not be written to stdout")) << e.err;
  }
}

TEST(start, AMovedRepositoryGoesOnWithItsTasks) {
  practice_site site;
  site.plain_prompt("T");
  ASSERT_EQ(site.batch().exit_code, 0);
  site.plain_prompt("U");
  auto moved = site.home() / "moved";
  fs::rename(site.top(), moved);
  fs::create_directory(site.top()); // Where the program is started.
  auto e = site.run({"--tasks", site.tasks().string(), "--repo", moved.string()});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "was moved here from " + site.top().string())) << e.err;
  EXPECT_EQ(site.run({"verify", "--repo", moved.string()}).exit_code, 0);
}

TEST(start, ACopyOfARepositoryIsNotStarted) {
  practice_site site;
  site.plain_prompt("T");
  ASSERT_EQ(site.batch().exit_code, 0);
  auto copy = site.home() / "copy";
  fs::copy(site.top(), copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  auto e = site.run({"--tasks", site.tasks().string(), "--repo", copy.string()});
  EXPECT_EQ(e.exit_code, 2) << e.err;
  EXPECT_TRUE(has(e.err, "this repository is a copy")) << e.err;
}

TEST(start, QuietLeavesTheResult) {
  practice_site site;
  site.plain_prompt("T");
  auto e = site.batch({"--quiet"});
  EXPECT_EQ(e.exit_code, 0);
  EXPECT_EQ(e.err, "");
  EXPECT_TRUE(has(e.out, "1 task: 1 done")) << e.out;
}

TEST(start, BadPromptsAreLeftOutAndTheOthersRun) {
  practice_site site;
  site.plain_prompt("Good");
  site.prompt("Bad Name", "text\n");
  site.prompt("Too-Large", std::string(1024 * 1024 + 1, 'x'));
  site.prompt("No-Text", "a\xff\n");
  site.prompt("Empty", " \n");
  fs::create_directories(site.tasks() / "Folder.md");
  site.prompt("good", "differs in case only\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  for (auto what : {"Bad Name.md (bad-name)", "Too-Large.md (too-large)", "No-Text.md (not-text)",
                    "Empty.md (empty)", "Folder.md (not-a-file)", "good.md (duplicate-name)"})
    EXPECT_TRUE(has(e.out, what)) << what << "\n" << e.out;
  auto states = site.states();
  EXPECT_EQ(states.size(), 1u);
  EXPECT_EQ(to_string(site.state("Good").is), "done");
}

TEST(start, AnUnreadablePromptIsLeftOut) {
  if (::geteuid() == 0)
    GTEST_SKIP() << "root reads everything";
  practice_site site;
  site.plain_prompt("Good");
  site.prompt("Closed", "text\n");
  fs::permissions(site.tasks() / "Closed.md", fs::perms::none);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  EXPECT_TRUE(has(e.out, "Closed.md (unreadable)")) << e.out;
  EXPECT_EQ(to_string(site.state("Good").is), "done");
}

} // namespace
