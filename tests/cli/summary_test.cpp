#include "cli/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <sstream>

namespace {

using cli::batch_summary;
using cli::exit_code;
using ledger::status;
using ledger::task_state;

task_state task(std::string name, status is, std::string reason = {}) {
  task_state t;
  t.task = std::move(name);
  t.is = is;
  t.at = is == status::done ? ledger::step::deliver : ledger::step::review;
  t.reason = std::move(reason);
  if (!t.reason.empty()) {
    t.why = "why of " + t.task;
    t.remedy = "remedy of " + t.task;
  }
  return t;
}

task_state done(std::string name) {
  auto t = task(std::move(name), status::done);
  t.out.edit().commit = "0123456789abcdef0123456789abcdef01234567";
  t.out.edit().deployed = true;
  t.out.edit().deploy_url = "file:///x";
  t.played_by.edit() = {
      {"gemini", "offline/none"}, {"claude", "offline/none"}, {"codex", "other/m"}};
  return t;
}

ledger::config config() {
  ledger::config c;
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
    c.roles[r] = {"offline"};
  c.checks.test.command = c.checks.lint.command = c.checks.schema_drift.command = "true";
  c.deploy.kind = ledger::deploy_kind::directory;
  return c;
}

bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

TEST(Summary, TheFirstExitCodeThatAppliesWins) {
  batch_summary s;
  EXPECT_EQ(exit_code_of(s), exit_code::all_done);
  s.tasks = {done("A"), task("B", status::no_change)};
  EXPECT_EQ(exit_code_of(s), exit_code::all_done);
  s.tasks.push_back(task("C", status::stopped, "contract-missing"));
  EXPECT_EQ(exit_code_of(s), exit_code::stopped);
  s.tasks.push_back(task("D", status::parked, "tries-used"));
  EXPECT_EQ(exit_code_of(s), exit_code::needs_person);
  s.interrupted = true;
  EXPECT_EQ(exit_code_of(s), exit_code::interrupted);
  s.lost = "fsync failed";
  EXPECT_EQ(exit_code_of(s), exit_code::not_writable);
  s.damaged.emplace_back("E", "journal.jsonl: cut off");
  EXPECT_EQ(exit_code_of(s), exit_code::damaged);
}

TEST(Summary, WhoeverIsNeitherDoneNorStoppedNeedsAPerson) {
  for (auto is : {status::parked, status::cancelled, status::waiting, status::running}) {
    batch_summary s;
    s.tasks = {done("A"), task("B", is)};
    EXPECT_EQ(exit_code_of(s), exit_code::needs_person) << to_string(is);
  }
  batch_summary s;
  s.left_out.push_back({"b ad.md", "bad-name", "rename it"});
  EXPECT_EQ(exit_code_of(s), exit_code::needs_person);
}

TEST(Summary, TamperingIsDamageAlthoughTheTaskIsStopped) {
  for (std::string reason : {"contract-forged", "file-missing", "file-altered"}) {
    batch_summary s;
    s.tasks = {task("A", status::stopped, reason), task("B", status::parked, "x")};
    EXPECT_EQ(exit_code_of(s), exit_code::damaged) << reason;
    s.tasks[0].is = status::parked;
    EXPECT_EQ(exit_code_of(s), exit_code::needs_person) << reason;
  }
}

TEST(Summary, TheTableHasALineForEachTaskAndTwoForEachThatNeedsAPerson) {
  batch_summary s;
  s.tasks = {done("A"), task("B", status::parked, "tries-used"),
             task("C", status::stopped, "claude-said-no"),
             task("D", status::cancelled, "cancelled")};
  s.damaged.emplace_back("E", "journal.jsonl: cut off");
  s.left_out.push_back({"b\nad.md", "bad-name", "rename it"});
  auto text = summary_table(s, config());
  EXPECT_TRUE(has(text, "0123456789ab  file:///x\n")) << text;
  EXPECT_FALSE(has(text, "0123456789abc"));
  for (std::string name : {"B", "C", "D"}) {
    EXPECT_TRUE(has(text, ": why of " + name + "\n    remedy: remedy of " + name + "\n")) << text;
  }
  EXPECT_TRUE(has(text, "E is damaged: journal.jsonl: cut off\n    remedy: "));
  EXPECT_TRUE(has(text, "b\\nad.md (bad-name): rename it\n")) << text;
  EXPECT_TRUE(has(text, "4 tasks: 1 done, 1 parked, 1 stopped, 1 cancelled, 1 damaged, 1 left out"))
      << text;
}

TEST(Summary, SaysWhoPlayedWhichRole) {
  batch_summary s;
  s.tasks = {done("A"), done("B")};
  s.tasks[1].played_by.edit()["codex"] = "offline/none";
  auto text = summary_table(s, config());
  EXPECT_TRUE(has(text, "gemini was played by offline/none (2 tasks)\n")) << text;
  EXPECT_TRUE(has(text, "codex was played by offline/none (1 task), other/m (1 task)\n")) << text;
  s.tasks.clear();
  EXPECT_TRUE(has(summary_table(s, config()), "claude was played by nobody yet"));
}

TEST(Summary, RepeatsEveryDeviationAndThatNothingWasDeployed) {
  batch_summary s;
  s.tasks = {done("A")};
  auto c = config();
  for (std::string words : {"lint: none", "schema drift: none", "sandbox: none", "not deployed"})
    EXPECT_FALSE(has(summary_table(s, c), words)) << words;
  c.checks.lint.command = c.checks.schema_drift.command = "none";
  c.sandbox.kind = ledger::sandbox_kind::none;
  c.deploy.kind = ledger::deploy_kind::none;
  for (std::string words : {"lint: none\n", "schema drift: none\n", "sandbox: none\n",
                            "not deployed: deploy.kind is none\n"})
    EXPECT_TRUE(has(summary_table(s, c), words)) << words;
}

TEST(Summary, SaysWhyTheRunEndedEarly) {
  batch_summary s;
  EXPECT_FALSE(has(summary_table(s, config()), "interrupted"));
  s.interrupted = true;
  s.lost = "fsync: Input/output error";
  auto text = summary_table(s, config());
  EXPECT_TRUE(has(text, "interrupted: all is saved"));
  EXPECT_TRUE(has(text, "fsync: Input/output error"));
  EXPECT_EQ(nlohmann::json::parse(summary_json(s))["lost"], "fsync: Input/output error");
}

// A run that a red base ended forgot what it had found before: damage was not
// printed, and the exit code was 2.
TEST(Summary, ARunThatEndsEarlyStillTellsAllAndTheFirstCodeThatApplies) {
  batch_summary s;
  s.ended_early = cli::early_end{exit_code::usage, "red on the base"};
  EXPECT_EQ(exit_code_of(s), exit_code::usage);
  s.left_out.push_back({"b.md", "bad-name", "rename it"});
  EXPECT_EQ(exit_code_of(s), exit_code::usage) << "nothing was started";
  EXPECT_EQ(nlohmann::json::parse(summary_json(s))["error"], "red on the base");
  s.damaged.emplace_back("E", "journal.jsonl: cut off");
  EXPECT_EQ(exit_code_of(s), exit_code::damaged);
  EXPECT_TRUE(has(summary_table(s, config()), "E is damaged: journal.jsonl: cut off"));
}

// "Damaged" had no way out: its remedy was to look at the damage.
TEST(Summary, TheRemedyOfDamageNamesTheFilesOfBothWays) {
  batch_summary s;
  s.damaged.emplace_back("E", "journal.jsonl: cut off");
  s.traces = {"/repo/.ai-stack-trace", "/state/0123.heads"};
  auto text = summary_table(s, config());
  for (auto* words : {"/repo/.ai-stack-trace/E", "/state/0123.heads/E", "ai-gated/E", "backup",
                      "for a person to decide"})
    EXPECT_TRUE(has(text, words)) << words << "\n" << text;
}

TEST(Summary, NamesWhatIsNotInThisBatchWithoutAnEffectOnTheCode) {
  batch_summary s;
  s.tasks = {done("A")};
  s.absent.push_back({"U", "unfinished at step test; U.md is gone"});
  EXPECT_TRUE(has(summary_table(s, config()), "Not in this batch:\n  U: unfinished at step test"));
  EXPECT_EQ(exit_code_of(s), exit_code::all_done);
}

TEST(Summary, ACommitOfATaskThatIsNotDoneIsMarked) {
  batch_summary s;
  s.tasks = {task("B", status::parked, "fix-rounds-used")};
  s.tasks[0].branch_commit = std::string(40, 'c');
  s.evidence["B"] = "    cause: build-failed: exit 1\n";
  auto text = summary_table(s, config());
  EXPECT_TRUE(has(text, "cccccccccccc (unfinished)")) << text;
  EXPECT_TRUE(has(text, "cause: build-failed: exit 1\n    note: its commit cccccccccccc is on "
                        "branch ai-gated/B, but the task is not done: do not merge it\n"))
      << text;
}

TEST(Summary, JsonIsOneLineWithFixedKeys) {
  batch_summary s;
  s.tasks = {done("A"), task("B", status::parked, "tries-used")};
  s.tasks[0].usd = 0.25;
  s.left_out.push_back({"\xff.md", "bad-name", "rename it"});
  s.damaged.emplace_back("E", "gone");
  s.absent.push_back({"U", "unfinished"});
  s.traces.ledger_root = "/r";
  auto text = summary_json(s);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  auto j = nlohmann::ordered_json::parse(text);
  EXPECT_EQ(j["tasks"][0].dump(),
            R"({"task":"A","state":"done","step":"deliver","reason":null,)"
            R"("commit":"0123456789abcdef0123456789abcdef01234567",)"
            R"("deploy_url":"file:///x","pr_url":null,"usd":0.25,"spent":[],"round":1,)"
            R"("why":null,"remedy":null,)"
            R"("branch":null,"branch_commit":null,"folder":"/r/A"})");
  EXPECT_EQ(j["tasks"][1].dump(),
            R"({"task":"B","state":"parked","step":"review",)"
            R"("reason":"tries-used","commit":null,"deploy_url":null,)"
            R"("pr_url":null,"usd":0.0,"spent":[],"round":1,"why":"why of B",)"
            R"("remedy":"remedy of B","branch":null,)"
            R"("branch_commit":null,"folder":"/r/B"})");
  EXPECT_EQ(j["left_out"][0]["reason"], "bad-name");
  EXPECT_EQ(j["damaged"][0]["task"], "E");
  EXPECT_EQ(j["not_in_batch"][0]["task"], "U");
  EXPECT_EQ(j["exit_code"], 5);
}

TEST(Summary, ATableAlignsWhatPeopleSee) {
  EXPECT_EQ(cli::table_of({{"A", "B", "C"}, {"äöü", "", "x"}, {"1"}}), "A    B  C\näöü     x\n1\n");
  EXPECT_EQ(cli::table_of({{"a\nb", "c"}}), "a\\nb  c\n");
  EXPECT_EQ(cli::table_of({}), "");
}

} // namespace
