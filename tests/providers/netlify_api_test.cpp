// Deploys through Netlify's REST API, against the fake one.

#include "ledger/detail.hpp"
#include "tests/providers/netlify_fixture.hpp"

#include <ctime>

namespace {

using namespace std::chrono_literals;
using ledger::fault;
using ledger::json;

class NetlifyApi : public test::NetlifyFixture {};

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(NetlifyApi, DeploysWhatWasBuilt) {
  serve();
  config.deploy.build =
      "printf x >'site/a b%\xc3\xa4.txt'; : >site/.hidden; ln -s index.html site/home";
  auto d = make();
  ASSERT_TRUE(d->build(request).value().ok);
  const auto done = d->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  ASSERT_TRUE(done->ok) << done->ended;
  EXPECT_FALSE(done->adopted);
  EXPECT_EQ(done->deploy_url, "https://" + done->deploy_id + "--a-site.netlify.example");
  EXPECT_EQ(done->context, "deploy-preview");
  EXPECT_TRUE(holds(*done->log, "is ready at " + done->deploy_url)) << *done->log;
  EXPECT_FALSE(std::filesystem::exists(scratch() / "Fix-Footer-0123456789abcdef"));
  auto shown = ask("/deploys/" + done->deploy_id);
  EXPECT_EQ(shown["title"], providers::netlify::title_of(request));
  EXPECT_EQ(shown["draft"], true);
  for (auto& [path, content] :
       std::map<std::string, std::string>{{"/index.html", "<h1>hello</h1>\n"},
                                          {"/home", "<h1>hello</h1>\n"},
                                          {"/.hidden", ""},
                                          {"/css/a.css", "body{}\n"},
                                          {"/a b%\xc3\xa4.txt", "x"}}) {
    auto got = tests::post(server->url() + "/content?deploy=" + done->deploy_id
                               + "&path=" + providers::netlify::escaped(path),
                           "");
    auto said = tests::ask(web, std::move(got));
    ASSERT_TRUE(said);
    EXPECT_EQ(said->status, 200) << path;
    EXPECT_EQ(said->body, content) << path;
  }
  EXPECT_EQ(calls("create"), 1u);
  EXPECT_EQ(calls("upload"), 4u); // One of each content.
  for (auto& line : server->log()) {
    if (line["key_ok"] == true && line["in_headers"].empty())
      continue; // Our own looks, above.
    EXPECT_EQ(line["in_headers"].size(), 1u) << line;
    EXPECT_TRUE(line["elsewhere"].empty()) << line;
  }
  EXPECT_FALSE(holds(*done->log, test::token));
}

TEST_F(NetlifyApi, UploadsOnlyWhatTheServiceLacks) {
  serve();
  auto d = make();
  ASSERT_TRUE(d->deploy(request).value().ok);
  EXPECT_EQ(calls("upload"), 2u);
  request.deploy_id = "another-deploy-id";
  ASSERT_TRUE(d->deploy(request).value().ok);
  EXPECT_EQ(calls("upload"), 2u);
  EXPECT_EQ(in_state("ready"), 2u);
}

TEST_F(NetlifyApi, TheContextSaysWhereItGoes) {
  serve();
  struct row {
    const char* context;
    bool draft;
    const char* branch; ///< Null: none.
  };
  int n = 0;
  for (const auto& row :
       {row{"production", false, nullptr}, row{"branch-deploy", false, "ai-fix-footer"},
        row{"deploy-preview", true, nullptr}}) {
    SCOPED_TRACE(row.context);
    config.deploy.context = row.context;
    request.deploy_id = "id-" + std::to_string(++n);
    const auto done = make()->deploy(request);
    ASSERT_TRUE(done && done->ok);
    EXPECT_EQ(done->context, row.context);
    auto shown = ask("/deploys/" + done->deploy_id);
    EXPECT_EQ(shown["draft"], row.draft);
    EXPECT_EQ(shown["branch"], row.branch ? json(row.branch) : json(nullptr));
  }
}

TEST_F(NetlifyApi, ManyFilesAreComparedByAndBy) {
  serve({"--digest-polls", "2"});
  config.deploy.build = "n=0; while [ $n -lt 150 ]; do echo $n >site/$n; n=$((n + 1)); done";
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok) << done->ended;
  EXPECT_EQ(calls("upload"), 152u);
}

TEST_F(NetlifyApi, FindsWhatIsReadyOnAnyPage) {
  serve({"--page-max", "2"});
  auto d = make();
  EXPECT_FALSE(d->find(request).value().ok);
  const auto done = d->deploy(request).value();
  ASSERT_TRUE(done.ok);
  for (int i = 0; i < 5; ++i)
    ask("/sites/site-1/deploys?title=later", R"({"draft": true})");
  const auto before = calls("list");
  const auto found = make()->find(request).value();
  EXPECT_TRUE(found.ok && found.adopted);
  EXPECT_EQ(found.deploy_id, done.deploy_id);
  EXPECT_EQ(found.deploy_url, done.deploy_url);
  EXPECT_EQ(calls("list") - before, 3u);
  const auto again = make()->deploy(request).value();
  EXPECT_TRUE(again.ok && again.adopted);
  EXPECT_EQ(calls("create"), 6u); // Ours, and the five of the others.
}

TEST_F(NetlifyApi, LooksNoFurtherThanTheCommitIsOld) {
  serve({"--seed", "250", "--seed-age-days", "3"});
  EXPECT_FALSE(make()->find(request).value().ok);
  EXPECT_EQ(calls("list"), 3u);
  request.since_s = std::time(nullptr);
  EXPECT_FALSE(make()->find(request).value().ok);
  EXPECT_EQ(calls("list"), 4u);
}

TEST_F(NetlifyApi, GoesOnWithADeployThatWasBegun) {
  serve();
  auto begun = begin();
  EXPECT_FALSE(make()->find(request).value().ok);
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok);
  EXPECT_EQ(done->deploy_id, begun["id"]);
  EXPECT_EQ(server->counters()["deploys"], 1);
}

TEST_F(NetlifyApi, CancelsTheTwinsOfADeployThatWasBegun) {
  serve();
  auto first = begin();
  begin();
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done && done->ok);
  EXPECT_EQ(done->deploy_id, first["id"]);
  EXPECT_EQ(in_state("ready"), 1u);
  EXPECT_EQ(in_state("error"), 1u);
}

TEST_F(NetlifyApi, CancelsWhatCannotBeGoneOnWithAndMakesItAnew) {
  serve_with_faults({"update#1=status-422"});
  auto begun = begin();
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done && done->ok);
  EXPECT_NE(done->deploy_id, begun["id"]);
  EXPECT_EQ(in_state("ready"), 1u);
  EXPECT_EQ(in_state("error"), 1u);
}

TEST_F(NetlifyApi, ADeployThatFailedOrWasCancelledIsNotThere) {
  serve({"--error-title", "Fix-Footer"});
  const auto failed = make()->deploy(request);
  ASSERT_TRUE(failed) << failed.error().detail;
  EXPECT_FALSE(failed->ok);
  EXPECT_TRUE(holds(failed->ended, "a header rule is wrong")) << failed->ended;
  EXPECT_TRUE(holds(*failed->log, "a header rule is wrong"));
  EXPECT_FALSE(make()->find(request).value().ok);
  EXPECT_EQ(calls("cancel"), 0u);
}

struct trouble {
  const char* name;
  std::vector<std::string> faults;
  const char* comes_to; ///< ok, change, unavailable, refused
  const char* words;    ///< In what is said of it.
  std::uint64_t ready;  ///< Deploys afterwards,
  std::uint64_t failed; ///< and those in error or cancelled.
};

void PrintTo(const trouble& t, std::ostream* out) {
  *out << t.name;
}

class NetlifyTrouble
    : public test::NetlifyFixture
    , public ::testing::WithParamInterface<trouble> {};

TEST_P(NetlifyTrouble, IsNeverTakenForWhatItIsNot) {
  serve_with_faults(GetParam().faults);
  const auto done = make()->deploy(request);
  const std::string came_to = !done
                                  ? done.error().kind == fault::refused ? "refused" : "unavailable"
                              : done->ok ? "ok"
                                         : "change";
  const auto words = !done ? done.error().detail : done->ended;
  EXPECT_EQ(came_to, GetParam().comes_to) << words;
  EXPECT_TRUE(holds(words, GetParam().words)) << words;
  EXPECT_FALSE(holds(words, test::token));
  EXPECT_EQ(in_state("ready"), GetParam().ready);
  EXPECT_EQ(in_state("error"), GetParam().failed);
}

using rows = std::vector<trouble>;

INSTANTIATE_TEST_SUITE_P(
    ThatPasses, NetlifyTrouble,
    ::testing::ValuesIn(rows{
        {"list_503", {"list#1=status-503"}, "ok", "", 1, 0},
        {"list_dropped", {"list#1=drop"}, "ok", "", 1, 0},
        {"list_429", {"list#1=status-429"}, "ok", "", 1, 0},
        {"create_429", {"create#1=status-429"}, "ok", "", 1, 0},
        {"create_500", {"create#1=status-500"}, "ok", "", 1, 0},
        {"create_lost", {"create#1=lost"}, "ok", "", 1, 0},
        {"create_cut", {"create#1=cut"}, "ok", "", 1, 0},
        {"create_html", {"create#1=html"}, "ok", "", 1, 0},
        {"create_no_id", {"create#1=no-id"}, "ok", "", 1, 0},
        {"create_not_json", {"create#1=not-json"}, "ok", "", 1, 0},
        {"create_chunked", {"create#1=chunked"}, "ok", "", 1, 0},
        {"upload_503", {"upload#1=status-503", "upload#2=status-503"}, "ok", "", 1, 0},
        {"upload_429", {"upload#2=status-429"}, "ok", "", 1, 0},
        {"upload_lost", {"upload#1=lost"}, "ok", "", 1, 0},
        {"upload_reset", {"upload#1=reset"}, "ok", "", 1, 0},
        {"poll_500", {"poll#1=text-500"}, "ok", "", 1, 0},
        {"poll_lost", {"poll#1=lost"}, "ok", "", 1, 0}}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ThatStays, NetlifyTrouble,
    ::testing::ValuesIn(rows{
        {"list_500", {"list#*=status-500"}, "unavailable", "500", 0, 0},
        {"list_html", {"list#*=html"}, "unavailable", "not known", 0, 0},
        {"list_empty", {"list#*=empty"}, "unavailable", "not known", 0, 0},
        {"list_429", {"list#*=status-429"}, "unavailable", "429", 0, 0},
        {"list_400", {"list#*=status-400"}, "unavailable", "not known", 0, 0},
        {"token", {"list#*=status-401"}, "refused", "NETLIFY_AUTH_TOKEN", 0, 0},
        {"forbidden", {"list#*=status-403"}, "refused", "NETLIFY_AUTH_TOKEN", 0, 0},
        {"site", {"list#*=status-404"}, "refused", "NETLIFY_SITE_ID", 0, 0},
        {"create_token", {"create#*=status-401"}, "refused", "NETLIFY_AUTH_TOKEN", 0, 0},
        {"create_plan", {"create#*=status-402"}, "refused", "team's plan", 0, 0},
        {"create_422", {"create#*=status-422"}, "change", "422", 0, 0},
        {"create_500", {"create#*=status-500"}, "unavailable", "500", 0, 0},
        {"upload_500", {"upload#*=status-500"}, "unavailable", "500", 0, 1},
        {"upload_422", {"upload#1=status-422"}, "change", "422", 0, 1},
        {"upload_401", {"upload#*=status-401"}, "refused", "NETLIFY_AUTH_TOKEN", 0, 1},
        {"poll_500", {"poll#*=status-500"}, "unavailable", "500", 0, 0},
        {"poll_not_json", {"poll#*=not-json"}, "unavailable", "no deploy", 0, 0},
        {"poll_error", {"poll#1=error"}, "change", "header rule", 0, 1},
        {"no_url", {"poll#*=no-url"}, "unavailable", "not where", 1, 0}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(NetlifyApi, WhatIsNeverReadyIsCancelledInTime) {
  serve({"--polls", "1000000"});
  config.deploy.timeout = 1s;
  const auto done = make()->deploy(request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::unavailable);
  EXPECT_EQ(done.error().code, "timeout");
  EXPECT_EQ(calls("cancel"), 1u);
  EXPECT_EQ(in_state("error"), 1u);
}

TEST_F(NetlifyApi, AServiceThatFallsSilentIsAnOutage) {
  serve_with_faults({"list#*=silence"});
  config.deploy.timeout = 1s;
  const auto found = make()->find(request);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind, fault::unavailable);
}

TEST_F(NetlifyApi, TheRateLimitIsWaitedFor) {
  retry_after = "1";
  serve({"--limit", "3", "--window-ms", "1000"});
  const auto done = make()->deploy(request);
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_TRUE(done->ok);
  EXPECT_EQ(in_state("ready"), 1u);
}

// Each call had the whole of the deploy's time once more after a wait: a service
// that asked for patience and then fell silent took twice as long as it may.
TEST_F(NetlifyApi, WhatAWaitUsedUpIsNotGivenAgain) {
  retry_after = "2";
  serve_with_faults({"list#1=status-429", "list#2=silence"});
  config.deploy.timeout = 3s;
  const auto begin = std::chrono::steady_clock::now();
  const auto found = make()->find(request);
  ASSERT_FALSE(found);
  EXPECT_EQ(calls("list"), 2u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4500ms) << "3 s, not 2 s and 3 s";
}

// A wait that is longer than a deploy may take is not begun.
TEST_F(NetlifyApi, ALongPauseOfTheServiceIsToldAtOnce) {
  retry_after = "7200";
  serve_with_faults({"create#1=status-429"});
  const auto done = make()->deploy(request);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, fault::unavailable);
  EXPECT_TRUE(holds(done.error().detail, "rate limit")) << done.error().detail;
}

TEST_F(NetlifyApi, AnEndOfTheProgramLeavesADeployForTheNextRun) {
  serve({"--polls", "1000000"});
  providers::processes children;
  auto d = make(children);
  auto done = std::async(std::launch::async, [&] { return d->deploy(request); });
  while (calls("poll") == 0)
    std::this_thread::yield();
  children.close();
  const auto left = done.get();
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, "closing");
  EXPECT_EQ(calls("cancel"), 0u);
}

TEST_F(NetlifyApi, WhatCannotBeOnASiteIsTheChangesFault) {
  serve();
  struct row {
    const char* build;
    const char* words;
  };
  for (const auto& row :
       {row{"ln -s css site/styles", "a link to a folder"}, row{"rm -r site/*", "holds no file"},
        row{"printf x >site/$(printf 'a\\377')", "no UTF-8"},
        row{"echo x >'site/a#b'", "cannot contain # or ?"}, row{"exit 3", "build: exit 3"}}) {
    SCOPED_TRACE(row.build);
    config.deploy.build = row.build;
    request.deploy_id += "x";
    const auto done = make()->deploy(request);
    ASSERT_TRUE(done) << done.error().detail;
    EXPECT_FALSE(done->ok);
    EXPECT_TRUE(holds(done->ended, row.words)) << done->ended;
  }
}

TEST_F(NetlifyApi, SaysAtOnceWhatIsNotSet) {
  serve();
  EXPECT_TRUE(providers::deploy_is_ready(config));
  config.deploy.token_env = "SCHEDULER_TEST_NO_TOKEN";
  auto why = providers::deploy_is_ready(config);
  ASSERT_FALSE(why);
  EXPECT_EQ(why.error().kind, fault::refused);
  EXPECT_TRUE(holds(why.error().detail, "SCHEDULER_TEST_NO_TOKEN"));
  EXPECT_EQ(make()->deploy(request).error().kind, fault::refused);
  config.deploy.token_env.clear();
  config.deploy.site_id_env = "SCHEDULER_TEST_NO_SITE";
  EXPECT_TRUE(holds(providers::deploy_is_ready(config).error().detail, "SCHEDULER_TEST_NO_SITE"));
  config.deploy.site_id_env.clear();
  const test::variable elsewhere("NETLIFY_API_URL", "http://api.example");
  EXPECT_TRUE(holds(providers::deploy_is_ready(config).error().detail, "NETLIFY_API_URL"));
  EXPECT_EQ(calls("list"), 0u);
}

} // namespace
