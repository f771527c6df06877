#include "tests/fake_ai/vendor_kit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace fake_ai {

refused bad(std::string message, std::string word) {
  return refused(refusal{400, std::move(word), std::move(message)});
}

const json& at(const json& object, const char* key) {
  static const json nothing;
  if (!object.is_object())
    return nothing;
  auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string unknown_key(const json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object())
    return {};
  for (auto& [key, value] : object.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      return key;
  return {};
}

std::string sign(std::string_view id) {
  return ledger::sha256("the fake AI server issued " + std::string(id));
}

void add_texts(const json& content, std::string_view type, std::vector<std::string>& out) {
  if (content.is_string())
    out.push_back(content.get<std::string>());
  if (content.is_array())
    for (auto& part : content)
      if (ledger::text_at(part, "type") == type)
        out.push_back(ledger::text_at(part, "text"));
}

std::string stop_of(const reply& r) {
  return !r.stop.empty() ? r.stop : r.calls.empty() ? "end" : "tool";
}

std::string arguments_text(const reply& r, const wanted_call& c) {
  auto text = c.arguments.dump();
  return r.stop == "malformed" ? text.substr(0, text.size() / 2) : text;
}

std::string short_duration(double s) {
  if (s < 1)
    return fmt::format("{}ms", static_cast<int>(std::ceil(s * 1000)));
  if (s < 60)
    return fmt::format("{:.3g}s", s);
  auto whole = static_cast<long>(std::ceil(s));
  return fmt::format("{}m{}s", whole / 60, whole % 60);
}

std::string rfc3339(std::int64_t unix_ms) {
  auto seconds = static_cast<std::time_t>((unix_ms + 999) / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

std::string event(const json& data, std::string_view name) {
  auto text = name.empty() ? std::string{} : fmt::format("event: {}\n", name);
  return text + "data: " + data.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
}

const std::vector<const vendor*>& all_vendors() {
  static const std::vector<const vendor*> all{&anthropic(), &openai(), &openai_chat(), &gemini()};
  return all;
}

const vendor* vendor_at(std::string_view path) {
  if (path == "/v1/messages")
    return &anthropic();
  if (path == "/v1/responses" || path == "/responses")
    return &openai();
  if (path == "/v1/chat/completions" || path == "/chat/completions")
    return &openai_chat();
  if (path.starts_with("/v1beta/models/")
      && (path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent")))
    return &gemini();
  return nullptr;
}

} // namespace fake_ai
