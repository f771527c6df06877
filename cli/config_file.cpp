#include "cli/config_file.hpp"

#include "cli/config_landing.hpp"
#include "cli/config_providers.hpp"
#include "cli/config_words.hpp"
#include "cli/toml_reader.hpp"
#include "ledger/glob.hpp"
#include "ledger/provider_kind.hpp"

#include <fmt/format.h>

#include <regex.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>

namespace cli {

namespace {

using ledger::config;

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
  void read_checks(const section& s);
  void read_check(const section& s, std::string_view key, bool may_be_none, bool required,
                  ledger::check_config& out);
  void read_globs(const section& s, std::string_view key, std::vector<std::string>& out);
  void read_limits(const section& s);
  void read_sandbox(const section& s);
  void read_deploy(const section& s);
  void judge_deploy(const section& s);
  void judge_context(const section& deploy, const section& roles);

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
  const words later{"hooks"};
  const words here{"repo",   "roles",   "providers", "budget",  "checks", "scope",
                   "limits", "sandbox", "deploy",    "landing", "approve"};
  file_.allow_only(here, later);

  auto roles = file_.below("roles");
  auto deploy = file_.below("deploy");
  read_repo(file_.below("repo"));
  read_budget(file_.below("budget"), out_);
  read_providers(file_.below("providers"), kinds_, out_);
  read_roles(roles, kinds_, out_);
  read_checks(file_.below("checks"));
  read_limits(file_.below("limits"));
  read_deploy(deploy);
  judge_context(deploy, roles);
  read_landing(file_.below("landing"), out_);

  auto scope = file_.below("scope");
  scope.allow_only({"protected", "schema", "secrets"}, {});
  read_globs(scope, "protected", out_.scope.protected_globs);
  read_globs(scope, "schema", out_.scope.schema_globs);
  read_globs(scope, "secrets", out_.scope.secret_globs);
  read_sandbox(file_.below("sandbox"));

  auto approve = file_.below("approve");
  approve.allow_only({"implement", "deploy"}, {});
  approve.flag("implement", out_.approve.implement);
  approve.flag("deploy", out_.approve.deploy);
}

void reader::read_sandbox(const section& s) {
  s.allow_only({"kind", "read_only", "accept_unsandboxed"}, {});
  std::string kind;
  if (choose(s, "kind", {"bwrap", "none"}, {}, kind))
    out_.sandbox.kind = kind == "none" ? ledger::sandbox_kind::none : ledger::sandbox_kind::bwrap;
  s.flag("accept_unsandboxed", out_.sandbox.accept_unsandboxed);
  if (s.texts("read_only", out_.sandbox.read_only))
    for (auto& folder : out_.sandbox.read_only)
      if (folder.substr(0, 1) != "/" && folder.substr(0, 2) != "~/")
        s.complain("read_only",
                   fmt::format("\"{}\" of \"read_only\" is not absolute; write a folder that "
                               "begins with \"/\" or \"~/\"",
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
  s.allow_only({"tasks_in_flight", "checks_at_once", "tries", "fix_rounds", "patience", "restarts",
                "turns", "conversation_bytes", "conversation_time"},
               {});
  auto& l = out_.limits;
  s.count("tasks_in_flight", 1, 100'000, l.tasks_in_flight);
  s.count("checks_at_once", 0, 1'024, l.checks_at_once);
  s.count("tries", 1, 100, l.tries);
  s.count("fix_rounds", 0, 1'000, l.fix_rounds);
  s.duration("patience", longest_timeout, l.patience);
  s.count("turns", 1, 10'000, l.turns);
  s.count("conversation_bytes", std::uint64_t{1024}, std::uint64_t{1024 * 1024 * 1024},
          l.conversation_bytes);
  s.duration("conversation_time", longest_timeout, l.conversation_time);
  auto restarts = s.below("restarts");
  restarts.allow_only({"intensity", "period"}, {});
  restarts.count("intensity", 0, 10'000, l.restart_intensity);
  restarts.duration("period", longest_timeout, l.restart_period);
}

void reader::read_deploy(const section& s) {
  s.allow_only({"kind", "build", "publish", "directory", "command", "token_env", "build_network",
                "context", "site_id_env", "timeout"},
               {});
  auto& d = out_.deploy;
  auto names = ledger::deploy_kind_names();
  std::string kind;
  if (choose(s, "kind", words(names.begin(), names.end()), {}, kind))
    d.kind = ledger::deploy_kind_named(kind).value_or(d.kind);
  s.text("build", d.build);
  s.text("publish", d.publish);
  s.text("directory", d.directory);
  s.text("command", d.command);
  // A token written here by mistake must not be shown again.
  if (s.text("token_env", d.token_env) && !is_variable_name(d.token_env))
    s.complain("token_env", "\"token_env\" is no name of an environment variable; write the "
                            "variable's name, never its value");
  if (s.text("site_id_env", d.site_id_env) && !is_variable_name(d.site_id_env))
    s.complain("site_id_env", "\"site_id_env\" is no name of an environment variable; write the "
                              "variable's name, and the site's id into it");
  ledger::milliseconds timeout{};
  if (s.duration("timeout", longest_timeout, timeout))
    d.timeout = timeout;
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
    for (auto& [key, kind] :
         {std::pair{"directory", "directory"}, std::pair{"command", "command"},
          std::pair{"token_env", "command"}, std::pair{"site_id_env", "netlify"}})
      if (s.has(key))
        s.complain(
            key, fmt::format("\"{}\" has no effect without a kind; add kind = \"{}\"", key, kind));
  if (s.has("kind") && s.has("site_id_env") && d.kind != deploy_kind::none
      && ledger::site_variable_of(d).empty())
    s.complain("site_id_env", fmt::format("\"site_id_env\" has no effect with kind \"{}\", which "
                                          "has no sites; remove it",
                                          to_string(d.kind)));
}

void reader::judge_context(const section& deploy, const section& roles) {
  if (out_.deploy.context != "production")
    return;
  auto is_offline = [&](const std::string& provider) {
    return ledger::provider_named(out_, provider).kind == "offline";
  };
  for (auto& [r, role] : out_.roles) {
    auto& others = role.fallback;
    if (is_offline(role.provider) || std::any_of(others.begin(), others.end(), is_offline))
      deploy.complain("context",
                      fmt::format("context \"production\" is not for work that no model judged: "
                                  "[{}.{}] is offline{}; write \"deploy-preview\"",
                                  roles.name(), to_string(r),
                                  is_offline(role.provider) ? "" : " in its fallback"));
  }
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
