// The whole pipeline through HTTP APIs, against the fake AI server.

#include "tests/program/program_fixture.hpp"

#include "ledger/detail.hpp"
#include "tests/support/fake_ai.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace {

using namespace tests;
using ledger::event;

constexpr auto key = "sk-canary-5e1d0c77-never-tell";

/// All three roles are played by `kind` at the server.
void play_over_http(practice_site& site, const fake_ai& server, const std::string& kind,
                    const std::string& further = {}) {
  bool openai = kind == "openai" || kind == "openai-chat";
  std::string roles;
  for (auto role : {"gemini", "claude", "codex"})
    roles += fmt::format("[roles.{}]\nprovider = \"api\"\n", role);
  auto provider = fmt::format("[providers.api]\nkind = \"{}\"\nmodel = \"m\"\nbase_url = \"{}{}\"\n"
                              "api_key_env = \"API_KEY\"\nprice = {{ input = 1, output = 2 }}\n{}",
                              kind, server.url(), openai ? "/v1" : "", further);
  site.configure(roles + provider
                 + "[checks]\ntest = \"sh tests/run.sh\"\nlint = \"none\"\n"
                   "schema_drift = \"none\"\n[deploy]\nkind = \"none\"\n");
  site.env["API_KEY"] = key;
}

void a_task(practice_site& site, const std::string& task = "T") {
  site.prompt(task, "Add a sentence about rye bread to `src/about.html`.\n");
}

class OverHttp : public ::testing::TestWithParam<std::string> {};

TEST_P(OverHttp, ATaskGoesThroughTheWholePipeline) {
  practice_site site;
  fake_ai server({"--thoughts"});
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, GetParam());
  a_task(site);
  auto e = site.batch();
  ASSERT_EQ(e.exit_code, 0) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "done") << s.why;
  EXPECT_EQ(site.commits_of("T").size(), 1u);
  EXPECT_GT(s.usd, 0);
  for (auto step : {"audit", "decide", "plan", "implement", "review", "verify"})
    EXPECT_GE(server.asked({{"step", step}}), 1u) << step;
  EXPECT_TRUE(fs::exists(site.file("T", "gemini/audit.turns.jsonl")));
  EXPECT_TRUE(fs::exists(site.file("T", "codex/apply.turns.jsonl")));
  EXPECT_TRUE(has(read_file(site.file("T", "codex/changes.diff")), "src/about.html"));
  EXPECT_TRUE(has(e.out, "api: ")) << e.out;
  EXPECT_TRUE(has(e.out, "tokens in")) << e.out;
  EXPECT_EQ(site.run({"verify"}).exit_code, 0);
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, key)) << path;
  EXPECT_FALSE(has(e.out + e.err, key));
}

INSTANTIATE_TEST_SUITE_P(EachApi, OverHttp,
                         ::testing::Values("gemini", "anthropic", "openai", "openai-chat"),
                         [](auto& kind) {
                           auto name = kind.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(api, AMissingKeyIsSaidBeforeAnythingStarts) {
  practice_site site;
  fake_ai server;
  play_over_http(site, server, "anthropic");
  site.env["API_KEY"] = "";
  a_task(site);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2);
  EXPECT_TRUE(has(e.err, "API_KEY")) << e.err;
  EXPECT_FALSE(fs::exists(site.ledger() / "T"));
}

TEST(api, AWrongKeyParksTheTaskWithWhatToMend) {
  practice_site site;
  fake_ai server;
  play_over_http(site, server, "openai");
  site.env["API_KEY"] = "bad-key";
  a_task(site);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked");
  EXPECT_EQ(s.reason, "key-invalid") << s.why;
}

TEST(api, AModelThatWritesOutsideItsListIsRefusedAtTheCallAndTold) {
  practice_site site;
  temporary_folder scripts;
  write_file(scripts.path() / "default" / "implement.1.json",
             R"({"calls": [
               {"name": "write_file", "arguments": {"path": "src/menu.html", "content": "x"}},
               {"name": "write_file", "arguments": {"path": "../escaped.txt", "content": "x"}},
               {"name": "write_file", "arguments": {"path": "/tmp/escaped.txt", "content": "x"}},
               {"name": "write_file", "arguments": {"path": ".git/config", "content": "x"}},
               {"name": "delete_file", "arguments": {"path": "tests/run.sh"}}]})");
  fake_ai server({"--script", scripts.path().string()});
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, "anthropic");
  a_task(site);
  auto e = site.batch();
  auto turns = read_file(site.file("T", "codex/apply.turns.jsonl"));
  EXPECT_EQ(to_string(site.state("T").is), "done") << site.state("T").why << e.err << turns;
  auto changes = read_file(site.file("T", "codex/changes.diff"));
  EXPECT_FALSE(has(changes, "b/src/menu.html"));
  EXPECT_FALSE(has(changes, "a/tests/run.sh"));
  EXPECT_TRUE(has(turns, "\"is_error\":true")) << turns;
}

TEST(api, ARateLimitIsWaitedForAndCostsNoAttempt) {
  practice_site site;
  fake_ai server({"--rpm", "120", "--burst", "3", "--minute-ms", "6000"});
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, "openai-chat");
  for (auto t : {"A", "B", "C", "D"})
    a_task(site, t);
  // They would change the same file each on its own branch: no conflict.
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  for (auto t : {"A", "B", "C", "D"})
    for (auto& r : site.records(t)) {
      EXPECT_NE(to_string(r.what), "failed") << r.detail.dump();
      EXPECT_EQ(r.attempt, 1u);
    }
}

TEST(api, AKillPaysForNoAnsweredTurnTwice) {
  practice_site site;
  fake_ai server;
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, "anthropic");
  a_task(site);
  // At any record: those of a conversation are among the first thirty.
  for (std::uint64_t n : {6, 4, 5, 7, 3, 9, 8})
    EXPECT_EQ(site.batch_killed_after(n).exit_code, 137);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  // A kill between `asked` and its receipt costs that one exchange again.
  std::size_t asked = 0, receipts = 0;
  for (auto& r : site.records("T")) {
    asked += r.what == event::asked ? 1 : 0;
    receipts += r.what == event::turned || r.what == event::answered ? 1 : 0;
  }
  EXPECT_GE(asked, receipts);
  EXPECT_LE(asked - receipts, 7u);
  EXPECT_LE(server.log().size(), asked + 2);
  EXPECT_EQ(site.commits_of("T").size(), 1u);
}

TEST(api, ABudgetStopsTheBatchBeforeItIsSpent) {
  practice_site site;
  fake_ai server;
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, "anthropic", "max_output_tokens = 1000\n");
  site.reconfigure("[checks]", "[budget]\nrun_usd = 0.05\n[checks]");
  for (auto t : {"A", "B", "C"})
    a_task(site, t);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  double spent = 0;
  int parked = 0;
  for (auto& [task, s] : site.states()) {
    spent += s.usd;
    parked += s.reason == "run-budget-used" ? 1 : 0;
  }
  EXPECT_LE(spent, 0.05) << site.run({"show", "A"}).out << site.site_file("scheduler.toml");
  EXPECT_GE(parked, 1);
}

// A wrapper that starts the batch again and again would have a new budget each
// time.
TEST(api, AKillDoesNotRenewTheBudget) {
  practice_site site;
  fake_ai server;
  ASSERT_TRUE(server.is_up()) << server.why();
  play_over_http(site, server, "anthropic", "max_output_tokens = 1000\n");
  site.reconfigure("[checks]", "[budget]\nrun_usd = 0.06\n[checks]");
  for (auto t : {"A", "B", "C"})
    a_task(site, t);
  for (int i = 0; i < 5; ++i)
    site.batch_killed_after(16);
  site.batch();
  double spent = 0;
  for (auto& [task, s] : site.states())
    spent += s.usd;
  EXPECT_LE(spent, 0.06 + 1e-9);
  EXPECT_GT(spent, 0.02);
}

} // namespace
