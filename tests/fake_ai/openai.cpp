// OpenAI's responses.

#include "tests/fake_ai/openai_kit.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace fake_ai {

namespace {

/// The serial in an id that --thoughts issued ("fc_t17_2" -> "17"); empty: none.
std::string thought_of(const std::string& id) {
  constexpr std::string_view prefix = "fc_t";
  if (!id.starts_with(prefix))
    return {};
  return id.substr(prefix.size(), id.find('_', prefix.size()) - prefix.size());
}

/// Reads the items of `input`, one after the other.
class item_list {
public:
  explicit item_list(question& q)
      : q_(q) {}

  bool add(const json& item, std::size_t number) {
    where_ = fmt::format("input[{}]", number);
    auto type = ledger::text_at(item, "type");
    if (type.empty() || type == "message")
      return message(item);
    if (type == "reasoning")
      return reasoning(item);
    if (type == "function_call")
      return call(item);
    if (type == "function_call_output")
      return output(item);
    return fail(fmt::format("Invalid value: '{}'.", type));
  }

  bool end() {
    if (open_.empty())
      return true;
    return fail(fmt::format("No tool output found for function call {}.", *open_.begin()), "");
  }

  refusal wrong;

private:
  bool fail(const std::string& why, std::string_view code = "invalid_value") {
    wrong = {400, std::string(code), code.empty() ? why : why + " (" + where_ + ")"};
    return false;
  }

  void model_speaks() {
    if (!model_speaking_)
      q_.turns.emplace_back();
    model_speaking_ = true;
  }

  bool message(const json& item) {
    auto role = ledger::text_at(item, "role");
    auto& content = at(item, "content");
    if (role != "user" && role != "assistant" && role != "system" && role != "developer")
      return fail("Invalid value: '" + role
                  + "'. Supported values are: 'assistant', 'system', "
                    "'developer', and 'user'.");
    auto said = role == "assistant" ? "output_text" : "input_text";
    if (!content.is_string() && !content.is_array())
      return fail("Missing required parameter: 'content'.", "missing_required_parameter");
    if (content.is_array())
      for (auto& part : content) {
        auto type = ledger::text_at(part, "type");
        if (type != said && !(role == "assistant" && type == "refusal"))
          return fail(fmt::format("Invalid value: '{}'. Supported values are: '{}'.", type, said));
      }
    if (role == "assistant")
      model_speaks();
    else
      model_speaking_ = false;
    if (role == "user")
      add_texts(content, "input_text", q_.texts);
    return true;
  }

  bool reasoning(const json& item) {
    auto id = ledger::text_at(item, "id");
    auto secret = ledger::text_at(item, "encrypted_content");
    if (!secret.empty() && secret != sign(id))
      return fail("The encrypted content of item '" + id + "' could not be verified.",
                  "invalid_encrypted_content");
    model_speaks();
    thoughts_.insert(id);
    return true;
  }

  bool call(const json& item) {
    auto id = ledger::text_at(item, "call_id");
    auto name = ledger::text_at(item, "name");
    if (id.empty() || name.empty() || !at(item, "arguments").is_string())
      return fail("Missing required parameter: a function_call needs 'call_id', 'name' and "
                  "'arguments'.",
                  "missing_required_parameter");
    auto item_id = ledger::text_at(item, "id");
    if (auto serial = thought_of(item_id); !serial.empty() && !thoughts_.contains("rs_" + serial))
      return fail(fmt::format("Item '{}' of type 'function_call' was provided without its required "
                              "'reasoning' item: 'rs_{}'.",
                              item_id, serial),
                  "");
    model_speaks();
    auto arguments = json::parse(at(item, "arguments").get<std::string>(), nullptr, false);
    q_.turns.back().push_back(
        {id, name, arguments.is_discarded() ? json::object() : arguments, {}});
    open_.insert(id);
    return true;
  }

  bool output(const json& item) {
    auto id = ledger::text_at(item, "call_id");
    model_speaking_ = false;
    if (open_.erase(id) == 0)
      return fail("No tool call found for function call output with call_id " + id + ".", "");
    std::vector<std::string> texts;
    add_texts(at(item, "output"), "input_text", texts);
    for (auto& turn : q_.turns)
      for (auto& used : turn)
        if (used.id == id)
          for (auto& t : texts)
            used.result += t;
    return true;
  }

  question& q_;
  std::string where_;
  std::set<std::string> open_, thoughts_;
  bool model_speaking_ = false;
};

/// What a strict schema must hold, as the service checks it.
std::string wrong_with_strict(const std::string& name, const json& schema) {
  auto begin = fmt::format("Invalid schema for function '{}': In context=(), ", name);
  auto& more = at(schema, "additionalProperties");
  if (!more.is_boolean() || more.get<bool>())
    return begin + "'additionalProperties' is required to be supplied and to be false.";
  auto required = ledger::texts_at(schema, "required");
  auto& properties = at(schema, "properties");
  if (properties.is_object())
    for (auto& [key, value] : properties.items())
      if (std::find(required.begin(), required.end(), key) == required.end())
        return begin
               + "'required' is required to be supplied and to be an array including every "
                 "key in properties. Missing '"
               + key + "'.";
  return {};
}

std::string wrong_with_tools(const json& tools, question& q) {
  for (auto& tool : tools) {
    if (ledger::text_at(tool, "type") != "function")
      continue; // One of the service's own tools.
    auto name = ledger::text_at(tool, "name");
    auto& schema = at(tool, "parameters");
    if (name.empty())
      return "Missing required parameter: 'tools[].name'.";
    if (ledger::text_at(schema, "type") != "object")
      return fmt::format("Invalid schema for function '{}': schema must be of type \"object\".",
                         name);
    if (ledger::flag_at(tool, "strict"))
      if (auto wrong = wrong_with_strict(name, schema); !wrong.empty())
        return wrong;
    q.tools.push_back({name, schema});
  }
  return {};
}

json message_item(const reply& r, std::uint64_t serial, std::string_view status) {
  json part = stop_of(r) == "refusal"
                  ? json{{"type", "refusal"}, {"refusal", r.text.empty() ? "I cannot." : r.text}}
                  : json{{"type", "output_text"}, {"text", r.text}};
  if (stop_of(r) != "refusal")
    part["annotations"] = json::array();
  return {{"type", "message"},
          {"id", fmt::format("msg_{}", serial)},
          {"status", status},
          {"role", "assistant"},
          {"content", json::array({part})}};
}

class openai_vendor final : public vendor {
public:
  std::string_view name() const override { return "openai"; }

  std::optional<refusal> why_no_entry(const http_question& q) const override {
    auto key = bearer(q);
    if (key.empty() || key == "bad-key")
      return openai_wrong_key(key);
    return std::nullopt;
  }

  tl::expected<question, refusal> read(const http_question&, const json& body,
                                       bool thinks) const override {
    auto extra = unknown_key(body, {"background",
                                    "client_metadata",
                                    "context_management",
                                    "conversation",
                                    "include",
                                    "input",
                                    "instructions",
                                    "max_output_tokens",
                                    "max_tool_calls",
                                    "metadata",
                                    "model",
                                    "parallel_tool_calls",
                                    "previous_response_id",
                                    "prompt",
                                    "prompt_cache_key",
                                    "reasoning",
                                    "safety_identifier",
                                    "service_tier",
                                    "store",
                                    "stream",
                                    "stream_options",
                                    "temperature",
                                    "text",
                                    "tool_choice",
                                    "tools",
                                    "top_logprobs",
                                    "top_p",
                                    "truncation",
                                    "user",
                                    "prompt_cache_retention"});
    if (!extra.empty())
      return bad("Unknown parameter: '" + extra + "'.", "unknown_parameter");
    question q;
    q.model = ledger::text_at(body, "model");
    q.streamed = ledger::flag_at(body, "stream");
    q.thinks = thinks;
    if (q.model.empty())
      return bad("Missing required parameter: 'model'.", "missing_required_parameter");
    if (auto earlier = ledger::text_at(body, "previous_response_id"); !earlier.empty())
      return bad("Previous response with id '" + earlier + "' not found.",
                 "previous_response_not_found");
    auto& limit = at(body, "max_output_tokens");
    if (!limit.is_null() && ledger::number_at(body, "max_output_tokens") < 16)
      return bad("Invalid 'max_output_tokens': integer below minimum value.",
                 "integer_below_min_value");
    if (auto wrong = wrong_with_tools(at(body, "tools"), q); !wrong.empty())
      return bad(wrong, "invalid_function_parameters");
    auto& input = at(body, "input");
    if (input.is_string())
      q.texts.push_back(input.get<std::string>());
    else if (!input.is_array() || input.empty())
      return bad("Missing required parameter: 'input'.", "missing_required_parameter");
    item_list all(q);
    for (std::size_t i = 0; input.is_array() && i < input.size(); ++i)
      if (!all.add(input[i], i))
        return refused(all.wrong);
    if (!all.end())
      return refused(all.wrong);
    return q;
  }

  json write(const question& q, const reply& r, std::uint64_t serial) const override {
    auto stop = stop_of(r);
    auto cut = stop == "max_tokens" || stop == "safety" || stop == "blocked";
    json status = cut                                   ? "incomplete"
                  : stop == "failed"                    ? "failed"
                  : stop == "cancelled"                 ? "cancelled"
                  : stop == "queued" || stop == "other" ? "queued"
                                                        : "completed";
    auto output = json::array();
    if (q.thinks) {
      auto id = fmt::format("rs_{}", serial);
      output.push_back({{"type", "reasoning"},
                        {"id", id},
                        {"summary", json::array()},
                        {"encrypted_content", sign(id)}});
    }
    if ((!r.text.empty() || stop == "refusal") && stop != "safety" && stop != "blocked")
      output.push_back(message_item(r, serial, cut ? "incomplete" : "completed"));
    for (std::size_t i = 0; i < r.calls.size(); ++i)
      output.push_back({{"type", "function_call"},
                        {"id", fmt::format("fc_{}{}_{}", q.thinks ? "t" : "", serial, i + 1)},
                        {"call_id", fmt::format("call_{}_{}", serial, i + 1)},
                        {"status", "completed"},
                        {"name", r.calls[i].name},
                        {"arguments", arguments_text(r, r.calls[i])}});
    json out = {{"id", fmt::format("resp_{}", serial)}, {"object", "response"}};
    out["status"] = status;
    out["error"] = nullptr;
    out["incomplete_details"] = nullptr;
    if (cut)
      out["incomplete_details"] = {
          {"reason", stop == "max_tokens" ? "max_output_tokens" : "content_filter"}};
    if (stop == "failed")
      out["error"] = {{"code", "server_error"}, {"message", "The server had an error."}};
    out["model"] = q.model;
    out["output"] = output;
    out["usage"] = usage_of(r.used.value_or(usage{}));
    return out;
  }

  json write(const refusal& r, std::uint64_t) const override { return openai_error(r); }

  std::string stream(const json& body) const override {
    auto begun = body;
    begun["status"] = "in_progress";
    begun["output"] = json::array();
    begun["usage"] = nullptr;
    std::size_t number = 0;
    auto say = [&](const std::string& type, json data) {
      data["type"] = type;
      data["sequence_number"] = number++;
      return event(data, type);
    };
    json head, tail;
    head["response"] = begun;
    tail["response"] = body;
    auto out = say("response.created", head);
    std::size_t index = 0;
    for (auto& item : at(body, "output")) {
      json one;
      one["output_index"] = index++;
      one["item"] = item;
      out += say("response.output_item.added", one);
      out += say("response.output_item.done", one);
    }
    auto status = ledger::text_at(body, "status");
    return out + say("response." + (status == "queued" ? "completed" : status), tail);
  }

  header_list limit_headers(const limits_state& s, std::int64_t) const override {
    return openai_limit_headers(s);
  }
  header_list refusal_headers(const refusal& r) const override { return openai_refusal_headers(r); }
  std::optional<refusal> refusal_of(const std::string& stop) const override {
    return openai_refusal_of(stop);
  }

private:
  static json usage_of(const usage& u) {
    json out;
    out["input_tokens"] = u.input + u.cached + u.written;
    out["input_tokens_details"]["cached_tokens"] = u.cached;
    out["output_tokens"] = u.output;
    out["output_tokens_details"]["reasoning_tokens"] = u.thought;
    out["total_tokens"] = u.all();
    return out;
  }
};

} // namespace

const vendor& openai() {
  static const openai_vendor one;
  return one;
}

} // namespace fake_ai
