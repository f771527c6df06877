// kill -9, over and over, at drawn places: nothing is lost, paid twice,
// committed twice or deployed twice.

#include "tests/program/program_fixture.hpp"

#include <algorithm>
#include <iostream>
#include <random>

namespace {

using namespace tests;

constexpr int killed = 128 + 9;

unsigned drawn_seed() {
  auto* given = std::getenv("SCHEDULER_TEST_SEED");
  auto seed = given ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  std::cout << "SCHEDULER_TEST_SEED=" << seed << std::endl;
  return seed;
}

/// Fourteen small tasks of every kind of end.
void write_batch(practice_site& site) {
  for (int i = 0; i < 5; ++i)
    site.plain_prompt("Plain-" + std::to_string(i), "Plain " + std::to_string(i) + ".");
  for (auto task : {"Gift-Cards", "Half-A-List", "Footer-Border", "Nicer-Please", "Shop-Key",
                    "Rename-About", "New-Allergen-Page", "Spring-Menu"})
    fs::copy(fs::path{SOURCE_ROOT} / "examples/tasks" / (std::string{task} + ".md"), site.tasks());
  auto link = "<a href=\"late.html\">late</a>";
  site.prompt("Late-Page",
              block(site.diff({{"src/index.html", site.index_with(link)}})) + "\nthen\n\n"
                  + block(site.diff({{"src/late.html", with(site.site_file("src/about.html"),
                                                            "</title>", " (late)</title>")}})));
}

/// What a run must end in, however often it was killed.
struct end_of_task {
  std::string state, reason, step, tree;
  std::uint32_t round = 0;
  friend bool operator==(const end_of_task&, const end_of_task&) = default;
};

std::ostream& operator<<(std::ostream& out, const end_of_task& e) {
  return out << e.state << " " << e.reason << " " << e.step << " " << e.round << " " << e.tree;
}

std::map<std::string, end_of_task> ends_of(const practice_site& site) {
  std::map<std::string, end_of_task> all;
  for (auto& [task, s] : site.states())
    all[task] = {std::string{to_string(s.is)}, s.reason, std::string{to_string(s.at)}, s.tree,
                 s.round};
  return all;
}

/// Questions whose answers are filed, spelled as in the file of calls.
std::set<std::string> answered(const practice_site& site) {
  std::set<std::string> all;
  for (auto& [task, unused] : site.states())
    for (auto& r : site.records(task))
      if (r.what == ledger::event::answered)
        all.insert(task + " " + std::string{to_string(r.at)} + " " + std::to_string(r.round) + " "
                   + std::to_string(r.attempt));
  return all;
}

/// One run, killed after n records (0: not); nobody may be asked again.
ended run_once(practice_site& site, std::uint64_t n) {
  auto filed = answered(site);
  auto calls_before = site.calls().size();
  auto e = n == 0 ? site.batch({"-j", "6"}) : site.batch_killed_after(n, {"-j", "6"});
  auto calls = site.calls();
  for (auto i = calls_before; i < calls.size(); ++i)
    EXPECT_EQ(filed.count(calls[i]), 0u) << "asked again: " << calls[i];
  return e;
}

void expect_each_done_task_once(const practice_site& site) {
  std::size_t done = 0;
  for (auto& [task, s] : site.states()) {
    if (s.is != ledger::status::done)
      continue;
    ++done;
    EXPECT_EQ(site.commits_of(task), words{s.out->commit}) << task;
    EXPECT_EQ(lines_of(site.git({"rev-parse", s.out->commit + "^{tree}"})), words{s.tree}) << task;
  }
  EXPECT_EQ(site.branches().size(), done);
  EXPECT_GE(done, 3u);
}

void expect_sound(const practice_site& site, const ended& last) {
  EXPECT_EQ(leftovers(), words{});
  EXPECT_EQ(site.worktrees(), words{});
  auto verify = site.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err << last.err;
}

TEST(heavy_crash, FiftyKillsLoseNothingAndRepeatNothing) {
  practice_site undisturbed;
  write_batch(undisturbed);
  auto reference = undisturbed.batch({"-j", "6"});
  ASSERT_EQ(reference.exit_code, 1) << reference.err;
  auto expected = ends_of(undisturbed);
  ASSERT_EQ(expected.size(), 14u);

  std::mt19937 random{drawn_seed()};
  int kills = 0, repositories = 0;
  while (kills < 50) {
    practice_site site;
    write_batch(site);
    ++repositories;
    for (int kills_here = 0; kills_here < 30;) {
      auto n = std::uniform_int_distribution<std::uint64_t>{1, 40}(random);
      auto e = run_once(site, n);
      if (e.exit_code != killed) {
        EXPECT_EQ(e.exit_code, reference.exit_code) << e.err;
        break;
      }
      ++kills, ++kills_here;
    }
    auto last = run_once(site, 0);
    EXPECT_EQ(last.exit_code, reference.exit_code) << last.err;
    EXPECT_EQ(ends_of(site), expected);
    expect_each_done_task_once(site);
    for (auto& [task, s] : site.states())
      EXPECT_EQ(site.deploys_of(task).size(), s.is == ledger::status::done ? 1u : 0u) << task;
    expect_sound(site, last);
    if (HasFailure())
      return;
  }
  std::cout << kills << " kills over " << repositories << " repositories" << std::endl;
}

/// A service that remembers what it deployed, and would deploy twice if told.
/// After the first deploy of each task it kills the scheduler, which therefore
/// never hears of it.
std::string deploy_script(const fs::path& log) {
  return "log=" + log.string() + R"(
case $SCHEDULER_ACTION in
find) grep -q " $SCHEDULER_DEPLOY_ID\$" "$log" 2>/dev/null || exit 3 ;;
deploy) test -f "$SCHEDULER_PUBLISH/index.html" || exit 1
  grep -q "^$SCHEDULER_TASK " "$log" 2>/dev/null || last=$PPID
  echo "$SCHEDULER_TASK $SCHEDULER_DEPLOY_ID" >>"$log"
  test -z "$last" || kill -9 "$last" ;;
esac
url=https://example.org/$SCHEDULER_TASK
echo "{\"deploy_id\": \"$SCHEDULER_DEPLOY_ID\", \"deploy_url\": \"$url\"}"
)";
}

TEST(heavy_crash, ADeployThatNobodyHeardOfIsFoundAndNotRepeated) {
  practice_site site;
  auto log = site.home() / "deploys";
  write_file(site.home() / "deploy.sh", deploy_script(log));
  site.reconfigure("directory = \"../deployed\"",
                   "command = \". " + (site.home() / "deploy.sh").string() + "\"");
  site.reconfigure("kind = \"directory\"", "kind = \"command\"");
  for (int i = 0; i < 3; ++i)
    site.plain_prompt("Plain-" + std::to_string(i), "Plain " + std::to_string(i) + ".");
  std::mt19937 random{drawn_seed()};
  int kills = 0;
  ended e;
  do {
    // A deploy that is under way when the program dies dies with it, or is waited
    // for: the next run need not know.
    e = run_once(site, std::uniform_int_distribution<std::uint64_t>{8, 40}(random));
    kills += e.exit_code == killed;
  } while (e.exit_code == killed && kills < 100);
  EXPECT_GE(kills, 3);
  EXPECT_EQ(e.exit_code, 0) << e.err;
  auto deploys = lines_of(read_file(log));
  EXPECT_EQ(deploys.size(), 3u) << read_file(log);
  for (auto& [task, s] : site.states()) {
    EXPECT_EQ(std::count(deploys.begin(), deploys.end(), task + " " + s.out->deploy_id), 1) << task;
    EXPECT_EQ(s.out->deploy_url, "https://example.org/" + task);
  }
  expect_each_done_task_once(site);
  expect_sound(site, e);
}

/// A deploy that goes on alone when the program is killed (it leaves its group
/// and session), and is there only when it ends.
std::string stubborn_script(const fs::path& log) {
  return "log=" + log.string() + R"(
url=https://example.org/$SCHEDULER_TASK
answer="{\"deploy_id\": \"$SCHEDULER_DEPLOY_ID\", \"deploy_url\": \"$url\"}"
case $SCHEDULER_ACTION in
find) grep -q "^done $SCHEDULER_DEPLOY_ID\$" "$log" || exit 3 ;;
deploy) echo "begun $SCHEDULER_DEPLOY_ID" >>"$log"
  setsid sh -c "kill -9 $PPID; sleep 3; echo done $SCHEDULER_DEPLOY_ID >>$log" &
  wait ;;
esac
echo "$answer"
)";
}

// The next run asked while the deploy of the killed one was still under way,
// heard that nothing was there, and deployed a second time.
TEST(crash, ADeployThatOutlivesTheProgramIsWaitedForAndNotRepeated) {
  practice_site site;
  auto log = site.home() / "deploys";
  write_file(log, "");
  write_file(site.home() / "deploy.sh", stubborn_script(log));
  site.reconfigure("directory = \"../deployed\"",
                   "command = \". " + (site.home() / "deploy.sh").string() + "\"");
  site.reconfigure("kind = \"directory\"", "kind = \"command\"");
  site.plain_prompt("T");
  EXPECT_EQ(site.batch().exit_code, killed);
  EXPECT_FALSE(has(read_file(log), "done")) << "the deploy was over before the next run";
  auto e = site.batch(); // At once.
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(lines_of(read_file(log)),
            (words{"begun " + s.out->deploy_id, "done " + s.out->deploy_id}));
  EXPECT_EQ(s.out->deploy_url, "https://example.org/T");
}

} // namespace
