// What is said to OpenAI's Responses API, and what its answers come to.

#include "tests/providers/dialect_fixture.hpp"

namespace tests {
namespace {

using providers::tokens;

struct dialect_openai_responses : dialect_test {
  dialect_openai_responses()
      : dialect_test("openai") {
    model.base_url = "https://api.openai.com/v1";
    model.model = "gpt-5.2-codex";
  }
};

const std::string calls_body = R"({"id":"resp_1","object":"response","status":"completed",
  "error":null,"incomplete_details":null,"output":[
  {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAAA"},
  {"type":"message","id":"msg_1","role":"assistant","status":"completed","phase":"commentary",
   "content":[{"type":"output_text","text":"I look.","annotations":[]}]},
  {"type":"function_call","id":"fc_1","call_id":"call_1","name":"read_file","status":"completed",
   "arguments":"{\"path\":\"a.txt\"}"}],
  "usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":60},"output_tokens":9,
           "output_tokens_details":{"reasoning_tokens":5},"total_tokens":109}})";

std::string with_status(const std::string& status, const std::string& more = "") {
  return R"({"status":")" + status
         + R"(","output":[{"type":"message","content":[{"type":"output_text","text":"half"}]}],
             "usage":{"input_tokens":5,"output_tokens":2})"
         + more + "}";
}

std::string of_output(const std::string& item) {
  return R"({"status":"completed","output":[)" + item + "]}";
}

std::string call_with(const std::string& arguments) {
  json item{{"type", "function_call"}, {"call_id", "c"}, {"name", "n"}, {"arguments", arguments}};
  return of_output(item.dump());
}

std::string error(const std::string& type, const std::string& code) {
  return R"({"error":{"message":"No.","type":")" + type + R"(","param":null,"code":)" + code + "}}";
}

TEST_F(dialect_openai_responses, AsksAsTheReferenceSays) {
  auto r = speaks->write(model, prompt, {});
  EXPECT_EQ(r.url, "https://api.openai.com/v1/responses");
  EXPECT_EQ(header_of(r, "Authorization"), "Bearer key-of-the-test");
  EXPECT_EQ(json::parse(r.body), json::parse(R"({
    "model":"gpt-5.2-codex","instructions":"Be brief.",
    "tools":[
      {"type":"function","name":"list_files","description":"Lists.",
       "parameters":{"type":"object","properties":{}},"strict":false},
      {"type":"function","name":"read_file","description":"Reads.",
       "parameters":{"type":"object"},"strict":false}],
    "input":[{"type":"message","role":"user","content":[
      {"type":"input_text","text":"common part"},{"type":"input_text","text":"own part"}]}],
    "max_output_tokens":1234,"store":false,"include":["reasoning.encrypted_content"],
    "prompt_cache_key":"cache-key"})"));
}

TEST_F(dialect_openai_responses, AsksNoThoughtsOfModelsThatRefuseTheWish) {
  for (auto* name : {"gpt-4.1-mini", "gpt-4o", "gpt-3.5-turbo", "chatgpt-4o-latest"}) {
    model.model = name;
    EXPECT_FALSE(body_of().contains("include")) << name;
  }
}

TEST_F(dialect_openai_responses, ShortensALongCacheKeyAlwaysAlike) {
  prompt.cache_key = std::string(65, 'k');
  auto key = body_of()["prompt_cache_key"].get<std::string>();
  EXPECT_EQ(key.size(), 64U);
  EXPECT_EQ(body_of()["prompt_cache_key"], key);
  prompt.cache_key.clear();
  EXPECT_FALSE(body_of().contains("prompt_cache_key"));
}

TEST_F(dialect_openai_responses, SendsATurnBackVerbatimWithItsResults) {
  auto t = answered(turn_of(calls_body), {{"text of a", false}});
  auto input = body_of({&t, 1})["input"];
  auto output = json::parse(calls_body)["output"];
  ASSERT_EQ(input.size(), 5U);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(input[i + 1].dump(), output[i].dump());
  EXPECT_EQ(input[4].dump(),
            R"({"type":"function_call_output","call_id":"call_1","output":"text of a"})");
}

TEST_F(dialect_openai_responses, LeavesOutAThoughtWithoutContent) {
  auto t = turn_of(calls_body);
  t.raw[0].erase("encrypted_content");
  t.results = {{"x", true}};
  auto input = body_of({&t, 1})["input"];
  ASSERT_EQ(input.size(), 4U);
  EXPECT_EQ(input[1]["type"], "message");
  EXPECT_EQ(input[3]["output"], "Error: x");
}

TEST_F(dialect_openai_responses, ReadsATextWithCalls) {
  auto t = turn_of(calls_body);
  EXPECT_EQ(t.text, "I look.");
  ASSERT_EQ(t.calls.size(), 1U);
  EXPECT_EQ(t.calls[0].id, "call_1");
  EXPECT_EQ(t.calls[0].name, "read_file");
  EXPECT_EQ(t.calls[0].arguments.dump(), R"({"path":"a.txt"})");
  EXPECT_EQ(t.used, (tokens{40, 60, 0, 9}));
}

TEST_F(dialect_openai_responses, CommentaryIsNoPartOfAnAnswer) {
  auto t = turn_of(R"({"status":"completed","output":[
    {"type":"message","phase":"commentary","content":[{"type":"output_text","text":"Hm."}]},
    {"type":"message","phase":"final_answer","content":[{"type":"output_text","text":"Yes."}]}]})");
  EXPECT_EQ(t.text, "Yes.");
}

TEST_F(dialect_openai_responses, EveryStatusButOneIsAFailure) {
  check({
      {"cut off", 200,
       with_status("incomplete", R"(,"incomplete_details":{"reason":"max_output_tokens"})"),
       failure_kind::spoiled, "cut-off", false},
      {"filtered", 200,
       with_status("incomplete", R"(,"incomplete_details":{"reason":"content_filter"})"),
       failure_kind::spoiled, "filtered", false},
      {"incomplete for no reason", 200, with_status("incomplete"), failure_kind::spoiled,
       "unexpected-stop", false},
      {"cancelled", 200, with_status("cancelled"), failure_kind::spoiled, "unexpected-stop", false},
      {"queued", 200, with_status("queued"), failure_kind::spoiled, "unexpected-stop", false},
      {"failed without error", 200, with_status("failed"), failure_kind::outage, "service-error",
       false},
      {"failed: server", 200,
       R"({"status":"failed","output":[],"error":{"code":"server_error","message":"x"}})",
       failure_kind::outage, "service-error", true},
      {"failed: limit", 200,
       R"({"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"x"}})",
       failure_kind::wait, "rate-limited", false},
      {"failed: prompt", 200,
       R"({"status":"failed","output":[],"error":{"code":"invalid_prompt","message":"flagged"}})",
       failure_kind::refused, "refusal", true},
      {"refusal", 200,
       of_output(R"({"type":"message","content":[{"type":"refusal","refusal":"I will not."}]})"),
       failure_kind::refused, "refusal", true},
      {"nothing", 200, of_output(""), failure_kind::spoiled, "empty-answer", true},
      {"only thoughts", 200, of_output(R"({"type":"reasoning","summary":[]})"),
       failure_kind::spoiled, "empty-answer", true},
      {"arguments cut", 200, call_with("{\"path\":"), failure_kind::spoiled, "malformed-call",
       true},
      {"arguments a list", 200, call_with("[1]"), failure_kind::spoiled, "malformed-call", true},
      {"arguments too deep", 200, call_with(std::string(100'000, '[')), failure_kind::spoiled,
       "malformed-call", true},
      {"call incomplete", 200,
       of_output(R"({"type":"function_call","call_id":"c","name":"n","arguments":"{}",
                     "status":"incomplete"})"),
       failure_kind::spoiled, "malformed-call", true},
      {"chat completions", 200, R"({"choices":[]})", failure_kind::outage, "wrong-shape", true},
      {"no status", 200, R"({"output":[]})", failure_kind::outage, "wrong-shape", true},
  });
}

TEST_F(dialect_openai_responses, EveryErrorHasItsKind) {
  auto invalid = "invalid_request_error";
  check({
      {"400", 400, error(invalid, "null"), failure_kind::refused, "bad-request", false},
      {"context", 400, error(invalid, R"("context_length_exceeded")"), failure_kind::refused,
       "too-large", false},
      {"flagged", 400, error(invalid, R"("invalid_prompt")"), failure_kind::refused, "refusal",
       false},
      {"401", 401, error(invalid, R"("invalid_api_key")"), failure_kind::refused, "key-invalid",
       false},
      {"403", 403, error("request_forbidden", R"("unsupported_country_region_territory")"),
       failure_kind::refused, "key-forbidden", false},
      {"404", 404, error(invalid, R"("model_not_found")"), failure_kind::refused, "no-such-model",
       false},
      {"408", 408, "", failure_kind::outage, "timed-out", true},
      {"quota", 429, error("insufficient_quota", R"("insufficient_quota")"), failure_kind::refused,
       "no-credit", false},
      {"balance", 429, error("insufficient_quota", R"("credit_balance_exhausted")"),
       failure_kind::refused, "no-credit", false},
      {"spend limit", 429, error("insufficient_quota", R"("project_spend_limit_exceeded")"),
       failure_kind::refused, "no-credit", false},
      {"slow down", 429, error("rate_limit_error", R"("slow_down")"), failure_kind::wait,
       "rate-limited", false},
      {"slow down with 503", 503, error("service_unavailable_error", R"("slow_down")"),
       failure_kind::wait, "rate-limited", false},
      {"limit",
       429,
       error("requests", R"("rate_limit_exceeded")"),
       failure_kind::wait,
       "rate-limited",
       false,
       {{"retry-after-ms", "1500"}, {"retry-after", "2"}},
       1'500},
      {"limit with resets",
       429,
       error("tokens", R"("rate_limit_exceeded")"),
       failure_kind::wait,
       "rate-limited",
       false,
       {{"x-ratelimit-remaining-tokens", "0"},
        {"x-ratelimit-reset-tokens", "6m0s"},
        {"x-ratelimit-remaining-requests", "9"},
        {"x-ratelimit-reset-requests", "1h0m0s"}},
       360'000},
      {"one request too large", 429,
       R"({"error":{"message":"Request too large for gpt-5 on tokens per min: Limit 30000",
           "type":"tokens","code":"rate_limit_exceeded"}})",
       failure_kind::refused, "too-large", false},
      {"limit of a day", 429,
       R"({"error":{"message":"Rate limit reached on requests per day",
           "type":"requests","code":"rate_limit_exceeded"}})",
       failure_kind::wait, "quota-used-up", false},
      {"500", 500, error("server_error", "null"), failure_kind::outage, "service-error", true},
      {"502 page", 502, "<html>Bad gateway</html>", failure_kind::outage, "service-error", true},
      {"503", 503, "", failure_kind::outage, "service-error", true},
      {"503 with a hint",
       503,
       "",
       failure_kind::wait,
       "overloaded",
       false,
       {{"retry-after", "5"}},
       5'000},
      {"503 overloaded", 503, error("service_unavailable_error", R"("server_is_overloaded")"),
       failure_kind::wait, "overloaded", false},
  });
}

TEST_F(dialect_openai_responses, ReadsItsLimits) {
  auto hint = speaks->limits(response(200, "",
                                      {{"x-ratelimit-limit-requests", "600"},
                                       {"x-ratelimit-remaining-requests", "599"},
                                       {"x-ratelimit-reset-requests", "12ms"},
                                       {"x-ratelimit-limit-tokens", "30000"},
                                       {"x-ratelimit-remaining-tokens", "29000"},
                                       {"x-ratelimit-reset-tokens", "1h2m3.5s"}}),
                             dialect_now_ms);
  EXPECT_EQ(hint.requests_limit, 600U);
  EXPECT_EQ(hint.requests_left, 599U);
  EXPECT_EQ(hint.requests_reset_ms, 12);
  EXPECT_EQ(hint.tokens_limit, 30'000U);
  EXPECT_EQ(hint.tokens_left, 29'000U);
  EXPECT_EQ(hint.tokens_reset_ms, 3'723'500);
}

} // namespace
} // namespace tests
