// Whole batches that deploy to Netlify's REST API, and are killed while they do.

#include "tests/program/program_fixture.hpp"

#include "ledger/detail.hpp"
#include "tests/support/fake_netlify.hpp"

#include <fmt/format.h>

namespace {

using namespace tests;

constexpr auto token = "nfp-canary-5e1d0c77-never-tell";
constexpr auto tasks = {"A", "B", "C"};

/// Three tasks whose changes are built and deployed to the server.
class Site {
public:
  explicit Site(std::vector<std::string> faults = {}, std::vector<std::string> further = {}) {
    auto arguments = std::move(further);
    for (auto& f : faults)
      arguments.insert(arguments.end(), {"--fault", f});
    arguments.insert(arguments.end(),
                     {"--kill-pid-file", pid_file(), "--watch", token, "--retry-after", "0"});
    server = std::make_unique<fake_netlify>(arguments);
    EXPECT_TRUE(server->is_up()) << server->why();
    site.reconfigure("kind = \"directory\"", "kind = \"netlify-api\"\ntimeout = \"30s\"");
    site.reconfigure("directory = \"../deployed\"\n", "");
    for (auto task : tasks)
      site.plain_prompt(task, std::string("Rye by ") + task + ".");
    site.env["NETLIFY_API_URL"] = server->url();
    site.env["NETLIFY_AUTH_TOKEN"] = token;
    site.env["NETLIFY_SITE_ID"] = "site-1";
  }

  std::string pid_file() const { return (site.home() / "pid").string(); }
  /// A batch whose process the server knows, so that it can kill it.
  ended batch() const {
    return site.shell("echo $$ >'" + pid_file() + "'; exec \"$0\" --tasks '" + site.tasks().string()
                      + "'");
  }
  /// Of each task exactly one deploy is ready, and nothing else is left.
  void expect_one_deploy_each() const {
    auto count = server->counters();
    EXPECT_EQ(count["states"], (ledger::json{{"ready", 3}})) << count;
    for (auto task : tasks) {
      auto s = site.state(task);
      EXPECT_EQ(to_string(s.is), "done") << s.why;
      auto title = fmt::format("scheduler {}: {} at {}", ledger_id(task), task, s.out->commit);
      EXPECT_EQ(count["ready"].value(title, 0), 1) << title << count;
      auto status = ledger::json::parse(read_file(site.file(task, "final/status.json")));
      EXPECT_EQ(status["deployUrl"],
                "https://" + status["deployId"].get<std::string>() + "--a-site.netlify.example");
      EXPECT_EQ(status["context"], "deploy-preview");
      EXPECT_EQ(status["commitSha"], s.out->commit);
    }
  }
  /// The deploy id of the intent.
  std::string ledger_id(const std::string& task) const {
    for (auto& r : site.records(task))
      if (r.what == ledger::event::deploying)
        return ledger::text_at(r.detail, "deploy_id");
    return {};
  }

  practice_site site;
  std::unique_ptr<fake_netlify> server;
};

TEST(netlify, ABatchDeploysEachTaskOnceAndTellsWhere) {
  Site at;
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  at.expect_one_deploy_each();
  EXPECT_TRUE(has(e.out, "--a-site.netlify.example")) << e.out;
  auto again = at.batch();
  EXPECT_EQ(again.exit_code, 0) << again.err;
  at.expect_one_deploy_each();
  EXPECT_EQ(at.site.run({"verify"}).exit_code, 0);
  for (auto& [path, content] : content_below(at.site.ledger()))
    EXPECT_FALSE(has(content, token)) << path;
  EXPECT_FALSE(has(e.out + e.err, token));
  for (auto& line : at.server->log())
    EXPECT_TRUE(line["elsewhere"].empty()) << line;
}

class KilledAt : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

/// The server kills the program when such a call has arrived: before it does
/// what it was asked for, or after that.
TEST_P(KilledAt, TheNextRunDeploysEachTaskExactlyOnce) {
  Site at({GetParam().second});
  auto killed = at.batch();
  ASSERT_EQ(killed.exit_code, 128 + 9) << killed.out << killed.err;
  ASSERT_EQ(at.server->counters()["faults"].size(), 1u);
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  at.expect_one_deploy_each();
  at.server->end(); // It is a child of ours too.
  EXPECT_TRUE(leftovers().empty());
}

INSTANTIATE_TEST_SUITE_P(AnyPoint, KilledAt,
                         ::testing::Values(std::pair{"the_look", "list#1=kill"},
                                           std::pair{"before_a_creation", "create#2=kill-first"},
                                           std::pair{"behind_a_creation", "create#2=kill"},
                                           std::pair{"before_an_upload", "upload#2=kill-first"},
                                           std::pair{"behind_the_first_upload", "upload#1=kill"},
                                           std::pair{"behind_an_upload", "upload#3=kill"},
                                           std::pair{"a_poll", "poll#1=kill"},
                                           std::pair{"a_later_poll", "poll#4=kill"}),
                         [](const auto& row) { return std::string(row.param.first); });

TEST(netlify, KilledAgainAndAgainABatchStillDeploysOnce) {
  Site at({"create#1=kill", "upload#1=kill", "update#1=kill", "poll#2=kill", "create#2=lost",
           "list#6=status-500"});
  ended e;
  int kills = 0;
  do {
    e = at.batch();
    kills += e.exit_code == 128 + 9 ? 1 : 0;
  } while (e.exit_code == 128 + 9 && kills < 10);
  EXPECT_GE(kills, 3);
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  at.expect_one_deploy_each();
}

TEST(netlify, ADeployThatFailsOpensAFixRound) {
  Site at({}, {"--error-title", ": B at"});
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(to_string(at.site.state("A").is), "done");
  auto b = at.site.state("B");
  EXPECT_EQ(to_string(b.is), "parked");
  EXPECT_EQ(b.reason, "no-fix-left") << b.why; // Offline has but the one.
  EXPECT_TRUE(has(read_file(at.site.file("B", "final/old/deploy.round-1.log")), "header rule"));
}

TEST(netlify, AnOutageIsWaitedOutWithoutTouchingCode) {
  Site at({"create#1=status-500", "create#2=status-500", "create#3=status-500"});
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  at.expect_one_deploy_each();
  for (auto task : tasks)
    EXPECT_EQ(at.site.state(task).round, 1u);
}

TEST(netlify, AWrongTokenParksTheTasksWithWhatToMend) {
  Site at({}, {"--token", "another"});
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = at.site.state("A");
  EXPECT_EQ(s.reason, "netlify-token") << s.why;
  EXPECT_TRUE(has(s.why, "NETLIFY_AUTH_TOKEN")) << s.why;
}

TEST(netlify, WhatIsNotSetIsSaidBeforeAnythingStarts) {
  Site at;
  at.site.env["NETLIFY_SITE_ID"] = "";
  auto e = at.batch();
  EXPECT_EQ(e.exit_code, 2);
  EXPECT_TRUE(has(e.err, "NETLIFY_SITE_ID")) << e.err;
  EXPECT_FALSE(fs::exists(at.site.ledger() / "A"));
  auto looked = at.site.run({"doctor"});
  EXPECT_EQ(looked.exit_code, 2);
  EXPECT_TRUE(has(looked.out, "bad   deploy netlify-api: ")) << looked.out;
  at.site.env["NETLIFY_SITE_ID"] = "site-1";
  looked = at.site.run({"doctor"});
  EXPECT_TRUE(has(looked.out, "ok    deploy netlify-api: ")) << looked.out;
}

} // namespace
