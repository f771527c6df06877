// OpenAI's Responses API. Sources: "Create a model response" (API reference),
// "Conversation state", "Function calling", "Reasoning models", "Prompt
// caching", "Error codes".

#include "ledger/detail.hpp"
#include "ledger/digest.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/common.hpp"
#include "providers/dialects/openai_errors.hpp"

#include <algorithm>
#include <array>

namespace providers::dialects {

namespace {

constexpr std::array incompletes{
    meaning{"max_output_tokens", finding::cut_off},
    meaning{"content_filter", finding::filtered},
};

/// "Reasoning models": with store:false what the model thought comes back only
/// if it was asked for, encrypted, and has to be sent along with its calls.
/// Models that do not reason answer such a wish with status 400, "Encrypted
/// content is not supported with this model".
bool reasons(std::string_view model) {
  static constexpr std::array<std::string_view, 5> never{"gpt-3", "gpt-4", "chatgpt-4", "ft:gpt-3",
                                                         "ft:gpt-4"};
  for (auto start : never)
    if (model.substr(0, start.size()) == start)
      return false;
  return true;
}

/// Verbatim, but for a thought without its content: nothing is stored, so that
/// its id is unknown there (404, "Items are not persisted").
bool goes_back(const json& item) {
  return ledger::text_at(item, "type") != "reasoning"
         || !ledger::text_at(item, "encrypted_content").empty();
}

void add_input(json& input, const turn& t) {
  if (t.raw.is_array())
    for (auto& item : t.raw)
      if (goes_back(item))
        input.push_back(item);
  auto results = results_of(t);
  for (std::size_t i = 0; i < t.calls.size(); ++i)
    input.push_back({{"type", "function_call_output"},
                     {"call_id", t.calls[i].id},
                     {"output", marked_content(results[i])}});
}

/// What the items of `output` come to.
struct spoken {
  std::string answer;     ///< Of the messages.
  std::string commentary; ///< Of messages that the model says are no answer.
  std::string refusal;
  bool refused = false;
  std::vector<tool_call> calls;
  bool malformed = false;
};

void add_message(spoken& s, const json& item) {
  std::string text;
  for (auto& part : member(item, "content")) {
    auto type = ledger::text_at(part, "type");
    if (type == "output_text")
      text += ledger::text_at(part, "text");
    if (type == "refusal") {
      s.refused = true;
      s.refusal += ledger::text_at(part, "refusal");
    }
  }
  if (text.empty())
    return;
  auto& into = ledger::text_at(item, "phase") == "commentary" ? s.commentary : s.answer;
  into += into.empty() ? text : "\n" + text;
}

void add_call(spoken& s, const json& item) {
  auto arguments = arguments_in(member(item, "arguments"));
  tool_call c{ledger::text_at(item, "call_id"), ledger::text_at(item, "name"), json::object()};
  auto status = ledger::text_at(item, "status");
  if (!arguments || c.id.empty() || c.name.empty() || (!status.empty() && status != "completed"))
    s.malformed = true;
  else
    c.arguments = std::move(*arguments);
  s.calls.push_back(std::move(c));
}

class openai_responses final : public vendor {
public:
  openai_responses()
      : vendor("openai", openai_errors) {}

  http_request write(const model_settings& m, const prompt& p,
                     std::span<const turn> turns) const override {
    http_request r;
    r.url = m.base_url + "/responses";
    if (!m.api_key.empty())
      r.headers.emplace_back("Authorization", "Bearer " + m.api_key);
    json body;
    body["model"] = m.model;
    if (!is_blank_text(p.system))
      body["instructions"] = p.system;
    if (!p.tools.empty()) {
      auto& tools = body["tools"] = json::array();
      for (auto& t : p.tools)
        tools.push_back({{"type", "function"},
                         {"name", t.name},
                         {"description", t.description},
                         {"parameters", t.parameters},
                         {"strict", false}});
    }
    json content = json::array();
    for (auto part : said_parts(p))
      content.push_back({{"type", "input_text"}, {"text", part}});
    auto& input = body["input"] = json::array();
    input.push_back({{"type", "message"}, {"role", "user"}, {"content", std::move(content)}});
    for (auto& t : turns)
      add_input(input, t);
    body["max_output_tokens"] = m.max_output_tokens;
    body["store"] = false;
    if (reasons(m.model))
      body["include"] = json::array({"reasoning.encrypted_content"});
    // "Prompt caching": at most 64 characters.
    if (!p.cache_key.empty())
      body["prompt_cache_key"] =
          p.cache_key.size() <= 64 ? p.cache_key : ledger::sha256(p.cache_key);
    r.body = dump_valid(body);
    return r;
  }

protected:
  reading turn_in(const json& body) const override {
    auto& output = member(body, "output");
    auto status = ledger::text_at(body, "status");
    if (status == "failed") // Without an error: that one was judged before.
      return no_turn(finding::service_error, status);
    if (!output.is_array() || status.empty())
      return no_turn(finding::wrong_shape);
    spoken s;
    for (auto& item : output) {
      auto type = ledger::text_at(item, "type");
      if (type == "message")
        add_message(s, item);
      if (type == "function_call")
        add_call(s, item);
    }
    if (s.refused)
      return no_turn(finding::refusal, "refusal", s.refusal);
    if (status == "incomplete") {
      auto reason = ledger::text_at(member(body, "incomplete_details"), "reason");
      return no_turn(meaning_of(incompletes, reason).value_or(finding::unexpected_stop),
                     reason.empty() ? status : reason, s.answer);
    }
    if (status != "completed")
      return no_turn(finding::unexpected_stop, status);
    if (s.malformed)
      return no_turn(finding::malformed_call, "function_call");
    turn t;
    t.raw = output;
    t.text = s.answer.empty() ? std::move(s.commentary) : std::move(s.answer);
    t.calls = std::move(s.calls);
    return if_said(std::move(t));
  }

  /// `input_tokens` includes what was read from the cache, `output_tokens`
  /// includes what was thought.
  tokens used_in(const json& body) const override {
    auto& usage = member(body, "usage");
    auto all = count_at(usage, "input_tokens");
    auto read = std::min(all, count_at(member(usage, "input_tokens_details"), "cached_tokens"));
    return {all - read, read, 0, count_at(usage, "output_tokens")};
  }
};

} // namespace

std::unique_ptr<const dialect> make_openai_responses() {
  return std::make_unique<openai_responses>();
}

} // namespace providers::dialects
