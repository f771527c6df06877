// Many finished tasks become one linear branch on which every commit is green.

#include "tests/program/landing_fixture.hpp"

#include <iostream>

namespace {

using namespace tests;
using ledger::event;

std::string numbered_lines(int n) {
  std::string text;
  for (int i = 1; i <= n; ++i)
    text += fmt::format("item {}: plain\n", i);
  return text;
}

void expect_linear_and_green(const landing_site& site) {
  EXPECT_EQ(lines_of(site.git({"rev-list", "--min-parents=2", "trunk"})), words{});
  EXPECT_EQ(site.red_commits(), words{});
  std::set<std::string> commits;
  for (auto& [task, s] : site.states()) {
    EXPECT_EQ(to_string(s.is), "done") << task << ": " << s.why;
    commits.insert(s.out->commit);
  }
  auto landed = site.landed();
  EXPECT_EQ(std::set<std::string>(landed.begin(), landed.end()), commits);
  EXPECT_EQ(landed.size(), commits.size());
  auto verify = site.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
  EXPECT_TRUE(leftovers().empty());
}

TEST(landing, ATaskWhoseBaseIsTheTipLandsAsItIs) {
  landing_site site("");
  site.edit("T", "src/about.html", "s/Three people/Four people/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(site.landed(), words{s.out->commit});
  EXPECT_EQ(site.times("T", event::placed, "as-is"), 1u);
  auto status = ledger::json::parse(read_file(site.file("T", "final/status.json")));
  EXPECT_EQ(status["landing"]["branch"], "trunk");
  EXPECT_EQ(status["landing"]["review"], "tree");
  EXPECT_EQ(status["landing"]["testedTree"], s.tree);
  expect_linear_and_green(site);
}

TEST(landing, NeighbouringLinesLandOneAfterTheOther) {
  landing_site site("");
  site.commit_file("src/list.txt", numbered_lines(6));
  for (int i = 1; i <= 6; ++i)
    site.edit(fmt::format("T{}", i), "src/list.txt",
              fmt::format("s/^item {}: plain/item {}: done/", i, i));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  expect_linear_and_green(site);
  auto list = site.git({"show", "trunk:src/list.txt"});
  EXPECT_FALSE(has(list, "plain")) << list;
}

// Two that wait for a person hold no scope, so both were made on the same base.
TEST(landing, WhatClashesIsFixedOnTheNewBaseAndLands) {
  landing_site site("", "exit 0\n", "[approve]\ndeploy = true\n");
  site.commit_file("src/list.txt", numbered_lines(2));
  for (int i : {1, 2})
    site.edit(fmt::format("T{}", i), "src/list.txt",
              fmt::format("s/^item {}: plain/item {}: done/", i, i));
  EXPECT_EQ(site.batch().exit_code, 1) << "both wait";
  for (int batches = 0; batches < 3; ++batches) {
    for (auto& [task, s] : site.states()) {
      if (s.is != ledger::status::waiting)
        continue;
      EXPECT_EQ(site.run({"approve", task}).exit_code, 0);
    }
    site.batch();
  }
  expect_linear_and_green(site);
  EXPECT_FALSE(has(site.git({"show", "trunk:src/list.txt"}), "plain"));
  auto clashed = site.times("T1", event::placed, "conflict") == 1 ? "T1" : "T2";
  EXPECT_EQ(site.times(clashed, event::placed, "conflict"), 1u);
  EXPECT_EQ(site.state(clashed).round, 2u);
  EXPECT_TRUE(has(read_file(site.file(clashed, "final/old/landing.round-1.log")), "both versions"));
}

TEST(landing, AnApprovalIsCarriedOverAsTheReviewIs) {
  landing_site site("review = \"patch\"\n", "exit 0\n", "[approve]\ndeploy = true\n");
  for (auto* name : {"one", "two"}) {
    site.commit_file(fmt::format("src/{}.txt", name), "plain\n");
    site.edit(name, fmt::format("src/{}.txt", name), "s/plain/done/");
  }
  EXPECT_EQ(site.batch().exit_code, 1) << "both wait";
  for (auto* name : {"one", "two"})
    EXPECT_EQ(site.run({"approve", name}).exit_code, 0);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto carried =
      site.times("one", event::placed, "patch") + site.times("two", event::placed, "patch");
  EXPECT_EQ(carried, 1u);
  expect_linear_and_green(site);
}

/// Red if a file says `left` and another `right`.
constexpr auto never_both = R"(if grep -q left src/one.txt && grep -q right src/two.txt; then
  echo "left and right together"
  exit 1
fi
)";

TEST(landing, TwoThatAreGreenAloneAndRedTogetherNeverMakeTheBranchRed) {
  for (auto review : {"tree", "patch"}) {
    SCOPED_TRACE(review);
    landing_site site(fmt::format("review = \"{}\"\n", review), never_both);
    site.commit_file("src/one.txt", "plain\n");
    site.commit_file("src/two.txt", "plain\n");
    site.edit("A", "src/one.txt", "s/plain/left/");
    site.edit("B", "src/two.txt", "s/plain/right/");
    site.prompt("A", read_file(site.tasks() / "A.md") + "Fix: s/left/middle/\n");
    site.prompt("B", read_file(site.tasks() / "B.md") + "Fix: s/right/middle/\n");
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
    expect_linear_and_green(site);
    auto rounds = site.state("A").round + site.state("B").round;
    EXPECT_EQ(rounds, 3u) << "one of them was fixed";
    EXPECT_TRUE(has(site.git({"show", "trunk:src/one.txt", "trunk:src/two.txt"}), "middle"));
  }
}

std::string lines_around(int n) {
  return fmt::format("s/^item {}: plain/item {}: done/", n, n);
}

/// SCHEDULER_TEST_TASKS=50 shows more, and takes minutes.
int how_many() {
  auto* given = std::getenv("SCHEDULER_TEST_TASKS");
  return given ? std::stoi(given) : 12;
}

// The naive way runs the checks twice for each task: on its base, and on the
// branch; and again for each that another overtook.
TEST(heavy_landing, ManyTasksOnNeighbouringLinesBecomeOneGreenBranch) {
  const int tasks = how_many(), near = tasks * 2 / 5;
  for (auto review : {"tree", "patch"}) {
    SCOPED_TRACE(review);
    landing_site site(fmt::format("review = \"{}\"\n", review),
                      fmt::format("! grep -q '<<<<<<<' src/*.txt "
                                  "&& test $(grep -c . src/list.txt) = {}\n",
                                  near));
    site.commit_file("src/list.txt", numbered_lines(near));
    for (int i = 1; i <= near; ++i)
      site.edit(fmt::format("Near-{}", i), "src/list.txt", lines_around(i));
    for (int i = 1; i <= tasks - near; ++i) {
      site.commit_file(fmt::format("src/page{}.txt", i), "plain\n");
      site.edit(fmt::format("Page-{}", i), fmt::format("src/page{}.txt", i), "s/plain/done/");
    }
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, 0) << e.out << e.err.substr(0, 4000);
    expect_linear_and_green(site);
    EXPECT_EQ(site.landed().size(), static_cast<std::size_t>(tasks));
    EXPECT_FALSE(has(site.git({"show", "trunk:src/list.txt"}), "plain"));
    std::size_t clashes = 0, carried = 0, anew = 0;
    for (auto& [task, s] : site.states()) {
      clashes += site.times(task, event::placed, "conflict");
      anew += site.times(task, event::placed, "anew");
      carried += site.times(task, event::placed, "patch");
    }
    std::cout << review << ": " << site.check_runs(e) << " check runs for " << tasks
              << " tasks (naive: " << 2 * tasks << " and " << clashes << " for the fixes); "
              << clashes << " clashed, " << anew << " gone through again, " << carried
              << " reviews carried" << std::endl;
  }
}

TEST(landing, ABranchThatIsCheckedOutIsRefusedWithTheRemedy) {
  landing_site site("");
  site.git({"branch", "trunk"});
  auto folder = (site.home() / "elsewhere").string();
  site.git({"worktree", "add", "-q", folder, "trunk"});
  site.edit("T", "src/about.html", "s/Three people/Four people/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, folder) && has(e.err, "update_checkout")) << e.err;
  EXPECT_TRUE(site.states().empty());
  auto foreseen = site.batch({"--dry-run"});
  EXPECT_EQ(foreseen.exit_code, 2) << foreseen.out;
  EXPECT_TRUE(has(foreseen.out, "landing: would be refused") && has(foreseen.out, folder))
      << foreseen.out;
  site.git({"worktree", "remove", folder});
  foreseen = site.batch({"--dry-run"});
  EXPECT_EQ(foreseen.exit_code, 0) << foreseen.out << foreseen.err;
  EXPECT_TRUE(has(foreseen.out, "landing: on trunk, in trains of 8")) << foreseen.out;
}

TEST(landing, ACleanCheckoutFollowsIfItMay) {
  landing_site site("update_checkout = true\n");
  site.git({"branch", "trunk"});
  auto folder = (site.home() / "elsewhere").string();
  site.git({"worktree", "add", "-q", folder, "trunk"});
  site.edit("T", "src/about.html", "s/Three people/Four people/");
  write_file(fs::path{folder} / "src/index.html", "mine\n");
  EXPECT_EQ(site.batch().exit_code, 2);
  site.git({"checkout", "-q", "--", "src/index.html"}, folder);
  write_file(fs::path{folder} / "notes.txt", "untracked\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_TRUE(has(read_file(fs::path{folder} / "src/about.html"), "Four people"));
  EXPECT_EQ(read_file(fs::path{folder} / "notes.txt"), "untracked\n");
  EXPECT_EQ(site.git({"status", "--porcelain", "--untracked-files=no"}, folder), "");
}

struct with_remote : landing_site {
  explicit with_remote(const std::string& landing = {})
      : landing_site("push = \"origin\"\n" + landing) {
    git({"init", "-q", "--bare", remote().string()});
    git({"remote", "add", "origin", remote().string()});
  }
  fs::path remote() const { return home() / "remote.git"; }
  std::string remote_trunk() const {
    return lines_of(git({"rev-parse", "refs/heads/trunk"}, remote())).at(0);
  }
  /// Somebody else pushes a commit to the branch.
  void somebody_pushes(const std::string& file) const {
    auto folder = (home() / ("clone-" + file)).string();
    git({"clone", "-q", "-b", "trunk", remote().string(), folder});
    write_file(fs::path{folder} / file, "theirs\n");
    git({"add", "--all"}, folder);
    git({"-c", "user.name=S", "-c", "user.email=s@example.org", "commit", "-q", "-m", "theirs"},
        folder);
    git({"push", "-q", "origin", "trunk"}, folder);
  }
};

TEST(landing, ItIsPushedAndSurvivesARemoteThatMoved) {
  with_remote site;
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.remote_trunk(), site.state("A").out->commit);
  site.somebody_pushes("theirs.txt");
  auto theirs = site.remote_trunk();
  site.edit("B", "src/about.html", "s/one oven/two ovens/");
  e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto b = site.state("B");
  EXPECT_EQ(site.remote_trunk(), b.out->commit);
  EXPECT_EQ(lines_of(site.git({"rev-parse", "trunk"})), words{b.out->commit});
  EXPECT_EQ(b.base, theirs);
  auto all = site.git({"show", "trunk:src/about.html"});
  EXPECT_TRUE(has(all, "Four people") && has(all, "two ovens")) << all;
}

TEST(landing, BranchesThatWentApartAreRefusedWithTheRemedy) {
  with_remote site;
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  EXPECT_EQ(site.batch().exit_code, 0);
  site.somebody_pushes("theirs.txt");
  site.git({"branch", "-f", "trunk", "main"});
  site.git({"commit-tree", "main^{tree}", "-p", "main", "-m", "apart"});
  auto apart = lines_of(site.git({"commit-tree", "main^{tree}", "-p", "main", "-m", "apart"}));
  site.git({"branch", "-f", "trunk", apart.at(0)});
  site.edit("B", "src/about.html", "s/one oven/two ovens/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "bring them together first")) << e.err;
}

TEST(landing, AChangeThatLandedFromElsewhereEndsWithoutAChange) {
  landing_site site("");
  site.edit("A", "src/about.html", "s/Three people/Four people/");
  site.edit("B", "src/about.html", "s/Three people/Four people/");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  std::set<std::string> ends;
  for (auto& [task, s] : site.states())
    ends.insert(std::string{to_string(s.is)});
  EXPECT_EQ(ends, (std::set<std::string>{"done", "no-change"}));
  EXPECT_EQ(site.landed().size(), 1u);
}

// Killed after each record in turn: one commit, one move of the branch, one push.
TEST(heavy_landing, KilledAfterAnyRecordOfALandingItLandsOnce) {
  with_remote reference;
  reference.edit("T", "src/about.html", "s/Three people/Four people/");
  ASSERT_EQ(reference.batch().exit_code, 0);
  auto records = reference.records("T").size();
  // What was before, other tests kill.
  auto first = reference.seq_of("T", event::placed, ledger::step::deliver);
  for (std::uint64_t n = first - 1; n <= records; ++n) {
    SCOPED_TRACE(n);
    with_remote site;
    site.edit("T", "src/about.html", "s/Three people/Four people/");
    EXPECT_EQ(site.batch_killed_after(n).exit_code, 128 + 9);
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
    auto s = site.state("T");
    EXPECT_EQ(site.landed(), words{s.out->commit});
    EXPECT_EQ(site.remote_trunk(), s.out->commit);
    EXPECT_EQ(site.commits_of("T"), words{s.out->commit});
    EXPECT_EQ(lines_of(site.git({"reflog", "show", "--format=%H", "trunk"})).size(), 1u);
  }
}

} // namespace
