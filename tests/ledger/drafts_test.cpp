#include "tests/ledger/story.hpp"

#include "ledger/detail.hpp"

#include <set>

using namespace ledger;
using ledger::testing::story;

namespace {

// A journal with three unsigned lines by hand (retried, granted, checked: ok)
// had a red change committed, and nothing was found wrong with it.
TEST(Drafts, WhateverHasWeightIsSignedAndNamesItsTerms) {
  story t;
  t.fix_due();
  t.play();
  ASSERT_EQ(t.state.is, status::done);
  t.add(draft_retried(t.state, step::verify, nullptr).value());
  task_state before;
  before.task = "T";
  std::set<event> seen;
  for (auto& r : t.records) {
    seen.insert(r.what);
    EXPECT_EQ(r.sig.empty(), !is_signed(r.what)) << to_string(r.what);
    if (is_signed(r.what)) {
      EXPECT_TRUE(verifies(t.key.pub(), signed_part(r), r.sig));
      EXPECT_EQ(text_at(r.detail, "repo"), "repo") << to_string(r.what);
      EXPECT_EQ(text_at(r.detail, "task"), "T") << to_string(r.what);
      EXPECT_EQ(text_at(r.detail, "base"), "base0") << to_string(r.what);
      auto bare = r;
      bare.sig.clear();
      EXPECT_FALSE(apply(before, bare)) << to_string(r.what);
    }
    before = apply(before, r).value();
  }
  for (auto e : {event::opened, event::answered, event::accepted, event::said_no, event::checked,
                 event::round_opened, event::intended, event::committed, event::built,
                 event::deploying, event::deployed, event::finished, event::retried})
    EXPECT_TRUE(seen.contains(e) && is_signed(e)) << to_string(e);
}

TEST(Drafts, TheDecisionsContractNamesTheVeryText) {
  story t;
  t.until(step::plan);
  ASSERT_TRUE(t.state.decisions_ok);
  EXPECT_EQ(t.state.decisions_ok->text_sha256, file_of(t.state, path::decisions)->sha256);
  EXPECT_EQ(t.state.decisions_ok->tree, "");
}

TEST(Drafts, TheFinalContractNamesTheVeryTree) {
  story t;
  t.until(step::verify);
  ASSERT_TRUE(t.state.final_ok);
  EXPECT_EQ(t.state.final_ok->tree, "tree1");
  EXPECT_EQ(t.state.final_ok->text_sha256, file_of(t.state, path::post_audit)->sha256);
}

TEST(Drafts, ARoundMovesItsEvidenceToOldAndNumbersIt) {
  story t;
  t.until(step::verify);
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"the menu is gone"});
  t.add(draft_round_opened(t.state));
  for (auto p : {"tests/old/run.round-1.log", "codex/old/changes.round-1.diff",
                 "claude/old/post-implement-audit.round-1.md", "gemini/old/final-verify.round-1.md",
                 "contract/old/CLAUDE_FINAL_OK.round-1"})
    EXPECT_NE(file_of(t.state, p), nullptr) << p;
  ASSERT_GE(t.state.cause->evidence.size(), 3u);
  EXPECT_EQ(t.state.cause->evidence[0].path, "gemini/old/final-verify.round-1.md");
  EXPECT_EQ(t.state.diff_path, "codex/old/changes.round-1.diff")
      << "the candidate can still be rebuilt";
}

TEST(Drafts, ASecondRevocationInOneRoundKeepsBothGenerationsOfAFile) {
  story t;
  t.until(step::deliver);
  t.add(draft_reconfigured(t.state, "d2"));
  t.checks(true);
  t.step_ok();
  t.add(draft_reconfigured(t.state, "d3"));
  int logs = 0;
  for (auto& f : t.state.files)
    logs += f.path.rfind("tests/old/run.", 0) == 0 ? 1 : 0;
  EXPECT_EQ(logs, 2);
}

TEST(Drafts, RetryFromAStepTakesAwayWhatThatStepAndLaterOnesWrote) {
  story t;
  t.until(step::review);
  t.add(draft_parked(t.state, "r", "w", "do"));
  auto d = draft_retried(t.state, step::decide, nullptr);
  ASSERT_TRUE(d);
  t.add(*d);
  EXPECT_EQ(t.state.at, step::decide);
  EXPECT_NE(file_of(t.state, path::audit), nullptr);
  for (auto p :
       {path::decisions, path::decisions_ok, path::plan, path::apply, path::changes, path::run_log})
    EXPECT_EQ(file_of(t.state, p), nullptr) << p;
  EXPECT_FALSE(t.state.decisions_ok);
  EXPECT_EQ(t.state.tree, "");
  t.until(step::deliver);
  t.deliver();
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Drafts, RetryFromIngestKeepsTheOldGenerationUnderOld) {
  story t;
  t.until(step::deliver);
  t.deliver();
  auto d = draft_retried(t.state, step::ingest, nullptr);
  ASSERT_TRUE(d);
  t.add(*d);
  EXPECT_NE(file_of(t.state, "inputs/old/prompt.generation-1.md"), nullptr);
  EXPECT_NE(file_of(t.state, "final/old/status.generation-1.json"), nullptr);
  EXPECT_EQ(t.state.at, step::ingest);
  t.open();
  t.until(step::deliver);
  EXPECT_EQ(t.state.branch_commit, "commit-of-tree1") << "the new commit replaces the old one";
  t.deliver();
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Drafts, RetryCannotSkipForward) {
  story t;
  t.until(step::plan);
  t.add(draft_parked(t.state, "r", "w", "do"));
  EXPECT_FALSE(draft_retried(t.state, step::deliver, nullptr));
}

TEST(Drafts, RetryAfterALostContractBeginsWhereItIsWon) {
  story t;
  t.until(step::implement);
  t.add(draft_stopped(t.state, "contract-missing", "w", "do", {std::string{path::decisions_ok}}));
  auto d = draft_retried(t.state, std::nullopt, nullptr);
  ASSERT_TRUE(d);
  t.add(*d);
  EXPECT_EQ(t.state.at, step::decide);
  t.until(step::deliver);
}

TEST(Drafts, RetryOfAClaudeNoAsksForANewDecisionNotForTheOldOneAgain) {
  story t;
  t.until(step::decide);
  t.grant();
  t.answer("no");
  t.judge_as(judged::said_no, {"no"});
  t.add(draft_stopped(t.state, "claude-said-no", "", ""));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_EQ(t.state.at, step::decide);
  EXPECT_EQ(t.state.ph, phase::ready);
  EXPECT_EQ(file_of(t.state, path::decisions), nullptr);
}

TEST(Drafts, RetryOfADoneTaskNeedsAStep) {
  story t;
  t.until(step::deliver);
  t.deliver();
  EXPECT_FALSE(draft_retried(t.state, std::nullopt, nullptr));
}

TEST(Drafts, StatusJsonHasWhatThePipelineAsksFor) {
  story t;
  t.conf.checks.lint.command = "none";
  t.conf.deploy.kind = deploy_kind::directory;
  t.until(step::deliver);
  t.commit_and_build("c1");
  deploy_outcome o;
  o.ok = true;
  o.deploy_id = "d1";
  o.deploy_url = "file:///srv/T/d1";
  t.add(draft_deployed(t.state, o));
  auto d = draft_finished(t.state, status::done, t.conf, story::start_ms);
  ASSERT_EQ(d.files.size(), 1u);
  EXPECT_EQ(d.files[0].path, path::status);
  auto j = json::parse(*d.files[0].content);
  EXPECT_EQ(j["commitSha"], "c1");
  EXPECT_EQ(j["deployUrl"], "file:///srv/T/d1");
  EXPECT_EQ(j["deployId"], "d1");
  EXPECT_EQ(j["timestamp"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(j["context"], "deploy-preview");
  EXPECT_EQ(j["task"], "T");
  EXPECT_EQ(j["branch"], "refs/heads/ai-gated/T");
  EXPECT_EQ(j["base"], "base0");
  EXPECT_EQ(j["tree"], "tree1");
  EXPECT_EQ(j["rounds"], 1);
  EXPECT_EQ(j["approvedBy"], "offline/none/1");
  ASSERT_EQ(j["deviations"].size(), 1u);
}

TEST(Drafts, TheStatusHasTheContextThatTheServiceSays) {
  story t;
  t.conf.deploy.kind = deploy_kind::netlify_api;
  t.until(step::deliver);
  t.commit_and_build("c1");
  deploy_outcome o;
  o.ok = true;
  o.deploy_id = "d1";
  o.deploy_url = "https://d1--site.netlify.example";
  o.context = "branch-deploy";
  t.add(draft_deployed(t.state, o));
  auto d = draft_finished(t.state, status::done, t.conf, story::start_ms);
  auto j = json::parse(*d.files.at(0).content);
  EXPECT_EQ(j["deployId"], "d1");
  EXPECT_EQ(j["deployUrl"], "https://d1--site.netlify.example");
  EXPECT_EQ(j["context"], "branch-deploy");
}

TEST(Drafts, WithoutADeployKindTheStatusSaysSo) {
  story t;
  t.until(step::deliver);
  t.commit_and_build("c1");
  deploy_outcome o;
  o.ok = true;
  o.nothing_to_do = true;
  t.add(draft_deployed(t.state, o));
  auto d = draft_finished(t.state, status::done, t.conf, story::start_ms);
  auto j = json::parse(*d.files[0].content);
  EXPECT_TRUE(j["deployUrl"].is_null());
  EXPECT_TRUE(j["deployId"].is_null());
  EXPECT_EQ(j["deployed"], false);
}

std::vector<event> events_of(const std::vector<draft>& all) {
  std::vector<event> events;
  for (auto& d : all)
    events.push_back(d.what);
  return events;
}

TEST(Drafts, WhatNeedsNobodysActFollowsAtOnce) {
  story t;
  t.until(step::deliver);
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  t.conf.deploy.kind = deploy_kind::none;
  auto committed = with_what_follows(t.state, draft_committed(t.state, "c1"), t.conf, t.now_ms);
  EXPECT_EQ(events_of(committed), (std::vector{event::committed, event::built}));
  for (auto& d : committed)
    t.add(d);
  auto rest = with_what_follows(t.state, draft_deploying(t.state), t.conf, t.now_ms);
  EXPECT_EQ(events_of(rest), (std::vector{event::deploying, event::deployed, event::finished}));
  auto status_file = json::parse(*rest.back().files.at(0).content);
  EXPECT_EQ(status_file["ledgerHead"], t.state.head) << "the last record before them";
  for (auto& d : rest)
    t.add(d);
  EXPECT_EQ(t.state.is, status::done);
}

TEST(Drafts, NothingFollowsAtOnceWhereSomebodyBuildsOrDeploys) {
  story t;
  t.until(step::deliver);
  t.grant();
  t.add(draft_intended(t.state, 1, ""));
  auto commit = draft_committed(t.state, "c1");
  t.conf.deploy.kind = deploy_kind::none;
  t.conf.deploy.build = "make site";
  EXPECT_EQ(with_what_follows(t.state, commit, t.conf, t.now_ms).size(), 1u);
  t.conf.deploy.kind = deploy_kind::directory;
  t.conf.deploy.build.clear();
  EXPECT_EQ(with_what_follows(t.state, commit, t.conf, t.now_ms).size(), 1u);
  t.add(commit);
  t.add(draft_built(t.state, true, "", nullptr));
  EXPECT_EQ(with_what_follows(t.state, draft_deploying(t.state), t.conf, t.now_ms).size(), 1u);
}

TEST(Drafts, ACommitMessageNamesTaskLedgerHeadAndBase) {
  story t;
  t.until(step::deliver);
  auto m = commit_message(t.state);
  EXPECT_NE(m.find("AI-Gated-Task: T\n"), std::string::npos);
  EXPECT_NE(m.find("AI-Gated-Ledger-Head: " + t.state.head + "\n"), std::string::npos);
  EXPECT_NE(m.find("AI-Gated-Base: base0\n"), std::string::npos);
  EXPECT_NE(m.find("AI-Gated-Approved-By: offline/none/1\n"), std::string::npos);
}

TEST(Drafts, ADeployIdIsAFunctionOfTaskAndCommit) {
  EXPECT_EQ(deploy_id_for("T", "c"), deploy_id_for("T", "c"));
  EXPECT_NE(deploy_id_for("T", "c"), deploy_id_for("U", "c"));
  EXPECT_NE(deploy_id_for("T", "c"), deploy_id_for("T", "d"));
  EXPECT_EQ(deploy_id_for("T", "c").size(), 16u);
}

TEST(Drafts, ARecheckBeforeARetriedDeployKeepsTheFormerLog) {
  story t;
  t.until(step::deliver);
  t.commit_and_build("c");
  t.add(draft_failed(t.state, {fault::unavailable, "503"}));
  t.grant();
  t.checks(true);
  EXPECT_NE(file_of(t.state, "tests/old/run.round-1.log"), nullptr);
  EXPECT_NE(file_of(t.state, path::run_log), nullptr);
}

} // namespace
