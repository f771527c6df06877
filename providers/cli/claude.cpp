// Claude Code, `claude -p`. Its last line is a `result`; `is_error` tells
// whether it is one, `subtype` does not. Seen with 2.1.197.

#include "providers/cli/failures.hpp"
#include "providers/cli/json_lines.hpp"
#include "providers/cli/tool.hpp"

#include "ledger/detail.hpp"

#include <fmt/format.h>

#include <utility>

namespace providers::cli {
namespace {

using kind = call_failure::kind;
using ledger::json;

constexpr const char* reading_tools = "Read,Grep,Glob";
constexpr const char* writing_tools = "Read,Grep,Glob,Edit,Write,Bash";

plan prepare_claude(const request& r, const cli_settings& s, const places&) {
  plan made;
  made.argv = program_words(claude_tool, s);
  const auto add = [&](std::initializer_list<std::string> words) {
    made.argv.insert(made.argv.end(), words);
  };
  // A stream and not one object at the end: else a run that works for an hour
  // looks like one that hangs.
  add({"-p", "--output-format", "stream-json", "--verbose", "--strict-mcp-config",
       "--setting-sources", ""});
  if (may_write(r))
    // Not --dangerously-skip-permissions: it refuses to run as root, and here
    // every tool that is offered is allowed anyway.
    add({"--tools", writing_tools, "--allowedTools", writing_tools, "--permission-mode",
         "acceptEdits"});
  else
    add({"--tools", reading_tools, "--permission-mode", "dontAsk"});
  if (s.max_turns > 0)
    add({"--max-turns", std::to_string(s.max_turns)});
  if (s.max_usd)
    add({"--max-budget-usd", fmt::format("{:.4f}", *s.max_usd)});
  if (!s.model.empty())
    add({"--model", s.model});
  made.env = {{"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
              {"DISABLE_AUTOUPDATER", "1"},
              {"DISABLE_TELEMETRY", "1"},
              {"DISABLE_ERROR_REPORTING", "1"},
              // Its own ten tries are silent and take minutes; we know how to wait.
              {"CLAUDE_CODE_MAX_RETRIES", "1"}};
  // Commands of a writing step see the key: CLAUDE_CODE_SUBPROCESS_ENV_SCRUB
  // would hide it, but puts each of them in a sandbox that cannot be made in ours.
  if (!s.api_key.empty())
    made.env["ANTHROPIC_API_KEY"] = s.api_key;
  if (!s.base_url.empty())
    made.env["ANTHROPIC_BASE_URL"] = s.base_url;
  made.seeds[".claude.json"] = "{\"hasCompletedOnboarding\":true}\n";
  made.stdin_text = s.full_prompt(r);
  return made;
}

tokens claude_tokens(const json& result) {
  tokens n;
  const auto usage = result.find("usage");
  if (usage == result.end())
    return n;
  n.input = count_at(*usage, "input_tokens");
  n.cached = count_at(*usage, "cache_read_input_tokens");
  n.written = count_at(*usage, "cache_creation_input_tokens");
  n.output = count_at(*usage, "output_tokens");
  return n;
}

/// Why a result is no answer; nothing: it is one.
std::optional<call_failure> why_none(const json& result, const finished_run& run,
                                     const cli_settings& s) {
  const auto& tool = claude_tool;
  const auto text = ledger::text_at(result, "result");
  const auto stop = ledger::text_at(result, "stop_reason");
  const auto subtype = ledger::text_at(result, "subtype");
  const auto make = [&](kind is, const char* code, const std::string& what) {
    return make_failure(is, code, tool, s, what, text);
  };
  if (stop == "refusal")
    return make(kind::refused, "refusal", "the model refused to answer");
  if (subtype == "error_max_turns")
    return make(kind::spoiled, "cut-off", "the model used up its turns");
  if (subtype.compare(0, 16, "error_max_budget") == 0)
    return make(kind::spoiled, "cut-off", "the run used up its budget");
  if (stop == "max_tokens")
    return make(kind::spoiled, "cut-off", "the answer was cut off at the most tokens");
  const auto flag = result.find("is_error");
  const bool marked_good = flag != result.end() && flag->is_boolean() && !flag->get<bool>();
  if (!marked_good || subtype != "success" || run.child.exit_code != 0) {
    const auto status = count_at(result, "api_error_status");
    return failure_of(tool,
                      {text.empty() ? subtype + " " + run.child.err : text,
                       status < 600 ? static_cast<int>(status) : 0},
                      run, s);
  }
  if (text.find_first_not_of(" \t\r\n") == text.npos)
    return make(kind::spoiled, "empty-answer", "the model ended without an answer");
  if (stop != "end_turn")
    return make(kind::spoiled, "cut-off",
                fmt::format("the answer ended with stop_reason `{}`", stop));
  return std::nullopt;
}

tl::expected<answer, call_failure> read_claude(const finished_run& run, const cli_settings& s) {
  if (auto bad = ended_badly(claude_tool, run, s))
    return tl::make_unexpected(std::move(*bad));
  json result;
  each_json_line(run.child.output, run.child.output_cut, [&](const json& e) {
    if (ledger::text_at(e, "type") == "result")
      result = e;
  });
  if (!result.is_object()) {
    const auto& said = run.child.err.empty() ? run.child.output : run.child.err;
    // What it printed may be the model's words: no complaint.
    if (run.child.exit_code != 0)
      return tl::make_unexpected(failure_of(claude_tool, {run.child.err}, run, s));
    auto f = make_failure(kind::spoiled, "malformed", claude_tool, s,
                          "the tool ended without a result", said);
    f.may_be_billed = true;
    return tl::make_unexpected(std::move(f));
  }
  const auto used = claude_tokens(result);
  const bool tells = result.find("total_cost_usd") != result.end();
  // With a login of the user's it tells what the same had cost with a key.
  const bool is_free = s.price && !ledger::costs_something(*s.price);
  const auto usd = is_free ? 0
                   : tells ? ledger::real_at(result, "total_cost_usd")
                           : cost_of(used, s.price);
  if (auto bad = why_none(result, run, s)) {
    bad->used = used;
    bad->usd = usd;
    bad->may_be_billed = bad->may_be_billed && !tells && !is_free;
    return tl::make_unexpected(std::move(*bad));
  }
  answer a;
  a.text = ledger::text_at(result, "result");
  a.used = used;
  a.usd = usd;
  for (const char* key : {"usage", "modelUsage", "num_turns", "permission_denials"})
    if (const auto it = result.find(key); it != result.end())
      a.usage[key] = *it;
  return a;
}

} // namespace

extern const tool claude_tool{"claude-code",
                              "claude",
                              "npm install -g @anthropic-ai/claude-code",
                              ".claude/.credentials.json",
                              "log in with `claude` and /login",
                              std::chrono::minutes(10),
                              prepare_claude,
                              read_claude};

} // namespace providers::cli
