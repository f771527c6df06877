// The whole conversation, message by message, in a world of fakes.

#include "tests/actors/world.hpp"

#include "ledger/detail.hpp"

#include <fstream>

namespace {

using namespace actors::testing;
using ledger::event;
using ledger::status;
namespace path = ledger::path;

class Pipeline : public world {};

TEST_F(Pipeline, ATaskGoesThroughAllNineStepsToDone) {
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(player->calls, 6);
  EXPECT_EQ(checks.runs, 1);
  EXPECT_EQ(deploys.deploys, 1);
  EXPECT_EQ(files.branches["refs/heads/ai-gated/T"], s.out->commit);
  for (auto p : {path::prompt, path::audit, path::decisions, path::decisions_ok, path::plan,
                 path::apply, path::changes, path::run_log, path::post_audit, path::final_ok,
                 path::final_verify, path::status})
    EXPECT_TRUE(std::filesystem::exists(file("T", p))) << p;
}

TEST_F(Pipeline, EveryRoleReadsTheOthersFromDiskInTheOrderOfTheTable) {
  run_one();
  for (auto& r : player->requests) {
    std::vector<std::string> expected, got;
    for (auto p : ledger::row_of(r.at).reads)
      if (!p.empty() && p != path::any_fix)
        expected.emplace_back(p);
    for (auto& in : r.inputs)
      got.push_back(in.path);
    EXPECT_EQ(got, expected) << to_string(r.at);
  }
}

TEST_F(Pipeline, TheQuestionIsOnRecordBeforeTheProviderIsCalled) {
  bool asked_first = false;
  player->scripts[step::audit] = [&](const providers::request&) {
    asked_first = records_of("T", event::asked).size() == 1;
    return providers::answer{ledger::testing::good_answer(step::audit), 0, {}};
  };
  run_one();
  EXPECT_TRUE(asked_first);
}

TEST_F(Pipeline, NoStepBeginsWithoutItsGrantOnRecord) {
  run_one();
  auto grants = records_of("T", event::granted);
  EXPECT_EQ(grants.size(), 8u); // Audit to deliver, once each.
}

TEST_F(Pipeline, ANoOfClaudeInStepTwoStopsTheTaskAndNothingIsAskedAgain) {
  player->scripts[step::decide] = [](const providers::request&) {
    return providers::answer{ledger::testing::valid_no(step::decide), 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::stopped);
  EXPECT_EQ(s.reason, "claude-said-no");
  EXPECT_EQ(player->calls, 2);
  EXPECT_FALSE(std::filesystem::exists(file("T", path::decisions_ok)));
}

TEST_F(Pipeline, ANoOfTheReviewIsFixedTestedAndReviewedAgain) {
  player->scripts[step::review] = [this](const providers::request& r) {
    if (r.round == 1)
      files.will_be("tree2");
    return providers::answer{r.round == 1 ? ledger::testing::valid_no(step::review)
                                          : ledger::testing::good_answer(step::review),
                             0,
                             {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(s.round, 2u);
  EXPECT_EQ(s.tree, "tree2");
  EXPECT_EQ(checks.runs, 2);
  EXPECT_TRUE(std::filesystem::exists(file("T", "codex/fix-1.md")));
  EXPECT_TRUE(std::filesystem::exists(file("T", "tests/old/run.round-1.log")));
  for (auto& r : player->requests)
    if (r.at == step::test) {
      ASSERT_FALSE(r.evidence.empty());
      EXPECT_NE(r.evidence.front().text->find("Put the menu back"), std::string::npos);
    }
}

TEST_F(Pipeline, RedChecksAreFixedUntilGreen) {
  checks.red = {"tree1", "tree2"};
  player->scripts[step::test] = [this](const providers::request& r) {
    files.will_be("tree" + std::to_string(r.round));
    return providers::answer{ledger::testing::good_answer(step::test), 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(s.round, 3u);
  EXPECT_EQ(checks.runs, 3);
}

TEST_F(Pipeline, ANoOfTheVerificationRevokesTheFinalContract) {
  player->scripts[step::verify] = [this](const providers::request& r) {
    if (r.round == 1)
      files.will_be("tree2");
    return providers::answer{r.round == 1 ? ledger::testing::valid_no(step::verify)
                                          : ledger::testing::good_answer(step::verify),
                             0,
                             {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done);
  EXPECT_TRUE(std::filesystem::exists(file("T", "contract/old/CLAUDE_FINAL_OK.round-1")));
}

TEST_F(Pipeline, AnAnswerThatBreaksARuleIsKeptAndAskedAgainWithTheReason) {
  player->scripts[step::audit] = [](const providers::request& r) {
    return providers::answer{
        r.attempt == 1 ? std::string{} : ledger::testing::good_answer(step::audit), 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done);
  EXPECT_TRUE(std::filesystem::exists(file("T", "gemini/old/audit.rejected-1.md")));
  EXPECT_FALSE(player->requests[1].complaints.empty());
}

TEST_F(Pipeline, AFileOutsideClaudesListVoidsTheStep) {
  player->scripts[step::implement] = [this](const providers::request& r) {
    files.will_be("tree1");
    if (r.attempt == 1)
      files.next.changes.push_back({"000000", "100644", "0", "b", 'A', "src/extra.html"});
    return providers::answer{ledger::testing::good_answer(step::implement), 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done);
  auto voided = records_of("T", event::voided);
  ASSERT_EQ(voided.size(), 1u);
  EXPECT_NE(voided[0].detail.dump().find("src/extra.html"), std::string::npos);
}

TEST_F(Pipeline, ANewNameThatIsATwinOfAFileOfTheBaseVoidsTheStep) {
  player->scripts[step::decide] = [](const providers::request&) {
    return providers::answer{ledger::testing::good_answer(step::decide, "src/PAGE.html"), 0, {}};
  };
  player->scripts[step::plan] = [](const providers::request&) {
    return providers::answer{ledger::testing::good_answer(step::plan, "src/PAGE.html"), 0, {}};
  };
  files.next.changes = {{"000000", "100644", "0", "b", 'A', "src/PAGE.html"}};
  auto s = run_one();
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(records_of("T", event::voided).size(), 3u);
}

TEST_F(Pipeline, ASecretInTheDiffVoidsTheStepAndIsNowhereInTheLedger) {
  const std::string secret = "sk-canary-0123456789";
  w.secrets = ledger::redactor{{secret}};
  player->scripts[step::implement] = [&](const providers::request& r) {
    files.will_be("tree1");
    if (r.attempt == 1)
      files.next.diff = "+" + secret + "\n";
    return providers::answer{
        ledger::testing::good_answer(step::implement) + "\nThe key is " + secret + "\n", 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(records_of("T", event::voided).size(), 1u);
  for (auto& e : std::filesystem::recursive_directory_iterator(root / "ledger")) {
    if (!e.is_regular_file())
      continue;
    std::ifstream in(e.path());
    std::string all{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(all.find(secret), std::string::npos) << e.path();
  }
}

// A deploy's URL with the token in it stood in journal.jsonl and status.json, and
// what a provider said of its usage was filed as it came.
TEST_F(Pipeline, NoSecretIsInTheDetailOfARecord) {
  const std::string secret = "sk-canary-0123456789";
  // The names and digests that the ledger lives on are no secrets, whatever
  // variable holds one of them.
  w.secrets = ledger::redactor{{secret, "refs/heads/ai-gated/T", w.config_digest}};
  for (auto at : {step::audit, step::implement})
    player->scripts[at] = [&, at](const providers::request& r) {
      files.next.hidden.clear();
      if (at == step::implement && r.attempt == 1) // A breach of the scope, told with its name.
        files.next.hidden = {"node_modules/" + secret};
      ledger::json usage{{"url", "https://u:" + secret + "@host/"}, {"list", {1, secret}}};
      usage[secret] = true;
      return providers::answer{ledger::testing::good_answer(at), 0, usage};
    };
  deploys.url = "https://u:" + secret + "@host/";
  deploys.outage = "503 for " + secret;
  deploys.outages = 1;
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(s.out->deploy_url, "https://u:[redacted]@host/");
  EXPECT_EQ(s.branch, "refs/heads/ai-gated/T");
  EXPECT_EQ(s.config_digest, w.config_digest);
  EXPECT_FALSE(records_of("T", event::failed).empty());
  EXPECT_EQ(records_of("T", event::voided).size(), 1u);
  std::size_t read = 0;
  for (auto& e : std::filesystem::recursive_directory_iterator(root / "ledger")) {
    if (!e.is_regular_file())
      continue;
    std::ifstream in(e.path());
    std::string all{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(all.find(secret), std::string::npos) << e.path();
    ++read;
  }
  EXPECT_GE(read, 10u);
}

// A NUL anywhere in a file made its diff binary, and took it out of the search.
TEST_F(Pipeline, ASecretInAFileThatItsDiffDoesNotShowVoidsTheStep) {
  const std::string secret = "sk-canary-0123456789";
  w.secrets = ledger::redactor{{secret}};
  player->scripts[step::implement] = [&](const providers::request& r) {
    files.will_be("tree1");
    files.next.unshown.clear();
    if (r.attempt == 1)
      files.next.unshown = {{"image.bin", std::string(1, '\0') + secret}};
    return providers::answer{ledger::testing::good_answer(step::implement), 0, {}};
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(records_of("T", event::voided).size(), 1u);
}

TEST_F(Pipeline, AnOutageOfTheDeployIsWaitedForAndTheTestsRunAgain) {
  deploys.outages = 1;
  auto s = run_one();
  EXPECT_EQ(s.is, status::done);
  EXPECT_EQ(checks.runs, 2);
  EXPECT_EQ(deploys.deploys, 1);
  EXPECT_EQ(s.round, 1u);
}

TEST_F(Pipeline, WithNothingToBuildAndNowhereToDeployStepEightIsThreeAppends) {
  w.config.deploy.kind = ledger::deploy_kind::none;
  std::set<std::uint64_t> heads; // The last record of each append, of the only task.
  hooks.after_commit = [&](std::uint64_t records) { heads.insert(records); };
  journal.reset();
  open_journal();
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.reason << ": " << s.why;
  EXPECT_EQ(deploys.deploys, 0);
  std::vector<event> ended_with;
  for (auto& r : *journal->records_of("T"))
    if (r.at == step::deliver && heads.contains(r.seq))
      ended_with.push_back(r.what);
  EXPECT_EQ(ended_with, (std::vector{event::intended, event::built, event::finished}));
}

TEST_F(Pipeline, AtMostTasksInFlightAreOpenAtOnce) {
  w.config.limits.tasks_in_flight = 3;
  std::set<std::string> open;
  std::size_t most = 0;
  w.on_record = [&](const std::string& task, const ledger::record& r) {
    if (r.what == event::opened)
      open.insert(task);
    most = std::max(most, open.size());
    if (r.what == event::finished)
      open.erase(task);
  };
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i)
    names.push_back("T" + std::to_string(i));
  start(names);
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ended.size(), 20u);
  EXPECT_LE(most, 3u);
  for (auto& s : report->ended)
    EXPECT_EQ(s->is, status::done);
}

} // namespace
