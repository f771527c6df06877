#include "ledger/verdict.hpp"

#include "ledger/markdown.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

namespace ledger {

namespace {

constexpr std::array<std::string_view, 3> words{"CLAUDE_DECISIONS_OK", "CLAUDE_FINAL_OK",
                                                "GEMINI_VERIFY_OK"};

bool is_line_of(std::string_view text, std::string_view word, std::string_view value) {
  return text.size() == word.size() + 2 + value.size() && text.starts_with(word)
         && text.substr(word.size(), 2) == ": " && text.ends_with(value);
}

/// Whether the line says YES or NO to any of the three words.
bool is_verdict_line(std::string_view text) {
  for (auto word : words)
    if (is_line_of(text, word, "YES") || is_line_of(text, word, "NO"))
      return true;
  return false;
}

/// Whether the text, read without markup and blanks, is a verdict of any word:
/// `**CLAUDE_FINAL_OK:** NO`, `> - CLAUDE_FINAL_OK: NO.`
bool is_verdict_in_disguise(std::string_view text) {
  constexpr std::string_view markup = "*`>#-|~\"'.!";
  std::string bare;
  for (auto c : text)
    if (!is_blank(c) && markup.find(c) == markup.npos)
      bare += c;
  std::string_view rest = bare;
  while (rest.starts_with('_'))
    rest.remove_prefix(1);
  while (rest.ends_with('_'))
    rest.remove_suffix(1);
  for (auto word : words)
    if (rest.starts_with(word)) {
      rest.remove_prefix(word.size());
      while (rest.starts_with('_')) // `__WORD__: NO`
        rest.remove_prefix(1);
      return rest == ":YES" || rest == ":NO";
    }
  return false;
}

/// The same for what a bare carriage return, or another break that is none to
/// us, makes a line of its own to a reader.
bool hides_verdict(std::string_view text) {
  while (!text.empty()) {
    auto end = std::min(text.find_first_of("\r\v\f"), text.size());
    if (is_verdict_in_disguise(text.substr(0, end)))
      return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

} // namespace

std::string_view verdict_word(step s) noexcept {
  switch (s) {
    case step::decide:
      return words[0];
    case step::review:
      return words[1];
    case step::verify:
      return words[2];
    default:
      return {};
  }
}

result<verdict> read_verdict(std::string_view text, std::string_view word) {
  auto lines = lines_of(text);
  while (!lines.empty() && lines.back().text.find_first_not_of(" \t") == std::string_view::npos)
    lines.pop_back();
  auto remedy = fmt::format("End the answer with exactly one line, `{0}: YES` or `{0}: NO`, with "
                            "nothing before, after or around it.",
                            word);
  if (lines.empty())
    return fail(fault::refused, "The answer is empty. " + remedy);
  auto& last = lines.back();
  if (last.in_fence)
    return fail(fault::refused,
                fmt::format("The last line (line {}) stands inside a fenced code block; a verdict "
                            "there does not count. {}",
                            last.number, remedy));
  auto yes = is_line_of(last.text, word, "YES");
  if (!yes && !is_line_of(last.text, word, "NO"))
    return fail(fault::refused, fmt::format("The last non-empty line (line {}) is {}, which is no "
                                            "verdict of {}. {}",
                                            last.number, excerpt(last.text), word, remedy));
  for (auto& l : lines)
    if (&l != &last && (is_verdict_line(l.text) || (yes && hides_verdict(l.text))))
      return fail(fault::refused,
                  fmt::format("Line {} is a verdict line as well ({}); only the last line may be "
                              "one, so do not quote or repeat verdict lines. {}",
                              l.number, excerpt(l.text), remedy));
  return yes ? verdict::yes : verdict::no;
}

} // namespace ledger
