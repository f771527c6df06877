// What is said to servers that speak chat completions, and what they answer.

#include "tests/providers/dialect_fixture.hpp"

namespace tests {
namespace {

using providers::tokens;

struct dialect_openai_chat : dialect_test {
  dialect_openai_chat()
      : dialect_test("openai-chat") {
    model.base_url = "http://127.0.0.1:8000/v1";
  }
};

const std::string calls_body = R"({"object":"chat.completion","choices":[{"index":0,
  "message":{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[
    {"id":"call_1","type":"function","function":{"name":"read_file",
     "arguments":"{\"path\":\"a.txt\"}"}}]},"finish_reason":"tool_calls"}],
  "usage":{"prompt_tokens":100,"completion_tokens":9,"total_tokens":109,
           "prompt_tokens_details":{"cached_tokens":60}}})";

std::string choice(const std::string& message, const std::string& finish) {
  return R"({"choices":[{"message":)" + message + R"(,"finish_reason":)" + finish + "}]}";
}

const std::string half = R"({"role":"assistant","content":"half"})";

std::string call_with(const std::string& arguments) {
  return choice(R"({"tool_calls":[{"id":"c","function":{"name":"n","arguments":)" + arguments
                    + "}}]}",
                R"("tool_calls")");
}

TEST_F(dialect_openai_chat, AsksAsTheServersRead) {
  auto r = speaks->write(model, prompt, {});
  EXPECT_EQ(r.url, "http://127.0.0.1:8000/v1/chat/completions");
  EXPECT_EQ(header_of(r, "Authorization"), "Bearer key-of-the-test");
  EXPECT_EQ(json::parse(r.body), json::parse(R"({
    "model":"some-model","max_tokens":1234,
    "tools":[
      {"type":"function","function":{"name":"list_files","description":"Lists.",
       "parameters":{"type":"object","properties":{}}}},
      {"type":"function","function":{"name":"read_file","description":"Reads.",
       "parameters":{"type":"object"}}}],
    "messages":[{"role":"system","content":"Be brief."},
                {"role":"user","content":"common part\n\nown part"}]})"));
}

TEST_F(dialect_openai_chat, SendsNoKeyWhereThereIsNone) {
  model.api_key.clear();
  EXPECT_EQ(header_of(speaks->write(model, prompt, {}), "Authorization"), "(none)");
}

TEST_F(dialect_openai_chat, SendsATurnBackVerbatimWithItsResults) {
  auto t = answered(turn_of(calls_body), {{"not allowed", true}});
  auto messages = body_of({&t, 1})["messages"];
  ASSERT_EQ(messages.size(), 4U);
  EXPECT_EQ(messages[2].dump(), json::parse(calls_body)["choices"][0]["message"].dump());
  EXPECT_EQ(messages[3].dump(),
            R"({"role":"tool","tool_call_id":"call_1","content":"Error: not allowed"})");
}

TEST_F(dialect_openai_chat, ReadsCalls) {
  auto t = turn_of(calls_body);
  EXPECT_EQ(t.text, "");
  ASSERT_EQ(t.calls.size(), 1U);
  EXPECT_EQ(t.calls[0].id, "call_1");
  EXPECT_EQ(t.calls[0].name, "read_file");
  EXPECT_EQ(t.calls[0].arguments.dump(), R"({"path":"a.txt"})");
  EXPECT_EQ(t.used, (tokens{40, 60, 0, 9}));
}

TEST_F(dialect_openai_chat, ReadsWhatServersVary) {
  EXPECT_EQ(turn_of(choice(R"({"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]})",
                           R"("stop")"))
                .text,
            "ab");
  EXPECT_EQ(turn_of(call_with(R"({"a":1})")).calls[0].arguments.dump(), R"({"a":1})");
  for (auto* nothing : {R"("")", R"(" ")", "null"})
    EXPECT_EQ(turn_of(call_with(nothing)).calls[0].arguments.dump(), "{}") << nothing;
  auto t = turn_of(choice(
      R"({"content":"x","tool_calls":[{"function":{"name":"n","arguments":"{}"}}]})", R"("stop")"));
  ASSERT_EQ(t.calls.size(), 1U);
  t.results = {{"r", false}};
  auto messages = body_of({&t, 1})["messages"];
  EXPECT_EQ(messages[2]["role"], "assistant");
  EXPECT_EQ(messages[3].dump(), R"({"role":"tool","name":"n","content":"r"})");
}

TEST_F(dialect_openai_chat, EveryFinishButTwoIsAFailure) {
  check({
      {"length", 200, choice(half, R"("length")"), failure_kind::spoiled, "cut-off", true},
      {"filter", 200, choice(half, R"("content_filter")"), failure_kind::spoiled, "filtered", true},
      {"unknown", 200, choice(half, R"("abort")"), failure_kind::spoiled, "unexpected-stop", true},
      {"none", 200, choice(half, "null"), failure_kind::spoiled, "unexpected-stop", true},
      {"calls that are none", 200, choice(half, R"("tool_calls")"), failure_kind::spoiled,
       "malformed-call", true},
      {"refusal", 200, choice(R"({"content":null,"refusal":"I will not."})", R"("stop")"),
       failure_kind::refused, "refusal", true},
      {"nothing", 200, choice(R"({"content":""})", R"("stop")"), failure_kind::spoiled,
       "empty-answer", true},
      {"no choices", 200, R"({"choices":[]})", failure_kind::spoiled, "empty-answer", true},
      {"arguments cut", 200, call_with(R"("{\"a\":")"), failure_kind::spoiled, "malformed-call",
       true},
      {"arguments a number", 200, call_with("7"), failure_kind::spoiled, "malformed-call", true},
      {"calls no list", 200, choice(R"({"tool_calls":{"a":1}})", R"("tool_calls")"),
       failure_kind::spoiled, "malformed-call", true},
      {"another shape", 200, R"({"content":[]})", failure_kind::outage, "wrong-shape", true},
      {"message no object", 200, choice("7", R"("stop")"), failure_kind::outage, "wrong-shape",
       true},
      {"error under way", 200,
       R"({"choices":[{"message":{"content":"ha"},"finish_reason":"error",
           "error":{"code":502,"message":"upstream"}}]})",
       failure_kind::outage, "service-error", true},
      {"finish error", 200, choice(half, R"("error")"), failure_kind::outage, "service-error",
       true},
  });
}

TEST_F(dialect_openai_chat, EveryErrorHasItsKind) {
  check({
      {"limit with 200",
       200,
       R"({"error":{"code":429,"message":"slow"}})",
       failure_kind::wait,
       "rate-limited",
       false,
       {{"retry-after", "3"}},
       3'000},
      {"credits", 402, R"({"error":{"code":402,"message":"Insufficient credits"}})",
       failure_kind::refused, "no-credit", false},
      {"moderation", 403,
       R"({"error":{"code":403,"message":"flagged","metadata":{"reasons":["x"]}}})",
       failure_kind::refused, "refusal", false},
      {"no model, Ollama", 404, R"({"error":"model 'x' not found"})", failure_kind::refused,
       "no-such-model", false},
      {"context, vLLM", 400,
       R"({"object":"error","message":"This model's maximum context length is 4096 tokens.",
           "type":"BadRequestError","param":null,"code":400})",
       failure_kind::refused, "too-large", false},
      {"context, llama.cpp", 400,
       R"({"error":{"code":400,"message":"x","type":"exceed_context_size_error"}})",
       failure_kind::refused, "too-large", false},
      {"loading, llama.cpp", 503,
       R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})",
       failure_kind::outage, "service-error", true},
      {"validation, FastAPI", 422, R"({"detail":"field required"})", failure_kind::refused,
       "bad-request", false},
      {"401 page", 401, "<html>Sign in</html>", failure_kind::refused, "key-invalid", false},
      {"405", 405, "", failure_kind::refused, "bad-request", false},
  });
  EXPECT_NE(failure_of(404, R"({"error":"model 'x' not found"})").why.find("model 'x' not found"),
            std::string::npos);
  EXPECT_NE(failure_of(422, R"({"detail":"field required"})").why.find("`field required`"),
            std::string::npos);
}

} // namespace
} // namespace tests
