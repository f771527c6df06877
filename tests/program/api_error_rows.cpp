#include "tests/program/api_error_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tests {

namespace {

using rows = std::vector<api_error_row>;
using enum handled;

constexpr std::pair at_once{0, 100};
/// Where a service does not say how long.
constexpr std::pair our_own{1'000, 1'100};
constexpr std::pair two_seconds{2'000, 2'200};
constexpr std::pair the_longest{longest_wait_ms, longest_wait_ms * 11 / 10};

/// A page of something between here and the service.
std::string page(int status) {
  return fmt::format(R"({{"status": {}, "headers": {{"content-type": "text/html"}},
    "raw_body": "<html><body><h1>A proxy's page</h1></body></html>"}})",
                     status);
}

std::string status(int status, const std::string& further = {}) {
  return fmt::format(R"({{"status": {}{}{}}})", status, further.empty() ? "" : ", ", further);
}

std::string fault(const std::string& name) {
  return fmt::format(R"({{"text": "It was not to be.", "fault": "{}"}})", name);
}

std::string stop(const std::string& word, const std::string& text = "Half of what") {
  return fmt::format(R"({{"text": "{}", "stop": "{}"}})", text, word);
}

/// Verbatim, with any status.
std::string body(int status, const std::string& raw) {
  std::string escaped;
  for (char c : raw)
    escaped += c == '"' ? "\\\"" : std::string(1, c == '\n' ? ' ' : c);
  return fmt::format(R"({{"status": {}, "raw_body": "{}"}})", status, escaped);
}

rows statuses() {
  return {
      {"400",
       status(400, R"("error": "Field x is not known.")"),
       parked,
       "bad-request",
       {"Field x is not known"}},
      {"401", status(401), parked, "key-invalid"},
      {"402", status(402), parked, "no-credit"},
      {"403", status(403), parked, "key-forbidden"},
      {"404", status(404), parked, "no-such-model"},
      {"413", page(413), parked, "too-large"},
      {"301",
       status(301, R"("headers": {"location": "https://elsewhere.example/v2"})"),
       parked,
       "redirected",
       {"https://elsewhere.example/v2"}},
      {"408", page(408), retried, "timed-out"},
      {"500", status(500), retried, "service-error"},
      {"502", page(502), retried, "service-error"},
      {"503", status(503), retried, "service-error"},
      {"504", page(504), retried, "timed-out"},
  };
}

rows limits() {
  return {
      {"529", page(529), waited, "overloaded", {}, our_own},
      {"503-later",
       status(503, R"("headers": {"retry-after": "0"})"),
       waited,
       "overloaded",
       {},
       at_once},
      {"429", status(429), waited, "rate-limited", {}, our_own},
      {"429-seconds",
       status(429, R"("headers": {"retry-after": "2"})"),
       waited,
       "rate-limited",
       {},
       two_seconds},
      {"429-zero",
       status(429, R"("headers": {"retry-after": "0"})"),
       waited,
       "rate-limited",
       {},
       at_once},
      {"429-absurd",
       status(429, R"("headers": {"retry-after": "99999999999"})"),
       waited,
       "rate-limited",
       {},
       the_longest},
      {"429-date",
       status(429, R"("headers": {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"})"),
       waited,
       "rate-limited",
       {},
       at_once},
      {"429-absurd-date",
       status(429, R"("headers": {"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"})"),
       waited,
       "rate-limited",
       {},
       the_longest},
      {"429-unreadable",
       status(429, R"("headers": {"retry-after": "soon"})"),
       waited,
       "rate-limited",
       {},
       our_own},
  };
}

rows under_way() {
  return {
      // Under way: the turn that was answered before is not asked for again.
      {"500-in-turn-2", status(500), retried, "service-error", {}, {}, "audit.2"},
      {"429-in-turn-2",
       status(429, R"("headers": {"retry-after": "0"})"),
       waited,
       "rate-limited",
       {},
       at_once,
       "implement.2"},
      {"500-for-ever",
       status(500),
       given_up,
       "unavailable-too-long",
       {"limits.patience", "the service failed"}},
  };
}

rows wires() {
  return {
      {"html", fault("html"), retried, "not-json"},
      {"empty-body", fault("empty"), retried, "empty-body"},
      {"other-shape", body(200, R"({"hello": "world"})"), retried, "wrong-shape"},
      {"half-json", body(200, R"({"hello": "wor)"), retried, "not-json"},
      {"cut", fault("cut"), retried, "cut"},
      {"drop", fault("drop"), retried, "cut"},
      {"reset", fault("reset"), retried, "cut"},
      {"not-http", fault("not-http"), retried, "cut"},
      {"stall", fault("stall"), retried, "idle"},
      {"silence", fault("silence"), retried, "idle"},
      {"big-headers", fault("big-headers"), tried, "too-large"},
      {"endless-headers", fault("endless-headers"), tried, "too-large"},
      {"big-body", fault("big-body"), tried, "too-large"},
  };
}

rows stops() {
  return {
      {"max-tokens", stop("max_tokens"), tried, "cut-off"},
      {"max-tokens-for-ever",
       stop("max_tokens"),
       given_up,
       "tries-used",
       {"3 attempts", "cut off at the output limit", "max_output_tokens"}},
      {"says-nothing", stop("end", ""), tried, "empty-answer"},
      {"says-blanks", stop("end", " \\n\\n "), tried, "empty-answer"},
      {"refusal", stop("refusal"), parked, "refusal"},
      {"context", stop("context"), parked, "too-large"},
      {"malformed-call",
       R"({"stop": "malformed", "calls": [
           {"name": "read_file", "arguments": {"path": "src/about.html"}}]})",
       tried, "malformed-call"},
  };
}

rows only_gemini() {
  auto quota = [](const std::string& violation, const std::string& delay) {
    return status(429, fmt::format(R"("details": [
        {{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{}]}},
        {{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "{}"}}])",
                                   violation, delay));
  };
  auto reason = [](const std::string& word) {
    return fmt::format(R"("details": [
        {{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "{}"}}])",
                       word);
  };
  auto per = [](const std::string& period) {
    return fmt::format(R"({{"quotaId": "GenerateRequestsPer{}PerProjectPerModel"}})", period);
  };
  return {
      {"400-key", status(400, reason("API_KEY_INVALID")), parked, "key-invalid"},
      {"400-thoughts",
       status(400, R"("error": "Function call is missing a thought_signature.")"),
       parked,
       "bad-request",
       {"thought_signature"}},
      {"400-country", status(400, R"("error_word": "FAILED_PRECONDITION")"), parked, "no-credit"},
      {"403-disabled", status(403, reason("SERVICE_DISABLED")), parked, "key-forbidden"},
      // "Prepay credits are depleted": by its word it were a limit that passes.
      {"402-prepaid", status(402, R"("error_word": "RESOURCE_EXHAUSTED")"), parked, "no-credit"},
      {"429-retry-info", quota(per("Minute"), "0.2s"), waited, "rate-limited", {}, {200, 300}},
      {"429-absurd-info",
       quota(per("Minute"), "99999999999s"),
       waited,
       "rate-limited",
       {},
       the_longest},
      {"429-day", quota(per("Day"), "0s"), waited, "quota-used-up", {}, at_once},
      {"429-none", quota(R"({"quotaId": "FreeTier", "quotaValue": "0"})", "0s"), parked,
       "no-credit"},
      {"503-retry-info",
       status(503, R"("details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo",
                                   "retryDelay": "0.2s"}])"),
       waited,
       "overloaded",
       {},
       {200, 300}},
      {"499", status(499), retried, "timed-out"},
      {"504-deadline", status(504), retried, "timed-out"},
      {"200-error", body(200, R"({"error": {"code": 503, "status": "UNAVAILABLE"}})"), retried,
       "service-error"},
      {"200-error-list", body(200, R"([{"error": {"code": 403, "status": "PERMISSION_DENIED"}}])"),
       parked, "key-forbidden"},
      {"blocked-prompt", stop("blocked"), parked, "refusal", {"blockReason"}},
      {"no-candidates", body(200, R"({"candidates": [], "usageMetadata": {}})"), tried,
       "empty-answer"},
      {"safety", stop("safety"), parked, "refusal", {"SAFETY"}},
      {"blocklist", stop("blocklist"), parked, "refusal", {"BLOCKLIST"}},
      {"prohibited", stop("prohibited_content"), parked, "refusal", {"PROHIBITED_CONTENT"}},
      {"spii", stop("spii"), parked, "refusal", {"SPII"}},
      {"recitation", stop("recitation"), tried, "filtered", {"RECITATION"}},
      {"language", stop("language"), tried, "filtered", {"LANGUAGE"}},
      {"other", stop("other"), tried, "unexpected-stop", {"OTHER"}},
      {"unknown-word",
       stop("a_word_of_tomorrow"),
       tried,
       "unexpected-stop",
       {"A_WORD_OF_TOMORROW"}},
  };
}

rows only_anthropic() {
  auto reset = [](const std::string& when) {
    return status(429, fmt::format(R"("headers": {{"anthropic-ratelimit-requests-remaining": "0",
                                       "anthropic-ratelimit-requests-reset": "{}"}})",
                                   when));
  };
  return {
      {"400-long", status(400, R"("error": "prompt is too long: 250000 tokens > 200000")"), parked,
       "too-large"},
      {"400-poor",
       status(400, R"("error": "Your credit balance is too low to access this API.")"),
       parked,
       "no-credit",
       {"credit balance is too low"}},
      {"409", status(409, R"("error_word": "conflict_error")"), retried, "service-error"},
      {"413-word", status(413), parked, "too-large", {"request_too_large"}},
      {"429-reset", reset("2015-10-21T07:28:00Z"), waited, "rate-limited", {}, at_once},
      {"429-spent",
       body(429, R"({"type": "error", "error": {"type": "rate_limit_error", "message": "Spent.",
                     "details": {"error_code": "enforced_spend_limit_reached"}}})"),
       parked, "no-credit"},
      {"504-timeout", status(504), retried, "timed-out", {"timeout_error"}},
      {"529-word", status(529), waited, "overloaded", {"overloaded_error"}, our_own},
      {"200-error",
       body(200, R"({"type": "error", "error": {"type": "overloaded_error", "message": "Busy."}})"),
       waited,
       "overloaded",
       {"Busy."},
       our_own},
      {"stop-sequence", stop("stop_sequence"), tried, "unexpected-stop", {"stop_sequence"}},
      {"pause-turn", stop("pause"), tried, "unexpected-stop", {"pause_turn"}},
      {"safety", stop("safety"), parked, "refusal"},
      {"unknown-word",
       stop("a_word_of_tomorrow"),
       tried,
       "unexpected-stop",
       {"a_word_of_tomorrow"}},
  };
}

/// Of both OpenAI protocols.
rows both_openai() {
  auto reset = [](const std::string& when) {
    return status(429, fmt::format(R"("headers": {{"x-ratelimit-remaining-tokens": "0",
                                       "x-ratelimit-reset-tokens": "{}"}})",
                                   when));
  };
  return {
      {"401-word", status(401, R"("error_word": "invalid_api_key")"), parked, "key-invalid"},
      {"403-country",
       status(403, R"("error_word": "unsupported_country_region_territory")"),
       parked,
       "key-forbidden",
       {"unsupported_country"}},
      {"404-model", status(404, R"("error_word": "model_not_found")"), parked, "no-such-model"},
      {"429-quota",
       status(429, R"("error_word": "insufficient_quota")"),
       parked,
       "no-credit",
       {"insufficient_quota"}},
      {"429-balance",
       status(429, R"("error_word": "credit_balance_exhausted")"),
       parked,
       "no-credit",
       {"credit_balance_exhausted"}},
      {"429-reset-12ms", reset("12ms"), waited, "rate-limited", {}, {12, 112}},
      {"429-never-fits", status(429, R"("error": "Request too large for m on tokens per min.")"),
       parked, "too-large"},
      {"429-day",
       status(429, R"("error": "Rate limit reached on requests per day.",
                      "headers": {"retry-after": "0"})"),
       waited,
       "quota-used-up",
       {},
       at_once},
      {"503-slow-down",
       status(503, R"("error_word": "slow_down")"),
       waited,
       "rate-limited",
       {},
       our_own},
      {"flagged", status(400, R"("error_word": "invalid_prompt")"), parked, "refusal"},
      {"filter", stop("safety"), tried, "filtered", {"content_filter"}},
  };
}

rows only_openai() {
  return {
      {"failed", stop("failed"), retried, "service-error", {"server_error"}},
      {"failed-limit",
       body(200, R"({"status": "failed", "error": {"code": "rate_limit_exceeded",
                     "message": "Too many."}, "output": []})"),
       waited,
       "rate-limited",
       {"Too many."},
       our_own},
      {"failed-unsaid", body(200, R"({"status": "failed", "error": null, "output": []})"), retried,
       "service-error"},
      {"cancelled", stop("cancelled"), tried, "unexpected-stop", {"cancelled"}},
      {"queued", stop("queued"), tried, "unexpected-stop", {"queued"}},
  };
}

rows only_openai_chat() {
  return {
      {"vllm",
       body(400,
            R"({"object": "error", "message": "Bad.", "type": "BadRequestError", "code": 400})"),
       parked,
       "bad-request",
       {"Bad."}},
      {"vllm-long",
       body(400, R"({"message": "This model's maximum context length is 4096 tokens."})"), parked,
       "too-large"},
      {"llama-cpp", body(400, R"({"error": {"code": 400, "message": "It does not fit.",
                                  "type": "exceed_context_size_error"}})"),
       parked, "too-large"},
      {"ollama",
       body(404, R"({"error": "model 'm' not found"})"),
       parked,
       "no-such-model",
       {"model 'm' not found"}},
      {"200-error",
       body(200, R"({"error": {"code": 502, "message": "Upstream failed."}})"),
       retried,
       "service-error",
       {"Upstream failed."}},
      {"choice-error",
       body(200, R"({"choices": [{"message": {}, "error": {"code": 429, "message": "Busy."}}]})"),
       waited,
       "rate-limited",
       {"Busy."},
       our_own},
      {"no-choices", body(200, R"({"choices": []})"), tried, "empty-answer"},
      {"finish-error", stop("error"), retried, "service-error"},
      {"unknown-word",
       stop("a_word_of_tomorrow"),
       tried,
       "unexpected-stop",
       {"a_word_of_tomorrow"}},
  };
}

} // namespace

std::vector<api_error_row> api_errors_of(const std::string& kind) {
  rows all;
  auto add = [&](const rows& more) { all.insert(all.end(), more.begin(), more.end()); };
  add(statuses());
  add(limits());
  add(under_way());
  add(wires());
  add(stops());
  if (kind == "gemini")
    add(only_gemini());
  if (kind == "anthropic")
    add(only_anthropic());
  if (kind == "openai" || kind == "openai-chat")
    add(both_openai());
  if (kind == "openai")
    add(only_openai());
  if (kind == "openai-chat")
    add(only_openai_chat());
  return all;
}

std::vector<std::string> words_about(const api_error_row& row) {
  static const std::map<std::string, std::vector<std::string>> known{
      {"bad-request", {"does not accept the request", "Check model"}},
      {"key-invalid", {"the key is not valid", "api_key_env"}},
      {"key-forbidden", {"the key may not do this", "use another key or model"}},
      {"no-credit", {"no credit", "billing page"}},
      {"no-such-model", {"does not know the model", "Check model and base_url"}},
      {"too-large", {"too large for the model", "Make the task smaller"}},
      {"redirected", {"somewhere else", "set base_url"}},
      {"refusal", {"refused", "Reword the prompt, or name another provider"}},
      {"timed-out", {"gave up before it had an answer", "asked again"}},
      {"service-error", {"the service failed", "status page"}},
      {"overloaded", {"overloaded", "left alone for a while"}},
      {"rate-limited", {"its limits allow", "left alone until the limit resets"}},
      {"quota-used-up", {"quota of the day", "name another provider"}},
      {"not-json", {"no JSON", "check base_url and the proxy"}},
      {"empty-body", {"the response is empty", "check base_url"}},
      {"wrong-shape", {"not the shape of this API", "Check that base_url"}},
      {"cut", {"POST http://127.0.0.1:", "ask again"}},
      {"idle", {"no byte in either direction", "ask again"}},
      {"cut-off", {"cut off at the output limit", "Raise max_output_tokens"}},
      {"empty-answer", {"the model said nothing", "asked again"}},
      {"malformed-call", {"called a tool", "name another model"}},
      {"filtered", {"a filter of the service", "reword the prompt"}},
      {"unexpected-stop", {"ends no answer", "name another model"}},
  };
  // A flood: not of our making, and nothing that the task could do about it.
  if (row.as == tried && row.code == "too-large")
    return {"larger than", "see whether this is the right service"};
  auto found = known.find(row.code);
  return found == known.end() ? std::vector<std::string>{} : found->second;
}

} // namespace tests
