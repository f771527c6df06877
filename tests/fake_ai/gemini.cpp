// Gemini's generateContent.

#include "tests/fake_ai/vendor_kit.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace fake_ai {

namespace {

std::string usual_word(int status) {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 402:
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 499:
      return "CANCELLED";
    case 503:
      return "UNAVAILABLE";
    case 504:
      return "DEADLINE_EXCEEDED";
    default:
      return status < 500 ? "INVALID_ARGUMENT" : "INTERNAL";
  }
}

/// Either of the two spellings that the service takes.
const json& either(const json& object, const char* camel, const char* snake) {
  auto& first = at(object, camel);
  return first.is_null() ? at(object, snake) : first;
}

class content_list {
public:
  explicit content_list(question& q)
      : q_(q) {}

  bool add(const json& content, std::size_t number) {
    where_ = fmt::format("contents[{}]", number);
    auto role = ledger::text_at(content, "role");
    auto& parts = at(content, "parts");
    if (!role.empty() && role != "user" && role != "model")
      return fail("Please use a valid role: user, model.");
    if (!parts.is_array() || parts.empty())
      return fail("contents.parts must not be empty.");
    if (auto extra = unknown_key(content, {"role", "parts"}); !extra.empty())
      return fail(unknown(extra));
    for (auto& part : parts) {
      auto extra =
          unknown_key(part, {"text", "functionCall", "functionResponse", "inlineData", "thought",
                             "thoughtSignature", "thought_signature", "fileData"});
      if (!extra.empty())
        return fail(unknown(extra));
    }
    return role == "model" ? model(parts) : user(parts);
  }

  bool end() { return open_.empty() || unanswered(); }

  std::string wrong;

private:
  bool fail(std::string why) {
    wrong = std::move(why);
    return false;
  }

  std::string unknown(const std::string& key) const {
    return fmt::format("Invalid JSON payload received. Unknown name \"{}\" at '{}': Cannot find "
                       "field.",
                       key, where_);
  }

  bool unanswered() {
    return fail("Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn.");
  }

  bool model(const json& parts) {
    if (!open_.empty())
      return unanswered();
    q_.turns.emplace_back();
    for (auto& part : parts) {
      auto& call = at(part, "functionCall");
      if (call.is_null())
        continue;
      auto id = ledger::text_at(call, "id");
      auto name = ledger::text_at(call, "name");
      if (name.empty())
        return fail("function_call.name: Name cannot be empty.");
      if (!right_signature(part, id, open_.empty()))
        return false;
      auto& arguments = at(call, "args");
      q_.turns.back().push_back({id, name, arguments.is_object() ? arguments : json::object(), {}});
      open_.push_back({id, name});
    }
    return true;
  }

  /// The first call of a turn has a signature, which its id tells.
  bool right_signature(const json& part, const std::string& id, bool first) {
    auto& signature = either(part, "thoughtSignature", "thought_signature");
    auto wanted = first && q_.thinks;
    if (signature.is_null() && wanted)
      return fail(fmt::format("Function call is missing a thought_signature in functionCall "
                              "parts. This is required for tools to work correctly. ({})",
                              where_));
    if (!signature.is_null()
        && (!signature.is_string() || signature.get<std::string>() != sign(id)))
      return fail("Thought signature is not valid: corrupted thought signature.");
    return true;
  }

  bool user(const json& parts) {
    for (auto& part : parts) {
      auto& response = at(part, "functionResponse");
      if (response.is_null()) {
        if (at(part, "text").is_string())
          q_.texts.push_back(at(part, "text").get<std::string>());
        continue;
      }
      if (!take(response))
        return false;
    }
    return open_.empty() || unanswered();
  }

  bool take(const json& response) {
    auto id = ledger::text_at(response, "id");
    auto name = ledger::text_at(response, "name");
    auto& value = at(response, "response");
    if (!value.is_object())
      return fail("function_response.response: must be an object.");
    auto found = std::find_if(open_.begin(), open_.end(), [&](auto& c) {
      return c.name == name && (id.empty() || c.id == id);
    });
    if (found == open_.end())
      return fail("Please ensure that function response turn comes immediately after a function "
                  "call turn, with its names and ids.");
    for (auto& used : q_.turns.back())
      if (used.id == found->id && used.name == name) {
        used.is_error = value.contains("error");
        for (auto& [key, text] : value.items())
          used.result += text.is_string() ? text.get<std::string>() : text.dump();
      }
    open_.erase(found);
    return true;
  }

  struct open_call {
    std::string id, name;
  };

  question& q_;
  std::string where_;
  std::vector<open_call> open_;
};

std::string wrong_with_tools(const json& tools, question& q) {
  for (auto& tool : tools)
    for (auto& f : either(tool, "functionDeclarations", "function_declarations")) {
      auto extra = unknown_key(f, {"name", "description", "parameters", "parametersJsonSchema",
                                   "response", "responseJsonSchema", "behavior"});
      if (!extra.empty())
        return fmt::format("Invalid JSON payload received. Unknown name \"{}\" at "
                           "'tools[0].function_declarations[0]': Cannot find field.",
                           extra);
      if (ledger::text_at(f, "name").empty())
        return "function_declarations.name: Name cannot be empty.";
      q.tools.push_back(
          {ledger::text_at(f, "name"), either(f, "parametersJsonSchema", "parameters")});
    }
  return {};
}

class gemini_vendor final : public vendor {
public:
  std::string_view name() const override { return "gemini"; }

  std::optional<refusal> why_no_entry(const http_question& q) const override {
    auto key = header(q.headers, "x-goog-api-key");
    if (key.empty() && q.query.find("key=") == std::string::npos)
      return refusal{403,
                     {},
                     "Method doesn't allow unregistered callers (callers without established "
                     "identity). Please use API Key or other form of API consumer identity to "
                     "call this API."};
    if (key == "bad-key") {
      refusal r{400, {}, "API key not valid. Please pass a valid API key."};
      r.details = json::array({{{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                                {"reason", "API_KEY_INVALID"},
                                {"domain", "googleapis.com"}}});
      return r;
    }
    return std::nullopt;
  }

  tl::expected<question, refusal> read(const http_question& h, const json& body,
                                       bool thinks) const override {
    auto extra = unknown_key(body, {"contents", "systemInstruction", "system_instruction", "tools",
                                    "toolConfig", "tool_config", "generationConfig",
                                    "generation_config", "safetySettings", "safety_settings",
                                    "cachedContent", "labels", "store", "serviceTier"});
    if (!extra.empty())
      return bad("Invalid JSON payload received. Unknown name \"" + extra
                 + "\": Cannot find field.");
    question q;
    constexpr std::string_view before = "/v1beta/models/";
    auto colon = h.path.rfind(':');
    q.model = h.path.substr(before.size(), colon - before.size());
    q.streamed = h.path.ends_with(":streamGenerateContent");
    q.thinks = thinks;
    if (q.model.empty())
      return bad("unexpected model name format");
    if (auto wrong = wrong_with_tools(at(body, "tools"), q); !wrong.empty())
      return bad(wrong);
    auto& contents = at(body, "contents");
    if (!contents.is_array() || contents.empty())
      return bad("* GenerateContentRequest.contents: contents is not specified");
    content_list all(q);
    for (std::size_t i = 0; i < contents.size(); ++i)
      if (!all.add(contents[i], i))
        return bad(all.wrong);
    if (!all.end())
      return bad(all.wrong);
    return q;
  }

  json write(const question& q, const reply& r, std::uint64_t serial) const override {
    auto stop = stop_of(r);
    json out = json::object();
    if (stop == "blocked") {
      out["promptFeedback"]["blockReason"] = "SAFETY";
    } else {
      json candidate;
      auto parts = parts_of(q, r, serial);
      if (!parts.empty() && stop != "safety") {
        candidate["content"]["parts"] = parts;
        candidate["content"]["role"] = "model";
      }
      candidate["finishReason"] = reason_of(stop);
      candidate["index"] = 0;
      out["candidates"] = json::array({candidate});
    }
    auto used = r.used.value_or(usage{});
    auto& u = out["usageMetadata"];
    u["promptTokenCount"] = used.input + used.cached + used.written;
    u["candidatesTokenCount"] = used.output - std::min(used.thought, used.output);
    u["totalTokenCount"] = used.all();
    if (used.thought > 0)
      u["thoughtsTokenCount"] = used.thought;
    if (used.cached > 0)
      u["cachedContentTokenCount"] = used.cached;
    out["modelVersion"] = q.model;
    out["responseId"] = fmt::format("r-{}", serial);
    return out;
  }

  json write(const refusal& r, std::uint64_t) const override {
    json inner;
    inner["code"] = r.status;
    inner["message"] = r.message;
    inner["status"] = r.word.empty() ? usual_word(r.status) : r.word;
    auto details = r.details.is_array() ? r.details : json::array();
    if (!r.which.empty()) {
      auto metric = r.which == "tokens" ? "GenerateContentInputTokensPerModelPerMinute"
                                        : "GenerateRequestsPerMinutePerProjectPerModel";
      json violation;
      violation["quotaId"] = metric;
      json failure;
      failure["@type"] = "type.googleapis.com/google.rpc.QuotaFailure";
      failure["violations"] = json::array({violation});
      details.push_back(failure);
    }
    if (r.retry_after_s) {
      json info;
      info["@type"] = "type.googleapis.com/google.rpc.RetryInfo";
      info["retryDelay"] = fmt::format("{:.3f}s", *r.retry_after_s);
      details.push_back(info);
    }
    if (!details.empty())
      inner["details"] = details;
    json out;
    out["error"] = inner;
    return out;
  }

  std::string stream(const json& body) const override { return event(body); }

  /// The service says all of it in the body.
  header_list limit_headers(const limits_state&, std::int64_t) const override { return {}; }
  header_list refusal_headers(const refusal&) const override { return {}; }

  std::optional<refusal> refusal_of(const std::string& stop) const override {
    if (stop != "context")
      return std::nullopt;
    return refusal{
        400, {}, "The input token count exceeds the maximum number of tokens allowed 1048576."};
  }

private:
  static json parts_of(const question& q, const reply& r, std::uint64_t serial) {
    auto parts = json::array();
    if (!r.text.empty()) {
      json part;
      part["text"] = r.text;
      parts.push_back(part);
    }
    for (std::size_t i = 0; i < r.calls.size() && r.stop != "malformed"; ++i) {
      json part;
      auto id = fmt::format("fc-{}-{}", serial, i + 1);
      part["functionCall"]["id"] = id;
      part["functionCall"]["name"] = r.calls[i].name;
      part["functionCall"]["args"] = r.calls[i].arguments;
      if (q.thinks && i == 0)
        part["thoughtSignature"] = sign(id);
      parts.push_back(part);
    }
    return parts;
  }

  static std::string reason_of(const std::string& stop) {
    static const std::map<std::string, std::string> words{
        {"end", "STOP"},      {"tool", "STOP"},
        {"pause", "STOP"},    {"refusal", "PROHIBITED_CONTENT"},
        {"safety", "SAFETY"}, {"malformed", "MALFORMED_FUNCTION_CALL"},
        {"failed", "OTHER"},
    };
    if (auto found = words.find(stop); found != words.end())
      return found->second;
    auto upper = stop;
    for (auto& c : upper)
      c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return upper;
  }
};

} // namespace

const vendor& gemini() {
  static const gemini_vendor one;
  return one;
}

} // namespace fake_ai
