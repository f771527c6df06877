// Google's generateContent. Sources: "Generating content" (API reference: the
// enumerations FinishReason and BlockReason, UsageMetadata), "Function calling",
// "Thought signatures", "Troubleshooting", "Rate limits"; google.rpc's ErrorInfo,
// RetryInfo and QuotaFailure.

#include "ledger/detail.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/common.hpp"
#include "providers/dialects/hints.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace providers::dialects {

namespace {

constexpr std::array gemini_errors{
    // Reasons of ErrorInfo: an invalid key is status 400.
    meaning{"API_KEY_INVALID", finding::key_invalid},
    meaning{"API_KEY_SERVICE_BLOCKED", finding::key_forbidden},
    meaning{"SERVICE_DISABLED", finding::key_forbidden},
    meaning{"BILLING_DISABLED", finding::no_credit},
    // Of google.rpc.Code. FAILED_PRECONDITION: no free tier here, no billing.
    meaning{"INVALID_ARGUMENT", finding::bad_request},
    meaning{"FAILED_PRECONDITION", finding::no_credit},
    meaning{"UNAUTHENTICATED", finding::key_invalid},
    meaning{"PERMISSION_DENIED", finding::key_forbidden},
    meaning{"NOT_FOUND", finding::no_such_model},
    meaning{"RESOURCE_EXHAUSTED", finding::rate_limited},
    meaning{"CANCELLED", finding::timed_out},
    meaning{"DEADLINE_EXCEEDED", finding::timed_out},
    meaning{"INTERNAL", finding::service_error},
    meaning{"UNAVAILABLE", finding::service_error},
};

/// STOP alone is an answer.
constexpr std::array gemini_finishes{
    meaning{"MAX_TOKENS", finding::cut_off},
    meaning{"SAFETY", finding::refusal},
    meaning{"PROHIBITED_CONTENT", finding::refusal},
    meaning{"BLOCKLIST", finding::refusal},
    meaning{"SPII", finding::refusal},
    meaning{"IMAGE_SAFETY", finding::refusal},
    meaning{"RECITATION", finding::filtered},
    meaning{"LANGUAGE", finding::filtered},
    meaning{"OTHER", finding::unexpected_stop},
    meaning{"MALFORMED_FUNCTION_CALL", finding::malformed_call},
    meaning{"UNEXPECTED_TOOL_CALL", finding::malformed_call},
    meaning{"TOO_MANY_TOOL_CALLS", finding::unexpected_stop},
    meaning{"MALFORMED_RESPONSE", finding::unexpected_stop},
    // Of the request, not of the answer: the same request has none again.
    meaning{"MISSING_THOUGHT_SIGNATURE", finding::bad_request},
};

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                 || c == '-' || c == '.' || c == '_' || c == '~';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// `models/NAME`; the name may be written with or without the collection.
std::string resource(std::string_view model) {
  for (std::string_view collection : {"models/", "tunedModels/"})
    if (model.substr(0, collection.size()) == collection)
      return std::string(collection) + percent_encoded(model.substr(collection.size()));
  return "models/" + percent_encoded(model);
}

json content_of_results(const turn& t) {
  json parts = json::array();
  auto results = results_of(t);
  for (std::size_t i = 0; i < t.calls.size(); ++i) {
    json response;
    if (!t.calls[i].id.empty())
      response["id"] = t.calls[i].id;
    response["name"] = t.calls[i].name;
    response["response"] = {{results[i].is_error ? "error" : "result", results[i].content}};
    parts.push_back({{"functionResponse", std::move(response)}});
  }
  return {{"role", "user"}, {"parts", std::move(parts)}};
}

/// False: a call that cannot be read.
bool add_part(turn& t, const json& part) {
  auto& call = member(part, "functionCall");
  if (!call.is_null()) {
    auto name = ledger::text_at(call, "name");
    // Protobuf leaves out what is empty.
    auto args = member(call, "args").is_null() ? json::object() : member(call, "args");
    if (name.empty() || !args.is_object())
      return false;
    t.calls.push_back({ledger::text_at(call, "id"), std::move(name), std::move(args)});
  } else if (!ledger::flag_at(part, "thought")) {
    t.text += ledger::text_at(part, "text");
  }
  return true;
}

class gemini final : public vendor {
public:
  gemini()
      : vendor("gemini", gemini_errors) {}

  http_request write(const model_settings& m, const prompt& p,
                     std::span<const turn> turns) const override {
    http_request r;
    r.url = m.base_url + "/v1beta/" + resource(m.model) + ":generateContent";
    if (!m.api_key.empty())
      r.headers.emplace_back("x-goog-api-key", m.api_key);
    json body;
    if (!is_blank_text(p.system))
      body["systemInstruction"] = {{"parts", json::array({{{"text", p.system}}})}};
    if (!p.tools.empty()) {
      json declared = json::array();
      for (auto& t : p.tools)
        declared.push_back({{"name", t.name},
                            {"description", t.description},
                            {"parametersJsonSchema", t.parameters}});
      json tool;
      tool["functionDeclarations"] = std::move(declared);
      body["tools"] = json::array({std::move(tool)});
    }
    json parts = json::array();
    for (auto part : said_parts(p))
      parts.push_back({{"text", part}});
    auto& contents = body["contents"] = json::array();
    contents.push_back({{"role", "user"}, {"parts", std::move(parts)}});
    for (auto& t : turns) {
      // "Thought signatures": part by part as it came, or status 400.
      json said = t.raw;
      if (said.is_object() && !said.contains("role"))
        said["role"] = "model";
      contents.push_back(std::move(said));
      if (!t.calls.empty())
        contents.push_back(content_of_results(t));
    }
    body["generationConfig"] = {{"maxOutputTokens", m.max_output_tokens}};
    r.body = dump_valid(body);
    return r;
  }

protected:
  reading turn_in(const json& body) const override {
    auto& feedback = member(body, "promptFeedback");
    if (auto blocked = ledger::text_at(feedback, "blockReason"); !blocked.empty())
      return no_turn(finding::refusal, "blockReason " + blocked,
                     ledger::text_at(feedback, "blockReasonMessage"));
    auto& candidates = member(body, "candidates");
    if (!candidates.is_array() || candidates.empty()) {
      // No candidates is an answer of this API, if one that says nothing.
      bool ours = candidates.is_array() || feedback.is_object()
                  || member(body, "usageMetadata").is_object();
      return no_turn(ours ? finding::empty_answer : finding::wrong_shape,
                     ours ? "no candidates" : "");
    }
    auto& candidate = candidates.front();
    auto& content = member(candidate, "content");
    turn t;
    t.raw = content;
    bool malformed = false;
    for (auto& part : member(content, "parts"))
      malformed = !add_part(t, part) || malformed;
    auto finish = ledger::text_at(candidate, "finishReason");
    if (finish != "STOP") {
      auto said = ledger::text_at(candidate, "finishMessage");
      return no_turn(meaning_of(gemini_finishes, finish).value_or(finding::unexpected_stop),
                     finish.empty() ? "no finishReason" : finish, said.empty() ? t.text : said);
    }
    if (malformed)
      return no_turn(finding::malformed_call, finish);
    return if_said(std::move(t));
  }

  /// promptTokenCount includes what was cached; what was thought is billed as
  /// output and stands beside the candidates.
  tokens used_in(const json& body) const override {
    auto& usage = member(body, "usageMetadata");
    auto all = count_at(usage, "promptTokenCount");
    auto read = std::min(all, count_at(usage, "cachedContentTokenCount"));
    return {all - read, read, 0,
            count_at(usage, "candidatesTokenCount") + count_at(usage, "thoughtsTokenCount")};
  }

  void look_closer(const json& error, trouble& t) const override {
    auto& details = member(error, "details");
    if (!details.is_array())
      return;
    for (auto& detail : details) {
      auto reason = ledger::text_at(detail, "reason");
      if (auto found = meaning_of(gemini_errors, reason)) {
        t.is = *found;
        t.reason = reason;
      }
      if (auto wait = duration_in(ledger::text_at(detail, "retryDelay")))
        t.wait = wait;
      if (t.is == finding::rate_limited || t.is == finding::quota_used_up)
        look_at_quota(member(detail, "violations"), t);
    }
  }

private:
  static void look_at_quota(const json& violations, trouble& t) {
    if (!violations.is_array())
      return;
    for (auto& v : violations) {
      auto id = ledger::text_at(v, "quotaId");
      bool none = ledger::text_at(v, "quotaValue") == "0";
      bool daily = id.find("PerDay") != std::string::npos;
      if (none || daily) {
        // A quota of nothing: the tier does not have the model, ever.
        t.is = none ? finding::no_credit : finding::quota_used_up;
        t.reason = id;
      }
      if (none)
        return;
    }
  }
};

} // namespace

std::unique_ptr<const dialect> make_gemini() {
  return std::make_unique<gemini>();
}

} // namespace providers::dialects
