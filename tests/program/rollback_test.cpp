// What a task delivered is taken back: a revert that lands and is deployed.

#include "tests/program/landing_fixture.hpp"

namespace {

using namespace tests;
using ledger::event;

constexpr auto deployed_below_home = "[deploy]\nkind = \"directory\"\nbuild = \"sh build.sh\"\n"
                                     "publish = \"dist\"\ndirectory = \"../deployed\"\n";

/// Two files, each changed by a task; both landed and are deployed.
struct two_landed : landing_site {
  explicit two_landed(const std::string& checks = "exit 0\n", const std::string& front = {})
      : landing_site("", checks, deployed_below_home) {
    commit_file("src/one.txt", "plain\n");
    commit_file("src/two.txt", "plain\n");
    edit("One", "src/one.txt", "s/plain/done/");
    edit("Two", "src/two.txt", "s/plain/done/", front);
    auto e = batch();
    EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  }

  std::string on_trunk(const std::string& path) const {
    return lines_of(git({"show", "trunk:" + path})).at(0);
  }

  void expect_whole() const {
    EXPECT_EQ(lines_of(git({"rev-list", "--min-parents=2", "trunk"})), words{});
    EXPECT_EQ(red_commits(), words{});
    auto verify = run({"verify"});
    EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
    EXPECT_TRUE(leftovers().empty());
  }
};

TEST(rollback, LandsARevertAndDeploysTheStateBefore) {
  two_landed site;
  auto e = site.run({"rollback", "One"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_TRUE(has(e.out, "One.rollback-1")) << e.out;
  EXPECT_EQ(site.on_trunk("src/one.txt"), "plain");
  EXPECT_EQ(site.on_trunk("src/two.txt"), "done") << "and nothing else";
  auto s = site.state("One.rollback-1");
  EXPECT_EQ(to_string(s.is), "done");
  EXPECT_EQ(site.landed().back(), s.out->commit);
  EXPECT_EQ(site.landed().size(), 3u);
  EXPECT_EQ(site.deploys_of("One.rollback-1"), words{s.out->deploy_id});
  EXPECT_GT(site.seq_of("One.rollback-1", event::checked, ledger::step::test), 0u);
  for (auto& [role, player] : *s.played_by)
    EXPECT_TRUE(has(player, "offline/")) << role << ": " << player;
  auto shown = site.run({"show", "One"}).out;
  EXPECT_TRUE(has(shown, "One.rollback-1: done")) << shown;
  EXPECT_TRUE(has(site.run({"show", "One.rollback-1"}).out, "Takes back"));
  site.expect_whole();
}

TEST(rollback, IsDoneOnceAndCanItselfBeTakenBack) {
  two_landed site;
  EXPECT_EQ(site.run({"rollback", "One"}).exit_code, 0);
  auto again = site.run({"rollback", "One"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_TRUE(has(again.err, "taken back already, by One.rollback-1")) << again.err;
  auto e = site.run({"rollback", "One.rollback-1"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.on_trunk("src/one.txt"), "done");
  site.expect_whole();
}

TEST(rollback, WhatLaterTasksBuiltOnIsNotTakenFromUnderThem) {
  two_landed site;
  site.edit("Later", "src/one.txt", "s/done/done twice/");
  EXPECT_EQ(site.batch().exit_code, 0);
  auto before = site.git({"rev-parse", "trunk"});
  auto e = site.run({"rollback", "One"});
  EXPECT_EQ(e.exit_code, 3) << e.out << e.err;
  EXPECT_TRUE(has(e.out, "what came later changed the same lines of src/one.txt")) << e.out;
  EXPECT_EQ(site.git({"rev-parse", "trunk"}), before);
  EXPECT_EQ(site.run({"rollback", "Later"}).exit_code, 0);
  EXPECT_EQ(site.run({"retry", "One.rollback-1", "--from", "ingest"}).exit_code, 0);
  e = site.run({"rollback", "One"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.on_trunk("src/one.txt"), "plain");
  site.expect_whole();
}

TEST(rollback, OneThatTheChecksForbidDoesNotLand) {
  two_landed site("grep -q plain src/two.txt || grep -q done src/one.txt\n",
                  "---\ndepends_on: [One]\n---\n");
  auto before = site.git({"rev-parse", "trunk"});
  auto e = site.run({"rollback", "One"});
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(to_string(site.state("One.rollback-1").is), "parked");
  EXPECT_EQ(site.git({"rev-parse", "trunk"}), before);
  site.expect_whole();
}

TEST(rollback, AnInterruptedOneIsGoneOnWith) {
  two_landed site;
  site.env["SCHEDULER_TEST_KILL_AFTER"] = "9";
  EXPECT_EQ(site.run({"rollback", "One"}).exit_code, 128 + 9);
  site.env.erase("SCHEDULER_TEST_KILL_AFTER");
  auto batch = site.batch();
  EXPECT_TRUE(has(batch.out, "`scheduler rollback One` goes on with it")) << batch.out;
  auto e = site.run({"rollback", "One"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.states().count("One.rollback-2"), 0u);
  EXPECT_EQ(site.on_trunk("src/one.txt"), "plain");
  EXPECT_EQ(site.landed().size(), 3u);
  site.expect_whole();
}

TEST(rollback, WithoutALandingBranchTheStateBeforeIsDeployedAgain) {
  practice_site site;
  site.plain_prompt("Rye");
  EXPECT_EQ(site.batch().exit_code, 0);
  auto e = site.run({"rollback", "Rye"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto s = site.state("Rye.rollback-1");
  EXPECT_EQ(s.base, site.state("Rye").out->commit);
  EXPECT_EQ(s.tree, site.state("Rye").base_tree);
  EXPECT_EQ(site.deploys_of("Rye.rollback-1"), words{s.out->deploy_id});
}

TEST(rollback, SaysWhyThereIsNothingToTakeBack) {
  practice_site site;
  site.plain_prompt("Rye");
  site.prompt("No", "refuse: never\n");
  EXPECT_EQ(site.batch().exit_code, 3);
  struct row {
    const char *task, *words;
  };
  for (auto& r :
       {row{"No", "it is stopped and delivered nothing"}, row{"Ry", "did you mean `Rye`"}}) {
    auto e = site.run({"rollback", r.task});
    EXPECT_EQ(e.exit_code, 2) << e.out;
    EXPECT_TRUE(has(e.err, r.words)) << e.err;
  }
  site.reconfigure("kind = \"directory\"", "kind = \"none\"");
  auto e = site.run({"rollback", "Rye", "--json"});
  EXPECT_EQ(e.exit_code, 2) << e.out;
  EXPECT_TRUE(has(e.err, "nothing is delivered here")) << e.err;
  EXPECT_TRUE(has(e.out, "\"exit_code\":2")) << e.out;
  site.reconfigure("[deploy]", "[landing]\nmode = \"pr\"\npush = \"origin\"\ncommand = \"true\"\n"
                               "\n[deploy]");
  e = site.run({"rollback", "Rye"});
  EXPECT_EQ(e.exit_code, 2) << e.out;
  EXPECT_TRUE(has(e.err, "close it, or revert it there")) << e.err;
}

} // namespace
