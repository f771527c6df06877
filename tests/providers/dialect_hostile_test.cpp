// What none of the four dialects may be brought down or fooled by.

#include "providers/bounded_json.hpp"
#include "providers/dialects/hints.hpp"
#include "providers/dialects/quoted.hpp"
#include "tests/providers/dialect_fixture.hpp"

#include "ledger/text.hpp"

#include <array>
#include <ctime>

namespace tests {
namespace {

using providers::dialects::duration_in;
using providers::dialects::http_date_ms;
using providers::dialects::limits_in;
using providers::dialects::max_wait;
using providers::dialects::quoted;
using providers::dialects::retry_after;
using providers::dialects::rfc3339_ms;

constexpr std::array<const char*, 4> kinds{"gemini", "anthropic", "openai", "openai-chat"};

struct dialect_hostile : ::testing::TestWithParam<const char*> {
  std::unique_ptr<const providers::dialect> speaks = providers::dialect_of(GetParam());

  providers::call_failure failure_of(providers::http_response r) const {
    auto t = speaks->read(r, dialect_now_ms);
    EXPECT_FALSE(t);
    return t ? providers::call_failure{} : t.error();
  }
  void expect(const std::string& name, long status, std::string body, failure_kind is,
              const std::string& code) const {
    SCOPED_TRACE(name);
    auto f = failure_of(response(status, std::move(body)));
    EXPECT_EQ(f.code, code) << f.why;
    EXPECT_EQ(static_cast<int>(f.is), static_cast<int>(is)) << f.why;
    EXPECT_TRUE(ledger::is_utf8(f.why));
    EXPECT_LT(f.why.size(), 1'000U);
  }
};

std::string repeated(std::string_view what, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i)
    all += what;
  return all;
}

/// An answer of each kind with `usage` in place of its counts and `text`.
std::string answer_of(std::string_view kind, const std::string& text, const std::string& usage) {
  auto quoted_text = json(text).dump();
  if (kind == "gemini")
    return R"({"candidates":[{"content":{"parts":[{"text":)" + quoted_text
           + R"(}]},"finishReason":"STOP"}],"usageMetadata":)" + usage + "}";
  if (kind == "anthropic")
    return R"({"content":[{"type":"text","text":)" + quoted_text
           + R"(}],"stop_reason":"end_turn","usage":)" + usage + "}";
  if (kind == "openai")
    return R"({"status":"completed","output":[{"type":"message","content":[
      {"type":"output_text","text":)"
           + quoted_text + R"(}]}],"usage":)" + usage + "}";
  return R"({"choices":[{"message":{"content":)" + quoted_text
         + R"(},"finish_reason":"stop"}],"usage":)" + usage + "}";
}

std::string counts(const std::string& value) {
  std::string all = "{";
  for (auto* name : {"promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount",
                     "thoughtsTokenCount", "input_tokens", "cache_read_input_tokens",
                     "cache_creation_input_tokens", "output_tokens", "prompt_tokens"})
    all += "\"" + std::string(name) + "\":" + value + ",";
  return all + R"("completion_tokens":)" + value + "}";
}

TEST_P(dialect_hostile, WhatIsNoAnswerOfTheServiceIsAnOutage) {
  expect("html", 200, "<!DOCTYPE html><title>Sign in</title>", failure_kind::outage, "not-json");
  expect("empty", 200, "", failure_kind::outage, "empty-body");
  expect("blank", 200, " \n", failure_kind::outage, "empty-body");
  expect("cut", 200, R"({"candidates":[{"content":)", failure_kind::outage, "not-json");
  expect("number", 200, "7", failure_kind::outage, "wrong-shape");
  expect("null", 200, "null", failure_kind::outage, "wrong-shape");
  expect("list", 200, "[]", failure_kind::outage, "wrong-shape");
  expect("object", 200, "{}", failure_kind::outage, "wrong-shape");
  expect("204", 204, "", failure_kind::outage, "empty-body");
  expect("status 0", 0, "", failure_kind::outage, "service-error");
  expect("not UTF-8", 200, "{\"content\":\"\xff\xfe\"}", failure_kind::outage, "not-json");
  expect("number too large", 200, R"({"a":1e999})", failure_kind::outage, "not-json");
}

TEST_P(dialect_hostile, ARedirectIsRefusedAndItsQueryNotRepeated) {
  for (long status : {301L, 302L, 307L, 308L}) {
    auto f = failure_of(
        response(status, "<html>", {{"location", "https://other.example/login?token=abc"}}));
    EXPECT_EQ(f.code, "redirected");
    EXPECT_EQ(static_cast<int>(f.is), static_cast<int>(failure_kind::refused));
    EXPECT_FALSE(f.may_be_billed);
    EXPECT_NE(f.why.find("other.example/login"), std::string::npos) << f.why;
    EXPECT_EQ(f.why.find("token"), std::string::npos) << f.why;
  }
}

TEST_P(dialect_hostile, DeepNestingOverflowsNothing) {
  constexpr std::size_t deep = 100'000;
  auto list = repeated("[", deep) + repeated("]", deep);
  auto object = repeated(R"({"error":)", deep) + "1" + repeated("}", deep);
  for (long status : {200L, 400L, 503L}) {
    EXPECT_FALSE(speaks->read(response(status, list), dialect_now_ms));
    EXPECT_FALSE(speaks->read(response(status, object), dialect_now_ms));
    EXPECT_FALSE(speaks->read(response(status, R"({"content":)" + list + "}"), dialect_now_ms));
  }
  expect("said to be too deep", 200, list, failure_kind::outage, "not-json");
}

TEST_P(dialect_hostile, TenMegabytesOfGarbageCostAMoment) {
  constexpr std::size_t size = 10'000'000;
  std::string noise;
  std::uint32_t state = 1;
  while (noise.size() < size)
    noise += static_cast<char>((state = state * 1'664'525U + 1'013'904'223U) >> 24U);
  std::string keys = "{\"k\":0";
  for (int i = 0; keys.size() < size; ++i)
    keys += ",\"" + std::to_string(i) + "\":0";
  keys += "}";
  auto list = "[0" + repeated(",0", size / 2) + "]";
  auto began = std::clock();
  for (auto* body : {&noise, &keys, &list})
    for (long status : {200L, 400L})
      EXPECT_FALSE(speaks->read(response(status, *body), dialect_now_ms));
  EXPECT_FALSE(speaks->read(response(400, std::string(size, '"')), dialect_now_ms));
  EXPECT_FALSE(speaks->read(response(400, R"({"error":")" + std::string(size, 'x') + "\"}"),
                            dialect_now_ms));
  // Of the processor, so that a busy machine changes nothing. Searched from the
  // front, the keys alone would take minutes.
  EXPECT_LT((std::clock() - began) / CLOCKS_PER_SEC, 20);
}

TEST_P(dialect_hostile, ALongAnswerIsAnAnswer) {
  std::string text(5'000'000, 'x');
  auto t = speaks->read(response(200, answer_of(GetParam(), text, "{}")), dialect_now_ms);
  ASSERT_TRUE(t) << t.error().why;
  EXPECT_EQ(t->text, text);
}

TEST_P(dialect_hostile, CountsOfAnySortHurtNothing) {
  for (auto* value : {"null", "\"12\"", "-5", "-9223372036854775808", "[]", "{}", "true", "-1.5"}) {
    auto t = speaks->read(response(200, answer_of(GetParam(), "x", counts(value))), dialect_now_ms);
    ASSERT_TRUE(t) << value << t.error().why;
    EXPECT_EQ(t->used.all(), 0U) << value;
  }
  for (auto* value : {"18446744073709551615", "9223372036854775807", "1e300", "1e30"}) {
    auto t = speaks->read(response(200, answer_of(GetParam(), "x", counts(value))), dialect_now_ms);
    ASSERT_TRUE(t) << value << t.error().why;
    EXPECT_GE(t->used.all(), 1'000'000'000'000U) << value;
    EXPECT_LE(t->used.all(), 5'000'000'000'000U) << value;
  }
  for (auto* usage : {"null", "7", "[]", "\"\"", "{\"input_tokens_details\":7}"})
    EXPECT_TRUE(speaks->read(response(200, answer_of(GetParam(), "x", usage)), dialect_now_ms));
}

TEST_P(dialect_hostile, OfAKeyTwiceTheLastCounts) {
  auto body = answer_of(GetParam(), "x", "{}");
  body.insert(1, R"("content":7,"choices":7,"candidates":7,"status":7,"output":7,"usage":1,)");
  auto t = speaks->read(response(200, body), dialect_now_ms);
  ASSERT_TRUE(t) << t.error().why;
  EXPECT_EQ(t->text, "x");
}

TEST_P(dialect_hostile, EveryTypeInEveryPlaceIsSurvived) {
  const std::array<const char*, 8> values{"null", "7", "\"x\"", "[]", "{}", "[7]", "[[]]", "[{}]"};
  for (auto* a : values)
    for (auto* b : values) {
      auto v = std::string(a);
      auto w = std::string(b);
      for (auto& body :
           {R"({"error":)" + v + R"(,"message":)" + w + "}",
            R"({"error":{"code":)" + v + R"(,"type":)" + w + R"(,"details":)" + w
                + R"(,"metadata":)" + v + "}}",
            R"({"error":{"details":[{"violations":)" + v + R"(,"retryDelay":)" + w + "}]}}",
            R"({"content":)" + v + R"(,"stop_reason":)" + w + "}",
            R"({"content":[{"type":"tool_use","id":)" + v + R"(,"input":)" + w + "}]}",
            R"({"status":"completed","output":)" + v + R"(,"incomplete_details":)" + w + "}",
            R"({"status":"completed","output":[{"type":"message","content":)" + v + "}]}",
            R"({"choices":)" + v + R"(,"usage":)" + w + "}",
            R"({"choices":[{"message":)" + v + R"(,"finish_reason":)" + w + "}]}",
            R"({"choices":[{"message":{"tool_calls":)" + v + R"(,"content":)" + w + "}}]}",
            R"({"candidates":)" + v + R"(,"promptFeedback":)" + w + "}",
            R"({"candidates":[{"content":)" + v + R"(,"finishReason":)" + w + "}]}",
            R"({"candidates":[{"content":{"parts":)" + v + R"(},"finishReason":"STOP"}]})"})
        for (long status : {200L, 400L, 429L, 500L})
          EXPECT_FALSE(speaks->read(response(status, body), dialect_now_ms)) << body;
    }
}

TEST_P(dialect_hostile, NoKeyIsRepeated) {
  std::string key = "sk-proj-Abc123_def456-GHI";
  for (const std::string& said : std::vector<std::string>{
           "Incorrect API key provided: " + key + ".", "You sent Bearer abcdef",
           "key=AIzaSyA1234567890abcdefghijklmnopqrstuv",
           "got 0123456789abcdef0123456789abcdef01234567"}) {
    json error;
    error["error"] = {{"message", said}, {"type", key}, {"code", key}};
    for (long status : {401L, 200L}) {
      auto why = failure_of(response(status, error.dump())).why;
      EXPECT_EQ(why.find(key), std::string::npos) << why;
      EXPECT_EQ(why.find("abcdef"), std::string::npos) << why;
      EXPECT_NE(why.find("[key]"), std::string::npos) << why;
    }
  }
}

TEST_P(dialect_hostile, WhatIsSaidIsValidJsonAndAlwaysTheSame) {
  providers::model_settings m{"https://ai.example", "k", "m\xff", 10};
  const std::vector<providers::tool_spec> tools{{"t\x80", "d\xff", json::object()}};
  providers::prompt p{
      "sys\xff\xfe\x01", {"part\xc3", std::string("nul\0byte", 8), "\xed\xa0\x80"}, tools, "c\xff"};
  providers::turn t;
  t.raw = GetParam() == std::string_view("openai") ? json::array({{{"type", "message"}}})
                                                   : json{{"content", json::array()}};
  t.calls = {{"id\xff", "n\xff", json::object()}};
  t.results = {{"bytes \xff\x00 of a file", false}};
  auto one = speaks->write(m, p, {&t, 1});
  EXPECT_TRUE(json::accept(one.body)) << one.body;
  EXPECT_TRUE(ledger::is_utf8(one.body));
  EXPECT_EQ(one.body, speaks->write(m, p, {&t, 1}).body);
}

TEST_P(dialect_hostile, AConversationBeginsWithTheSameBytesHoweverLongItIs) {
  providers::model_settings m{"https://ai.example", "k", "m", 10};
  providers::prompt p{"system", {"common", "first task"}, {}, "c"};
  auto one = speaks->write(m, p, {}).body;
  p.parts[1] = "other task";
  auto two = speaks->write(m, p, {}).body;
  auto at = one.find("common");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(one.substr(0, at + 6), two.substr(0, at + 6));
}

TEST_P(dialect_hostile, ACallThatWasNeverRunHasAResult) {
  providers::turn t;
  t.raw = GetParam() == std::string_view("openai") ? json::array() : json::object();
  t.calls = {{"a", "n", json::object()}, {"b", "n", json::object()}};
  auto body = speaks->write({"https://ai.example", "", "m", 1}, {"s", {"p"}, {}, ""}, {&t, 1}).body;
  auto first = body.find("This call was not run.");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(body.find("This call was not run.", first + 1), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Kinds, dialect_hostile, ::testing::ValuesIn(kinds), [](auto& kind) {
  std::string name = kind.param;
  return name == "openai-chat" ? "openai_chat" : name;
});

TEST(dialect, OtherKindsSpeakNone) {
  for (auto* kind : {"", "offline", "claude-code", "openai_chat", "Gemini"})
    EXPECT_EQ(providers::dialect_of(kind), nullptr) << kind;
}

TEST(dialect_hints, ReadsDurations) {
  struct {
    const char* text;
    std::int64_t ms;
  } rows[] = {{"12ms", 12},
              {"6m0s", 360'000},
              {"1h2m3.5s", 3'723'500},
              {"1.5s", 1'500},
              {"37s", 37'000},
              {"0s", 0},
              {"500us", 0},
              {"1d", 86'400'000},
              {" 2s ", 2'000},
              {"1m30s", 90'000},
              {"999999999999h", max_wait.count()},
              {"10h17m5.7235s", 37'025'723}};
  for (auto& r : rows) {
    auto d = duration_in(r.text);
    ASSERT_TRUE(d) << r.text;
    EXPECT_EQ(d->count(), r.ms) << r.text;
  }
  for (auto* bad : {"", " ", "s", "12", "1x", "-1s", "1s garbage", "1..5s", "1.s", ".5s", "inf s",
                    "1e9s", "\xff", "12 ms"})
    EXPECT_FALSE(duration_in(bad)) << bad;
}

TEST(dialect_hints, ReadsTimes) {
  EXPECT_EQ(rfc3339_ms("2026-11-25T23:01:00Z"), dialect_now_ms);
  EXPECT_EQ(rfc3339_ms("2026-11-25T23:01:00.25Z"), dialect_now_ms + 250);
  EXPECT_EQ(rfc3339_ms("2026-11-26T00:31:00+01:30"), dialect_now_ms);
  EXPECT_EQ(rfc3339_ms("2026-11-25T18:01:00-0500"), dialect_now_ms);
  EXPECT_EQ(http_date_ms("Wed, 25 Nov 2026 23:01:00 GMT"), dialect_now_ms);
  for (auto* bad : {"", "now", "2026-11-25T23:01:00", "2026-13-25T23:01:00Z",
                    "2026-02-30T00:00:00Z", "2026-11-25T24:01:00Z", "2026-11-25T23:01:00+1",
                    "2026-11-25T23:01:00.Z", "2026-1a-25T23:01:00Z", "2026-11-25T23:01:00Zx"})
    EXPECT_FALSE(rfc3339_ms(bad)) << bad;
  for (auto* bad : {"", "Wed, 25 Now 2026 23:01:00 GMT", "Wed, 25 Nov 2026 23:01:00 CET",
                    "Wed, 31 Feb 2026 23:01:00 GMT", "Wednesday, 25-Nov-26 23:01:00 GMT"})
    EXPECT_FALSE(http_date_ms(bad)) << bad;
}

TEST(dialect_hints, ReadsRetryAfterHoweverAbsurd) {
  auto wait = [](const char* value) {
    return retry_after(response(429, "", {{"retry-after", value}}), dialect_now_ms);
  };
  EXPECT_EQ(wait("20")->count(), 20'000);
  EXPECT_EQ(wait("0.5")->count(), 500);
  EXPECT_EQ(wait("0")->count(), 0);
  EXPECT_EQ(wait(" 3 ")->count(), 3'000);
  EXPECT_EQ(*wait("99999999999999999999999999"), max_wait);
  EXPECT_EQ(wait("Wed, 25 Nov 2026 23:00:00 GMT")->count(), 0);
  EXPECT_EQ(*wait("Wed, 25 Nov 9026 23:00:00 GMT"), max_wait);
  EXPECT_EQ(*wait(std::string(5'000, '9').c_str()), max_wait);
  for (auto* bad : {"", "soon", "-1", "1e9", "nan", "inf", "12,5", "\xff"})
    EXPECT_FALSE(wait(bad)) << bad;
}

TEST(dialect_hints, IgnoresLimitsThatCannotBeRead) {
  for (auto* bad : {"", "many", "-1", "1.5", "99999999999999999999999", "\xff"}) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (auto* start : {"x-ratelimit-", "anthropic-ratelimit-"})
      for (auto* end : {"limit-requests", "remaining-tokens", "reset-requests", "requests-limit",
                        "tokens-remaining", "requests-reset"})
        headers.emplace_back(std::string(start) + end, bad);
    EXPECT_TRUE(limits_in(response(200, "", headers), dialect_now_ms).empty()) << bad;
  }
}

TEST(dialect_quoted, IsShortPrintableAndOnOneLine) {
  for (auto& text : {std::string(10'000, 'x'), std::string(10'000, '\xff'),
                     repeated("\xe2\x80\xae", 5'000), std::string(10'000, '\n')}) {
    auto q = quoted(text, 370);
    EXPECT_LE(q.size(), 400U);
    EXPECT_TRUE(ledger::is_utf8(q));
    EXPECT_EQ(q.find('\n'), std::string::npos);
  }
  EXPECT_EQ(quoted("a\r\n\tb  gpt-4.1-mini-2025-04-14", 370), "`a b gpt-4.1-mini-2025-04-14`");
}

TEST(bounded_json, RefusesExactlyBeyondItsBounds) {
  auto nested = [](std::size_t depth) { return repeated("[", depth) + repeated("]", depth); };
  EXPECT_TRUE(providers::parse_bounded(nested(providers::max_json_depth)));
  EXPECT_FALSE(providers::parse_bounded(nested(providers::max_json_depth + 1)));
  auto with_keys = [](std::size_t count) {
    std::string all = "{";
    for (std::size_t i = 0; i < count; ++i)
      all += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":[]";
    return all + "}";
  };
  EXPECT_TRUE(providers::parse_bounded(with_keys(providers::max_json_keys)));
  EXPECT_FALSE(providers::parse_bounded(with_keys(providers::max_json_keys + 1)));
  // Signs inside texts count nothing.
  EXPECT_TRUE(providers::parse_bounded("\"" + std::string(100'000, '[') + "\\\"{{:::\""));
  EXPECT_FALSE(providers::parse_bounded(""));
  EXPECT_FALSE(providers::parse_bounded("{} {}"));
}

} // namespace
} // namespace tests
