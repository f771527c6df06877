// Which task may begin when: dependencies, priorities, and scopes that overlap.

#include "tests/program/landing_fixture.hpp"

namespace {

using namespace tests;
using ledger::event;

std::string after(const std::string& tasks) {
  return "---\ndepends_on: [" + tasks + "]\n---\n";
}

/// Where in the whole batch's order a record stands.
std::string time_of(const practice_site& site, const std::string& task, event what,
                    ledger::step at) {
  for (auto& r : site.records(task))
    if (r.what == what && r.at == at)
      return r.time;
  return "(never)";
}

TEST(scheduling, ATaskBeginsOnTheCommitOfTheOneThatItDependsOn) {
  landing_site site("");
  site.edit("B-First", "src/about.html", "s/Three people/Four people/");
  site.edit("A-Second", "src/about.html", "s/Four people/Five people/", after("B-First"));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto first = site.state("B-First"), second = site.state("A-Second");
  EXPECT_EQ(second.base, first.out->commit);
  EXPECT_EQ(site.landed(), (words{first.out->commit, second.out->commit}));
  EXPECT_TRUE(has(site.git({"show", "trunk:src/about.html"}), "Five people"));
  auto shown = site.run({"show", "A-Second"});
  EXPECT_TRUE(has(shown.out, "after B-First")) << shown.out;
}

TEST(scheduling, WithoutALandingBranchItBeginsOnTheNewestOfThem) {
  landing_site site("");
  site.reconfigure("mode = \"branch\"\nbranch = \"trunk\"\n", "mode = \"none\"\n");
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  site.edit("B", "src/about.html", "s/Four people/Five people/", after("A"));
  site.edit("C", "src/about.html", "s/Five people/Six people/", after("A, B"));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.state("C").base, site.state("B").out->commit);
}

TEST(scheduling, DependenciesThatAreApartNeedALandingBranch) {
  landing_site site("");
  site.reconfigure("mode = \"branch\"\nbranch = \"trunk\"\n", "mode = \"none\"\n");
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  site.edit("B", "src/menu.html", "s/Kestrel/Falcon/");
  site.edit("C", "src/about.html", "s/one oven/two ovens/", after("A, B"));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto c = site.state("C");
  EXPECT_EQ(to_string(c.is), "parked");
  EXPECT_TRUE(has(c.why, "[landing]")) << c.why;
}

TEST(scheduling, WhatDependsOnATaskThatFailsIsNotBegunAndSaysWhy) {
  landing_site site("");
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  site.prompt("A", "---\nallow: high\n---\n" + read_file(site.tasks() / "A.md"));
  site.edit("B", "src/menu.html", "s/Kestrel/Falcon/", after("A"));
  site.edit("C", "src/menu.html", "s/Kestrel/Hawk/", after("B"));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(site.states().size(), 1u) << "B or C was begun";
  EXPECT_TRUE(has(e.out, "it depends on A, which is parked")) << e.out;
  EXPECT_TRUE(has(e.out, "it depends on B, which waits itself")) << e.out;
  // Mended, the same command goes on.
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  EXPECT_EQ(site.run({"retry", "A", "--from", "ingest"}).exit_code, 0);
  e = site.batch();
  EXPECT_EQ(to_string(site.state("A").is), "done") << e.out << e.err;
  EXPECT_EQ(to_string(site.state("B").is), "done") << e.out << e.err;
}

TEST(scheduling, ScopesThatOverlapAreWrittenOneAfterTheOtherOthersAtOnce) {
  landing_site site("");
  for (auto* task : {"A", "B", "C"})
    site.edit(task, "src/about.html", fmt::format("s/Three people/Three people, {},/", task));
  site.edit("Free", "src/menu.html", "s/Kestrel/Falcon/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  std::vector<std::pair<std::string, std::string>> spans;
  std::size_t waited = 0;
  for (auto* task : {"A", "B", "C"}) {
    spans.emplace_back(time_of(site, task, event::granted, ledger::step::implement),
                       time_of(site, task, event::landed, ledger::step::deliver));
    waited += has(site.run({"show", task}).out, "which may change the same files");
    EXPECT_EQ(site.times(task, event::placed, "conflict"), 0u) << "it began on an old base";
  }
  std::sort(spans.begin(), spans.end());
  EXPECT_LE(spans[0].second, spans[1].first);
  EXPECT_LE(spans[1].second, spans[2].first);
  EXPECT_GE(waited, 2u);
  EXPECT_TRUE(has(e.err, "they may change the same files")) << e.err;
  EXPECT_TRUE(has(site.git({"show", "trunk:src/about.html"}), "people, ")) << e.err;
}

TEST(scheduling, AKillWhileOthersWaitForAScopeLosesNothing) {
  landing_site site("");
  for (auto* task : {"A", "B"})
    site.edit(task, "src/about.html", fmt::format("s/Three people/Three people, {},/", task));
  for (std::uint64_t n : {12u, 14u, 9u})
    EXPECT_EQ(site.batch_killed_after(n).exit_code, 128 + 9);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.landed().size(), 2u);
  EXPECT_TRUE(leftovers().empty());
}

} // namespace
