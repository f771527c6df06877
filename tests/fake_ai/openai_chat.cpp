// Chat completions, which most self-hosted servers speak.

#include "tests/fake_ai/openai_kit.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace fake_ai {

namespace {

class message_list {
public:
  explicit message_list(question& q)
      : q_(q) {}

  bool add(const json& message) {
    auto role = ledger::text_at(message, "role");
    if (role == "tool")
      return result(message);
    if (!open_.empty())
      return unanswered();
    if (role == "assistant")
      return assistant(message);
    if (role != "user" && role != "system" && role != "developer")
      return fail("Invalid value: '" + role + "' for 'role'.");
    auto& content = at(message, "content");
    if (!content.is_string() && !content.is_array())
      return fail("Invalid value for 'content': expected a string, got null.");
    if (role == "user")
      add_texts(content, "text", q_.texts);
    return true;
  }

  bool end() { return open_.empty() || unanswered(); }

  std::string wrong;

private:
  bool fail(std::string why) {
    wrong = std::move(why);
    return false;
  }

  bool unanswered() {
    return fail("An assistant message with 'tool_calls' must be followed by tool messages "
                "responding to each 'tool_call_id'. The following tool_call_ids did not have "
                "response messages: "
                + open_.front());
  }

  bool result(const json& message) {
    auto id = ledger::text_at(message, "tool_call_id");
    auto found = std::find(open_.begin(), open_.end(), id);
    if (found == open_.end())
      return fail("Invalid parameter: messages with role 'tool' must be a response to a preceding "
                  "message with 'tool_calls'.");
    open_.erase(found);
    std::vector<std::string> texts;
    add_texts(at(message, "content"), "text", texts);
    for (auto& used : q_.turns.back())
      if (used.id == id)
        for (auto& t : texts)
          used.result += t;
    return true;
  }

  bool assistant(const json& message) {
    q_.turns.emplace_back();
    auto& calls = at(message, "tool_calls");
    if (!calls.is_array() || calls.empty())
      return at(message, "content").is_string()
             || fail("Invalid value for 'content': expected a string, got null.");
    for (auto& call : calls) {
      auto id = ledger::text_at(call, "id");
      auto& function = at(call, "function");
      auto arguments = json::parse(ledger::text_at(function, "arguments"), nullptr, false);
      if (id.empty() || ledger::text_at(call, "type") != "function" || !arguments.is_object())
        return fail("Invalid 'tool_calls': each needs 'id', 'type' and a 'function' whose "
                    "'arguments' are JSON.");
      q_.turns.back().push_back({id, ledger::text_at(function, "name"), arguments, {}});
      open_.push_back(id);
    }
    return true;
  }

  question& q_;
  std::vector<std::string> open_; ///< Calls without a result.
};

class openai_chat_vendor final : public vendor {
public:
  std::string_view name() const override { return "openai-chat"; }

  /// Self-hosted servers want no key.
  std::optional<refusal> why_no_entry(const http_question& q) const override {
    auto key = bearer(q);
    return key == "bad-key" ? std::optional(openai_wrong_key(key)) : std::nullopt;
  }

  tl::expected<question, refusal> read(const http_question&, const json& body,
                                       bool thinks) const override {
    question q;
    q.model = ledger::text_at(body, "model");
    q.streamed = ledger::flag_at(body, "stream");
    q.thinks = thinks;
    if (q.model.empty())
      return bad("you must provide a model parameter");
    for (auto& tool : at(body, "tools")) {
      auto& function = at(tool, "function");
      if (ledger::text_at(tool, "type") != "function" || ledger::text_at(function, "name").empty())
        return bad("Missing required parameter: 'tools[].function.name'.");
      q.tools.push_back({ledger::text_at(function, "name"), at(function, "parameters")});
    }
    auto& messages = at(body, "messages");
    if (!messages.is_array() || messages.empty())
      return bad("Missing required parameter: 'messages'.", "missing_required_parameter");
    message_list all(q);
    for (auto& message : messages)
      if (!all.add(message))
        return bad(all.wrong);
    if (!all.end())
      return bad(all.wrong);
    return q;
  }

  json write(const question& q, const reply& r, std::uint64_t serial) const override {
    json message;
    message["role"] = "assistant";
    message["content"] = r.text.empty() ? json(nullptr) : json(r.text);
    auto stop = stop_of(r);
    if (stop == "refusal") {
      message["content"] = nullptr;
      message["refusal"] = r.text.empty() ? "I cannot." : r.text;
    }
    for (std::size_t i = 0; i < r.calls.size(); ++i) {
      json call;
      call["id"] = fmt::format("call_{}_{}", serial, i + 1);
      call["type"] = "function";
      call["function"]["name"] = r.calls[i].name;
      call["function"]["arguments"] = arguments_text(r, r.calls[i]);
      message["tool_calls"].push_back(call);
    }
    json choice;
    choice["index"] = 0;
    choice["message"] = message;
    choice["finish_reason"] = reason_of(stop, !r.calls.empty());
    json out = {{"id", fmt::format("chatcmpl-{}", serial)}, {"object", "chat.completion"}};
    out["model"] = q.model;
    out["choices"] = json::array({choice});
    out["usage"] = usage_of(r.used.value_or(usage{}));
    return out;
  }

  json write(const refusal& r, std::uint64_t) const override { return openai_error(r); }

  std::string stream(const json& body) const override {
    auto chunk = body;
    chunk["object"] = "chat.completion.chunk";
    chunk.erase("usage");
    auto& choice = chunk["choices"][0];
    auto reason = choice["finish_reason"];
    choice["finish_reason"] = nullptr;
    choice["delta"] = choice["message"];
    choice.erase("message");
    if (auto& calls = at(choice["delta"], "tool_calls"); calls.is_array())
      for (std::size_t i = 0; i < calls.size(); ++i)
        choice["delta"]["tool_calls"][i]["index"] = i;
    auto out = event(chunk);
    choice["delta"] = json::object();
    choice["finish_reason"] = reason;
    chunk["usage"] = at(body, "usage");
    return out + event(chunk) + "data: [DONE]\n\n";
  }

  header_list limit_headers(const limits_state& s, std::int64_t) const override {
    return openai_limit_headers(s);
  }
  header_list refusal_headers(const refusal& r) const override { return openai_refusal_headers(r); }
  std::optional<refusal> refusal_of(const std::string& stop) const override {
    return openai_refusal_of(stop);
  }

private:
  static std::string reason_of(const std::string& stop, bool calls) {
    if (stop == "tool" || (stop == "malformed" && calls))
      return "tool_calls";
    if (stop == "max_tokens")
      return "length";
    if (stop == "safety" || stop == "blocked")
      return "content_filter";
    if (stop == "end" || stop == "refusal" || stop == "pause")
      return "stop";
    return stop;
  }

  static json usage_of(const usage& u) {
    json out;
    out["prompt_tokens"] = u.input + u.cached + u.written;
    out["completion_tokens"] = u.output;
    out["total_tokens"] = u.all();
    out["prompt_tokens_details"]["cached_tokens"] = u.cached;
    out["completion_tokens_details"]["reasoning_tokens"] = u.thought;
    return out;
  }
};

} // namespace

const vendor& openai_chat() {
  static const openai_chat_vendor one;
  return one;
}

} // namespace fake_ai
