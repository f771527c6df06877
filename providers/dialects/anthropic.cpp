// Anthropic's Messages API. Sources: "Create a Message" (API reference),
// "Stop reasons and fallback", "Errors", "Rate limits", "Prompt caching",
// "Handle tool calls".

#include "ledger/detail.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/common.hpp"

#include <array>

namespace providers::dialects {

namespace {

constexpr std::array anthropic_errors{
    meaning{"enforced_spend_limit_reached", finding::no_credit},
    meaning{"invalid_request_error", finding::bad_request},
    meaning{"authentication_error", finding::key_invalid},
    meaning{"billing_error", finding::no_credit},
    meaning{"permission_error", finding::key_forbidden},
    meaning{"not_found_error", finding::no_such_model},
    meaning{"conflict_error", finding::service_error},
    meaning{"request_too_large", finding::too_large},
    meaning{"rate_limit_error", finding::rate_limited},
    meaning{"api_error", finding::service_error},
    meaning{"timeout_error", finding::timed_out},
    meaning{"overloaded_error", finding::overloaded},
};

/// `end_turn` and `tool_use` are answers. We name no stop sequences and offer
/// no tools of the server, so `stop_sequence` and `pause_turn` cannot be.
constexpr std::array stops{
    meaning{"max_tokens", finding::cut_off},
    meaning{"stop_sequence", finding::unexpected_stop},
    meaning{"pause_turn", finding::unexpected_stop},
    meaning{"refusal", finding::refusal},
    meaning{"model_context_window_exceeded", finding::too_large},
};

const json cached = {{"type", "ephemeral"}};

json text_block(std::string_view text) {
  return {{"type", "text"}, {"text", text}};
}

json results_message(const turn& t) {
  json blocks = json::array();
  auto results = results_of(t);
  for (std::size_t i = 0; i < t.calls.size(); ++i)
    blocks.push_back({{"type", "tool_result"},
                      {"tool_use_id", t.calls[i].id},
                      {"content", results[i].content},
                      {"is_error", results[i].is_error}});
  return {{"role", "user"}, {"content", std::move(blocks)}};
}

/// "Prompt caching": at most four marks; what is cached is everything before a
/// mark, in the order tools, system, messages. Ours: the last tool, the system
/// text, the prompt, and the newest results, so that a long conversation is
/// read from the cache up to the turn before.
void mark_messages(json& messages) {
  auto mark = [](json& message) {
    if (auto& content = message["content"]; !content.empty())
      content.back()["cache_control"] = cached;
  };
  mark(messages.front());
  if (messages.size() > 1 && ledger::text_at(messages.back(), "role") == "user")
    mark(messages.back());
}

class anthropic final : public vendor {
public:
  anthropic()
      : vendor("anthropic", anthropic_errors) {}

  http_request write(const model_settings& m, const prompt& p,
                     std::span<const turn> turns) const override {
    http_request r;
    r.url = m.base_url + "/v1/messages";
    if (!m.api_key.empty())
      r.headers.emplace_back("x-api-key", m.api_key);
    r.headers.emplace_back("anthropic-version", "2023-06-01");
    json body;
    body["model"] = m.model;
    body["max_tokens"] = m.max_output_tokens;
    if (!p.tools.empty()) {
      auto& tools = body["tools"] = json::array();
      for (auto& t : p.tools)
        tools.push_back(
            {{"name", t.name}, {"description", t.description}, {"input_schema", t.parameters}});
      tools.back()["cache_control"] = cached;
    }
    // The API refuses empty texts.
    if (!is_blank_text(p.system)) {
      auto block = text_block(p.system);
      block["cache_control"] = cached;
      body["system"] = json::array({std::move(block)});
    }
    auto& messages = body["messages"] = json::array();
    json first = json::array();
    for (auto part : said_parts(p))
      first.push_back(text_block(part));
    messages.push_back({{"role", "user"}, {"content", std::move(first)}});
    for (auto& t : turns) {
      messages.push_back({{"role", "assistant"}, {"content", member(t.raw, "content")}});
      if (!t.calls.empty())
        messages.push_back(results_message(t));
    }
    mark_messages(messages);
    r.body = dump_valid(body);
    return r;
  }

protected:
  reading turn_in(const json& body) const override {
    auto& content = member(body, "content");
    if (!content.is_array())
      return no_turn(finding::wrong_shape);
    turn t;
    t.raw = {{"role", "assistant"}, {"content", content}};
    bool malformed = false;
    for (auto& block : content) {
      auto type = ledger::text_at(block, "type");
      if (type == "text")
        t.text += ledger::text_at(block, "text");
      if (type != "tool_use")
        continue;
      tool_call c{ledger::text_at(block, "id"), ledger::text_at(block, "name"),
                  member(block, "input")};
      malformed = malformed || c.id.empty() || c.name.empty() || !c.arguments.is_object();
      t.calls.push_back(std::move(c));
    }
    auto stop = ledger::text_at(body, "stop_reason");
    if (stop != "end_turn" && stop != "tool_use") {
      auto said = ledger::text_at(member(body, "stop_details"), "explanation");
      return no_turn(meaning_of(stops, stop).value_or(finding::unexpected_stop),
                     stop.empty() ? "no stop_reason" : stop, said.empty() ? t.text : said);
    }
    if (malformed || (stop == "tool_use" && t.calls.empty()))
      return no_turn(finding::malformed_call, stop);
    return if_said(std::move(t));
  }

  /// `input_tokens` counts neither what was read from a cache nor what was
  /// written to it ("Prompt caching", "Tracking cache performance").
  tokens used_in(const json& body) const override {
    auto& usage = member(body, "usage");
    return {count_at(usage, "input_tokens"), count_at(usage, "cache_read_input_tokens"),
            count_at(usage, "cache_creation_input_tokens"), count_at(usage, "output_tokens")};
  }

  /// "Errors": the spend cap of a tier comes as a rate limit that no waiting
  /// lifts; only `details.error_code` tells.
  void look_closer(const json& error, trouble& t) const override {
    auto code = ledger::text_at(member(error, "details"), "error_code");
    if (auto found = meaning_of(anthropic_errors, code)) {
      t.is = *found;
      t.reason = code;
    }
  }
};

} // namespace

std::unique_ptr<const dialect> make_anthropic() {
  return std::make_unique<anthropic>();
}

} // namespace providers::dialects
