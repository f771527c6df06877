// Where deploys replace what is live, none takes away what came later.

#include "tests/program/landing_fixture.hpp"

namespace {

using namespace tests;

/// Deploys say whose they are, line by line. `before` is shell that may end one.
struct production : landing_site {
  explicit production(const std::string& before = {})
      : landing_site("review = \"patch\"\n", "exit 0\n",
                     "[deploy]\nkind = \"command\"\ncontext = \"production\"\n"
                     "build = \"mkdir dist && cp -r src/. dist\"\ncommand = '''\n"
                     "home=$(dirname \"$HOME\"); deploys=$home/deploys\n"
                         + before
                         + "if [ \"$SCHEDULER_ACTION\" = find ]; then exit 3; fi\n"
                           "echo \"$SCHEDULER_TASK\" >> \"$deploys\"\n"
                           "printf '{\"deploy_id\": \"id-%s\", \"deploy_url\": \"live\"}\\n' "
                           "\"$SCHEDULER_TASK\"\n'''\n") {}

  void task(const std::string& name) {
    commit_file("src/" + name + ".txt", "plain\n");
    edit(name, "src/" + name + ".txt", "s/plain/done/");
  }
  words deploys() const { return lines_of(read_file(home() / "deploys")); }
  words landed_tasks() const {
    words names;
    for (auto& commit : landed())
      for (auto& [name, s] : states())
        if (s.out->commit == commit)
          names.push_back(name);
    return names;
  }
};

TEST(production, DeploysGoInTheOrderOfTheLandings) {
  production site;
  for (auto* name : {"A", "B", "C"})
    site.task(name);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.deploys(), site.landed_tasks());
  EXPECT_EQ(site.deploys().size(), 3u);
}

// The first who deploys fails until another has: it would put back what was before.
TEST(production, OneThatALaterDeployOvertookIsLiveWithThat) {
  production site("if [ ! -e $home/first ]; then echo $SCHEDULER_TASK > $home/first; fi\n"
                  "if [ $SCHEDULER_ACTION = deploy ] && [ $(cat $home/first) = $SCHEDULER_TASK ] "
                  "&& [ ! -s $deploys ]; then exit 75; fi\n");
  site.task("A");
  site.task("B");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  ASSERT_EQ(site.deploys().size(), 1u);
  auto later = site.deploys().at(0), first = std::string{later == "A" ? "B" : "A"};
  EXPECT_EQ(site.landed_tasks(), (words{first, later}));
  auto s = site.state(first);
  EXPECT_EQ(s.out->deployed_with, later);
  EXPECT_EQ(s.out->deploy_id, "id-" + later);
  auto status = ledger::json::parse(read_file(site.file(first, "final/status.json")));
  EXPECT_EQ(status["deployedWith"], later);
  EXPECT_TRUE(has(site.run({"show", first}).out, "with the later change of " + later));
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
}

TEST(production, WhatAnEarlierRunMadeLiveIsNotTakenAway) {
  production site("if [ -e $home/broken ] && [ $(cat $home/broken) = $SCHEDULER_TASK ]; then "
                  "echo nonsense; exit 0; fi\n");
  write_file(site.home() / "broken", "A\n");
  site.task("A");
  EXPECT_EQ(site.batch().exit_code, 1);
  EXPECT_EQ(to_string(site.state("A").is), "parked") << site.state("A").why;
  EXPECT_EQ(site.landed_tasks(), words{"A"});
  site.edit("B", "src/A.txt", "s/done/done twice/");
  EXPECT_EQ(site.batch().exit_code, 1) << "A is parked still";
  EXPECT_EQ(site.deploys(), words{"B"});
  fs::remove(site.home() / "broken");
  EXPECT_EQ(site.run({"retry", "A"}).exit_code, 0);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.deploys(), words{"B"});
  EXPECT_EQ(site.state("A").out->deployed_with, "B");
}

// A preview of a later commit counted as live: the task was done, and production
// had nothing of it.
TEST(production, APreviewOfAnEarlierRunIsNotWhatIsLive) {
  production site("if [ -e $home/broken ] && [ $(cat $home/broken) = $SCHEDULER_TASK ]; then "
                  "echo nonsense; exit 0; fi\n");
  site.reconfigure("context = \"production\"", "context = \"deploy-preview\"");
  write_file(site.home() / "broken", "A\n");
  site.task("A");
  EXPECT_EQ(site.batch().exit_code, 1);
  site.edit("B", "src/A.txt", "s/done/done twice/");
  EXPECT_EQ(site.batch().exit_code, 1) << "A is parked still";
  EXPECT_EQ(site.deploys(), words{"B"});
  fs::remove(site.home() / "broken");
  site.reconfigure("context = \"deploy-preview\"", "context = \"production\"");
  EXPECT_EQ(site.run({"retry", "A"}).exit_code, 0);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.deploys(), (words{"B", "A"}));
  EXPECT_EQ(site.state("A").out->deployed_with, "");
}

// Elsewhere production is refused while a role is offline.
TEST(production, ARollbackGoesThereThoughNoModelIsAsked) {
  production site;
  site.task("A");
  EXPECT_EQ(site.batch().exit_code, 0);
  auto e = site.run({"rollback", "A"});
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.deploys(), (words{"A", "A.rollback-1"}));
}

} // namespace
