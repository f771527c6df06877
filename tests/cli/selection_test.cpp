#include "cli/selection.hpp"

#include "cli/forecast.hpp"
#include "tests/cli/told_ledger.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace {

namespace fs = std::filesystem;
using cli::exit_code;
using ledger::step;
using test::has;
using test::telling;

const std::string change = "Say new.\n\n```diff\ndiff --git a/page b/page\n--- a/page\n+++ b/page\n"
                           "@@ -1 +1 @@\n-old\n+new\n```\n";

/// What --dry-run says of a folder of prompts; it selects as a run does.
class Selection : public test::told_ledger {
public:
  Selection() { configure(); }

  void prompt(const std::string& task, const std::string& text = change) {
    test::write_file(repository.folder() / "prompts" / (task + ".md"), text);
  }

  test::said dry_run(bool json = false, std::vector<std::string> only = {}) {
    cli::batch_options o;
    o.repo = top();
    o.tasks = (repository.folder() / "prompts").string();
    o.only = std::move(only);
    auto p = cli::prepare_batch(o, {});
    if (!p)
      return {exit_code::usage, {}, p.error().detail};
    std::ostringstream out, err;
    auto code = cli::dry_run(**p, json, out, err);
    return {code, out.str(), err.str()};
  }
};

TEST_F(Selection, ForecastsATaskThatIsToBeOpened) {
  prompt("A");
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_TRUE(has(s.out, "A     open, then audit\n")) << s.out;
}

std::string after(const std::string& tasks) {
  return "---\ndepends_on: [" + tasks + "]\n---\n" + change;
}

TEST_F(Selection, TasksThatDependOnEachOtherInACircleAreLeftOut) {
  prompt("A", after("B"));
  prompt("B", after("C, Free"));
  prompt("C", after("A"));
  prompt("D", after("A"));
  prompt("Free");
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::needs_person);
  EXPECT_TRUE(has(s.out, "A, B, C, A")) << s.out;
  EXPECT_TRUE(has(s.out, "it depends on A, which is left out (dependency-cycle)")) << s.out;
  EXPECT_TRUE(has(s.out, "Free  open, then audit")) << s.out;
}

TEST_F(Selection, ATaskThatDependsOnWhatIsNowhereIsLeftOut) {
  prompt("A", after("Nowhere"));
  prompt("B", after("A"));
  auto s = dry_run();
  EXPECT_TRUE(has(s.out, "it depends on Nowhere, which is neither a prompt in this folder nor a "
                         "task in the ledger"))
      << s.out;
  EXPECT_TRUE(has(s.out, "it depends on A, which is left out (dependency)")) << s.out;
}

TEST_F(Selection, ATaskThatDependsOnWhatOnlyDoesNotSelectIsLeftOut) {
  prompt("A");
  prompt("B", after("A"));
  auto s = dry_run(false, {"B"});
  EXPECT_TRUE(has(s.out, "it depends on A, which is not selected by --only")) << s.out;
}

// "open, then audit" was said of what was sure to be parked or stopped.
TEST_F(Selection, ForecastsWhatIsSureNotToGoOn) {
  prompt("Front", "---\npriority: high\n---\ntext\n");
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::needs_person);
  EXPECT_TRUE(has(s.out, "Front  be parked: front matter, line 2")) << s.out;
  fs::remove(repository.folder() / "prompts/Front.md");
  prompt("Prose", "Make it nicer.\n");
  prompt("Refuse", "refuse: not today\n" + change);
  s = dry_run();
  EXPECT_EQ(s.code, exit_code::stopped);
  EXPECT_TRUE(has(s.out, "Prose   be stopped at step decide: the prompt has no ```diff block"))
      << s.out;
  EXPECT_TRUE(has(s.out, "not today")) << s.out;
}

TEST_F(Selection, FrontMatterThatNothingCanAllowIsAnError) {
  prompt("Env", "---\nallow: [.env]\n---\n" + change);
  auto s = dry_run();
  EXPECT_TRUE(has(s.out, "be parked: front matter: allow: .env can never be allowed")) << s.out;
}

TEST_F(Selection, AMisspeltOnlyKeyIsNoticed) {
  prompt("Typo", "---\npriorty: 3\n---\n" + change);
  prompt("Prose", "---\nJust a line: with a colon.\n---\n" + change);
  auto s = dry_run();
  EXPECT_TRUE(has(s.out, "note: Typo.md: line 2: `priorty` is no known key")) << s.out;
  EXPECT_FALSE(has(s.out, "note: Prose.md")) << s.out;
}

// Exit 0, and not a word, over a ledger that the run refuses.
TEST_F(Selection, ForecastsDamageWithItsExitCode) {
  tell("A", [](telling& t) {
    t.open(change);
    t.until(step::plan);
  });
  tell("B", [](telling& t) { t.finish(); });
  prompt("A");
  prompt("B", "do it");
  EXPECT_EQ(dry_run().code, exit_code::all_done);
  test::alter(folder("A") / "journal.jsonl");
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "A     not run: damaged: journal.jsonl")) << s.out;
  fs::remove_all(here.ledger_root);
  s = dry_run();
  EXPECT_EQ(s.code, exit_code::damaged) << "signed heads are there, the ledger is not";
}

TEST_F(Selection, ForecastsAsJson) {
  prompt("A");
  prompt("b ad");
  auto j = nlohmann::json::parse(dry_run(true).out);
  EXPECT_EQ(j["dry_run"], true);
  EXPECT_EQ(j["tasks"][0]["would"], "open, then audit");
  EXPECT_EQ(j["left_out"][0]["reason"], "bad-name");
  EXPECT_EQ(j["exit_code"], 1);
}

TEST_F(Selection, ALongNameDoesNotPushTheTableAway) {
  prompt("A");
  prompt(std::string(120, 'b'));
  auto s = dry_run();
  EXPECT_TRUE(has(s.out, "A" + std::string(41, ' ') + "open")) << s.out;
}

// U was skipped without a word because its prompt was gone.
TEST_F(Selection, AnUnfinishedTaskWithoutAPromptIsNamed) {
  prompt("A");
  tell("U", [](telling& t) { t.until(step::plan); });
  tell("Done", [](telling& t) { t.finish(); });
  auto s = dry_run();
  EXPECT_TRUE(has(s.out, "U     not be in this batch: unfinished at step plan; ")) << s.out;
  EXPECT_TRUE(has(s.out, "`scheduler cancel U`")) << s.out;
  EXPECT_FALSE(has(s.out, "Done")) << s.out;
  EXPECT_EQ(s.code, exit_code::all_done) << "it was not selected";
  EXPECT_FALSE(has(dry_run(false, {"A"}).out, "U  ")) << "--only excludes it";
}

// Told only at deliver, as a raw error of git's.
TEST_F(Selection, ABranchInTheWayIsSeenBeforeTheWork) {
  prompt("U");
  prompt("Up");
  repository.git({"update-ref", "refs/heads/ai-gated/U/V", "HEAD"});
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::needs_person);
  EXPECT_TRUE(has(s.out, "be left out: branch-in-the-way: the branch ai-gated/U/V")) << s.out;
  EXPECT_TRUE(has(s.out, "Up    open")) << s.out;
  repository.git({"update-ref", "-d", "refs/heads/ai-gated/U/V"});
  repository.git({"update-ref", "refs/heads/ai-gated", "HEAD"});
  s = dry_run();
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "git branch -m ai-gated")) << s.err;
}

// A note was filed before its secret was known.
TEST_F(Selection, ANoteWithASecretOfTodayIsNotReadByAnybody) {
  tell("A", [](telling& t) {
    t.open(change);
    t.until(step::plan);
    t.park();
    t.add(*ledger::draft_retried(t.state, {}, test::text("use value-of-the-token-1\n")));
  });
  prompt("A");
  EXPECT_EQ(dry_run().code, exit_code::all_done);
  test::environment token(test::environment::values{{"SOME_TOKEN", "value-of-the-token-1"}});
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::needs_person);
  EXPECT_TRUE(has(s.out, "be left out: holds-secret: line 1 of ")) << s.out;
  EXPECT_FALSE(has(s.out, "value-of-the-token")) << s.out;
}

TEST_F(Selection, AWaitingTaskRestsAsLongAsSomebodyWishesIt) {
  configure("[approve]\ndeploy = true\n");
  prompt("A");
  tell("A", [this](telling& t) {
    // Its digest is that of the configuration in force: a changed one takes it up.
    cli::batch_options o;
    o.repo = top();
    o.tasks = (repository.folder() / "prompts").string();
    t.config = (*cli::prepare_batch(o, {}))->config;
    t.open(change);
    t.until(step::deliver);
    t.wait_for_person();
  });
  auto s = dry_run();
  EXPECT_EQ(s.code, exit_code::needs_person) << s.err;
  EXPECT_TRUE(has(s.out, "A     stay waiting")) << s.out;
  // The gate looks at a HUMAN_OK that no record wrote.
  test::write_file(folder("A") / "contract/HUMAN_OK", "HUMAN_OK:A\n");
  EXPECT_TRUE(has(dry_run().out, "A     go on at step deliver")) << dry_run().out;
  fs::remove(folder("A") / "contract/HUMAN_OK");
  configure("[approve]\nimplement = true\n");
  EXPECT_TRUE(has(dry_run().out, "A     go on at step deliver")) << dry_run().out;
  configure("[approve]\ndeploy = true\n[scope]\nschema = [\"x\"]\n");
  EXPECT_TRUE(has(dry_run().out, "A     go on at step deliver")) << dry_run().out;
}

TEST_F(Selection, WithoutAConfigurationTheComplaintIsOneThatCanBeRedirected) {
  prompt("A");
  auto file = repository.top() / "scheduler.toml";
  for (bool empty : {false, true}) {
    fs::remove(file);
    if (empty) // As the shell makes it for `2> scheduler.toml`.
      test::write_file(file, "");
    auto s = dry_run();
    ASSERT_EQ(s.code, exit_code::usage);
    test::write_file(file, s.err);
    EXPECT_EQ(dry_run().code, exit_code::all_done) << s.err;
  }
}

TEST_F(Selection, ANamedConfigurationThatIsNotThereIsOneSentence) {
  prompt("A");
  cli::batch_options o;
  o.repo = top();
  o.tasks = (repository.folder() / "prompts").string();
  o.config = "nope.toml";
  auto p = cli::prepare_batch(o, {});
  ASSERT_FALSE(p);
  EXPECT_TRUE(has(p.error().detail, "--config nope.toml: there is no such file"));
  EXPECT_FALSE(has(p.error().detail, "\n")) << p.error().detail;
}

} // namespace
