#include "cli/config_file.hpp"

#include "cli/toml_reader.hpp"
#include "ledger/glob.hpp"

#include <fmt/format.h>

#include <regex.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>

namespace cli {

namespace {

using ledger::config;

constexpr auto longest_timeout = std::chrono::hours(7 * 24);

/// Kinds of provider that the design knows; those that this build has come
/// from the registry.
const words designed_kinds{"gemini",      "anthropic", "openai",  "openai-chat", "gemini-cli",
                           "claude-code", "codex-cli", "command", "replay"};

const words later_provider_keys{
    "base_url",          "api_key_env", "command", "env",          "requests_per_minute",
    "tokens_per_minute", "concurrency", "timeout", "idle_timeout", "price"};

bool has(const words& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

bool is_variable_name(std::string_view name) {
  auto letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; };
  return !name.empty() && letter(name.front())
         && std::all_of(name.begin(), name.end(),
                        [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// Why `regex` is no POSIX extended regular expression; empty: it is one.
std::string why_no_regex(const std::string& regex) {
  regex_t compiled;
  int error = regcomp(&compiled, regex.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error == 0) {
    regfree(&compiled);
    return {};
  }
  std::array<char, 200> why{};
  regerror(error, &compiled, why.data(), why.size());
  return why.data();
}

/// Why a pattern could never match anything; empty: it can.
std::string_view why_bad_glob(std::string_view glob) {
  if (is_blank(glob))
    return "is empty; remove it";
  if (glob.front() == '!')
    return "begins with \"!\", which takes nothing back here; list what is meant instead";
  if (glob.front() == '/')
    return "begins with \"/\"; write it relative to the repository's root";
  if (glob.back() == '/')
    return "ends with \"/\"; write \"folder/**\" for everything below a folder";
  if (!ledger::is_repository_path(glob))
    return "is no pattern over repository paths; write it without \"//\", \".\" or \"..\"";
  return {};
}

class reader {
public:
  reader(const toml::table& file, std::string_view file_name, const std::vector<std::string>& kinds)
      : all_(file_name)
      , kinds_(kinds.begin(), kinds.end())
      , file_(&file, "", text_place{}, all_) {}

  ledger::result<config> read();

private:
  void read_sections();
  void read_repo(const section& s);
  void read_roles(const section& s);
  void read_role(const section& roles, ledger::role r);
  void read_providers(const section& s);
  void read_provider(const section& s, const std::string& name);
  void read_checks(const section& s);
  void read_check(const section& s, std::string_view key, bool may_be_none, bool required,
                  ledger::check_config& out);
  void read_globs(const section& s, std::string_view key, std::vector<std::string>& out);
  void read_limits(const section& s);
  void read_deploy(const section& s);
  void judge_deploy(const section& s);
  bool choose(const section& s, std::string_view key, const words& here, const words& later,
              std::string& out);
  void judge_context(const section& deploy, const section& roles);
  std::string kind_behind(const std::string& provider) const;

  complaints all_;
  words kinds_;
  section file_;
  config out_;
};

ledger::result<config> reader::read() {
  read_sections();
  if (!all_.empty())
    return ledger::fail(ledger::fault::refused, all_.text(), "config");
  return std::move(out_);
}

void reader::read_sections() {
  const words later{"budget", "landing", "approve", "hooks"};
  const words here{"repo", "roles", "providers", "checks", "scope", "limits", "sandbox", "deploy"};
  file_.allow_only(here, later);

  auto roles = file_.below("roles");
  auto deploy = file_.below("deploy");
  read_repo(file_.below("repo"));
  read_providers(file_.below("providers"));
  read_roles(roles);
  read_checks(file_.below("checks"));
  read_limits(file_.below("limits"));
  read_deploy(deploy);
  judge_context(deploy, roles);

  auto scope = file_.below("scope");
  scope.allow_only({"protected", "schema", "secrets"}, {});
  read_globs(scope, "protected", out_.scope.protected_globs);
  read_globs(scope, "schema", out_.scope.schema_globs);
  read_globs(scope, "secrets", out_.scope.secret_globs);

  auto sandbox = file_.below("sandbox");
  sandbox.allow_only({"kind", "read_only"}, {"accept_unsandboxed"});
  std::string kind;
  if (choose(sandbox, "kind", {"bwrap", "none"}, {}, kind))
    out_.sandbox.kind = kind == "none" ? ledger::sandbox_kind::none : ledger::sandbox_kind::bwrap;
  if (sandbox.texts("read_only", out_.sandbox.read_only))
    for (auto& folder : out_.sandbox.read_only)
      if (folder.substr(0, 1) != "/" && folder.substr(0, 2) != "~/")
        sandbox.complain("read_only",
                         fmt::format("\"{}\" of \"read_only\" is not absolute; write a folder "
                                     "that begins with \"/\" or \"~/\"",
                                     folder));
}

void reader::read_repo(const section& s) {
  s.allow_only({"base", "prompts", "worktrees"}, {});
  auto& r = out_.repo;
  // A revision that begins with "-" would be an option of git's.
  if (s.text("base", r.base)
      && (is_blank(r.base) || r.base.front() == '-'
          || r.base.find_first_of(" \t\r\n") != std::string::npos))
    s.complain("base", fmt::format("\"base\" is \"{}\", no revision; write a branch, a tag or a "
                                   "commit, such as \"HEAD\"",
                                   r.base));
  if (s.text("prompts", r.prompts) && is_blank(r.prompts))
    s.complain("prompts", "\"prompts\" is empty; write a folder or remove the key");
  if (s.text("worktrees", r.worktrees) && !r.worktrees.empty() && r.worktrees.front() != '/')
    s.complain("worktrees", "\"worktrees\" is not absolute; write a path that begins with \"/\" "
                            "and lies outside the repository, or \"\" for the default");
}

void reader::read_roles(const section& s) {
  s.allow_only({"gemini", "claude", "codex"}, {});
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
    read_role(s, r);
}

void reader::read_role(const section& roles, ledger::role r) {
  auto name = to_string(r);
  if (!roles.has(name)) {
    roles.complain(name,
                   fmt::format("\"{}\" is missing: nobody plays it; add [roles.{}] with provider = "
                               "\"{}\"",
                               name, name, kinds_.empty() ? "offline" : kinds_.front()));
    return;
  }
  auto s = roles.below(name);
  if (!s.present())
    return; // Its type was complained about.
  s.allow_only({"provider"}, {"model", "fallback", "prompts"});
  auto& provider = out_.roles[r].provider;
  if (!s.has("provider")) {
    s.complain(fmt::format("\"provider\" is missing; add provider = {}", one_of(kinds_)));
    return;
  }
  if (!s.text("provider", provider))
    return;
  auto known = kinds_;
  for (auto& [table, unused] : out_.providers)
    known.emplace_back(table);
  if (has(known, provider))
    return;
  if (has(designed_kinds, provider)) {
    s.complain("provider", fmt::format("provider \"{}\" is not in this version; write {}", provider,
                                       one_of(known)));
    return;
  }
  s.complain("provider",
             fmt::format("unknown provider \"{}\"{} Known: {}, or a table [providers.{}] of your "
                         "own",
                         provider, near_words(provider, known), one_of(known), provider));
}

void reader::read_providers(const section& s) {
  for (auto name : s.keys())
    read_provider(s.below(name), std::string(name));
}

void reader::read_provider(const section& s, const std::string& name) {
  auto& provider = out_.providers[name]; // Also if it is wrong: roles may name it.
  if (!s.present())
    return;
  if (!s.has("kind"))
    s.complain(fmt::format("\"kind\" is missing; add kind = {}", one_of(kinds_)));
  else
    choose(s, "kind", kinds_, designed_kinds, provider.kind);
  // The offline kind and one that is unknown have no keys of their own; what
  // another kind of this build reads is for that kind to check.
  if (provider.kind.empty() || provider.kind == "offline") {
    s.allow_only({"kind"}, later_provider_keys);
    return;
  }
  words own = s.keys();
  own.erase(std::remove_if(own.begin(), own.end(),
                           [](std::string_view k) { return has(later_provider_keys, k); }),
            own.end());
  s.allow_only(own, later_provider_keys);
  for (auto key : own)
    if (key != "kind")
      s.scalar(key, provider.options[std::string(key)]);
}

void reader::read_checks(const section& s) {
  s.allow_only({"setup", "test", "lint", "schema_drift", "timeout", "network"}, {});
  auto& c = out_.checks;
  read_check(s, "setup", false, false, c.setup);
  read_check(s, "test", false, true, c.test);
  read_check(s, "lint", true, true, c.lint);
  read_check(s, "schema_drift", true, true, c.schema_drift);
  s.duration("timeout", longest_timeout, c.timeout);
  s.flag("network", c.network);
}

void reader::read_check(const section& s, std::string_view key, bool may_be_none, bool required,
                        ledger::check_config& out) {
  if (!s.has(key)) {
    if (required)
      s.complain(
          fmt::format("\"{}\" is missing; add {} = \"a shell command\"{}", key, key,
                      may_be_none ? fmt::format(", or {} = \"none\" to do without", key) : ""));
    return;
  }
  if (s.is_table(key)) {
    auto t = s.below(key);
    t.allow_only({"command", "fail_on"}, {});
    if (!t.has("command"))
      t.complain("\"command\" is missing; add command = \"a shell command\"");
    else if (t.text("command", out.command) && is_blank(out.command))
      t.complain("command", "\"command\" is empty; write a shell command");
    if (t.text("fail_on", out.fail_on)) {
      auto why = why_no_regex(out.fail_on);
      if (is_blank(out.fail_on))
        t.complain("fail_on", "\"fail_on\" is empty; write what must not be in the output, or "
                              "remove it");
      else if (!why.empty())
        t.complain("fail_on", fmt::format("\"fail_on\" is no extended regular expression ({}); "
                                          "write one that grep -E takes",
                                          why));
    }
    if (out.none() && !out.fail_on.empty())
      t.complain("fail_on", "\"fail_on\" has no output to look at when command is \"none\"; "
                            "remove it");
  } else {
    if (!s.text(key, out.command))
      return;
    if (is_blank(out.command))
      s.complain(key, fmt::format("\"{}\" is empty; write a shell command", key));
  }
  if (out.none() && !may_be_none)
    s.complain(key, required ? fmt::format("\"{}\" may not be \"none\": a change nobody tested is "
                                           "never committed; write the command that tests it",
                                           key)
                             : fmt::format("\"{}\" may not be \"none\"; remove the key", key));
}

void reader::read_globs(const section& s, std::string_view key, std::vector<std::string>& out) {
  if (!s.texts(key, out))
    return;
  for (auto& glob : out)
    if (auto why = why_bad_glob(glob); !why.empty())
      s.complain(key, fmt::format("\"{}\" of \"{}\" {}", glob, key, why));
}

void reader::read_limits(const section& s) {
  s.allow_only({"tasks_in_flight", "checks_at_once", "tries", "fix_rounds", "patience", "restarts"},
               {});
  auto& l = out_.limits;
  s.count("tasks_in_flight", 1, 100'000, l.tasks_in_flight);
  s.count("checks_at_once", 0, 1'024, l.checks_at_once);
  s.count("tries", 1, 100, l.tries);
  s.count("fix_rounds", 0, 1'000, l.fix_rounds);
  s.duration("patience", longest_timeout, l.patience);
  auto restarts = s.below("restarts");
  restarts.allow_only({"intensity", "period"}, {});
  restarts.count("intensity", 0, 10'000, l.restart_intensity);
  restarts.duration("period", longest_timeout, l.restart_period);
}

void reader::read_deploy(const section& s) {
  s.allow_only(
      {"kind", "build", "publish", "directory", "command", "token_env", "build_network", "context"},
      {"site_id_env"});
  auto& d = out_.deploy;
  std::string kind;
  if (choose(s, "kind", {"none", "directory", "command"}, {"netlify", "netlify-api"}, kind))
    d.kind = kind == "directory" ? ledger::deploy_kind::directory
             : kind == "command" ? ledger::deploy_kind::command
                                 : ledger::deploy_kind::none;
  s.text("build", d.build);
  s.text("publish", d.publish);
  s.text("directory", d.directory);
  s.text("command", d.command);
  // A token written here by mistake must not be shown again.
  if (s.text("token_env", d.token_env) && !is_variable_name(d.token_env))
    s.complain("token_env", "\"token_env\" is no name of an environment variable; write the "
                            "variable's name, never its value");
  s.flag("build_network", d.build_network);
  choose(s, "context", {"deploy-preview", "branch-deploy", "production"}, {}, d.context);
  judge_deploy(s);
}

void reader::judge_deploy(const section& s) {
  using ledger::deploy_kind;
  auto& d = out_.deploy;
  if (d.publish != "." && !ledger::is_repository_path(d.publish))
    s.complain("publish", fmt::format("\"publish\" is \"{}\"; write a folder below the "
                                      "repository's root, such as \"dist\"",
                                      d.publish));
  // A folder there would be part of the checkout, or of the record of it.
  auto first = std::filesystem::path(d.directory).lexically_normal();
  if (!d.directory.empty() && (*first.begin() == ".git" || *first.begin() == ".ai-stack-trace"))
    s.complain("directory", fmt::format("\"directory\" is \"{}\", inside a folder that nothing "
                                        "may be published to; write another",
                                        d.directory));
  if (d.kind == deploy_kind::directory && is_blank(d.directory))
    s.complain("kind", "kind \"directory\" needs directory = \"where to publish to\"; add it");
  if (d.kind == deploy_kind::command && is_blank(d.command))
    s.complain("kind", "kind \"command\" needs command = \"the program that deploys\"; add it");
  // An explicit kind = "none" switches a complete section off; without any
  // kind its author expected something to happen.
  if (!s.has("kind"))
    for (std::string_view key : {"directory", "command", "token_env"})
      if (s.has(key))
        s.complain(key, fmt::format("\"{}\" has no effect without a kind; add kind = \"{}\"", key,
                                    key == "directory" ? "directory" : "command"));
}

bool reader::choose(const section& s, std::string_view key, const words& here, const words& later,
                    std::string& out) {
  std::string value;
  if (!s.text(key, value))
    return false;
  if (has(here, value)) {
    out = value;
    return true;
  }
  // To go without a sandbox is nobody's typing error.
  auto suggested = here;
  if (s.name() == "sandbox")
    suggested.erase(std::remove(suggested.begin(), suggested.end(), "none"), suggested.end());
  if (has(later, value))
    s.complain(key,
               fmt::format("{} \"{}\" is not in this version; write {}", key, value, one_of(here)));
  else
    s.complain(key, fmt::format("{} \"{}\" is unknown{} Known: {}", key, value,
                                near_words(value, suggested), one_of(here)));
  return false;
}

void reader::judge_context(const section& deploy, const section& roles) {
  if (out_.deploy.context != "production")
    return;
  for (auto& [r, role] : out_.roles)
    if (kind_behind(role.provider) == "offline")
      deploy.complain("context",
                      fmt::format("context \"production\" is not for work that no model judged: "
                                  "[{}.{}] is offline; write \"deploy-preview\"",
                                  roles.name(), to_string(r)));
}

std::string reader::kind_behind(const std::string& provider) const {
  auto it = out_.providers.find(provider);
  return it == out_.providers.end() ? provider : it->second.kind;
}

} // namespace

ledger::result<config> parse_config(std::string_view text, std::string_view file_name,
                                    const std::vector<std::string>& provider_kinds) {
  complaints wrong(file_name);
  if (text.size() > max_config_bytes)
    wrong.add({}, fmt::format("is {} bytes long; write at most {}", text.size(), max_config_bytes));
  else
    try {
      const toml::table file = toml::parse(text, file_name);
      return reader(file, file_name, provider_kinds).read();
    } catch (const toml::parse_error& e) {
      auto at = e.source().begin;
      wrong.add({at.line, at.column},
                fmt::format("{}; correct the line as TOML wants it", e.description()));
    } catch (const std::exception& e) {
      wrong.add({}, fmt::format("cannot be read ({}); simplify it", e.what()));
    }
  return ledger::fail(ledger::fault::refused, wrong.text(), "config");
}

} // namespace cli
