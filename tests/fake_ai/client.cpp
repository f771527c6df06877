#include "tests/fake_ai/client.hpp"

namespace fake_ai_tests {

using ledger::text_at;

namespace {

const json& at(const json& j, const char* key) {
  static const json nothing;
  auto found = j.is_object() ? j.find(key) : j.end();
  return j.is_object() && found != j.end() ? *found : nothing;
}

json call_of(const json& id, const json& name, const json& arguments) {
  json c;
  c["id"] = id;
  c["name"] = name;
  c["arguments"] =
      arguments.is_string() ? json::parse(arguments.get<std::string>(), nullptr, false) : arguments;
  return c;
}

} // namespace

said said_in(const std::string& vendor, const json& answer) {
  said s;
  if (vendor == "anthropic") {
    s.stop = text_at(answer, "stop_reason");
    for (auto& b : at(answer, "content"))
      if (text_at(b, "type") == "text")
        s.text += text_at(b, "text");
      else if (text_at(b, "type") == "tool_use")
        s.calls.push_back(call_of(at(b, "id"), at(b, "name"), at(b, "input")));
  } else if (vendor == "openai") {
    s.stop = text_at(answer, "status");
    for (auto& item : at(answer, "output"))
      if (text_at(item, "type") == "message")
        s.text += text_at(at(item, "content")[0], "text");
      else if (text_at(item, "type") == "function_call")
        s.calls.push_back(call_of(at(item, "call_id"), at(item, "name"), at(item, "arguments")));
  } else if (vendor == "openai-chat") {
    auto& choice = at(answer, "choices")[0];
    s.stop = text_at(choice, "finish_reason");
    s.text = text_at(at(choice, "message"), "content");
    for (auto& c : at(at(choice, "message"), "tool_calls"))
      s.calls.push_back(
          call_of(at(c, "id"), at(at(c, "function"), "name"), at(at(c, "function"), "arguments")));
  } else if (at(answer, "candidates").is_array()) {
    auto& candidate = at(answer, "candidates")[0];
    s.stop = text_at(candidate, "finishReason");
    for (auto& part : at(at(candidate, "content"), "parts")) {
      s.text += text_at(part, "text");
      if (auto& f = at(part, "functionCall"); f.is_object())
        s.calls.push_back(call_of(at(f, "id"), at(f, "name"), at(f, "args")));
    }
  }
  return s;
}

json next_body(const std::string& vendor, json body, const json& answer,
               const std::string& result) {
  auto calls = said_in(vendor, answer).calls;
  if (vendor == "anthropic") {
    json model = {{"role", "assistant"}}, user = {{"role", "user"}};
    model["content"] = at(answer, "content");
    for (auto& c : calls)
      user["content"].push_back(
          {{"type", "tool_result"}, {"tool_use_id", c["id"]}, {"content", result}});
    body["messages"].push_back(model);
    body["messages"].push_back(user);
  } else if (vendor == "openai") {
    for (auto& item : at(answer, "output"))
      body["input"].push_back(item);
    for (auto& c : calls)
      body["input"].push_back(
          {{"type", "function_call_output"}, {"call_id", c["id"]}, {"output", result}});
  } else if (vendor == "openai-chat") {
    body["messages"].push_back(at(answer, "choices")[0]["message"]);
    for (auto& c : calls)
      body["messages"].push_back(
          {{"role", "tool"}, {"tool_call_id", c["id"]}, {"content", result}});
  } else {
    body["contents"].push_back(at(answer, "candidates")[0]["content"]);
    json user = {{"role", "user"}};
    for (auto& c : calls) {
      json f = {{"id", c["id"]}, {"name", c["name"]}};
      f["response"]["output"] = result;
      json part;
      part["functionResponse"] = f;
      user["parts"].push_back(part);
    }
    body["contents"].push_back(user);
  }
  return body;
}

} // namespace fake_ai_tests
