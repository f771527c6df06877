// Gemini CLI, `gemini -p`. It prints one JSON object when it is done; on failure
// stdout is empty and an error object ends stderr. Seen with 0.61.0.

#include "providers/cli/failures.hpp"
#include "providers/cli/json_lines.hpp"
#include "providers/cli/tool.hpp"

#include "ledger/detail.hpp"
#include "ledger/text.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace providers::cli {
namespace {

using kind = call_failure::kind;
using ledger::json;

constexpr const char* settings_file = ".gemini/settings.json";

std::string own_settings(const cli_settings& s) {
  auto all = json::object();
  all["security"]["auth"]["selectedType"] = s.api_key.empty() ? "oauth-personal" : "gemini-api-key";
  all["general"]["enableAutoUpdate"] = false;
  all["privacy"]["usageStatisticsEnabled"] = false;
  all["telemetry"]["enabled"] = false;
  return all.dump(2) + "\n";
}

plan prepare_gemini(const request& r, const cli_settings& s, const places& p) {
  plan made;
  made.argv = program_words(gemini_tool, s);
  const auto add = [&](std::initializer_list<std::string> words) {
    made.argv.insert(made.argv.end(), words);
  };
  if (!s.model.empty())
    add({"-m", s.model});
  // It puts what `-p` says behind what stdin says; without `-p` it would want a
  // terminal. With `default` tools that write are not even offered.
  add({"-p", "Do what the text above says.", "--output-format", "json", "--approval-mode",
       may_write(r) ? "yolo" : "default"});
  made.env = {{"GEMINI_CLI_TRUST_WORKSPACE", "true"}, // Else it ends with 55.
              {"GEMINI_CLI_NO_RELAUNCH", "true"},
              // The same file once more, as the system's: those win over a
              // .gemini/settings.json that lies in the repository.
              {"GEMINI_CLI_SYSTEM_SETTINGS_PATH", p.home + "/" + settings_file}};
  // Addresses are always given: it reads a .env of the repository for what is
  // not set, and would send the key or the login wherever that says.
  if (!s.api_key.empty()) {
    made.env["GEMINI_API_KEY"] = s.api_key;
    made.env["GOOGLE_GEMINI_BASE_URL"] =
        s.base_url.empty() ? "https://generativelanguage.googleapis.com" : s.base_url;
  } else {
    made.env["CODE_ASSIST_ENDPOINT"] =
        s.base_url.empty() ? "https://cloudcode-pa.googleapis.com" : s.base_url;
  }
  made.seeds[settings_file] = own_settings(s);
  made.stdin_text = s.full_prompt(r);
  return made;
}

/// Its exit code is the HTTP status modulo 256.
int status_of_exit(int exit_code) {
  constexpr std::array statuses{400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504};
  for (const int status : statuses)
    if (status % 256 == exit_code)
      return status;
  return 0;
}

tokens gemini_tokens(const json& said) {
  tokens n;
  const auto stats = said.find("stats");
  if (stats == said.end() || !stats->is_object())
    return n;
  const auto models = stats->find("models");
  if (models == stats->end() || !models->is_object())
    return n;
  for (const auto& model : *models) {
    if (!model.is_object())
      continue;
    const auto t = model.find("tokens");
    if (t == model.end())
      continue;
    const auto cached = count_at(*t, "cached");
    const auto prompt = count_at(*t, "prompt"); // With those that were cached.
    n.cached += cached;
    n.input += (prompt > cached ? prompt - cached : 0) + count_at(*t, "tool");
    n.output += count_at(*t, "candidates") + count_at(*t, "thoughts");
  }
  return n;
}

struct error_said {
  std::string type, text;
  int code = 0;
};

std::optional<error_said> error_of(const json& said) {
  if (!said.is_object())
    return std::nullopt;
  const auto error = said.find("error");
  if (error == said.end() || error->is_null())
    return std::nullopt;
  error_said e;
  if (error->is_object()) {
    e.type = ledger::text_at(*error, "type");
    e.text = ledger::text_at(*error, "message");
    const auto code = count_at(*error, "code");
    e.code = code < 600 ? static_cast<int>(code) : 0;
  } else {
    e.text = error->dump(-1, ' ', false, json::error_handler_t::replace);
  }
  return e;
}

call_failure failed(const finished_run& run, const error_said& e, const cli_settings& s) {
  const auto& tool = gemini_tool;
  const auto exit = run.child.exit_code;
  const auto text = e.text.empty() ? run.child.err : e.text;
  if (exit == 41)
    return make_failure(kind::refused, "key-invalid", tool, s,
                        "there is neither a key nor a login; set api_key_env to the variable that "
                        "holds a key, or "
                            + std::string(tool.login_action),
                        text);
  if (exit == 55)
    return make_failure(kind::refused, "bad-request", tool, s,
                        "the tool does not trust the folder; take GEMINI_CLI_TRUST_WORKSPACE out "
                        "of env",
                        text);
  if (exit == 53)
    return make_failure(kind::spoiled, "cut-off", tool, s, "the model used up its turns", text);
  const auto status = e.code >= 400 ? e.code : status_of_exit(exit);
  return failure_of(tool, {text, status}, run, s);
}

/// Exit code 0 and no text: blocked, refused, or a malformed call.
call_failure empty(const error_said& e, const cli_settings& s) {
  const auto low = ledger::lowered_ascii(e.text);
  for (const char* word : {"safety", "blocked", "prohibited", "recitation"})
    if (low.find(word) != low.npos)
      return make_failure(kind::refused, "refusal", gemini_tool, s, "the model refused to answer",
                          e.text);
  return make_failure(kind::spoiled, "empty-answer", gemini_tool, s,
                      "the model ended without an answer", e.text.empty() ? e.type : e.text);
}

tl::expected<answer, call_failure> read_gemini(const finished_run& run, const cli_settings& s) {
  if (auto bad = ended_badly(gemini_tool, run, s))
    return tl::make_unexpected(std::move(*bad));
  const auto said = last_object(run.child.output);
  const auto used = said.is_object() ? gemini_tokens(said) : tokens{};
  const auto usd = cost_of(used, s.price);
  const auto no = [&](call_failure f) {
    f.used = used;
    f.usd = usd;
    return tl::make_unexpected(std::move(f));
  };
  auto error = error_of(said);
  if (run.child.exit_code != 0) {
    if (!error)
      error = error_of(last_object(run.child.err));
    return no(failed(run, error.value_or(error_said{}), s));
  }
  if (!said.is_object() || run.child.output_cut.missing > 0) {
    auto f = make_failure(kind::spoiled, "malformed", gemini_tool, s,
                          "the tool ended without a JSON object",
                          run.child.err.empty() ? run.child.output : run.child.err);
    f.may_be_billed = true;
    return no(std::move(f));
  }
  const auto text = ledger::text_at(said, "response");
  if (text.find_first_not_of(" \t\r\n") == text.npos)
    return no(empty(error.value_or(error_said{}), s));
  if (error)
    return no(failure_of(gemini_tool, {error->text, error->code}, run, s));
  // An answer that was cut off at the most tokens looks no different here: the
  // validators of the steps have to see that it does not end as it should.
  answer a;
  a.text = text;
  a.used = used;
  a.usd = usd;
  if (const auto stats = said.find("stats"); stats != said.end())
    if (const auto models = stats->is_object() ? stats->find("models") : stats->end();
        models != stats->end())
      a.usage["models"] = *models;
  return a;
}

} // namespace

extern const tool gemini_tool{"gemini-cli",
                              "gemini",
                              "npm install -g @google/gemini-cli",
                              ".gemini/oauth_creds.json",
                              "log in with `gemini`",
                              milliseconds(0), // See above: silence is no sign.
                              prepare_gemini,
                              read_gemini};

} // namespace providers::cli
