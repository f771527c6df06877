// doctor: what of this machine, repository and configuration a batch would
// stumble over. Gathers facts; doctor_report.cpp says what they mean.

#include "cli/doctor.hpp"

#include "cli/base_check.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/read_config.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/lock.hpp"
#include "ledger/provider_kind.hpp"
#include "providers/checks.hpp"
#include "providers/deploy.hpp"
#include "providers/pull_request.hpp"
#include "providers/sandbox.hpp"
#include "providers/scratch_folder.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <ostream>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace cli {

namespace {

namespace fs = std::filesystem;
using ledger::fault;
using ledger::result;

constexpr auto version_timeout = std::chrono::seconds(10);
constexpr std::size_t version_bytes_max = 64 * 1024;
constexpr std::size_t small_file_bytes = 64 * 1024;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string first_line(std::string_view text) {
  auto from = text.find_first_not_of(" \t\r\n");
  if (from == text.npos)
    return {};
  text.remove_prefix(from);
  text = text.substr(0, text.find_first_of("\r\n"));
  return std::string(text.substr(0, 100));
}

/// The first line that `program --version` says. It gets a home of its own,
/// where it may write what it likes, and no key.
result<std::string> version_of(providers::processes& children, std::vector<std::string> argv) {
  auto home = providers::scratch_folder::make("doctor");
  if (!home)
    return tl::make_unexpected(home.error());
  providers::child_spec spec;
  spec.argv = std::move(argv);
  spec.argv.emplace_back("--version");
  spec.directory = home->path().string();
  spec.env = {{"HOME", spec.directory}, {"PATH", variable("PATH")}, {"LANG", "C.UTF-8"}};
  spec.timeout = version_timeout;
  spec.max_output_bytes = version_bytes_max;
  spec.merge_stderr = false; // Tools warn there of what does not matter here.
  spec.group_dies_with_us = true;
  auto r = children.run(std::move(spec));
  if (!r)
    return tl::make_unexpected(r.error());
  auto line = first_line(r->output.empty() ? r->err : r->output);
  if (!r->ok())
    return ledger::fail(fault::unavailable,
                        r->ended() + (line.empty() ? "" : fmt::format(" ({})", line)));
  if (line.empty())
    return ledger::fail(fault::unavailable, "it says nothing");
  return line;
}

bool may_run(const fs::path& file) {
  std::error_code e;
  return fs::is_regular_file(file, e) && ::access(file.c_str(), X_OK) == 0;
}

/// Where a program is; empty: nowhere.
std::string path_of(const std::string& name) {
  if (name.find('/') != name.npos)
    return may_run(name) ? name : std::string();
  auto path = variable("PATH");
  for (std::string_view rest = path; !rest.empty();) {
    auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    if (folder.substr(0, 1) == "/" && may_run(fs::path(folder) / name))
      return (fs::path(folder) / name).string();
  }
  return {};
}

// -- who is asked -----------------------------------------------------------------

program_fact look_at_program(const ledger::provider_config& c, providers::processes& children) {
  program_fact f;
  auto* kind = ledger::provider_kind_named(c.kind);
  if (kind == nullptr)
    return f;
  auto argv = c.command;
  if (argv.empty() && !kind->program.empty())
    argv.emplace_back(kind->program);
  if (argv.empty())
    return f;
  f.name = argv.front();
  f.path = path_of(f.name);
  // A program that nobody knows may do anything when asked for its version.
  if (f.path.empty() || kind->sort != ledger::kind_sort::tool)
    return f;
  if (auto version = version_of(children, std::move(argv)))
    f.version = std::move(*version);
  else
    f.why = version.error().detail;
  return f;
}

player_fact look_at_player(const ledger::config& c, const std::string& name,
                           providers::processes& children) {
  player_fact f;
  f.name = name;
  f.config = ledger::provider_named(c, name);
  if (auto key = ledger::key_variable_of(f.config); !key.empty())
    f.key_is_set = !variable(key.c_str()).empty();
  auto* kind = ledger::provider_kind_named(f.config.kind);
  if (auto home = variable("HOME"); kind != nullptr && !kind->login_file.empty() && !home.empty()) {
    f.login_file = (fs::path(home) / kind->login_file).string();
    f.has_login = ::access(f.login_file.c_str(), R_OK) == 0;
  }
  f.program = look_at_program(f.config, children);
  return f;
}

/// Looks at each provider once, and makes it for each role as a batch would.
std::vector<player_fact> look_at_players(const ledger::config& c, const place& p,
                                         const seams& with) {
  providers::inline_executor here;
  providers::http_engine web; // Never used: nobody is asked.
  providers::provider_context context{c, *p.repository, *p.children, here, &web};
  std::map<std::string, player_fact> known;
  std::vector<player_fact> all;
  for (auto& [r, role] : c.roles) {
    context.plays = r;
    std::vector<std::string> names{role.provider};
    names.insert(names.end(), role.fallback.begin(), role.fallback.end());
    for (auto& name : names) {
      if (known.count(name) == 0)
        known[name] = look_at_player(c, name, *p.children);
      auto f = known[name];
      if (auto made = providers::make_provider(with.kinds, context, name); !made)
        f.why = made.error().detail;
      f.plays = r;
      f.is_fallback = &name != &names.front();
      if (!f.is_fallback && !role.model.empty())
        f.config.model = role.model;
      all.push_back(std::move(f));
    }
  }
  return all;
}

// -- the repository and what belongs to it ------------------------------------------

/// Key and trusted keys are only read: keyring::open() might make both.
void look_at_key(const place& p, bool has_history, place_fact& f) {
  auto named = variable("SCHEDULER_KEY_FILE");
  auto file = named.empty() ? p.state_dir / p.repo_id : fs::path(named);
  auto keys = ledger::disk::keyring::open_public(p.state_dir, p.repo_id);
  std::error_code e;
  auto trusted = fs::exists(p.state_dir / (p.repo_id + ".trusted"), e);
  f.key_file = file.string();
  f.key = key_state::unusable;
  auto text = ledger::disk::read_file(file, small_file_bytes);
  if (!text && text.error().kind != fault::not_found) {
    f.key_why = text.error().detail;
    return;
  }
  if (!text) {
    if (!named.empty())
      f.key_why = fmt::format("SCHEDULER_KEY_FILE names {}, which is not there; make one with "
                              "`openssl rand -hex 32`",
                              file.string());
    else if (trusted || has_history || !keys.tasks_with_heads().empty())
      f.key_why = fmt::format("{} is gone, but tasks were signed with it; restore it from a backup",
                              file.string());
    else
      f.key = key_state::to_be_made;
    return;
  }
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  auto key = ledger::signing_key::from_seed_hex(*text);
  constexpr std::string_view probe = "doctor";
  if (!key)
    f.key_why = fmt::format("{}: {}; restore it from a backup", file.string(), key.error().detail);
  else if (!keys.trouble().empty())
    f.key_why = keys.trouble();
  else if (trusted && !keys.trusts(probe, key->sign(probe)))
    f.key_why = fmt::format("{} is not a trusted one; use the key of before, or add its public "
                            "key to {}.trusted",
                            file.string(), (p.state_dir / p.repo_id).string());
  else
    f.key = key_state::present;
}

ledger_fact look_at_ledger_of(const place& p) {
  ledger_fact f;
  auto keys = ledger::disk::keyring::open_public(p.state_dir, p.repo_id);
  auto view = overview_of(p, keys);
  if (!view) {
    f.is = ledger_state::unreadable;
    f.why = view.error().detail;
    return f;
  }
  f.tasks = view->names().size();
  if (view->exists)
    f.is = ledger_state::sound;
  if (!view->damages.empty()) {
    auto& first = view->damages.front();
    f.is = ledger_state::damaged;
    f.why = fmt::format("{}{}{}: {}", first.task, first.task.empty() ? "" : ": ", first.file,
                        first.why);
  }
  return f;
}

room_fact look_at_room(std::string what, const fs::path& folder) {
  room_fact f;
  f.what = std::move(what);
  // What is not there yet is made below the first folder that is.
  auto there = folder;
  std::error_code e;
  while (!fs::exists(there, e) && there.has_relative_path())
    there = there.parent_path();
  f.folder = there.string();
  struct statvfs room {};
  if (::statvfs(there.c_str(), &room) == 0)
    f.free_bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
  if (::access(there.c_str(), W_OK | X_OK) != 0)
    f.why = std::strerror(errno);
  return f;
}

void look_at_lock(const place& p, place_fact& f) {
  f.is_locked = ledger::disk::repository_lock::is_held(p.repository->common_dir());
  if (!f.is_locked)
    return;
  if (auto pid = ledger::disk::read_file(p.common_dir / "scheduler.lock", small_file_bytes))
    f.lock_holder = first_line(*pid);
}

struct base_found {
  std::string commit, tree;
};

base_found look_at_base(const providers::git& git, const std::string& name, place_fact& f) {
  f.base_name = name;
  auto commit = git.resolve_commit(name);
  auto tree = commit ? git.tree_of(*commit) : commit;
  if (!tree) {
    f.base_why = tree.error().detail;
    return {};
  }
  f.base = *commit;
  if (auto ok = git.needs_no_filter(*tree); !ok)
    f.filter_why = ok.error().detail;
  return {*commit, *tree};
}

place_fact look_at_place(const place& p, const ledger::config& c) {
  place_fact f;
  f.top = p.repository->top().string();
  if (!p.who.copy_of.empty())
    f.copy_why = why_no_copy(p.who, p.common_dir, p.repository->top());
  f.ledger = look_at_ledger_of(p);
  look_at_lock(p, f);
  look_at_key(p, f.ledger.tasks != 0, f);
  f.rooms = {look_at_room("repository", p.repository->top()), look_at_room("keys", p.state_dir),
             look_at_room("worktrees",
                          c.repo.worktrees.empty() ? p.cache_dir : fs::path(c.repo.worktrees))};
  return f;
}

// -- the checks ---------------------------------------------------------------------

std::string time_of(const fs::path& file) {
  struct stat s {};
  return ::stat(file.c_str(), &s) == 0 ? fmt::format("{:%Y-%m-%d %H:%MZ}", fmt::gmtime(s.st_mtime))
                                       : std::string();
}

/// In checkouts of our own, below TMPDIR: a scheduler may be at work.
checks_fact run_checks(const ledger::config& c, const providers::git& git,
                       providers::processes& children, const base_found& base) {
  checks_fact f;
  f.is = checks_state::failed;
  auto folder = providers::scratch_folder::make("doctor");
  if (!folder) {
    f.why = folder.error().detail;
    return f;
  }
  auto files = providers::open_git_workspace(git, {folder->path() / "worktrees", 1});
  if (!files) {
    f.why = files.error().detail;
    return f;
  }
  auto outcome = providers::make_checker(c, **files, children)->run(base.commit, base.tree);
  if (!outcome) {
    f.why = outcome.error().detail;
    return f;
  }
  f.is = outcome->ok ? checks_state::green : checks_state::red;
  f.why = red_checks(*outcome);
  return f;
}

checks_fact look_at_checks(const place& p, const ledger::config& c, const base_found& base) {
  checks_fact f;
  f.is = checks_state::not_known;
  auto digest = ledger::digest_of(c);
  auto known = ledger::disk::read_note(p.ledger_root, base_note(base.tree, digest));
  if (known && *known == "green") {
    f.is = checks_state::known_green;
    f.when = time_of(base_log(p.ledger_root, base.tree, digest));
  }
  return f;
}

// -- all of it ----------------------------------------------------------------------

void look_at_machine(doctor_facts& f) {
  utsname system{};
  if (::uname(&system) == 0)
    f.kernel = system.release;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0)
    f.files_hard = files.rlim_max;
}

ledger::config look_at_config(const doctor_options& o, const place& p, const seams& with,
                              doctor_facts& f) {
  auto c = read_config(o.config, p, with.kinds);
  f.has_config = c.has_value();
  if (c)
    return std::move(*c);
  f.is_config_missing = c.error().code == no_config_code;
  std::string_view rest = f.is_config_missing ? std::string_view() : c.error().detail;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    f.config_why.emplace_back(line);
  }
  return {};
}

doctor_facts gather(const doctor_options& o, const seams& with) {
  doctor_facts f;
  look_at_machine(f);
  providers::processes children;
  if (auto version = version_of(children, {"git"}))
    f.git_version = std::move(*version);
  else
    f.git_why = version.error().detail;
  auto p = find_place(o.repo);
  if (!p) {
    f.place_why = p.error().detail;
    if (auto ok = providers::sandbox_works(children, f.sandbox); !ok)
      f.sandbox_why = ok.error().detail;
    return f;
  }
  auto c = look_at_config(o, *p, with, f);
  f.place = look_at_place(*p, c);
  // Not the place's own: that one would make its private folder in the cache.
  auto git = providers::git::open(children, p->repository->top(), providers::git::chosen::by_name);
  base_found base;
  if (git)
    base = look_at_base(*git, c.repo.base, *f.place);
  else
    f.place->base_why = git.error().detail;
  f.sandbox = c.sandbox.kind;
  if (auto ok = providers::sandbox_works(children, c.sandbox); !ok)
    f.sandbox_why = ok.error().detail;
  if (!f.has_config)
    return f;
  f.players = look_at_players(c, *p, with);
  if (c.deploy.kind != ledger::deploy_kind::none)
    f.deploy = to_string(c.deploy.kind);
  if (auto ok = providers::deploy_is_ready(c); !ok)
    f.deploy_why = ok.error().detail;
  if (git && c.landing.mode == ledger::landing_mode::pr) {
    f.landing = to_string(c.landing.mode);
    if (auto ok = providers::pull_requests_are_ready(c, *git); !ok)
      f.landing_why = ok.error().detail;
  }
  if (!git || base.tree.empty())
    return f;
  f.checks = o.checks ? run_checks(c, *git, children, base) : look_at_checks(*p, c, base);
  return f;
}

} // namespace

exit_code doctor(const doctor_options& o, const seams& with, std::ostream& out) {
  auto all = findings_of(gather(o, with));
  out << (o.json ? json_line(as_json(all)) + "\n" : as_lines(all));
  bool bad = std::any_of(all.begin(), all.end(), [](auto& f) { return f.is == health::bad; });
  return bad ? exit_code::usage : exit_code::all_done;
}

} // namespace cli
