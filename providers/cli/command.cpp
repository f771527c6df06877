// Any program: the prompt on stdin or in a file, the answer on stdout or in one.
//
// Exit 0 and some text is an answer. Exit 75 (EX_TEMPFAIL of sysexits.h) is an
// outage: not now, ask again. Every other end uses up an attempt, with the last
// lines of stderr as the reason: of a program that nobody knows it cannot be
// said whether asking again helps, and attempts are counted while patience with
// an outage is not.

#include "providers/cli/failures.hpp"
#include "providers/cli/tool.hpp"

#include "ledger/step_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace providers::cli {
namespace {

using kind = call_failure::kind;

constexpr int try_again_later = 75;
constexpr const char* prompt_file = "prompt.md";
constexpr const char* answer_file = "answer.md";

/// What a placeholder stands for.
struct stand_in {
  std::string_view name;
  std::string value;
  bool used = false;
};

/// One pass: a value that looks like a placeholder is left as it is.
std::string filled(std::string_view word, std::span<stand_in> all) {
  std::string out;
  while (!word.empty()) {
    const auto hit = std::find_if(all.begin(), all.end(), [&](const stand_in& s) {
      return word.substr(0, s.name.size()) == s.name;
    });
    if (hit == all.end()) {
      out += word.front();
      word.remove_prefix(1);
      continue;
    }
    out += hit->value;
    hit->used = true;
    word.remove_prefix(hit->name.size());
  }
  return out;
}

plan prepare(const request& r, const cli_settings& s, const places& p) {
  plan made;
  std::array all{stand_in{"{prompt_file}", p.home + "/" + prompt_file},
                 stand_in{"{answer_file}", p.home + "/" + answer_file},
                 stand_in{"{step}", std::string(to_string(r.at))}, stand_in{"{task}", r.task},
                 stand_in{"{model}", s.model}};
  for (const auto& word : s.command)
    made.argv.push_back(filled(word, all));
  auto prompt = s.full_prompt(r);
  if (all[0].used)
    made.seeds[prompt_file] = std::move(prompt);
  else
    made.stdin_text = std::move(prompt);
  if (all[1].used)
    made.answer_file = answer_file;
  // Under its own name: the program knows what it wants to have.
  if (!s.api_key.empty() && !s.api_key_env.empty())
    made.env[s.api_key_env] = s.api_key;
  return made;
}

bool answers_in_a_file(const cli_settings& s) {
  return std::any_of(s.command.begin(), s.command.end(), [](const std::string& word) {
    return word.find("{answer_file}") != word.npos;
  });
}

tl::expected<answer, call_failure> read(const finished_run& run, const cli_settings& s) {
  const auto& c = run.child;
  const auto no = [&](kind is, const char* code, const std::string& what, bool billed) {
    auto f = make_failure(is, code, command_tool, s, what, c.err.empty() ? c.output : c.err);
    f.may_be_billed = billed;
    return tl::make_unexpected(std::move(f));
  };
  if (auto bad = ended_badly(command_tool, run, s))
    return tl::make_unexpected(std::move(*bad));
  if (c.exit_code == try_again_later)
    return no(kind::outage, "unavailable", "the program asks to be tried later (exit 75)", false);
  if (c.exit_code != 0)
    return no(kind::spoiled, "failed", fmt::format("the program failed ({})", c.ended()), true);
  const bool in_a_file = answers_in_a_file(s);
  if (!in_a_file && c.output_cut.missing > 0)
    return no(kind::spoiled, "cut-off",
              fmt::format("the program printed {} bytes too many", c.output_cut.missing), true);
  const auto& text = in_a_file ? run.answer_file : c.output;
  if (text.find_first_not_of(" \t\r\n") == text.npos)
    return no(kind::spoiled, "empty-answer",
              in_a_file ? "the program left no answer in {answer_file}"
                        : "the program printed nothing",
              true);
  answer a;
  a.text = text;
  return a;
}

} // namespace

extern const tool command_tool{
    "command", "", "see `command` of the provider", "", "", milliseconds(0), prepare, read};

} // namespace providers::cli
