#include "ledger/pull_request.hpp"

#include "tests/ledger/story.hpp"

using namespace ledger;
using ledger::testing::story;

namespace {

/// A task whose commit is built, with landing.mode = "pr".
struct built : story {
  built() {
    conf.landing.mode = landing_mode::pr;
    conf.landing.push = "origin";
    until(step::deliver);
    grant();
    deliver_commit("c1");
  }
  void deliver_commit(const std::string& commit) {
    add(draft_intended(state, now_ms / 1000, state.branch_commit));
    add(draft_committed(state, commit));
    add(draft_built(state, true, "", nullptr));
  }
  void intend(const std::string& target = "main") {
    add(draft_requesting(state, conf.landing.push, target));
  }
  void receive(const std::string& id = "7") {
    add(draft_requested(state, {id, "https://example.org/pull/" + id, false}));
  }
  /// A person sends it back to the checks; what follows goes well.
  void again_from_test() {
    add(draft_parked(state, "r", "w", "do"));
    add(*draft_retried(state, step::test, nullptr));
    until(step::deliver);
    grant();
  }
};

TEST(PullRequest, ComesBehindTheBuildAndBeforeTheDeploy) {
  built t;
  EXPECT_TRUE(t.next_is<write_request_intent>());
  t.intend();
  EXPECT_TRUE(t.next_is<open_request>());
  t.receive();
  EXPECT_TRUE(t.next_is<write_deploy_intent>());
}

TEST(PullRequest, IsNoLanding) {
  built t;
  t.intend();
  t.receive();
  EXPECT_FALSE(t.state.landed);
  EXPECT_FALSE(t.state.out->landed);
  EXPECT_FALSE(t.state.out->placed);
  EXPECT_FALSE(is_landed(t.state));
  EXPECT_TRUE(t.state.out->landing_to.empty());
}

TEST(PullRequest, AKillBetweenIntentAndReceiptGoesOnWithTheSameIntent) {
  built t;
  t.intend("release");
  t.add(draft_resumed(t.state));
  EXPECT_TRUE(t.next_is<ask_for_grant>()) << "the contract is read again first";
  t.grant();
  EXPECT_TRUE(t.next_is<open_request>());
  EXPECT_EQ(t.state.out->request.target, "release");
}

TEST(PullRequest, IsIntendedAnewForAnotherRemoteOrTarget) {
  built t;
  t.intend();
  t.conf.landing.branch = "main";
  EXPECT_TRUE(t.next_is<open_request>());
  t.conf.landing.branch = "release";
  EXPECT_TRUE(t.next_is<write_request_intent>());
  t.conf.landing.branch.clear();
  t.conf.landing.push = "upstream";
  EXPECT_TRUE(t.next_is<write_request_intent>());
  t.intend();
  EXPECT_TRUE(t.next_is<open_request>());
  EXPECT_EQ(t.state.out->request.remote, "upstream");
  EXPECT_EQ(*t.state.pushed, std::vector<std::string>{"c1"});
}

TEST(PullRequest, WhatIsRefusedParksWithTheWordsAndOpensNoRound) {
  built t;
  t.intend();
  t.add(draft_failed(t.state, {fault::refused, "exit 1: no rights", "pull-request-refused"}));
  ASSERT_TRUE(t.next_is<park>());
  auto why = std::get<park>(t.next());
  EXPECT_EQ(why.reason, "pull-request-refused");
  EXPECT_NE(why.why.find("no rights"), std::string::npos) << why.why;
  EXPECT_NE(why.remedy.find("scheduler retry T"), std::string::npos) << why.remedy;
  t.add(draft_parked(t.state, why.reason, why.why, why.remedy));
  t.add(*draft_retried(t.state, std::nullopt, nullptr));
  EXPECT_EQ(t.state.round, 1u);
  EXPECT_EQ(t.state.at, step::deliver);
  t.grant();
  EXPECT_TRUE(t.next_is<open_request>());
}

TEST(PullRequest, AnOutageIsWaitedForWithoutAnotherCheck) {
  built t;
  t.intend();
  t.add(draft_failed(t.state, {fault::unavailable, "exit 75"}));
  EXPECT_TRUE(t.next_is<wait_until>());
  t.now_ms += 60'000;
  EXPECT_TRUE(t.next_is<ask_for_grant>());
  t.grant();
  EXPECT_TRUE(t.next_is<open_request>());
}

TEST(PullRequest, ALaterCommitIsPushedOverTheFormerOnesOfItsOwn) {
  built t;
  t.intend();
  t.receive();
  t.again_from_test();
  EXPECT_TRUE(t.state.out->request.commit.empty());
  ASSERT_TRUE(t.state.request) << "the pull request is there, whatever became of the task";
  t.deliver_commit("c2");
  EXPECT_TRUE(t.next_is<write_request_intent>());
  t.intend();
  EXPECT_EQ(t.records.back().detail["from"], "c1");
  EXPECT_EQ(*t.state.pushed, (std::vector<std::string>{"c1", "c2"}));
  t.receive();
  EXPECT_EQ(t.state.request->commit, "c2");
}

// A killed run may have pushed what has no receipt: the branch at the remote is the
// task's own all the same.
TEST(PullRequest, WhatWasIntendedOnlyMayBeAtTheRemoteToo) {
  built t;
  t.intend();
  t.again_from_test();
  EXPECT_FALSE(t.state.request);
  EXPECT_EQ(*t.state.pushed, std::vector<std::string>{"c1"});
}

TEST(PullRequest, IsNoneOfATaskThatLandedOrWhoseDeployHasBegun) {
  built t;
  t.add(draft_deploying(t.state));
  EXPECT_TRUE(t.next_is<run_deploy>());
  EXPECT_NE(t.refusal_of(draft_requesting(t.state, "origin", "")), "");
  built lands;
  lands.state.out.edit().placed = true;
  lands.add(draft_landing(lands.state, {"b", "origin", "a", "c"}));
  lands.add(draft_landed(lands.state, {}));
  EXPECT_TRUE(lands.next_is<write_deploy_intent>());
  EXPECT_NE(lands.refusal_of(draft_requesting(lands.state, "origin", "")), "");
}

TEST(PullRequest, TakesNoIntentAndNoReceiptThatDoNotFit) {
  built t;
  EXPECT_NE(t.refusal_of(draft_requested(t.state, {"7", "u", false})), "") << "no intent";
  EXPECT_NE(t.refusal_of(draft_requesting(t.state, "", "main")), "") << "no remote";
  auto of_another = draft_requesting(t.state, "origin", "main");
  of_another.detail["commit"] = "c2";
  EXPECT_NE(t.refusal_of(of_another), "");
  t.intend();
  EXPECT_NE(t.refusal_of(draft_requested(t.state, {"", "u", false})), "") << "no id";
  EXPECT_NE(t.refusal_of(draft_requested(t.state, {"7", "", false})), "") << "no address";
  EXPECT_NE(t.refusal_of(draft_landed(t.state, {})), "") << "the receipt of a landing";
  EXPECT_NE(t.refusal_of(draft_landing(t.state, {"b", "origin", "a", "c"})), "");
  auto unsigned_one = draft_requested(t.state, {"7", "u", false});
  unsigned_one.sign = false;
  EXPECT_NE(t.refusal_of(unsigned_one), "");
  t.receive();
  EXPECT_NE(t.refusal_of(draft_requested(t.state, {"8", "v", false})), "") << "twice";
  EXPECT_NE(t.refusal_of(draft_requesting(t.state, "origin", "main")), "") << "it is open";
}

TEST(PullRequest, TheStatusNamesWhatWasPushedAndWhatWasOpened) {
  built t;
  t.intend();
  t.receive();
  t.add(draft_deploying(t.state));
  deploy_outcome o;
  o.ok = o.nothing_to_do = true;
  t.add(draft_deployed(t.state, o));
  auto d = draft_finished(t.state, status::done, t.conf, story::start_ms);
  auto j = json::parse(*d.files.at(0).content)["landing"];
  EXPECT_EQ(j["mode"], "pr");
  EXPECT_EQ(j["branch"], "ai-gated/T");
  EXPECT_EQ(j["remote"], "origin");
  EXPECT_EQ(j["target"], "main");
  EXPECT_EQ(j["commit"], "c1");
  EXPECT_EQ(j["prId"], "7");
  EXPECT_EQ(j["prUrl"], "https://example.org/pull/7");
}

TEST(PullRequest, SaysWhatWonItAndWhereTheEvidenceLies) {
  built t;
  t.conf.checks.lint.command = "none";
  EXPECT_EQ(pull_request_title(t.state), "T: change made and approved through the gated pipeline");
  auto body = pull_request_body(t.state, t.conf);
  for (auto part :
       {"Task `T`", "commit `c1`", "tree `tree1`, on base `base0`", "1 round\n",
        "`CLAUDE_DECISIONS_OK: YES` (record ", "checks green on tree `tree1`", "lint = \"none\"",
        "`CLAUDE_FINAL_OK: YES` for tree `tree1`", "by offline/none/1",
        "`GEMINI_VERIFY_OK: YES` for tree `tree1`", "`.ai-stack-trace/T/`", "`scheduler verify T`"})
    EXPECT_NE(body.find(part), std::string::npos) << part << "\n" << body;
  EXPECT_NE(body.find(t.state.head), std::string::npos);
  EXPECT_EQ(body.find("HUMAN_OK"), std::string::npos);
}

TEST(PullRequest, ItsTokenCountsWithItsModeOnly) {
  landing_config c;
  c.token_env = "GH_TOKEN";
  EXPECT_EQ(token_variable_of(c), "");
  c.mode = landing_mode::pr;
  EXPECT_EQ(token_variable_of(c), "GH_TOKEN");
}

} // namespace
