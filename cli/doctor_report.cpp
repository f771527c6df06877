// From facts to findings: every sentence of `scheduler doctor`. Pure.

#include "cli/doctor.hpp"
#include "cli/printable.hpp"
#include "ledger/provider_kind.hpp"
#include "providers/cli/cli_provider.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>
#include <string_view>

namespace cli {

namespace {

using ledger::kind_sort;

constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t room_low = 1024 * mib; ///< Less than that is soon used up.
constexpr std::uint64_t room_used_up = 64 * mib;
/// Many tasks at once, each with a child, its pipes and its files.
constexpr std::uint64_t files_enough = 4096;

finding about_linux(const doctor_facts& f) {
  int major = 0, minor = 0;
  if (std::sscanf(f.kernel.c_str(), "%d.%d", &major, &minor) != 2)
    return {health::warn, "linux", fmt::format("the version \"{}\" cannot be read", f.kernel),
            "see that it is Linux 5.8 or newer"};
  if (major < 5 || (major == 5 && minor < 8))
    return {health::bad, "linux", fmt::format("{} is too old", f.kernel),
            "use Linux 5.8 or newer: openat2, pidfds and syncfs as it should be are not in it"};
  return {health::ok, "linux", f.kernel};
}

finding about_files(const doctor_facts& f) {
  if (f.files_hard == 0)
    return {health::warn, "open files", "the limit is not known", "look with `ulimit -Hn`"};
  auto detail = fmt::format("at most {}", f.files_hard);
  if (f.files_hard < files_enough)
    return {health::warn, "open files", detail,
            fmt::format("raise the hard limit (`ulimit -Hn`) to {} or more, or lower "
                        "limits.tasks_in_flight",
                        files_enough)};
  return {health::ok, "open files", detail};
}

finding about_git(const doctor_facts& f) {
  if (!f.git_why.empty())
    return {health::bad, "git", f.git_why, "install git, or correct PATH"};
  return {health::ok, "git", f.git_version};
}

finding about_repository(const doctor_facts& f) {
  if (!f.place)
    return {health::bad, "repository", f.place_why};
  if (!f.place->copy_why.empty())
    return {health::bad, "repository", f.place->copy_why};
  return {health::ok, "repository", f.place->top};
}

void tell_config(const doctor_facts& f, std::vector<finding>& all) {
  if (f.is_config_missing)
    all.push_back({health::bad, "configuration", "there is none yet",
                   "`scheduler --tasks DIR 2> scheduler.toml` writes one to begin with"});
  for (auto& why : f.config_why)
    all.push_back({health::bad, "configuration", why});
  if (f.has_config)
    all.push_back({health::ok, "configuration", "it is sound"});
}

void tell_base(const place_fact& p, std::vector<finding>& all) {
  if (!p.base_why.empty())
    all.push_back({health::bad, "base", p.base_why, "name a branch, tag or commit in repo.base"});
  else if (!p.filter_why.empty())
    all.push_back({health::bad, "base", p.filter_why});
  else
    all.push_back({health::ok, "base", fmt::format("{} ({})", p.base.substr(0, 12), p.base_name)});
}

finding about_sandbox(const doctor_facts& f) {
  auto what = fmt::format("sandbox {}", to_string(f.sandbox));
  if (!f.sandbox_why.empty())
    return {f.has_config ? health::bad : health::warn, what, f.sandbox_why};
  if (f.sandbox == ledger::sandbox_kind::none)
    return {health::warn, what, "checks, builds and tools may read and write all that you can",
            "install bubblewrap and take kind = \"bwrap\", where it works"};
  return {health::ok, what, f.has_config ? "it works" : "it works (the default)"};
}

std::string price_of(const ledger::provider_config& c) {
  if (!c.price)
    return "no price";
  if (c.price->input == 0 && c.price->output == 0)
    return "free";
  return fmt::format("${} in and ${} out for a million tokens", c.price->input, c.price->output);
}

/// Everything of the provider that is no secret, in one line.
std::string words_of(const player_fact& p, kind_sort sort) {
  auto out = p.name == p.config.kind ? p.name : fmt::format("{} ({})", p.name, p.config.kind);
  if (sort == kind_sort::none)
    return out + ", asks no model";
  if (sort == kind_sort::replay)
    return fmt::format("{}, answers from {}", out, p.config.ledger);
  out += p.config.model.empty() ? ", its own model" : fmt::format(", model {}", p.config.model);
  if (!p.config.base_url.empty())
    out += fmt::format(", at {}", p.config.base_url);
  out += ", " + price_of(p.config);
  return out;
}

constexpr std::string_view login_command(std::string_view kind) {
  return kind == "codex-cli"     ? "`codex login`"
         : kind == "claude-code" ? "`claude` and /login"
                                 : "`gemini`";
}

finding about_player(const player_fact& p) {
  auto what = fmt::format("role {}{}", to_string(p.plays), p.is_fallback ? " (fallback)" : "");
  auto* kind = ledger::provider_kind_named(p.config.kind);
  auto sort = kind == nullptr ? kind_sort::none : kind->sort;
  auto words = kind == nullptr ? fmt::format("{} ({})", p.name, p.config.kind) : words_of(p, sort);
  auto variable = ledger::key_variable_of(p.config);
  if (!variable.empty() && !p.key_is_set)
    return {health::bad, what, fmt::format("{}: the variable {} is not set", words, variable),
            fmt::format("export {}=… before the start, or name another variable with api_key_env",
                        variable)};
  bool wants_login =
      sort == kind_sort::tool && variable.empty() && p.config.base_url.empty() && !p.has_login;
  if (wants_login)
    return {health::bad, what,
            fmt::format("{}: there is neither a key nor a login{}", words,
                        p.login_file.empty() ? "" : " in " + p.login_file),
            fmt::format("log in with {}, or name a key's variable with api_key_env",
                        login_command(p.config.kind))};
  bool lacks_program = !p.program.name.empty() && p.program.path.empty();
  if (!p.why.empty() && !lacks_program) // That has a line of its own.
    return {health::bad, what, fmt::format("{}: {}", words, p.why)};
  if (!variable.empty())
    words += fmt::format(", key in {}", variable);
  else if (sort == kind_sort::tool && p.config.base_url.empty())
    words += ", with its own login";
  else if (sort == kind_sort::http || sort == kind_sort::tool)
    words += ", without a key";
  return {health::ok, what, words};
}

finding about_program(const player_fact& p) {
  auto what = "program " + p.program.name;
  auto* tool = providers::cli::tool_of(p.config.kind);
  bool is_vendors = tool && !tool->program.empty();
  auto install = is_vendors ? tool->install : std::string_view{};
  if (p.program.path.empty())
    return {health::bad, what, "it is not found in PATH, or may not be executed",
            fmt::format("{}name it with command in [providers.{}]",
                        install.empty() ? "" : fmt::format("install it (`{}`), or ", install),
                        p.name)};
  if (!p.program.why.empty())
    return {health::bad, what,
            fmt::format("{} does not say its version: {}", p.program.path, p.program.why),
            install.empty() ? "mend it" : fmt::format("install it anew (`{}`)", install)};
  return {health::ok, what,
          p.program.path + (p.program.version.empty() ? "" : ", " + p.program.version)};
}

void tell_players(const doctor_facts& f, std::vector<finding>& all) {
  std::set<std::string> told;
  for (auto& p : f.players)
    all.push_back(about_player(p));
  for (auto& p : f.players)
    if (!p.program.name.empty() && told.insert(p.program.name).second)
      all.push_back(about_program(p));
}

void tell_deploy(const doctor_facts& f, std::vector<finding>& all) {
  if (!f.deploy_why.empty())
    all.push_back({health::bad, "deploy " + f.deploy, f.deploy_why});
  else if (!f.deploy.empty())
    all.push_back({health::ok, "deploy " + f.deploy, "what it needs is set"});
}

void tell_landing(const doctor_facts& f, std::vector<finding>& all) {
  if (!f.landing_why.empty())
    all.push_back({health::bad, "landing " + f.landing, f.landing_why});
  else if (!f.landing.empty())
    all.push_back({health::ok, "landing " + f.landing, "what it needs is set"});
}

void tell_checks(const checks_fact& c, std::vector<finding>& all) {
  switch (c.is) {
    case checks_state::not_looked_at:
      return;
    case checks_state::not_known:
      all.push_back({health::warn, "checks", "nobody ran them yet on this base",
                     "`scheduler doctor --checks` runs them; so does a batch, first of all"});
      return;
    case checks_state::known_green:
      all.push_back({health::ok, "checks",
                     fmt::format("green on the base, as an earlier run found{}",
                                 c.when.empty() ? "" : " (" + c.when + ")")});
      return;
    case checks_state::green:
      all.push_back({health::ok, "checks", "green on the base"});
      return;
    case checks_state::red:
      all.push_back({health::bad, "checks", fmt::format("red on the base: {}", c.why),
                     "mend the base, or begin with --allow-red-base; a batch keeps what they "
                     "print"});
      return;
    case checks_state::failed:
      all.push_back({health::bad, "checks", fmt::format("they could not run: {}", c.why)});
      return;
  }
}

finding about_ledger(const ledger_fact& l) {
  auto tasks = fmt::format("{} task{}", l.tasks, l.tasks == 1 ? "" : "s");
  switch (l.is) {
    case ledger_state::none:
      return {health::ok, "ledger", "none yet: the first batch makes it"};
    case ledger_state::sound:
      return {health::ok, "ledger", tasks};
    case ledger_state::damaged:
      return {health::bad, "ledger", fmt::format("damaged: {}", l.why),
              "`scheduler verify` names every damage and the ways out"};
    case ledger_state::unreadable:
      break;
  }
  return {health::bad, "ledger", l.why};
}

finding about_lock(const place_fact& p) {
  if (!p.is_locked)
    return {health::ok, "lock", "free"};
  return {health::warn, "lock",
          fmt::format("a scheduler works in this repository (process {})",
                      p.lock_holder.empty() ? "unknown" : p.lock_holder),
          "wait for it or end it, before another one is begun"};
}

finding about_key(const place_fact& p) {
  switch (p.key) {
    case key_state::present:
      return {health::ok, "signing key", p.key_file};
    case key_state::to_be_made:
      return {health::ok, "signing key", "none yet: the first batch makes " + p.key_file};
    case key_state::unusable:
      break;
  }
  return {health::bad, "signing key", p.key_why};
}

finding about_room(const room_fact& r) {
  auto what = "disk of the " + r.what;
  if (!r.why.empty())
    return {health::bad, what, fmt::format("{} cannot be written to: {}", r.folder, r.why),
            "mend that, or take another place"};
  if (!r.free_bytes)
    return {health::warn, what, fmt::format("what is free in {} is not known", r.folder),
            "look with `df`"};
  auto mibs = *r.free_bytes / mib;
  auto detail = mibs < 10 * 1024 ? fmt::format("{} MiB free in {}", mibs, r.folder)
                                 : fmt::format("{} GiB free in {}", mibs / 1024, r.folder);
  if (*r.free_bytes < room_low)
    return {*r.free_bytes < room_used_up ? health::bad : health::warn, what, detail,
            "make room: the ledger keeps everything, and each task needs a checkout"};
  return {health::ok, what, detail};
}

std::string_view to_string(health is) {
  return is == health::ok ? "ok" : is == health::warn ? "warn" : "bad";
}

} // namespace

std::vector<finding> findings_of(const doctor_facts& f) {
  std::vector<finding> all{about_linux(f), about_files(f), about_git(f), about_repository(f)};
  tell_config(f, all);
  if (f.place)
    tell_base(*f.place, all);
  all.push_back(about_sandbox(f));
  tell_players(f, all);
  tell_deploy(f, all);
  tell_landing(f, all);
  tell_checks(f.checks, all);
  if (!f.place)
    return all;
  all.push_back(about_ledger(f.place->ledger));
  all.push_back(about_lock(*f.place));
  all.push_back(about_key(*f.place));
  for (auto& r : f.place->rooms)
    all.push_back(about_room(r));
  return all;
}

std::string as_lines(const std::vector<finding>& all) {
  std::string out;
  for (auto& f : all)
    out += fmt::format("{:<4}  {}: {}{}\n", to_string(f.is), printable(f.what), printable(f.detail),
                       f.fix.empty() ? "" : "; " + printable(f.fix));
  return out;
}

nlohmann::ordered_json as_json(const std::vector<finding>& all) {
  nlohmann::ordered_json j;
  j["checks"] = nlohmann::ordered_json::array();
  for (auto& f : all)
    j["checks"].push_back(
        {{"what", f.what}, {"state", to_string(f.is)}, {"detail", f.detail}, {"fix", f.fix}});
  return j;
}

} // namespace cli
