// What a person decides: cancel, retry, another prompt.

#include "tests/program/program_fixture.hpp"

namespace {

using namespace tests;

TEST(people, CancelAndRetryAreARoundTrip) {
  practice_site site;
  site.plain_prompt("T");
  ASSERT_EQ(site.batch_killed_after(7).exit_code, 128 + 9);
  auto cancel = site.run({"cancel", "T"});
  EXPECT_EQ(cancel.exit_code, 0) << cancel.err;
  auto calls = site.calls();
  EXPECT_EQ(site.batch().exit_code, 1);
  EXPECT_EQ(to_string(site.state("T").is), "cancelled");
  EXPECT_EQ(site.calls(), calls) << "a cancelled task went on";
  EXPECT_EQ(site.run({"cancel", "T"}).exit_code, 2);
  auto retry = site.run({"retry", "T"});
  EXPECT_EQ(retry.exit_code, 0) << retry.err;
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_EQ(to_string(site.state("T").is), "done");
  EXPECT_EQ(site.run({"cancel", "T"}).exit_code, 2) << "there is nothing left to cancel";
  EXPECT_EQ(site.run({"retry", "T"}).exit_code, 2);
  EXPECT_EQ(site.run({"retry", "Q"}).exit_code, 2);
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

TEST(people, AChangedPromptIsLeftOutUntilItIsTakenAnew) {
  practice_site site;
  site.plain_prompt("T", "The first text.");
  ASSERT_EQ(site.batch().exit_code, 0);
  auto first = site.commits_of("T");
  ASSERT_EQ(first.size(), 1u);

  site.plain_prompt("T", "The second text.");
  auto calls = site.calls();
  auto left_out = site.batch();
  EXPECT_EQ(left_out.exit_code, 1);
  EXPECT_TRUE(has(left_out.out, "prompt-changed")) << left_out.out;
  EXPECT_TRUE(has(left_out.out, "retry T --from ingest")) << left_out.out;
  EXPECT_EQ(site.calls(), calls);
  EXPECT_EQ(site.commits_of("T"), first);

  auto retry = site.run({"retry", "T", "--from", "ingest"});
  ASSERT_EQ(retry.exit_code, 0) << retry.err;
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto second = site.commits_of("T");
  ASSERT_EQ(second.size(), 1u) << "one commit on the base, not two";
  EXPECT_NE(second, first);
  auto page = site.git({"show", second[0] + ":src/index.html"});
  EXPECT_TRUE(has(page, "The second text."));
  EXPECT_FALSE(has(page, "The first text."));
  EXPECT_TRUE(has(read_file(site.file("T", "inputs/prompt.md")), "The second text."));
  EXPECT_TRUE(
      has(read_file(site.file("T", "inputs/old/prompt.generation-1.md")), "The first text."));
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

TEST(people, ANoteGoesWithTheTask) {
  practice_site site;
  fs::copy(fs::path{SOURCE_ROOT} / "examples/tasks/Half-A-List.md", site.tasks());
  ASSERT_EQ(site.batch().exit_code, 1);
  write_file(site.home() / "note", "Look at Mondays again.\n");
  auto retry = site.run({"retry", "Half-A-List", "--note", (site.home() / "note").string()});
  EXPECT_EQ(retry.exit_code, 0) << retry.err;
  EXPECT_EQ(read_file(site.file("Half-A-List", "inputs/note-1.md")), "Look at Mondays again.\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(to_string(site.state("Half-A-List").is), "parked");
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

} // namespace
