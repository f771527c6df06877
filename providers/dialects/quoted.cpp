#include "providers/dialects/quoted.hpp"

#include "ledger/text.hpp"

#include <algorithm>
#include <array>

namespace providers::dialects {

namespace {

bool in_key(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
         || c == '-' || c == '.' || c == '*' || c == '+' || c == '=' || c == '~';
}

bool looks_like_key(std::string_view word, std::string_view before) {
  // Of OpenAI, Anthropic, OpenRouter; Google (two sorts); Groq; xAI; Hugging Face.
  static constexpr std::array<std::string_view, 6> starts{"sk-",  "AIza", "AQ.",
                                                          "gsk_", "xai-", "hf_"};
  if (ledger::lowered_ascii(before) == "bearer")
    return true;
  if (word.size() >= 8 && std::any_of(starts.begin(), starts.end(), [&](std::string_view s) {
        return word.substr(0, s.size()) == s;
      }))
    return true;
  // Longer than names of models and requests, which have digits too.
  return word.size() >= 40 && word.find_first_of("0123456789") != std::string_view::npos;
}

} // namespace

std::string quoted(std::string_view text, std::size_t bytes_max) {
  text = text.substr(0, 8'000);
  std::string plain;
  std::string before;
  while (!text.empty()) {
    auto end = std::find_if_not(text.begin(), text.end(), in_key) - text.begin();
    auto word = text.substr(0, static_cast<std::size_t>(end));
    if (!word.empty()) {
      plain += looks_like_key(word, before) ? "[key]" : std::string(word);
      before = word;
      text.remove_prefix(word.size());
      continue;
    }
    char c =
        text.front() == '\n' || text.front() == '\r' || text.front() == '\t' ? ' ' : text.front();
    if (c != ' ' || (!plain.empty() && plain.back() != ' '))
      plain += c;
    text.remove_prefix(1);
  }
  return ledger::excerpt(plain, std::min<std::size_t>(bytes_max, 370));
}

} // namespace providers::dialects
