// The fake Netlify: what it checks, and what it does wrong when told to.

#include "ledger/detail.hpp"
#include "tests/fake_netlify/service.hpp"
#include "tests/support/fake_netlify.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace {

using namespace fake_netlify;
using fake_server::wire_answer;

struct asked {
  int status = 0;
  json body;
  std::string head;
};

/// A service without sockets, asked as a client would.
class Fake : public ::testing::Test {
protected:
  asked ask(const std::string& method, const std::string& path, const std::string& body = {},
            const std::string& token = "good") {
    fake_server::http_question q;
    q.method = method;
    auto mark = path.find('?');
    q.path = "/api/v1" + path.substr(0, mark);
    q.query = mark == path.npos ? "" : path.substr(mark + 1);
    q.headers = {{"authorization", "Bearer " + token}, {"content-type", content_type}};
    q.body = body;
    if (!mind)
      mind = std::make_unique<service>(options, site(of_site), faults(all));
    auto a = mind->answer(q, now_ms, unix_ms);
    last = a;
    return {std::atoi(a.head.c_str() + 9), json::parse(a.body, nullptr, false), a.head};
  }
  void fault(const std::string& text) { all.push_back(*read_fault(text)); }
  static std::string files(const std::map<std::string, std::string>& contents) {
    json j;
    for (auto& [path, content] : contents)
      j["files"][path] = sha1_of(content);
    return j.dump();
  }

  service_options options;
  site_options of_site;
  std::vector<fake_netlify::fault> all;
  std::unique_ptr<service> mind;
  wire_answer last;
  std::string content_type = "application/octet-stream";
  std::int64_t now_ms = 1000, unix_ms = 1'700'000'000'000;
};

TEST_F(Fake, TakesADeployFromItsDigestsToReady) {
  auto made = ask("POST", "/sites/site-1/deploys?title=A%20b", files({{"/a", "x"}, {"/b", "x"}}));
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.body["state"], "uploading");
  EXPECT_EQ(made.body["title"], "A b");
  ASSERT_EQ(made.body["required"].size(), 1u); // One content, asked for once.
  auto id = made.body["id"].get<std::string>();
  EXPECT_EQ(ask("PUT", "/deploys/" + id + "/files/a", "x").status, 200);
  EXPECT_EQ(ask("GET", "/deploys/" + id).body["state"], "processing");
  auto done = ask("GET", "/sites/site-1/deploys/" + id).body;
  EXPECT_EQ(done["state"], "ready");
  EXPECT_EQ(done["deploy_ssl_url"], "https://" + id + "--a-site.netlify.example");
  auto again = ask("POST", "/sites/site-1/deploys?title=A", files({{"/a", "x"}}));
  EXPECT_EQ(again.body["required"].size(), 0u);
}

TEST_F(Fake, RefusesABodyThatHasNotTheAnnouncedDigest) {
  auto id =
      ask("POST", "/sites/site-1/deploys", files({{"/a b", "x"}})).body["id"].get<std::string>();
  EXPECT_EQ(ask("PUT", "/deploys/" + id + "/files/a%20b", "y").status, 422);
  EXPECT_EQ(ask("PUT", "/deploys/" + id + "/files/other", "x").status, 404);
  content_type = "application/json";
  EXPECT_EQ(ask("PUT", "/deploys/" + id + "/files/a%20b", "x").status, 415);
  EXPECT_EQ(ask("POST", "/sites/site-1/deploys", files({{"/a#b", "x"}})).status, 422);
  EXPECT_EQ(ask("POST", "/sites/site-1/deploys", R"({"files": {"/a": "not a digest"}})").status,
            422);
}

TEST_F(Fake, KnowsTokensSitesAndLimits) {
  options.limit = 2;
  EXPECT_EQ(ask("GET", "/sites/site-1", "", "bad-token").status, 401);
  EXPECT_EQ(ask("GET", "/sites/other").status, 404);
  EXPECT_EQ(ask("GET", "/sites/site-1").status, 200);
  auto over = ask("GET", "/sites/site-1");
  EXPECT_EQ(over.status, 429);
  EXPECT_NE(over.head.find("retry-after: 1\r\n"), std::string::npos) << over.head;
  EXPECT_NE(over.head.find("x-ratelimit-remaining: 0\r\n"), std::string::npos) << over.head;
  now_ms += options.window_ms;
  EXPECT_EQ(ask("GET", "/sites/site-1").status, 200);
}

TEST_F(Fake, PreparesWhatIsAsynchronousFirst) {
  auto made = ask("POST", "/sites/site-1/deploys",
                  R"({"async": true, "files": {"/a": ")" + sha1_of("x") + "\"}}");
  EXPECT_EQ(made.body["state"], "preparing");
  EXPECT_TRUE(made.body["required"].is_null());
  auto path = "/deploys/" + made.body["id"].get<std::string>();
  EXPECT_EQ(ask("GET", path).body["state"], "preparing");
  auto prepared = ask("GET", path).body;
  EXPECT_EQ(prepared["state"], "prepared");
  EXPECT_EQ(prepared["required"].size(), 1u);
}

TEST_F(Fake, GoesOnWithADeployThatWasBegunWithoutFilesAndCancels) {
  auto made = ask("POST", "/sites/site-1/deploys?title=T", R"({"draft": true})");
  EXPECT_EQ(made.body["state"], "new");
  EXPECT_EQ(made.body["context"], "deploy-preview");
  auto id = made.body["id"].get<std::string>();
  EXPECT_EQ(ask("PUT", "/sites/site-1/deploys/" + id, files({{"a", "x"}})).body["state"],
            "uploading");
  EXPECT_EQ(ask("POST", "/deploys/" + id + "/cancel").status, 201);
  auto over = ask("GET", "/deploys/" + id).body;
  EXPECT_EQ(over["state"], "error");
  EXPECT_EQ(over["error_message"], "Canceled");
}

TEST_F(Fake, ListsTheNewestFirstInPages) {
  for (auto title : {"1", "2", "3"})
    ask("POST", std::string("/sites/site-1/deploys?title=") + title, files({{"/a", title}}));
  auto first = ask("GET", "/sites/site-1/deploys?page=1&per_page=2");
  ASSERT_EQ(first.body.size(), 2u);
  EXPECT_EQ(first.body[0]["title"], "3");
  EXPECT_NE(first.head.find("rel=\"next\""), std::string::npos) << first.head;
  auto second = ask("GET", "/sites/site-1/deploys?page=2&per_page=2");
  ASSERT_EQ(second.body.size(), 1u);
  EXPECT_EQ(second.head.find("rel=\"next\""), std::string::npos) << second.head;
}

TEST_F(Fake, DoesWrongWhatItIsToldAndWhen) {
  fault("create#1=lost");
  fault("create#2=status-503");
  fault("create#3=no-id");
  fault("create#4=not-json");
  fault("create#5+=error");
  auto create = [&] { return ask("POST", "/sites/site-1/deploys?title=T", files({{"/a", "x"}})); };
  create();
  EXPECT_EQ(last.fault, "drop");
  EXPECT_EQ(create().status, 503);
  EXPECT_FALSE(create().body.contains("id"));
  EXPECT_TRUE(create().body.is_discarded());
  EXPECT_EQ(create().body["state"], "error");
  EXPECT_EQ(create().body["state"], "error");
  EXPECT_EQ(ask("GET", "/sites/site-1/deploys").body.size(), 5u); // All but the 503.
}

TEST(fake_netlify_faults, AreReadStrictly) {
  for (auto text : {"create#1=lost", "upload#2+=status-500", "poll#*=text-502", "list#10=html"})
    EXPECT_TRUE(read_fault(text)) << text;
  for (auto text : {"", "create=lost", "create#0=lost", "create#x=lost", "other#1=lost",
                    "create#1=lots", "create#1=status-", "create#1=status-9999"})
    EXPECT_FALSE(read_fault(text)) << text;
}

TEST(fake_netlify_words, DecodeWhatWasEscaped) {
  EXPECT_EQ(percent_decoded("a%20b%C3%A4%2"), "a b\xc3\xa4%2");
  EXPECT_EQ(query_value("x=1&title=a+b%26c", "title"), "a b&c");
  EXPECT_EQ(query_value("x=1", "title"), "");
  EXPECT_EQ(rfc3339(1'700'000'000'000), "2023-11-14T22:13:20Z");
}

TEST(fake_netlify_program, CountsAndTellsWhatItWasAsked) {
  tests::fake_netlify server({"--seed", "3", "--watch", "good-token"});
  ASSERT_TRUE(server.is_up()) << server.why();
  auto said = tests::raw_exchange(
      server.port(), "GET /api/v1/sites/site-1/deploys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Authorization: Bearer good-token\r\n\r\n");
  EXPECT_NE(said.find("Somebody's deploy 3"), std::string::npos) << said;
  EXPECT_EQ(server.counters()["routes"]["list"], 1);
  EXPECT_EQ(server.counters()["deploys"], 3);
  ASSERT_EQ(server.asked({{"route", "list"}}), 1u);
  EXPECT_EQ(server.log()[0]["in_headers"][0], "good-token");
  EXPECT_EQ(server.end(), 0);
  tests::fake_netlify broken({"--fault", "nothing"});
  EXPECT_FALSE(broken.is_up());
  EXPECT_NE(broken.why().find("ROUTE#WHEN=WHAT"), std::string::npos) << broken.why();
}

} // namespace
