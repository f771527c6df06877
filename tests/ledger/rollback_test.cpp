// What can be taken back, by which task, and what its prompt says.

#include "ledger/rollback.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ledger;
using known_rollbacks = std::map<std::string, known_rollback>;

task_state landed(const std::string& commit = std::string(40, 'c')) {
  task_state s;
  s.task = "Fix";
  s.is = status::done;
  s.at = step::deliver;
  s.branch = "refs/heads/ai-gated/Fix";
  s.out.edit().commit = commit;
  s.landed = landed_commit{commit, "tree", "base"};
  return s;
}

constexpr rollback_order alice_now() {
  return {};
}

std::string refusal_of(const task_state& s, const known_rollbacks& known = {},
                       bool on_branch = true) {
  auto plan = plan_rollback(s, known, on_branch, alice_now());
  return plan ? "planned as " + plan->task : plan.error().detail;
}

TEST(Rollback, ItsPromptNamesTheCommitAndWhoOrderedIt) {
  auto plan = plan_rollback(landed(), {}, true, {"alice", 1000, 1'700'000'000'000});
  ASSERT_TRUE(plan) << plan.error().detail;
  EXPECT_EQ(plan->task, "Fix.rollback-1");
  EXPECT_EQ(plan->commit, std::string(40, 'c'));
  EXPECT_EQ(commit_taken_back(plan->prompt), plan->commit);
  EXPECT_NE(plan->prompt.find("alice (user id 1000) at 2023-11-14"), std::string::npos)
      << plan->prompt;
}

TEST(Rollback, ANameTellsWhoseChangeIsTakenBack) {
  EXPECT_EQ(rolled_back_by("Fix.rollback-1"), "Fix");
  EXPECT_EQ(rolled_back_by("Fix.rollback-1.rollback-12"), "Fix.rollback-1");
  for (auto* name : {"Fix", "Fix.rollback-", "Fix.rollback-0", "Fix.rollback-01", ".rollback-1",
                     "Fix.rollback-1x", "Fix-rollback-1"})
    EXPECT_EQ(rolled_back_by(name), std::nullopt) << name;
  EXPECT_EQ(rollbacks_of("Fix", {"Fix", "Fix.rollback-10", "Fix.rollback-2", "Fixed.rollback-1",
                                 "Fix.rollback-2.rollback-1"}),
            (std::vector<std::string>{"Fix.rollback-2", "Fix.rollback-10"}));
}

TEST(Rollback, AnUnfinishedOneIsGoneOnWith) {
  auto first = plan_rollback(landed(), {}, true, alice_now());
  ASSERT_TRUE(first);
  for (auto is : {status::running, status::waiting, status::parked, status::stopped}) {
    auto again = plan_rollback(landed(), {{first->task, {first->prompt, is}}}, true, alice_now());
    ASSERT_TRUE(again) << again.error().detail;
    EXPECT_EQ(again->task, first->task);
    EXPECT_EQ(again->prompt, first->prompt);
    EXPECT_EQ(again->commit, first->commit);
  }
  EXPECT_EQ(refusal_of(landed(), {{first->task, {first->prompt, status::cancelled}}}),
            "planned as Fix.rollback-2");
  auto anew = plan_rollback(landed(), {{first->task, {{}, status::running}}}, true, alice_now());
  ASSERT_TRUE(anew) << "sent back to ingest";
  EXPECT_EQ(anew->task, first->task);
  EXPECT_EQ(commit_taken_back(anew->prompt), first->commit);
}

TEST(Rollback, WhatWasTakenBackIsNotTakenBackAgain) {
  auto first = plan_rollback(landed(), {}, true, alice_now());
  ASSERT_TRUE(first);
  known_rollbacks known{{first->task, {first->prompt, status::done}}};
  EXPECT_NE(refusal_of(landed(), known).find("`scheduler rollback Fix.rollback-1` brings it again"),
            std::string::npos)
      << refusal_of(landed(), known);
  EXPECT_EQ(refusal_of(landed(std::string(40, 'd')), known), "planned as Fix.rollback-2")
      << "it landed once more since";
}

TEST(Rollback, OnlyWhatWasDeliveredCanBeTakenBack) {
  auto s = landed();
  s.landed.reset();
  EXPECT_NE(refusal_of(s).find("it did not land"), std::string::npos) << refusal_of(s);
  EXPECT_EQ(refusal_of(s, {}, false), "planned as Fix.rollback-1");
  for (auto is : {status::no_change, status::running, status::parked}) {
    s.is = is;
    EXPECT_NE(refusal_of(s, {}, false).find("nothing of Fix to take back"), std::string::npos);
  }
  s = landed();
  s.is = status::parked;
  EXPECT_EQ(refusal_of(s), "planned as Fix.rollback-1") << "it landed, and its deploy failed";
}

TEST(Rollback, ANameThatWouldBeTooLongIsRefused) {
  auto s = landed();
  s.task = std::string(120, 'x');
  EXPECT_NE(refusal_of(s).find("128 are the most"), std::string::npos) << refusal_of(s);
}

} // namespace
