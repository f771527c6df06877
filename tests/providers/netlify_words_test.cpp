#include "providers/deploy/netlify_words.hpp"

#include "providers/deploy/sha1.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

namespace {

using namespace providers::netlify;
using ledger::json;
using std::chrono::milliseconds;

providers::deploy_request request() {
  providers::deploy_request r;
  r.task = "Fix-Footer";
  r.commit = "92ed175cacc592ed175cacc592ed175cacc592ed";
  r.deploy_id = "0123456789abcdef";
  return r;
}

TEST(NetlifyWords, ATitleNamesTaskCommitAndDeployInOneSpelling) {
  auto r = request();
  const auto title = title_of(r);
  EXPECT_EQ(title, "scheduler 0123456789abcdef: Fix-Footer at "
                   "92ed175cacc592ed175cacc592ed175cacc592ed");
  EXPECT_TRUE(is_title_of(title, r));
  EXPECT_TRUE(is_title_of(title.substr(0, 40), r)); // Cut short by the service.
  EXPECT_FALSE(is_title_of("x" + title, r));
  EXPECT_FALSE(is_title_of("scheduler 0123456789abcdef", r));
  EXPECT_FALSE(is_title_of("", r));
  r.deploy_id = "0123456789abcdee";
  EXPECT_FALSE(is_title_of(title, r));
  r.deploy_id.clear();
  EXPECT_FALSE(is_title_of("scheduler : Fix-Footer", r)); // Not known: nothing is ours.
}

TEST(NetlifyWords, AnAliasIsOfATaskAndOfNoOther) {
  EXPECT_EQ(alias_of("Fix-Footer"), "ai-fix-footer");
  EXPECT_EQ(alias_of("main"), "ai-main");
  EXPECT_EQ(alias_of("A.b_c"), "ai-a-b-c-" + alias_of("A.b_c").substr(9));
  std::set<std::string> seen;
  const std::string longest(128, 'a');
  for (const auto& task :
       {std::string("a.b"), std::string("a-b"), std::string("a_b"), std::string("a-.b"),
        std::string("a."), std::string("a"), std::string("a-"), longest, longest.substr(1),
        longest.substr(0, 34), longest.substr(0, 35)}) {
    const auto alias = alias_of(task);
    EXPECT_LE(alias.size(), 37u) << alias;
    EXPECT_EQ(alias.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), alias.npos);
    EXPECT_NE(alias.back(), '-');
    EXPECT_EQ(alias.find("--"), alias.npos) << alias;
    EXPECT_TRUE(seen.insert(alias).second) << task << " " << alias;
  }
}

TEST(NetlifyWords, AContextSaysWhereADeployGoes) {
  auto preview = placing_of("deploy-preview", "T");
  EXPECT_TRUE(preview.draft && !preview.production && preview.branch.empty());
  auto branch = placing_of("branch-deploy", "T");
  EXPECT_TRUE(!branch.draft && !branch.production);
  EXPECT_EQ(branch.branch, "ai-t");
  auto production = placing_of("production", "T");
  EXPECT_TRUE(!production.draft && production.production && production.branch.empty());
}

TEST(NetlifyWords, ACreationHasDigestsTitleAndPlace) {
  auto j = json::parse(
      creation_of(placing_of("branch-deploy", "T"), "a \"title\"", {{"/a", "11"}, {"/b c", "22"}}));
  EXPECT_EQ(j["files"]["/b c"], "22");
  EXPECT_EQ(j["title"], "a \"title\"");
  EXPECT_EQ(j["branch"], "ai-t");
  EXPECT_EQ(j["draft"], false);
  EXPECT_EQ(j["async"], false);
  announced_files many;
  for (int i = 0; i < 101; ++i)
    many[std::to_string(i)] = "11";
  j = json::parse(announcement_of(placing_of("deploy-preview", "T"), many));
  EXPECT_EQ(j["async"], true);
  EXPECT_EQ(j["draft"], true);
  EXPECT_FALSE(j.contains("branch"));
  EXPECT_FALSE(j.contains("title"));
}

TEST(NetlifyWords, AnswersAreReadStrictly) {
  auto s = read_status(R"({"id": "d1", "state": "uploading", "required": ["11", 2, "22"],
    "deploy_ssl_url": "https://d1.x", "deploy_url": "http://d1.x", "ssl_url": "https://x",
    "title": "t", "context": "production", "created_at": "2023-11-14T22:13:20.000Z"})");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->id, "d1");
  EXPECT_EQ(s->url, "https://d1.x");
  EXPECT_EQ(s->context, "production");
  EXPECT_EQ(s->required, (std::vector<std::string>{"11", "22"}));
  EXPECT_EQ(s->created_ms, 1'700'000'000'000);
  EXPECT_EQ(read_status(R"({"id": "d", "state": "ready", "deploy_url": "http://d"})")->url,
            "http://d");
  EXPECT_EQ(read_status(R"({"id": "d", "state": "ready", "url": "http://site"})")->url, "");
  for (auto text : {"", "{}", "[]", "null", "<html>", R"({"id": "d"})", R"({"state": "ready"})",
                    R"({"id": 1, "state": "ready"})", R"({"id": "", "state": "ready"})"})
    EXPECT_FALSE(read_status(text)) << text;
  EXPECT_EQ(read_listing("[]")->size(), 0u);
  EXPECT_EQ(read_listing(R"([{"id": "a", "state": "ready"}])")->size(), 1u);
  for (auto text : {"", "{}", "null", "[1]", R"([{"id": "a"}])"})
    EXPECT_FALSE(read_listing(text)) << text;
}

TEST(NetlifyWords, EveryStateHasItsStage) {
  auto at = [](const char* state, const char* message = "") {
    status s;
    s.state = state;
    s.error_message = message;
    return stage_of(s);
  };
  EXPECT_EQ(at("new"), stage::begun);
  EXPECT_EQ(at("preparing"), stage::preparing);
  EXPECT_EQ(at("prepared"), stage::uploading);
  EXPECT_EQ(at("uploading"), stage::uploading);
  for (auto state : {"uploaded", "processing", "processed", "enqueued", "some later word"})
    EXPECT_EQ(at(state), stage::processing) << state; // Until our time is up.
  EXPECT_EQ(at("ready"), stage::ready);
  EXPECT_EQ(at("error", "a header rule is wrong"), stage::failed);
  EXPECT_EQ(at("error", "Canceled build"), stage::cancelled);
  EXPECT_EQ(at("rejected"), stage::failed);
}

providers::http_response response(long status,
                                  std::vector<std::pair<std::string, std::string>> headers) {
  return {status, std::move(headers), {}};
}

TEST(NetlifyWords, WaitsAreWhatTheServiceSays) {
  constexpr std::int64_t now = 1'700'000'000'000;
  EXPECT_EQ(asked_to_wait(response(429, {{"retry-after", "7"}}), now), milliseconds(7000));
  EXPECT_EQ(asked_to_wait(response(503, {{"retry-after", "0"}}), now), milliseconds(0));
  EXPECT_EQ(asked_to_wait(response(429, {{"x-ratelimit-reset", "1700000003"}}), now),
            milliseconds(3000));
  EXPECT_EQ(asked_to_wait(response(429, {{"x-ratelimit-reset", "1600000000"}}), now),
            milliseconds(0));
  EXPECT_EQ(asked_to_wait(response(429, {{"x-ratelimit-reset", "1700009999"}}), now),
            std::chrono::minutes(2)); // Clocks differ.
  EXPECT_EQ(asked_to_wait(response(200, {{"x-ratelimit-remaining", "0"},
                                         {"x-ratelimit-reset", "1700000001"}}),
                          now),
            milliseconds(1000));
  EXPECT_FALSE(asked_to_wait(
      response(200, {{"x-ratelimit-remaining", "1"}, {"x-ratelimit-reset", "1700000001"}}), now));
  EXPECT_FALSE(asked_to_wait(response(500, {{"retry-after", "7"}}), now));
  EXPECT_FALSE(asked_to_wait(response(429, {{"x-ratelimit-reset", "soon"}}), now));
  EXPECT_FALSE(asked_to_wait(response(429, {{"x-ratelimit-reset", "99999999999999999999"}}), now));
}

TEST(NetlifyWords, PagesEndWhereNothingOfOursCanFollow) {
  EXPECT_TRUE(has_next_page(response(200, {{"link", "<https://x?page=2>; rel=\"next\""}}), 0));
  EXPECT_FALSE(has_next_page(response(200, {{"link", "<https://x?page=1>; rel=\"prev\""}}), 9));
  EXPECT_TRUE(has_next_page(response(200, {}), 1));
  EXPECT_FALSE(has_next_page(response(200, {}), 0));
  auto r = request();
  status old, young, unknown;
  old.created_ms = 1'600'000'000'000;
  young.created_ms = 1'700'000'000'000;
  EXPECT_FALSE(is_before({old}, r)); // When it was intended is not known.
  r.since_s = 1'700'000'000;
  EXPECT_TRUE(is_before({old, old}, r));
  EXPECT_FALSE(is_before({old, young}, r));
  EXPECT_FALSE(is_before({old, unknown}, r));
  EXPECT_FALSE(is_before({}, r));
  young.created_ms = 1'700'000'000'000 - 3'600'000; // Clocks differ.
  EXPECT_FALSE(is_before({young}, r));
}

TEST(NetlifyWords, TheToolIsReadOverSeveralLinesAndBehindWords) {
  auto s = read_tool_answer("Deploying {2 files}\n{\n  \"site_id\": \"s\",\n  \"deploy_id\": \"d\","
                            "\n  \"deploy_url\": \"https://d.x\"\n}\n\n");
  ASSERT_TRUE(s);
  EXPECT_EQ(s->id, "d");
  EXPECT_EQ(s->url, "https://d.x");
  for (auto text : {"", "done", "{", R"({"deploy_id": "d"})", R"({"deploy_url": "u"})",
                    R"({"deploy_id": "", "deploy_url": "u"})", R"([{"deploy_id": "d"}])",
                    R"({"deploy_id": 1, "deploy_url": "u"})"})
    EXPECT_FALSE(read_tool_answer(text)) << text;
}

TEST(NetlifyWords, TheToolsErrorsTellAStatus) {
  EXPECT_EQ(status_told_by_tool(" ›   Warning: JSONHTTPError: files: no SHA-1 422 \n more 500"),
            422);
  EXPECT_EQ(status_told_by_tool("Warning: TextHTTPError: 502\n"), 502);
  // As version 26.2.0 says it with --json.
  EXPECT_EQ(status_told_by_tool(" ›   JSONHTTPError: Unprocessable Entity\n"), 422);
  EXPECT_EQ(status_told_by_tool(" ›   TextHTTPError: Internal Server Error\n"), 500);
  EXPECT_EQ(status_told_by_tool("Invalid filename a#b. Deployed filenames …"), 422);
  EXPECT_EQ(status_told_by_tool("Error: No files or functions to deploy"), 422);
  EXPECT_EQ(status_told_by_tool("Error: connect ECONNREFUSED 127.0.0.1:422"), 0);
  EXPECT_EQ(status_told_by_tool("JSONHTTPError: "), 0);
  EXPECT_EQ(status_told_by_tool("Error: Unprocessable"), 0);
  EXPECT_EQ(status_told_by_tool(""), 0);
}

TEST(NetlifyWords, PathsAreEscapedAndRefusalsAreShort) {
  EXPECT_EQ(escaped_path("/a b/\xc3\xa4#?%/x-1_2.~"), "/a%20b/%C3%A4%23%3F%25/x-1_2.~");
  EXPECT_EQ(escaped("a/b&c=d"), "a%2Fb%26c%3Dd");
  providers::http_response r{422, {}, R"({"code": 422, "message": "bad\nfile"})"};
  EXPECT_EQ(words_of_refusal(r), "bad file");
  r.body = std::string(5000, 'x');
  EXPECT_LE(words_of_refusal(r).size(), 300u);
  r.body = R"({"errors": {"files": ["x"]}})";
  EXPECT_NE(words_of_refusal(r).find("files"), std::string::npos);
}

TEST(NetlifyWords, TheAddressIsReadAsTheToolReadsIt) {
  EXPECT_EQ(*api_base_of(""), "https://api.netlify.com/api/v1");
  EXPECT_EQ(*api_base_of("http://127.0.0.1:80"), "http://127.0.0.1:80/api/v1");
  EXPECT_EQ(*api_base_of("https://x.example/"), "https://x.example/api/v1");
  EXPECT_EQ(*api_base_of("https://x.example/other/v2/"), "https://x.example/other/v2");
  for (auto url : {"http://api.example", "ftp://x", "https://u:p@x", "https://x?y", "x"}) {
    auto base = api_base_of(url);
    ASSERT_FALSE(base) << url;
    EXPECT_NE(base.error().detail.find("NETLIFY_API_URL"), std::string::npos);
  }
}

TEST(Sha1, IsThatOfTheStandard) {
  EXPECT_EQ(providers::sha1(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(providers::sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  test::scratch s;
  const std::string large(1'000'000, 'a');
  test::write_file(s.path() / "large", large);
  EXPECT_EQ(*providers::sha1_of_file(s.path() / "large"),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  EXPECT_FALSE(providers::sha1_of_file(s.path() / "absent"));
}

} // namespace
