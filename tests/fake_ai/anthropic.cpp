// Anthropic's messages.

#include "tests/fake_ai/vendor_kit.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

namespace fake_ai {

namespace {

std::string usual_word(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

std::size_t cache_marks(const json& blocks) {
  return !blocks.is_array()
             ? 0u
             : static_cast<std::size_t>(std::count_if(blocks.begin(), blocks.end(), [](auto& b) {
                 return at(b, "cache_control").is_object();
               }));
}

/// Reads the messages one after the other; a fault is kept in `wrong`.
class conversation {
public:
  explicit conversation(question& q)
      : q_(q) {}

  bool add(const json& message, std::size_t number) {
    where_ = fmt::format("messages.{}", number);
    auto role = ledger::text_at(message, "role");
    auto& content = at(message, "content");
    if (role != "user" && role != "assistant")
      return fail("role: Input should be 'user' or 'assistant'");
    if (number == 0 && role != "user")
      return fail("first message must use the \"user\" role");
    if (!content.is_string() && !content.is_array())
      return fail("content: Field required");
    if (content.empty() || (content.is_string() && content.get<std::string>().empty()))
      return fail("content: all messages must have non-empty content");
    marks += cache_marks(content);
    return role == "user" ? user(content) : assistant(content);
  }

  bool end() {
    if (!open_.empty())
      return unanswered();
    if (!last_was_user_)
      return fail("This model does not support assistant message prefill. The conversation must "
                  "end with a user message.");
    if (marks > 4)
      return fail(fmt::format("A maximum of 4 blocks with cache_control may be provided. Found {}.",
                              marks));
    return true;
  }

  std::string wrong;
  std::size_t marks = 0;

private:
  bool fail(std::string why) {
    wrong = where_ + ": " + std::move(why);
    return false;
  }

  bool unanswered() {
    return fail(fmt::format("`tool_use` ids were found without `tool_result` blocks immediately "
                            "after: {}. Each `tool_use` block must have a corresponding "
                            "`tool_result` block in the next message.",
                            open_.front()));
  }

  bool user(const json& content) {
    last_was_user_ = true;
    if (content.is_array())
      for (auto& block : content) {
        auto type = ledger::text_at(block, "type");
        if (type == "tool_result" ? !result(block) : type != "text" && type != "image")
          return wrong.empty() ? fail("content: unknown block type " + type) : false;
        if (type == "text" && ledger::text_at(block, "text").empty())
          return fail("text content blocks must be non-empty");
      }
    if (!open_.empty())
      return unanswered();
    add_texts(content, "text", q_.texts);
    return true;
  }

  bool result(const json& block) {
    auto id = ledger::text_at(block, "tool_use_id");
    auto found = std::find(open_.begin(), open_.end(), id);
    if (found == open_.end())
      return fail(fmt::format("content: unexpected `tool_use_id` found in `tool_result` blocks: "
                              "{}. Each `tool_result` block must have a corresponding `tool_use` "
                              "block in the previous message.",
                              id));
    open_.erase(found);
    for (auto& used : q_.turns.back())
      if (used.id == id) {
        std::vector<std::string> texts;
        add_texts(at(block, "content"), "text", texts);
        for (auto& t : texts)
          used.result += t;
        used.is_error = ledger::flag_at(block, "is_error");
      }
    return true;
  }

  bool assistant(const json& content) {
    if (!open_.empty())
      return unanswered();
    last_was_user_ = false;
    q_.turns.emplace_back();
    if (!content.is_array())
      return true;
    for (auto& block : content) {
      auto type = ledger::text_at(block, "type");
      if (type == "tool_use") {
        auto id = ledger::text_at(block, "id");
        if (id.empty() || ledger::text_at(block, "name").empty())
          return fail("content: tool_use.id and tool_use.name: Field required");
        if (!at(block, "input").is_object())
          return fail("content: tool_use.input: Input should be a valid dictionary");
        q_.turns.back().push_back({id, ledger::text_at(block, "name"), at(block, "input"), {}});
        open_.push_back(id);
      } else if (type == "thinking"
                 && ledger::text_at(block, "signature")
                        != sign(ledger::text_at(block, "thinking"))) {
        return fail("content: Invalid `signature` in `thinking` block");
      } else if (type == "text" && ledger::text_at(block, "text").empty()) {
        return fail("text content blocks must be non-empty");
      }
    }
    return true;
  }

  question& q_;
  std::string where_;
  std::vector<std::string> open_; ///< Calls without a result.
  bool last_was_user_ = false;
};

std::string wrong_with_tools(const json& tools, question& q) {
  for (auto& tool : tools) {
    auto name = ledger::text_at(tool, "name");
    auto& schema = at(tool, "input_schema");
    auto wrong_name = name.empty() || name.size() > 128
                      || !std::all_of(name.begin(), name.end(), [](unsigned char c) {
                           return std::isalnum(c) || c == '_' || c == '-';
                         });
    if (at(tool, "type").is_string() && !at(tool, "input_schema").is_object())
      continue; // One of the service's own tools.
    if (wrong_name)
      return "tools: name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'";
    if (ledger::text_at(schema, "type") != "object")
      return "tools: " + name + ": input_schema.type: Field required";
    q.tools.push_back({name, schema});
  }
  return {};
}

class anthropic_vendor final : public vendor {
public:
  std::string_view name() const override { return "anthropic"; }

  std::optional<refusal> why_no_entry(const http_question& q) const override {
    auto key = std::string(header(q.headers, "x-api-key"));
    if (key.empty())
      key = bearer(q);
    if (key.empty())
      return refusal{401, {}, "x-api-key header is required"};
    if (key == "bad-key")
      return refusal{401, {}, "invalid x-api-key"};
    return std::nullopt;
  }

  tl::expected<question, refusal> read(const http_question& h, const json& body,
                                       bool thinks) const override {
    if (header(h.headers, "anthropic-version").empty())
      return bad("anthropic-version: header is required");
    auto extra = unknown_key(body, {"model",         "max_tokens",     "system",
                                    "messages",      "tools",          "tool_choice",
                                    "metadata",      "stop_sequences", "stream",
                                    "temperature",   "top_k",          "top_p",
                                    "thinking",      "service_tier",   "cache_control",
                                    "container",     "mcp_servers",    "context_management",
                                    "output_config", "output_format",  "inference_geo",
                                    "speed",         "diagnostics"});
    if (!extra.empty())
      return bad(extra + ": Extra inputs are not permitted");
    question q;
    q.model = ledger::text_at(body, "model");
    q.streamed = ledger::flag_at(body, "stream");
    q.thinks = thinks && at(body, "thinking").is_object();
    if (q.model.empty())
      return bad("model: Field required");
    if (ledger::number_at(body, "max_tokens") < 1)
      return bad("max_tokens: Field required");
    auto& messages = at(body, "messages");
    if (!messages.is_array() || messages.empty())
      return bad("messages: at least one message is required");
    if (auto wrong = wrong_with_tools(at(body, "tools"), q); !wrong.empty())
      return bad(wrong);
    conversation all(q);
    all.marks = cache_marks(at(body, "system")) + cache_marks(at(body, "tools"));
    for (std::size_t i = 0; i < messages.size(); ++i)
      if (!all.add(messages[i], i))
        return bad(all.wrong);
    if (!all.end())
      return bad(all.wrong);
    return q;
  }

  json write(const question& q, const reply& r, std::uint64_t serial) const override {
    auto content = json::array();
    if (q.thinks)
      content.push_back({{"type", "thinking"},
                         {"thinking", "It is asked and answered."},
                         {"signature", sign("It is asked and answered.")}});
    if (!r.text.empty())
      content.push_back({{"type", "text"}, {"text", r.text}});
    for (std::size_t i = 0; i < r.calls.size(); ++i)
      content.push_back({{"type", "tool_use"},
                         {"id", fmt::format("toolu_{}_{}", serial, i + 1)},
                         {"name", r.calls[i].name},
                         {"input", r.stop == "malformed" ? json(arguments_text(r, r.calls[i]))
                                                         : r.calls[i].arguments}});
    if (stop_of(r) == "refusal" || stop_of(r) == "safety" || stop_of(r) == "blocked")
      content = json::array();
    auto used = r.used.value_or(usage{});
    return {{"id", fmt::format("msg_{}", serial)},
            {"type", "message"},
            {"role", "assistant"},
            {"model", q.model},
            {"content", content},
            {"stop_reason", reason_of(stop_of(r), !r.calls.empty())},
            {"stop_sequence", nullptr},
            {"usage",
             {{"input_tokens", used.input},
              {"cache_creation_input_tokens", used.written},
              {"cache_read_input_tokens", used.cached},
              {"output_tokens", used.output}}}};
  }

  json write(const refusal& r, std::uint64_t serial) const override {
    return {{"type", "error"},
            {"error",
             {{"type", r.word.empty() ? usual_word(r.status) : r.word}, {"message", r.message}}},
            {"request_id", fmt::format("req_{}", serial)}};
  }

  std::string stream(const json& body) const override {
    auto head = body;
    head["content"] = json::array();
    head["stop_reason"] = nullptr;
    auto out = event({{"type", "message_start"}, {"message", head}}, "message_start");
    std::size_t index = 0;
    for (auto& block : at(body, "content")) {
      auto start = block;
      json delta;
      if (ledger::text_at(block, "type") == "text") {
        start["text"] = "";
        delta = {{"type", "text_delta"}, {"text", at(block, "text")}};
      } else if (ledger::text_at(block, "type") == "tool_use") {
        start["input"] = json::object();
        delta = {{"type", "input_json_delta"}, {"partial_json", at(block, "input").dump()}};
      }
      out += event({{"type", "content_block_start"}, {"index", index}, {"content_block", start}},
                   "content_block_start");
      if (!delta.is_null())
        out += event({{"type", "content_block_delta"}, {"index", index}, {"delta", delta}},
                     "content_block_delta");
      out += event({{"type", "content_block_stop"}, {"index", index++}}, "content_block_stop");
    }
    out += event({{"type", "message_delta"},
                  {"delta", {{"stop_reason", at(body, "stop_reason")}, {"stop_sequence", nullptr}}},
                  {"usage", at(body, "usage")}},
                 "message_delta");
    return out + event({{"type", "message_stop"}}, "message_stop");
  }

  header_list limit_headers(const limits_state& s, std::int64_t unix_ms) const override {
    header_list out;
    auto add = [&](std::string_view what, const limit_state& l) {
      if (l.limit == 0)
        return;
      auto prefix = fmt::format("anthropic-ratelimit-{}-", what);
      out.emplace_back(prefix + "limit", std::to_string(l.limit));
      out.emplace_back(prefix + "remaining", std::to_string(l.left));
      out.emplace_back(prefix + "reset",
                       rfc3339(unix_ms + static_cast<std::int64_t>(l.reset_s * 1000)));
    };
    add("requests", s.requests);
    add("tokens", s.tokens);
    return out;
  }

  header_list refusal_headers(const refusal& r) const override {
    if (!r.retry_after_s)
      return {};
    return {{"retry-after", fmt::format("{:.0f}", std::ceil(*r.retry_after_s))}};
  }

  std::optional<refusal> refusal_of(const std::string&) const override { return std::nullopt; }

private:
  static std::string reason_of(const std::string& stop, bool calls) {
    if (stop == "end" || stop == "recitation" || stop == "other")
      return "end_turn";
    if (stop == "tool" || (stop == "malformed" && calls))
      return "tool_use";
    if (stop == "safety" || stop == "blocked")
      return "refusal";
    if (stop == "pause")
      return "pause_turn";
    if (stop == "context")
      return "model_context_window_exceeded";
    return stop;
  }
};

} // namespace

const vendor& anthropic() {
  static const anthropic_vendor one;
  return one;
}

} // namespace fake_ai
