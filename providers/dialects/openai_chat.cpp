// Chat completions, as OpenAI defined them and as vLLM, Ollama, llama.cpp and
// OpenRouter speak them. Sources: OpenAI, "Create chat completion" (API
// reference); vLLM, "OpenAI-Compatible Server"; OpenRouter, "Errors".

#include "ledger/detail.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/common.hpp"
#include "providers/dialects/openai_errors.hpp"

#include <algorithm>
#include <array>

namespace providers::dialects {

namespace {

/// `stop` and `tool_calls` are answers; some servers say `stop` with calls.
constexpr std::array chat_finishes{
    meaning{"length", finding::cut_off},
    meaning{"content_filter", finding::filtered},
    meaning{"error", finding::service_error},
};

/// Many servers take a text only, no list of parts.
std::string joined(const prompt& p) {
  std::string all;
  for (auto part : said_parts(p)) {
    if (!all.empty())
      all += "\n\n";
    all += part;
  }
  return all;
}

void add_message(json& messages, const turn& t) {
  json said = t.raw;
  if (said.is_object() && !said.contains("role"))
    said["role"] = "assistant";
  messages.push_back(std::move(said));
  auto results = results_of(t);
  for (std::size_t i = 0; i < t.calls.size(); ++i) {
    json message;
    message["role"] = "tool";
    if (t.calls[i].id.empty())
      message["name"] = t.calls[i].name;
    else
      message["tool_call_id"] = t.calls[i].id;
    message["content"] = marked_content(results[i]);
    messages.push_back(std::move(message));
  }
}

/// A text, or a list of parts.
std::string text_in(const json& content) {
  if (content.is_string())
    return content.get<std::string>();
  std::string all;
  if (content.is_array())
    for (auto& part : content)
      if (ledger::text_at(part, "type") == "text")
        all += ledger::text_at(part, "text");
  return all;
}

/// False: one of them cannot be read.
bool add_calls(turn& t, const json& calls) {
  if (calls.is_null())
    return true;
  if (!calls.is_array())
    return false;
  for (auto& call : calls) {
    auto& function = member(call, "function");
    auto name = ledger::text_at(function, "name");
    auto arguments = arguments_in(member(function, "arguments"));
    if (name.empty() || !arguments)
      return false;
    t.calls.push_back({ledger::text_at(call, "id"), std::move(name), std::move(*arguments)});
  }
  return true;
}

class openai_chat final : public vendor {
public:
  openai_chat()
      : vendor("openai-chat", openai_errors) {}

  http_request write(const model_settings& m, const prompt& p,
                     std::span<const turn> turns) const override {
    http_request r;
    r.url = m.base_url + "/chat/completions";
    if (!m.api_key.empty())
      r.headers.emplace_back("Authorization", "Bearer " + m.api_key);
    json body;
    body["model"] = m.model;
    // Servers of one's own know this name, not max_completion_tokens.
    body["max_tokens"] = m.max_output_tokens;
    if (!p.tools.empty()) {
      auto& tools = body["tools"] = json::array();
      for (auto& t : p.tools)
        tools.push_back(
            {{"type", "function"},
             {"function",
              {{"name", t.name}, {"description", t.description}, {"parameters", t.parameters}}}});
    }
    auto& messages = body["messages"] = json::array();
    if (!is_blank_text(p.system))
      messages.push_back({{"role", "system"}, {"content", p.system}});
    messages.push_back({{"role", "user"}, {"content", joined(p)}});
    for (auto& t : turns)
      add_message(messages, t);
    r.body = dump_valid(body);
    return r;
  }

protected:
  reading turn_in(const json& body) const override {
    auto& choices = member(body, "choices");
    if (!choices.is_array())
      return no_turn(finding::wrong_shape);
    if (choices.empty())
      return no_turn(finding::empty_answer, "no choices");
    auto& choice = choices.front();
    // OpenRouter puts what went wrong under way into the choice.
    if (auto& error = member(choice, "error"); error.is_object() || error.is_string())
      return tl::make_unexpected(trouble_in(error, 200));
    auto& message = member(choice, "message");
    if (!message.is_object())
      return no_turn(finding::wrong_shape);
    turn t;
    t.raw = message;
    t.text = text_in(member(message, "content"));
    if (auto no = ledger::text_at(message, "refusal"); !no.empty())
      return no_turn(finding::refusal, "refusal", no);
    auto finish = ledger::text_at(choice, "finish_reason");
    if (finish != "stop" && finish != "tool_calls")
      return no_turn(meaning_of(chat_finishes, finish).value_or(finding::unexpected_stop),
                     finish.empty() ? "no finish_reason" : finish, t.text);
    if (!add_calls(t, member(message, "tool_calls")) || (finish == "tool_calls" && t.calls.empty()))
      return no_turn(finding::malformed_call, finish);
    return if_said(std::move(t));
  }

  tokens used_in(const json& body) const override {
    auto& usage = member(body, "usage");
    auto all = count_at(usage, "prompt_tokens");
    auto read = std::min(all, count_at(member(usage, "prompt_tokens_details"), "cached_tokens"));
    return {all - read, read, 0, count_at(usage, "completion_tokens")};
  }

  /// OpenRouter, "Errors": 403 with reasons is its moderation, not the key.
  void look_closer(const json& error, trouble& t) const override {
    if (t.is == finding::key_forbidden && member(member(error, "metadata"), "reasons").is_array())
      t.is = finding::refusal;
  }
};

} // namespace

std::unique_ptr<const dialect> make_openai_chat() {
  return std::make_unique<openai_chat>();
}

} // namespace providers::dialects
