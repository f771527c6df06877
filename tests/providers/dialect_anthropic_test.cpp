// What is said to Anthropic's Messages API, and what its answers come to.

#include "tests/providers/dialect_fixture.hpp"

namespace tests {
namespace {

using providers::tokens;

struct dialect_anthropic : dialect_test {
  dialect_anthropic()
      : dialect_test("anthropic") {
    model.base_url = "https://api.anthropic.com";
  }
};

const std::string calls_body = R"({"id":"msg_1","type":"message","role":"assistant","content":[
  {"type":"thinking","thinking":"hm","signature":"c2ln"},
  {"type":"text","text":"I look."},
  {"type":"tool_use","id":"toolu_1","name":"read_file","input":{"path":"a.txt","from":1}},
  {"type":"tool_use","id":"toolu_2","name":"list_files","input":{}}],
  "stop_reason":"tool_use","stop_sequence":null,
  "usage":{"input_tokens":10,"cache_creation_input_tokens":20,"cache_read_input_tokens":30,
           "output_tokens":40}})";

std::string stopped(const std::string& reason, const std::string& more = "") {
  return R"({"type":"message","content":[{"type":"text","text":"half"}],"stop_reason":")" + reason
         + R"(","usage":{"input_tokens":7,"output_tokens":3})" + more + "}";
}

std::string error(const std::string& type, const std::string& message = "No.") {
  return R"({"type":"error","error":{"type":")" + type + R"(","message":")" + message
         + R"("},"request_id":"req_1"})";
}

TEST_F(dialect_anthropic, AsksAsTheReferenceSays) {
  auto r = speaks->write(model, prompt, {});
  EXPECT_EQ(r.url, "https://api.anthropic.com/v1/messages");
  EXPECT_EQ(header_of(r, "x-api-key"), "key-of-the-test");
  EXPECT_EQ(header_of(r, "anthropic-version"), "2023-06-01");
  EXPECT_EQ(json::parse(r.body), json::parse(R"({
    "model":"some-model","max_tokens":1234,
    "tools":[
      {"name":"list_files","description":"Lists.",
       "input_schema":{"type":"object","properties":{}}},
      {"name":"read_file","description":"Reads.","input_schema":{"type":"object"},
       "cache_control":{"type":"ephemeral"}}],
    "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
    "messages":[{"role":"user","content":[
      {"type":"text","text":"common part"},
      {"type":"text","text":"own part","cache_control":{"type":"ephemeral"}}]}]})"));
}

TEST_F(dialect_anthropic, SendsNoKeyWhereThereIsNone) {
  model.api_key.clear();
  EXPECT_EQ(header_of(speaks->write(model, prompt, {}), "x-api-key"), "(none)");
}

TEST_F(dialect_anthropic, LeavesOutWhatIsEmpty) {
  prompt.system = " \n";
  prompt.tools = {};
  prompt.parts = {"", "only"};
  auto body = body_of();
  EXPECT_FALSE(body.contains("system"));
  EXPECT_FALSE(body.contains("tools"));
  EXPECT_EQ(body["messages"][0]["content"].size(), 1U);
}

TEST_F(dialect_anthropic, SendsATurnBackVerbatimWithItsResults) {
  auto t = answered(turn_of(calls_body), {{"text of a", false}, {"no such folder", true}});
  auto messages = body_of({&t, 1})["messages"];
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[1]["role"], "assistant");
  EXPECT_EQ(messages[1]["content"].dump(), json::parse(calls_body)["content"].dump());
  EXPECT_EQ(messages[2], json::parse(R"({"role":"user","content":[
    {"type":"tool_result","tool_use_id":"toolu_1","content":"text of a","is_error":false},
    {"type":"tool_result","tool_use_id":"toolu_2","content":"no such folder","is_error":true,
     "cache_control":{"type":"ephemeral"}}]})"));
}

TEST_F(dialect_anthropic, MarksAtMostFourPlacesForTheCache) {
  auto t = answered(turn_of(calls_body), {{"a", false}, {"b", false}});
  std::vector<providers::turn> turns{t, t, t};
  auto text = speaks->write(model, prompt, turns).body;
  std::size_t marks = 0;
  for (auto at = text.find("cache_control"); at != std::string::npos;
       at = text.find("cache_control", at + 1))
    ++marks;
  EXPECT_EQ(marks, 4U);
  EXPECT_TRUE(json::parse(text)["messages"].back()["content"].back().contains("cache_control"));
}

TEST_F(dialect_anthropic, ReadsATextWithCalls) {
  auto t = turn_of(calls_body);
  EXPECT_EQ(t.text, "I look.");
  ASSERT_EQ(t.calls.size(), 2U);
  EXPECT_EQ(t.calls[0].id, "toolu_1");
  EXPECT_EQ(t.calls[0].name, "read_file");
  EXPECT_EQ(t.calls[0].arguments.dump(), R"({"path":"a.txt","from":1})");
  EXPECT_EQ(t.calls[1].arguments.dump(), "{}");
  EXPECT_EQ(t.used, (tokens{10, 30, 20, 40}));
  EXPECT_TRUE(t.results.empty());
}

TEST_F(dialect_anthropic, ReadsAnAnswerInPieces) {
  auto t = turn_of(R"({"content":[{"type":"text","text":"one "},{"type":"text","text":"two"}],
    "stop_reason":"end_turn"})");
  EXPECT_EQ(t.text, "one two");
  EXPECT_EQ(t.used, tokens{});
}

TEST_F(dialect_anthropic, EveryStopReasonButTwoIsAFailure) {
  check({
      {"max_tokens", 200, stopped("max_tokens"), failure_kind::spoiled, "cut-off", false},
      {"stop_sequence", 200, stopped("stop_sequence"), failure_kind::spoiled, "unexpected-stop",
       false},
      {"pause_turn", 200, stopped("pause_turn"), failure_kind::spoiled, "unexpected-stop", false},
      {"refusal", 200, stopped("refusal"), failure_kind::refused, "refusal", false},
      {"window", 200, stopped("model_context_window_exceeded"), failure_kind::refused, "too-large",
       false},
      {"unknown", 200, stopped("tired"), failure_kind::spoiled, "unexpected-stop", false},
      {"none", 200, R"({"content":[{"type":"text","text":"x"}]})", failure_kind::spoiled,
       "unexpected-stop", true},
      {"null", 200, R"({"content":[{"type":"text","text":"x"}],"stop_reason":null})",
       failure_kind::spoiled, "unexpected-stop", true},
      {"calls that are none", 200, stopped("tool_use"), failure_kind::spoiled, "malformed-call",
       false},
      {"nothing said", 200, R"({"content":[],"stop_reason":"end_turn"})", failure_kind::spoiled,
       "empty-answer", true},
      {"blank", 200, R"({"content":[{"type":"text","text":" \n"}],"stop_reason":"end_turn"})",
       failure_kind::spoiled, "empty-answer", true},
      {"arguments that are a text", 200,
       R"({"content":[{"type":"tool_use","id":"t","name":"n","input":"{}"}],
           "stop_reason":"tool_use"})",
       failure_kind::spoiled, "malformed-call", true},
      {"call without id", 200,
       R"({"content":[{"type":"tool_use","name":"n","input":{}}],"stop_reason":"tool_use"})",
       failure_kind::spoiled, "malformed-call", true},
      {"another shape", 200, R"({"content":"hello","stop_reason":"end_turn"})",
       failure_kind::outage, "wrong-shape", true},
  });
}

TEST_F(dialect_anthropic, AFailureOfAnAnswerSaysWhatItUsedAndWhy) {
  auto f = failure_of(200, stopped("refusal", R"(,"stop_details":{"explanation":"Policy X."})"));
  EXPECT_EQ(f.used, (tokens{7, 0, 0, 3}));
  EXPECT_NE(f.why.find("Policy X."), std::string::npos) << f.why;
  EXPECT_NE(f.why.find("`refusal`"), std::string::npos) << f.why;
}

TEST_F(dialect_anthropic, EveryErrorHasItsKind) {
  check({
      {"400", 400, error("invalid_request_error"), failure_kind::refused, "bad-request", false},
      {"too long", 400,
       error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
       failure_kind::refused, "too-large", false},
      {"no balance", 400,
       error("invalid_request_error", "Your credit balance is too low to access the API."),
       failure_kind::refused, "no-credit", false},
      {"own spend limit", 400,
       error("invalid_request_error", "You have reached your specified API usage limits."),
       failure_kind::refused, "no-credit", false},
      {"401", 401, error("authentication_error"), failure_kind::refused, "key-invalid", false},
      {"402", 402, error("billing_error"), failure_kind::refused, "no-credit", false},
      {"403", 403, error("permission_error"), failure_kind::refused, "key-forbidden", false},
      {"404", 404, error("not_found_error"), failure_kind::refused, "no-such-model", false},
      {"409", 409, error("conflict_error"), failure_kind::outage, "service-error", false},
      {"413", 413, error("request_too_large"), failure_kind::refused, "too-large", false},
      {"429", 429, error("rate_limit_error"), failure_kind::wait, "rate-limited", false},
      {"429 with a hint",
       429,
       error("rate_limit_error"),
       failure_kind::wait,
       "rate-limited",
       false,
       {{"retry-after", "17"}},
       17'000},
      {"429 with a date",
       429,
       error("rate_limit_error"),
       failure_kind::wait,
       "rate-limited",
       false,
       {{"retry-after", "Wed, 25 Nov 2026 23:02:00 GMT"}},
       60'000},
      {"429 with resets",
       429,
       error("rate_limit_error"),
       failure_kind::wait,
       "rate-limited",
       false,
       {{"anthropic-ratelimit-requests-remaining", "3"},
        {"anthropic-ratelimit-requests-reset", "2026-11-25T23:06:00Z"},
        {"anthropic-ratelimit-tokens-remaining", "0"},
        {"anthropic-ratelimit-tokens-reset", "2026-11-25T23:01:30Z"}},
       30'000},
      {"429 of a spend cap", 429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"x",
           "details":{"error_code":"enforced_spend_limit_reached"}}})",
       failure_kind::refused, "no-credit", false},
      {"500", 500, error("api_error"), failure_kind::outage, "service-error", true},
      {"504", 504, error("timeout_error"), failure_kind::outage, "timed-out", true},
      {"529", 529, error("overloaded_error"), failure_kind::wait, "overloaded", false},
      {"overloaded with 500", 500, error("overloaded_error"), failure_kind::wait, "overloaded",
       false},
      {"529 without a body", 529, "", failure_kind::wait, "overloaded", false},
      {"an error with 200", 200, error("overloaded_error"), failure_kind::wait, "overloaded",
       false},
      {"an unknown error with 200", 200, error("odd_error"), failure_kind::outage, "service-error",
       true},
  });
}

TEST_F(dialect_anthropic, ReadsItsLimits) {
  auto hint = speaks->limits(
      response(200, "",
               {{"anthropic-ratelimit-requests-limit", "50"},
                {"anthropic-ratelimit-requests-remaining", "49"},
                {"anthropic-ratelimit-requests-reset", "2026-11-25T23:01:01.500Z"},
                {"anthropic-ratelimit-input-tokens-limit", "400000"},
                {"anthropic-ratelimit-input-tokens-remaining", "0"},
                {"anthropic-ratelimit-input-tokens-reset", "2026-11-26T00:02:00+01:00"}}),
      dialect_now_ms);
  EXPECT_EQ(hint.requests_limit, 50U);
  EXPECT_EQ(hint.requests_left, 49U);
  EXPECT_EQ(hint.requests_reset_ms, 1'500);
  EXPECT_EQ(hint.tokens_limit, 400'000U);
  EXPECT_EQ(hint.tokens_left, 0U);
  EXPECT_EQ(hint.tokens_reset_ms, 60'000);
}

} // namespace
} // namespace tests
