// What is said to Google's generateContent, and what its answers come to.

#include "tests/providers/dialect_fixture.hpp"

namespace tests {
namespace {

using providers::tokens;

struct dialect_gemini : dialect_test {
  dialect_gemini()
      : dialect_test("gemini") {
    model.base_url = "https://generativelanguage.googleapis.com";
    model.model = "gemini-3-pro";
  }
};

const std::string calls_body = R"({"candidates":[{"content":{"role":"model","parts":[
    {"text":"thinking","thought":true},
    {"text":"I look.","thoughtSignature":"c2lnMQ=="},
    {"functionCall":{"id":"f1","name":"read_file","args":{"path":"a.txt"}},
     "thoughtSignature":"c2lnMg=="},
    {"functionCall":{"name":"list_files"}}]},"finishReason":"STOP","index":0}],
  "usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":9,
    "thoughtsTokenCount":5,"totalTokenCount":114},"modelVersion":"gemini-3-pro"})";

std::string finished(const std::string& reason) {
  return R"({"candidates":[{"content":{"parts":[{"text":"half"}]},"finishReason":")" + reason
         + R"("}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2}})";
}

std::string parts(const std::string& list) {
  return R"({"candidates":[{"content":{"parts":[)" + list + R"(]},"finishReason":"STOP"}]})";
}

std::string error(int code, const std::string& status, const std::string& details = "") {
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":"No.","status":")" + status
         + R"(","details":[)" + details + "]}}";
}

std::string quota(const std::string& id, const std::string& value = "5") {
  return R"({"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":")" + id
         + R"(","quotaValue":")" + value + R"("}]})";
}

std::string retry(const std::string& delay) {
  return R"({"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":")" + delay + R"("})";
}

std::string reason(const std::string& word) {
  return R"({"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":")" + word + R"("})";
}

TEST_F(dialect_gemini, AsksAsTheReferenceSays) {
  auto r = speaks->write(model, prompt, {});
  EXPECT_EQ(r.url, "https://generativelanguage.googleapis.com/v1beta/models/"
                   "gemini-3-pro:generateContent");
  EXPECT_EQ(header_of(r, "x-goog-api-key"), "key-of-the-test");
  EXPECT_EQ(json::parse(r.body), json::parse(R"({
    "systemInstruction":{"parts":[{"text":"Be brief."}]},
    "tools":[{"functionDeclarations":[
      {"name":"list_files","description":"Lists.",
       "parametersJsonSchema":{"type":"object","properties":{}}},
      {"name":"read_file","description":"Reads.","parametersJsonSchema":{"type":"object"}}]}],
    "contents":[{"role":"user","parts":[{"text":"common part"},{"text":"own part"}]}],
    "generationConfig":{"maxOutputTokens":1234}})"));
}

TEST_F(dialect_gemini, NamesTheModelAsAPath) {
  auto path = [&](const std::string& name) {
    model.model = name;
    auto url = speaks->write(model, prompt, {}).url;
    return url.substr(url.find("/v1beta/") + 8);
  };
  EXPECT_EQ(path("models/gemini-3-pro"), "models/gemini-3-pro:generateContent");
  EXPECT_EQ(path("tunedModels/mine-1"), "tunedModels/mine-1:generateContent");
  EXPECT_EQ(path("a/../b?key=c d#é"), "models/a%2F..%2Fb%3Fkey%3Dc%20d%23%C3%A9:generateContent");
}

TEST_F(dialect_gemini, SendsATurnBackVerbatimWithItsResults) {
  auto t = answered(turn_of(calls_body), {{"text of a", false}, {"no such folder", true}});
  auto contents = body_of({&t, 1})["contents"];
  ASSERT_EQ(contents.size(), 3U);
  EXPECT_EQ(contents[1].dump(), json::parse(calls_body)["candidates"][0]["content"].dump());
  EXPECT_EQ(contents[2], json::parse(R"({"role":"user","parts":[
    {"functionResponse":{"id":"f1","name":"read_file","response":{"result":"text of a"}}},
    {"functionResponse":{"name":"list_files","response":{"error":"no such folder"}}}]})"));
}

TEST_F(dialect_gemini, ReadsATextWithCallsButNoThoughts) {
  auto t = turn_of(calls_body);
  EXPECT_EQ(t.text, "I look.");
  ASSERT_EQ(t.calls.size(), 2U);
  EXPECT_EQ(t.calls[0].id, "f1");
  EXPECT_EQ(t.calls[0].arguments.dump(), R"({"path":"a.txt"})");
  EXPECT_EQ(t.calls[1].id, "");
  EXPECT_EQ(t.calls[1].name, "list_files");
  EXPECT_EQ(t.calls[1].arguments.dump(), "{}");
  EXPECT_EQ(t.used, (tokens{40, 60, 0, 14}));
}

TEST_F(dialect_gemini, EveryFinishButOneIsAFailure) {
  std::vector<row> rows;
  auto add = [&](const std::string& word, failure_kind is, const std::string& code) {
    rows.push_back({word, 200, finished(word), is, code, false});
  };
  add("MAX_TOKENS", failure_kind::spoiled, "cut-off");
  for (auto* word : {"SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "IMAGE_SAFETY"})
    add(word, failure_kind::refused, "refusal");
  for (auto* word : {"RECITATION", "LANGUAGE"})
    add(word, failure_kind::spoiled, "filtered");
  for (auto* word : {"MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL"})
    add(word, failure_kind::spoiled, "malformed-call");
  for (auto* word : {"OTHER", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE", "NO_IMAGE", "TIRED",
                     "FINISH_REASON_UNSPECIFIED", ""})
    add(word, failure_kind::spoiled, "unexpected-stop");
  add("MISSING_THOUGHT_SIGNATURE", failure_kind::refused, "bad-request");
  for (auto* word : {"SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "NEW"})
    rows.push_back({std::string("blocked prompt ") + word, 200,
                    std::string(R"({"promptFeedback":{"blockReason":")") + word
                        + R"("},"usageMetadata":{"promptTokenCount":5}})",
                    failure_kind::refused, "refusal", false});
  check(rows);
}

TEST_F(dialect_gemini, SaysNothingOrNothingThatCanBeRead) {
  check({
      {"no candidates", 200, R"({"usageMetadata":{"promptTokenCount":5}})", failure_kind::spoiled,
       "empty-answer", false},
      {"no content", 200, R"({"candidates":[{"finishReason":"STOP"}]})", failure_kind::spoiled,
       "empty-answer", true},
      {"only thoughts", 200, parts(R"({"text":"hm","thought":true})"), failure_kind::spoiled,
       "empty-answer", true},
      {"call without name", 200, parts(R"({"functionCall":{"args":{}}})"), failure_kind::spoiled,
       "malformed-call", true},
      {"arguments a text", 200, parts(R"({"functionCall":{"name":"n","args":"{}"}})"),
       failure_kind::spoiled, "malformed-call", true},
      {"call a number", 200, parts(R"({"functionCall":7})"), failure_kind::spoiled,
       "malformed-call", true},
      {"another shape", 200, R"({"choices":[]})", failure_kind::outage, "wrong-shape", true},
  });
}

TEST_F(dialect_gemini, EveryErrorHasItsKind) {
  check({
      {"400", 400, error(400, "INVALID_ARGUMENT"), failure_kind::refused, "bad-request", false},
      {"invalid key", 400, error(400, "INVALID_ARGUMENT", reason("API_KEY_INVALID")),
       failure_kind::refused, "key-invalid", false},
      {"too many tokens", 400,
       R"({"error":{"code":400,"status":"INVALID_ARGUMENT","message":
           "The input token count (1200000) exceeds the maximum number of tokens allowed"}})",
       failure_kind::refused, "too-large", false},
      {"no billing", 400, error(400, "FAILED_PRECONDITION"), failure_kind::refused, "no-credit",
       false},
      {"402", 402, error(402, "X"), failure_kind::refused, "no-credit", false},
      // It was taken for a rate limit, and waited for without end.
      {"402 prepaid credits used up", 402, error(402, "RESOURCE_EXHAUSTED"), failure_kind::refused,
       "no-credit", false},
      {"403", 403, error(403, "PERMISSION_DENIED"), failure_kind::refused, "key-forbidden", false},
      {"404", 404, error(404, "NOT_FOUND"), failure_kind::refused, "no-such-model", false},
      {"429", 429, error(429, "RESOURCE_EXHAUSTED"), failure_kind::wait, "rate-limited", false},
      {"429 a minute",
       429,
       error(429, "RESOURCE_EXHAUSTED",
             quota("GenerateRequestsPerMinutePerProjectPerModel") + "," + retry("37s")),
       failure_kind::wait,
       "rate-limited",
       false,
       {},
       37'000},
      {"429 fraction",
       429,
       error(429, "RESOURCE_EXHAUSTED", retry("1.5s")),
       failure_kind::wait,
       "rate-limited",
       false,
       {},
       1'500},
      {"429 garbage", 429, error(429, "RESOURCE_EXHAUSTED", retry("soon")), failure_kind::wait,
       "rate-limited", false},
      {"429 a day", 429,
       error(429, "RESOURCE_EXHAUSTED", quota("GenerateRequestsPerDayPerProjectPerModel")),
       failure_kind::wait, "quota-used-up", false},
      {"429 a day with a hint",
       429,
       error(429, "RESOURCE_EXHAUSTED",
             retry("36000s") + "," + quota("GenerateRequestsPerDayPerProjectPerModel")),
       failure_kind::wait,
       "quota-used-up",
       false,
       {},
       36'000'000},
      {"429 a quota of nothing", 429,
       error(429, "RESOURCE_EXHAUSTED",
             quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier", "0") + "," + retry("9s")),
       failure_kind::refused, "no-credit", false},
      {"499", 499, error(499, "CANCELLED"), failure_kind::outage, "timed-out", true},
      {"500", 500, error(500, "INTERNAL"), failure_kind::outage, "service-error", true},
      {"503", 503, error(503, "UNAVAILABLE"), failure_kind::outage, "service-error", true},
      {"503 with a hint",
       503,
       error(503, "UNAVAILABLE", retry("4s")),
       failure_kind::wait,
       "overloaded",
       false,
       {},
       4'000},
      {"504", 504, error(504, "DEADLINE_EXCEEDED"), failure_kind::outage, "timed-out", true},
      {"in a list",
       429,
       "[" + error(429, "RESOURCE_EXHAUSTED", retry("2s")) + "]",
       failure_kind::wait,
       "rate-limited",
       false,
       {},
       2'000},
  });
}

} // namespace
} // namespace tests
