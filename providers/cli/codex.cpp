// Codex, `codex exec --json`. It prints one JSON object a line; `turn.completed`
// is its mark of success. Seen with 0.169.0.

#include "providers/cli/failures.hpp"
#include "providers/cli/json_lines.hpp"
#include "providers/cli/tool.hpp"

#include "ledger/detail.hpp"

#include <utility>

namespace providers::cli {
namespace {

using kind = call_failure::kind;
using ledger::json;

/// The variable that holds the key for a service of the user's own.
constexpr const char* own_key_variable = "SCHEDULER_API_KEY";

/// A string as TOML wants it, which is how `-c` reads values. JSON's escapes are
/// TOML's too.
std::string toml(const std::string& text) {
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

const char* sandbox_of(bool writes, const places& p) {
  // Codex brings a bubblewrap sandbox of its own, which needs user namespaces in
  // ours, and ours has none. So it is told to do without, for reading steps too:
  // there the folder is mounted read-only.
  if (p.caged)
    return "danger-full-access";
  return writes ? "workspace-write" : "read-only";
}

plan prepare_codex(const request& r, const cli_settings& s, const places& p) {
  plan made;
  made.argv = program_words(codex_tool, s);
  const auto add = [&](std::initializer_list<std::string> words) {
    made.argv.insert(made.argv.end(), words);
  };
  const auto set = [&](const std::string& key, const std::string& value) {
    add({"-c", key + "=" + value});
  };
  made.answer_file = "last-message.txt";
  add({"exec", "--json", "-o", p.home + "/" + made.answer_file, "-C", p.folder, "-s",
       sandbox_of(may_write(r), p), "--skip-git-repo-check", "--ephemeral"});
  if (!s.model.empty())
    add({"-m", s.model});
  // Else every command that the model runs sees the key in its environment.
  set("shell_environment_policy.inherit", toml("core"));
  set("check_for_update_on_startup", "false");
  set("analytics.enabled", "false");
  set("cli_auth_credentials_store", toml("file"));
  if (!p.caged && may_write(r)) {
    set("sandbox_workspace_write.exclude_slash_tmp", "true");
    set("sandbox_workspace_write.exclude_tmpdir_env_var", "true");
  }
  if (!s.base_url.empty()) {
    // OPENAI_BASE_URL is ignored by the provider that is built in.
    set("model_provider", toml("scheduler"));
    auto service = "{name=\"scheduler\",base_url=" + toml(s.base_url) + ",wire_api=\"responses\"";
    if (!s.api_key.empty())
      service += std::string(",env_key=\"") + own_key_variable + "\"";
    // We retry ourselves, and leave the service alone meanwhile.
    set("model_providers.scheduler", service + ",request_max_retries=1,stream_max_retries=1}");
  }
  add({"-"}); // The prompt is on stdin, and stdin ends.
  if (!s.api_key.empty())
    made.env[s.base_url.empty() ? "CODEX_API_KEY" : own_key_variable] = s.api_key;
  made.stdin_text = s.full_prompt(r);
  return made;
}

/// What the events said, the last of each.
struct told {
  std::string answer;
  json usage;
  std::string complaint;
  bool completed = false, failed = false;
  bool did_something = false; ///< The model has answered at least once.
};

void hear(told& t, const json& event) {
  const auto type = ledger::text_at(event, "type");
  if (type == "item.completed") {
    t.did_something = true;
    const auto item = event.find("item");
    // An item of type `error` may be a mere warning: it is no complaint.
    if (item != event.end() && item->is_object()
        && ledger::text_at(*item, "type") == "agent_message")
      t.answer = ledger::text_at(*item, "text");
  } else if (type == "turn.completed") {
    t.completed = true;
    if (const auto usage = event.find("usage"); usage != event.end() && usage->is_object())
      t.usage = *usage;
  } else if (type == "turn.failed") {
    t.failed = true;
    if (const auto error = event.find("error"); error != event.end() && error->is_object())
      t.complaint = ledger::text_at(*error, "message");
  } else if (type == "error" && t.complaint.empty()) {
    t.complaint = ledger::text_at(event, "message");
  }
}

tokens codex_tokens(const json& usage) {
  tokens n;
  n.cached = count_at(usage, "cached_input_tokens");
  const auto all = count_at(usage, "input_tokens"); // With those that were cached.
  n.input = all > n.cached ? all - n.cached : 0;
  n.output = count_at(usage, "output_tokens"); // With what it thought.
  return n;
}

tl::expected<answer, call_failure> read_codex(const finished_run& run, const cli_settings& s) {
  const auto& tool = codex_tool;
  if (auto bad = ended_badly(tool, run, s))
    return tl::make_unexpected(std::move(*bad));
  told t;
  each_json_line(run.child.output, run.child.output_cut, [&](const json& e) { hear(t, e); });
  const auto used = codex_tokens(t.usage);
  const auto usd = cost_of(used, s.price);
  const auto no = [&](call_failure f) {
    f.used = used;
    f.usd = usd;
    return tl::make_unexpected(std::move(f));
  };
  if (!t.completed || t.failed || run.child.exit_code != 0) {
    if (t.complaint.empty())
      t.complaint = run.child.err;
    auto f = failure_of(tool, {t.complaint}, run, s);
    bool at_once = f.is == kind::wait || f.is == kind::refused;
    f.may_be_billed = f.may_be_billed && (t.did_something || !at_once);
    return no(std::move(f));
  }
  // Of what was left out nobody knows whether it held the last message; the file
  // that the tool writes at its end does.
  if (run.child.output_cut.missing > 0)
    t.answer = run.answer_file;
  // So ends a refusal, too: nothing tells one from the other.
  if (t.answer.find_first_not_of(" \t\r\n") == t.answer.npos)
    return no(make_failure(kind::spoiled, "empty-answer", tool, s,
                           "the model ended without a last message"));
  answer a;
  a.text = std::move(t.answer);
  a.used = used;
  a.usd = usd;
  a.usage["tokens"] = std::move(t.usage);
  return a;
}

} // namespace

extern const tool codex_tool{"codex-cli",
                             "codex",
                             "npm install -g @openai/codex",
                             ".codex/auth.json",
                             "log in with `codex login`",
                             std::chrono::minutes(10),
                             prepare_codex,
                             read_codex};

} // namespace providers::cli
