// Deploys with Netlify's tool, for which tests/fake_tools/netlify stands.

#include "tests/providers/netlify_fixture.hpp"

namespace {

using namespace std::chrono_literals;
using ledger::deploy_kind;
using ledger::fault;
namespace fs = std::filesystem;

class NetlifyTool : public test::NetlifyFixture {
protected:
  NetlifyTool() {
    config.deploy.kind = deploy_kind::netlify;
    config.deploy.build = "true";
    fs::create_directories(bin());
    fs::copy_file(FAKE_TOOLS "/netlify", bin() / "netlify");
    path = std::make_unique<test::variable>("PATH", bin().string() + ":" + std::getenv("PATH"));
    mode("ready");
  }
  fs::path bin() const { return repository.folder() / "bin"; }
  void mode(const std::string& how) const { test::write_file(bin() / "netlify.mode", how + "\n"); }
  std::string tool_calls() const { return test::read_file(bin() / "netlify.calls"); }

  std::unique_ptr<test::variable> path;
};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(NetlifyTool, GetsTheBuiltFolderTheTokenAndNothingOfTheRepository) {
  serve();
  const test::variable other("SCHEDULER_TEST_OTHER_TOKEN", "another-token-entirely");
  const test::variable proxy("HTTPS_PROXY", "http://127.0.0.1:9");
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  ASSERT_TRUE(done->ok) << done->ended;
  EXPECT_EQ(done->deploy_id, "d-1");
  EXPECT_EQ(done->deploy_url, "https://d-1--site-1.x");
  const auto kept = (scratch() / "Fix-Footer-0123456789abcdef").string();
  EXPECT_EQ(tool_calls(), "deploy --json --no-build --dir " + kept + " --site site-1 --message "
                              + providers::netlify::title_of(request) + " --timeout 60\n");
  const auto& log = *done->log;
  for (const auto& line :
       {std::string("CI=true\n"), std::string("LANG=C.UTF-8\n"),
        std::string("NETLIFY_AUTH_TOKEN=[redacted]\n"), std::string("NETLIFY_SITE_ID=site-1\n"),
        std::string("NETLIFY_TELEMETRY_DISABLED=1\n"),
        std::string("HTTPS_PROXY=http://127.0.0.1:9\n"), "NETLIFY_API_URL=" + server->url() + "\n",
        std::string("css\nindex.html\n")})
    EXPECT_TRUE(holds(log, line)) << line << log;
  EXPECT_FALSE(holds(log, "SCHEDULER_TEST_OTHER_TOKEN"));
  EXPECT_FALSE(holds(log, test::token));
  EXPECT_FALSE(holds(log, repository.top().string())) << log;
  const auto home = log.substr(log.find("HOME=") + 5, log.find('\n', log.find("HOME=")));
  EXPECT_FALSE(fs::exists(home.substr(0, home.find('\n')))); // Gone with it.
}

TEST_F(NetlifyTool, IsToldWhereToDeploy) {
  serve();
  config.deploy.context = "production";
  ASSERT_TRUE(make()->deploy(request).value().ok);
  config.deploy.context = "branch-deploy";
  ASSERT_TRUE(make()->deploy(request).value().ok);
  EXPECT_TRUE(holds(tool_calls(), " --timeout 60 --prod\n")) << tool_calls();
  EXPECT_TRUE(holds(tool_calls(), " --timeout 60 --alias ai-fix-footer\n")) << tool_calls();
}

TEST_F(NetlifyTool, BuildsWithTheToolUnlessToldOtherwise) {
  serve();
  config.deploy.build.clear();
  config.deploy.publish = "dist";
  const auto built = make()->build(request);
  ASSERT_TRUE(built && built->ok) << (built ? built->log : built.error().detail);
  EXPECT_EQ(built->log, "built: build --offline\n");
}

TEST_F(NetlifyTool, ADeployThatItLeftUnfinishedIsFinishedOnce) {
  serve();
  mode("begin");
  const auto died = make()->deploy(request);
  ASSERT_FALSE(died);
  EXPECT_EQ(died.error().kind, fault::unavailable) << died.error().detail;
  ASSERT_EQ(server->counters()["deploys"], 1) << died.error().detail;
  EXPECT_FALSE(make()->find(request).value().ok);
  mode("must not be called");
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok);
  EXPECT_EQ(server->counters()["deploys"], 1);
  EXPECT_EQ(in_state("ready"), 1u);
  EXPECT_TRUE(make()->find(request).value().adopted);
}

TEST_F(NetlifyTool, ItsEndIsReadStrictly) {
  struct row {
    const char* mode;
    const char* comes_to;
    const char* words;
  };
  for (const auto& row :
       {row{"no-url", "unavailable", "no deploy of this change is ready"},
        row{"Warning: JSONHTTPError: files: bad 422", "change", "422"},
        row{" ›   JSONHTTPError: Unprocessable Entity", "change", "422"},
        row{" ›   TextHTTPError: Bad Gateway", "unavailable", "Bad Gateway"},
        row{"Warning: JSONHTTPError: Oops 500", "unavailable", "Oops 500"},
        row{"Invalid filename a#b.", "change", "422"},
        row{"Error: Timeout while waiting for deploy", "unavailable", "Timeout while"}}) {
    SCOPED_TRACE(row.mode);
    serve();
    mode(row.mode);
    const auto done = make()->deploy(request);
    const std::string came_to =
        !done      ? done.error().kind == fault::refused ? "refused" : "unavailable"
        : done->ok ? "ok"
                   : "change";
    const auto words = !done ? done.error().detail : done->ended;
    EXPECT_EQ(came_to, row.comes_to) << words;
    EXPECT_TRUE(holds(words, row.words)) << words;
    EXPECT_FALSE(holds(words, test::token));
  }
}

// What the service says of a deploy counts more than how the tool ended.
TEST_F(NetlifyTool, WhatTheServiceSaysComesFirst) {
  serve_with_faults({"create#1=error"});
  mode("begin");
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_FALSE(done->ok);
  EXPECT_TRUE(holds(done->ended, "a header rule is wrong")) << done->ended;
}

TEST_F(NetlifyTool, ATokenOrSiteThatIsWrongIsToldBeforeItIsStarted) {
  serve({"--token", "another"});
  EXPECT_EQ(make()->deploy(request).error().code, "netlify-token");
  serve();
  const test::variable elsewhere("NETLIFY_SITE_ID", "no-such-site");
  EXPECT_EQ(make()->deploy(request).error().code, "netlify-site");
  EXPECT_EQ(tool_calls(), "(no such file)");
}

TEST_F(NetlifyTool, TakingTooLongIsAnOutage) {
  serve();
  mode("hang");
  config.deploy.timeout = 1s;
  const auto done = make()->deploy(request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::unavailable);
  EXPECT_TRUE(holds(done.error().detail, "timed out")) << done.error().detail;
}

TEST_F(NetlifyTool, AMachineWithoutItIsToldHowToGetIt) {
  serve();
  EXPECT_TRUE(providers::deploy_is_ready(config));
  ASSERT_TRUE(make()->build(request).value().ok);
  const test::variable none("PATH", "/nowhere");
  for (const auto& why :
       {providers::deploy_is_ready(config).error(), make()->deploy(request).error()}) {
    EXPECT_EQ(why.kind, fault::refused);
    EXPECT_EQ(why.code, "no-program");
    EXPECT_TRUE(holds(why.detail, "npm install")) << why.detail;
  }
}

} // namespace
