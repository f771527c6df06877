// The example batch, as examples/expected.tsv describes it.

#include "tests/program/program_fixture.hpp"

#include <nlohmann/json.hpp>

namespace {

using namespace tests;

struct expectation {
  std::string task, state;
  std::uint32_t rounds = 0;
};

std::vector<expectation> expectations() {
  std::vector<expectation> all;
  for (auto& line : lines_of(read_file(fs::path{SOURCE_ROOT} / "examples/expected.tsv"))) {
    auto first = line.find('\t'), second = line.rfind('\t');
    all.push_back({line.substr(0, first), line.substr(first + 1, second - first - 1),
                   static_cast<std::uint32_t>(std::stoul(line.substr(second + 1)))});
  }
  return all;
}

class example_batch : public ::testing::Test {
protected:
  example_batch() {
    fs::remove(site.tasks());
    fs::copy(fs::path{SOURCE_ROOT} / "examples/tasks", site.tasks());
  }
  practice_site site;
};

void expect_all_files_of_a_done_task(const practice_site& site, const std::string& task) {
  for (auto path : {"inputs/prompt.md", "gemini/audit.md", "claude/decisions.md", "codex/plan.md",
                    "codex/apply.md", "codex/changes.diff", "tests/run.log",
                    "claude/post-implement-audit.md", "gemini/final-verify.md", "journal.jsonl"})
    EXPECT_FALSE(read_file(site.file(task, path)).empty()) << task << ": " << path;
  EXPECT_EQ(read_file(site.file(task, "contract/CLAUDE_DECISIONS_OK")),
            "CLAUDE_DECISIONS_OK:" + task + "\n");
  EXPECT_EQ(read_file(site.file(task, "contract/CLAUDE_FINAL_OK")),
            "CLAUDE_FINAL_OK:" + task + "\n");
  EXPECT_EQ(read_file(site.file(task, "inputs/prompt.md")),
            read_file(site.tasks() / (task + ".md")));
  auto j = nlohmann::json::parse(read_file(site.file(task, "final/status.json")), nullptr, false);
  ASSERT_TRUE(j.is_object()) << task;
  EXPECT_EQ(j.value("commitSha", ""), site.commits_of(task).at(0)) << task;
  EXPECT_EQ(j.value("deployId", ""), site.deploys_of(task).at(0)) << task;
  EXPECT_EQ(j.value("context", ""), "deploy-preview") << task;
  EXPECT_EQ(j.value("deployUrl", "").rfind("file://", 0), 0u) << task;
  EXPECT_FALSE(j.value("timestamp", "").empty()) << task;
}

void expect_the_ends_that_are_described(const practice_site& site, const ended& e) {
  auto states = site.states();
  std::set<std::string> done;
  for (auto& x : expectations()) {
    SCOPED_TRACE(x.task);
    if (x.state == "left-out") {
      EXPECT_EQ(states.count(x.task), 0u);
      EXPECT_TRUE(has(e.out, x.task + ".md (bad-name)")) << e.out;
      continue;
    }
    ASSERT_EQ(states.count(x.task), 1u);
    auto& s = states.at(x.task);
    EXPECT_EQ(to_string(s.is), x.state) << s.reason << ": " << s.why;
    EXPECT_EQ(s.round, x.rounds);
    EXPECT_TRUE(has(e.out, x.task + " ")) << "not in the summary";
    if (x.state == "done")
      done.insert(x.task);
    if (x.state != "done") {
      EXPECT_FALSE(fs::exists(site.file(x.task, "final/status.json")));
    }
  }
  auto branches = site.branches();
  EXPECT_EQ(std::set<std::string>(branches.begin(), branches.end()), done);
  for (auto& task : done) {
    EXPECT_EQ(site.commits_of(task).size(), 1u) << task;
    EXPECT_EQ(site.deploys_of(task).size(), 1u) << task;
    expect_all_files_of_a_done_task(site, task);
  }
}

TEST_F(example_batch, EndsAsDescribedAndASecondRunDoesNothing) {
  auto first = site.batch();
  EXPECT_EQ(first.exit_code, 1) << first.err;
  ASSERT_GE(expectations().size(), 20u);
  expect_the_ends_that_are_described(site, first);
  EXPECT_EQ(first.out.rfind("TASK ", 0), 0u) << first.out;
  EXPECT_TRUE(has(first.out, "claude was played by offline/none/")) << first.out;
  EXPECT_EQ(site.worktrees(), words{});
  EXPECT_EQ(leftovers(), words{});
  EXPECT_TRUE(fs::exists(site.file("Gift-Cards", "codex/fix-1.md")));
  EXPECT_TRUE(fs::exists(site.file("Gift-Cards", "tests/old/run.round-1.log")));

  auto ledger = content_below(site.ledger());
  auto called = site.calls();
  EXPECT_GE(called.size(), 80u);
  auto refs = site.git({"for-each-ref"});
  auto second = site.batch();
  EXPECT_EQ(second.exit_code, 1) << second.err;
  EXPECT_EQ(second.out, first.out);
  EXPECT_EQ(site.calls(), called) << "a provider was asked again";
  EXPECT_EQ(site.git({"for-each-ref"}), refs);
  for (auto& [path, content] : content_below(site.ledger()))
    if (path.rfind(".scheduler/", 0) != 0) {
      EXPECT_EQ(content, ledger[path]) << path;
    }
}

TEST_F(example_batch, CanBeReadAfterwards) {
  ASSERT_EQ(site.batch({"--only", "Gift-Cards", "--only", "Half-A-List"}).exit_code, 1);
  auto before = content_below(site.home());
  auto status = site.run({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_TRUE(has(status.out, "2 tasks: 1 done, 1 parked")) << status.out;
  auto show = site.run({"show", "Gift-Cards", "--diff"});
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_TRUE(has(show.out, "codex/fix-1.md")) << show.out;
  EXPECT_TRUE(has(show.out, "+++ b/src/gift-cards.html")) << show.out;
  auto verify = site.run({"verify"});
  EXPECT_EQ(verify.exit_code, 0) << verify.out << verify.err;
  EXPECT_TRUE(has(verify.out, "all as written")) << verify.out;
  EXPECT_EQ(content_below(site.home()), before) << "reading wrote something";
}

TEST_F(example_batch, JsonIsOneObject) {
  auto e = site.batch({"--json", "--only", "Welcome-Line", "--only", "Nicer-Please"});
  EXPECT_EQ(e.exit_code, 3) << e.err;
  auto j = nlohmann::json::parse(e.out, nullptr, false);
  ASSERT_TRUE(j.is_object()) << e.out;
  ASSERT_EQ(j["tasks"].size(), 2u);
  EXPECT_EQ(j["exit_code"], 3);
  EXPECT_EQ(j["tasks"][0]["task"], "Nicer-Please");
  EXPECT_EQ(j["tasks"][0]["state"], "stopped");
  EXPECT_EQ(j["tasks"][0]["reason"], "claude-said-no");
  EXPECT_TRUE(j["tasks"][0]["commit"].is_null());
  EXPECT_EQ(j["tasks"][1]["state"], "done");
  EXPECT_EQ(j["tasks"][1]["commit"], site.commits_of("Welcome-Line").at(0));
}

TEST_F(example_batch, ExitCodesSayHowTheWorstTaskEnded) {
  EXPECT_EQ(site.batch({"--only", "Welcome-Line", "--only", "Footer-Border"}).exit_code, 0);
  EXPECT_EQ(site.batch({"--only", "Welcome-Line", "--only", "Shop-Key"}).exit_code, 3);
  EXPECT_EQ(site.batch({"--only", "Half-A-List", "--only", "Shop-Key"}).exit_code, 1);
}

} // namespace
