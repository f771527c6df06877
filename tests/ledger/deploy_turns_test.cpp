#include "ledger/deploy_turns.hpp"

#include <gtest/gtest.h>

namespace {

using ledger::deploy_turns;

TEST(DeployTurns, GoInTheOrderOfTheLandings) {
  deploy_turns t;
  t.expect("A");
  t.expect("B");
  t.ask("B");
  EXPECT_EQ(t.next(), std::nullopt) << "A landed before it";
  t.ask("A");
  EXPECT_EQ(t.next(), "A");
  EXPECT_EQ(t.next(), std::nullopt) << "one at a time";
  EXPECT_TRUE(t.has_turn("A"));
  t.over("A");
  EXPECT_FALSE(t.has_turn("A"));
  EXPECT_EQ(t.next(), "B");
}

TEST(DeployTurns, WhoeverLeavesIsNotWaitedFor) {
  deploy_turns t;
  t.expect("A");
  t.ask("B");
  t.over("A");
  EXPECT_EQ(t.next(), "B");
}

TEST(DeployTurns, OneThatFailedDoesNotHoldUpTheOthers) {
  deploy_turns t;
  t.ask("A");
  t.ask("B");
  EXPECT_EQ(t.next(), "A");
  t.over("A");
  t.ask("A");
  EXPECT_EQ(t.next(), "B");
  t.over("B");
  EXPECT_EQ(t.next(), "A");
}

TEST(DeployTurns, AreForProductionOnALandingBranchOnly) {
  ledger::config c;
  EXPECT_FALSE(deploys_in_turn(c));
  c.landing.mode = ledger::landing_mode::branch;
  c.deploy.kind = ledger::deploy_kind::command;
  EXPECT_FALSE(deploys_in_turn(c)) << "previews do not replace one another";
  c.deploy.context = "production";
  EXPECT_TRUE(deploys_in_turn(c));
}

} // namespace
