#include "providers/git.hpp"

#include "ledger/disk/files.hpp"
#include "providers/full_disk.hpp"
#include "providers/git_words.hpp"
#include "providers/index_store.hpp"
#include "providers/private_git.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// No git command of ours takes this long; one that does hangs.
constexpr auto git_timeout = std::chrono::minutes(30);
/// A diff or file beyond this is refused rather than cut.
constexpr std::size_t git_output_bytes_max = std::size_t{1} << 30;

/// What may run in the user's git folder: commands that ask for refs, settings
/// or objects by their id, and those that make commits and refs. None of them
/// looks into a file, so no filter, attribute or file mode has a say.
constexpr std::string_view in_repository[] = {
    "cat-file",     "check-attr", "commit-tree", "config",     "fetch",
    "for-each-ref", "ls-files",   "ls-remote",   "ls-tree",    "merge-base",
    "push",         "rev-list",   "rev-parse",   "update-ref", "worktree"};

/// The first word that is no `-c setting`.
std::string_view command_of(const git::call& c) {
  std::size_t i = 0;
  while (i + 2 < c.args.size() && c.args[i] == "-c")
    i += 2;
  return i < c.args.size() ? std::string_view(c.args[i]) : std::string_view();
}

/// What git needs of our environment. No GIT_* but those that say which
/// configuration is the user's: a GIT_DIR of a calling hook is not meant for us.
std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> env;
  for (const char* name : {"PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR",
                           "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"})
    if (const char* value = std::getenv(name))
      env[name] = value;
  return env;
}

void add_common_environment(std::map<std::string, std::string>& env) {
  env["LC_ALL"] = "C";
  env["GIT_OPTIONAL_LOCKS"] = "0";
  env["GIT_TERMINAL_PROMPT"] = "0";
  env["GIT_NO_REPLACE_OBJECTS"] = "1"; // An id must mean the same bytes to everyone.
}

/// What the user's way to a remote may need.
void add_access(std::map<std::string, std::string>& env) {
  for (const char* name : {"SSH_AUTH_SOCK", "SSH_AGENT_PID", "GIT_SSH", "GIT_SSH_COMMAND",
                           "GIT_ASKPASS", "SSH_ASKPASS", "http_proxy", "https_proxy", "HTTPS_PROXY",
                           "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO",
                           "SSL_CERT_FILE", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"})
    if (const char* value = std::getenv(name))
      env[name] = value;
}

/// Settings that make git's behaviour ours instead of the user's or the tree's.
std::vector<std::string> command_line(const git::call& c) {
  std::vector<std::string> argv{"git"};
  for (const char* setting : {"core.fsmonitor=false",
                              "core.hooksPath=/dev/null",
                              "core.untrackedCache=false",
                              "core.splitIndex=false",
                              "core.sparseCheckout=false",
                              "core.trustctime=true",
                              "core.checkStat=default",
                              "core.autocrlf=false",
                              "core.eol=lf",
                              "core.safecrlf=false",
                              "core.quotePath=true",
                              "core.compression=-1",
                              "index.sparse=false",
                              "submodule.recurse=false",
                              "diff.suppressBlankEmpty=false",
                              "apply.ignoreWhitespace=no",
                              "advice.addEmbeddedRepo=false",
                              "gc.auto=0",
                              "maintenance.auto=false",
                              "commit.gpgSign=false",
                              "i18n.commitEncoding=UTF-8",
                              "worktree.useRelativePaths=false"}) {
    argv.emplace_back("-c");
    argv.emplace_back(setting);
  }
  // An index that is brought along is ours and goes when the answer is there: what
  // is recorded are the objects that are made of it. So it is "all" but the index.
  const auto own_index = c.env.count("GIT_INDEX_FILE") > 0;
  if (c.durable)
    for (const char* setting :
         {own_index ? "core.fsync=objects,derived-metadata,reference" : "core.fsync=all",
          "core.fsyncMethod=fsync"}) {
      argv.emplace_back("-c");
      argv.emplace_back(setting);
    }
  return argv;
}

/// `git a b`, for error texts.
std::string name_of(const git::call& c) {
  std::string name = "git";
  const auto first = command_of(c);
  for (std::size_t i = 0; i < c.args.size(); ++i)
    if (c.args[i] == first)
      return name + " " + c.args[i] + (i + 1 < c.args.size() ? " " + c.args[i + 1] : "");
  return name;
}

/// Whether what lies there is the user's: ours, or of whoever called sudo. As
/// git's own guard sees it.
bool is_the_users(const fs::path& p) {
  struct stat now {};
  if (::lstat(p.c_str(), &now) != 0)
    return false;
  if (now.st_uid == ::geteuid())
    return true;
  const char* caller = ::geteuid() == 0 ? std::getenv("SUDO_UID") : nullptr;
  return caller != nullptr && std::to_string(now.st_uid) == caller;
}

/// The folder whose `.git` git will find, going up from `directory`; empty: it
/// may be bare.
fs::path likely_top(const fs::path& directory) {
  std::error_code e;
  for (auto d = directory;; d = d.parent_path()) {
    if (fs::exists(fs::symlink_status(d / ".git", e)))
      return d;
    if (d == d.parent_path())
      return {};
  }
}

/// The repository that git may use although its folder has another owner (a
/// mounted one, say): one that the user named, or whose `.git` is the user's.
/// A `.git` that somebody else put above us is left to git's guard.
fs::path trusted_top(const fs::path& here, git::chosen how) {
  const auto top = likely_top(here);
  if (how == git::chosen::by_name)
    return top.empty() ? here : top;
  return !top.empty() && is_the_users(top / ".git") ? top : fs::path();
}

} // namespace

git::git(processes& children, fs::path top, fs::path common_dir, fs::path git_dir,
         std::string object_format)
    : children_(&children)
    , top_(std::move(top))
    , common_dir_(std::move(common_dir))
    , git_dir_(std::move(git_dir))
    , object_format_(std::move(object_format))
    , private_(std::make_shared<private_git>())
    , talk_(std::make_shared<git_talk>())
    , indexes_(std::make_shared<index_store>()) {}

ledger::result<git> git::open(processes& children, const fs::path& directory, chosen how) {
  std::error_code e;
  const auto here = fs::canonical(directory, e);
  if (e || !fs::is_directory(here, e))
    return fail(fault::not_found,
                fmt::format("open the repository in {}: no such folder", directory.string()));
  child_spec spec;
  spec.argv = command_line({});
  if (const auto top = trusted_top(here, how); !top.empty()) {
    spec.argv.emplace_back("-c");
    spec.argv.emplace_back("safe.directory=" + top.string());
  }
  for (const char* arg :
       {"rev-parse", "--path-format=absolute", "--is-bare-repository", "--git-common-dir",
        "--absolute-git-dir", "--show-object-format", "--show-toplevel"})
    spec.argv.emplace_back(arg);
  spec.directory = here.string();
  spec.env = environment();
  add_common_environment(spec.env);
  spec.merge_stderr = false;
  spec.timeout = git_timeout;
  auto r = children.run(std::move(spec));
  if (!r && r.error().kind == fault::not_found)
    return fail(fault::unavailable, "git is not installed, or not in PATH: install git");
  if (!r)
    return tl::make_unexpected(r.error());
  const auto lines = split(r->output, '\n');
  const auto place = "open the repository in " + here.string();
  if (!lines.empty() && lines[0] == "true")
    return fail(fault::refused, place + ": it is bare; give a clone that has a working folder");
  if (!r->ok() && lines.empty() && r->err.find("not a git repository") != std::string::npos)
    return fail(fault::not_found,
                place + ": not inside a git repository; `git init` makes one, --repo names one");
  if (!r->ok() && r->err.find("dubious ownership") != std::string::npos)
    return fail(fault::refused,
                place + ": it belongs to somebody else; if you trust it, name it with --repo");
  if (!r->ok() || lines.size() != 5)
    return fail(fault::refused, place + ": " + words_of(*r));
  return git(children, fs::path(lines[4]), fs::path(lines[1]), fs::path(lines[2]),
             std::string(lines[3]));
}

void git::keep_private_in(fs::path folder) {
  private_->keep_in(std::move(folder));
}

ledger::result<std::string> git::setting(const std::string& name, const std::string& type) const {
  call get{{"config", "--includes", "--get", name}, {}, {}, false};
  if (!type.empty())
    get.args.insert(get.args.begin() + 1, "--type=" + type);
  auto r = run(get);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return without_newline(std::move(r->output));
  if (r->how == child_result::end::exited && r->exit_code == 1)
    return std::string();
  return tl::make_unexpected(failure_of(get, *r));
}

/// Where a command runs: in the repository or apart.
ledger::result<void> git::place(const call& c, child_spec& spec) const {
  const auto command = command_of(c);
  if (!c.work.empty()) {
    spec.env = environment();
    spec.directory = c.work;
    return {};
  }
  // Whoever brings an index brings files; only attributes are the user's to say.
  const auto apart = c.env.count("GIT_INDEX_FILE") > 0 && command != "check-attr";
  const auto known = std::find(std::begin(in_repository), std::end(in_repository), command);
  if (!apart && known != std::end(in_repository)) {
    spec.env = environment();
    spec.env["GIT_DIR"] = git_dir_.string();
    spec.directory = git_dir_.string();
    return {};
  }
  if (!private_->made()) {
    auto shared = setting("core.sharedRepository");
    if (!shared)
      return tl::make_unexpected(shared.error());
    if (auto r = private_->make({common_dir_ / "objects", object_format_, *shared}); !r)
      return r;
  }
  spec.env = private_->environment();
  spec.directory = private_->folder().string();
  for (const char* setting : {"core.attributesFile=/dev/null", "core.excludesFile=/dev/null"}) {
    spec.argv.emplace_back("-c");
    spec.argv.emplace_back(setting);
  }
  return {};
}

void git::drop_stale_locks(std::string_view prefix) const {
  std::error_code e;
  fs::recursive_directory_iterator at(common_dir_ / prefix, e), end;
  for (; !e && at != end; at.increment(e))
    if (at->path().extension() == ".lock" && at->is_regular_file(e))
      fs::remove(at->path(), e);
}

ledger::result<child_spec> git::spec_of(call c) const {
  child_spec spec;
  // Git that is killed leaves its lock files behind. A ref's would lie in the
  // user's repository and lock it for good, and git needs an instant before it
  // can put it away on SIGTERM: moving a ref is never ended, it takes no time.
  spec.death_signal = !c.args.empty() && c.args.front() == "update-ref" ? 0 : SIGTERM;
  spec.argv = command_line(c);
  if (auto r = place(c, spec); !r)
    return tl::make_unexpected(r.error());
  if (c.has_access)
    add_access(spec.env);
  for (auto& arg : c.args)
    spec.argv.push_back(std::move(arg));
  add_common_environment(spec.env);
  for (auto& [name, value] : c.env)
    spec.env[name] = std::move(value);
  // Without a work tree git takes the current folder for one and would obey a
  // .gitattributes there: ours is a folder that holds no files of the user's.
  if (const auto work_tree = spec.env.find("GIT_WORK_TREE"); work_tree != spec.env.end())
    spec.directory = work_tree->second;
  spec.stdin_text = std::move(c.input);
  return spec;
}

ledger::result<child_result> git::run(call c) const {
  auto spec = spec_of(std::move(c));
  if (!spec)
    return tl::make_unexpected(spec.error());
  spec->merge_stderr = false;
  spec->timeout = git_timeout;
  spec->max_output_bytes = git_output_bytes_max;
  auto r = children_->run(std::move(*spec));
  if (!r && r.error().kind == fault::not_found)
    return fail(fault::unavailable, "git is not installed, or not in PATH: install git");
  if (r && r->dropped_bytes > 0)
    return fail(fault::refused, "git: its output is larger than 1 GiB");
  return r;
}

ledger::failure git::failure_of(const call& c, const child_result& r) const {
  const auto words = words_of(r);
  std::error_code e;
  std::vector<fs::path> written{common_dir_ / "objects", fs::temp_directory_path(e)};
  for (const char* name : {"GIT_WORK_TREE", "GIT_INDEX_FILE"})
    if (const auto at = c.env.find(name); at != c.env.end())
      written.push_back(name == std::string_view("GIT_WORK_TREE")
                            ? fs::path(at->second)
                            : fs::path(at->second).parent_path());
  const auto full =
      tells_of_a_full_disk(words) || std::any_of(written.begin(), written.end(), is_full);
  return {fault::unavailable,
          fmt::format("{} in {}: {}{}", name_of(c), top_.string(), words,
                      full ? "; the disk is full, free some space" : ""),
          full ? std::string(ledger::disk::disk_full_code) : std::string()};
}

ledger::result<std::string> git::must(call c) const {
  auto r = run(c);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return std::move(r->output);
  return tl::make_unexpected(failure_of(c, *r));
}

ledger::result<std::string> git::resolve_commit(std::string_view revision) const {
  auto r = run({{"rev-parse", "--verify", "--quiet", "--end-of-options",
                 std::string(revision) + "^{commit}"},
                {},
                {},
                false});
  if (!r)
    return tl::make_unexpected(r.error());
  auto id = without_newline(r->output);
  if (r->ok() && is_object_id(id) && !revision.empty())
    return id;
  if (r->how != child_result::end::exited || tells_of_the_machine(words_of(*r)))
    return fail(fault::unavailable, "git rev-parse: " + words_of(*r));
  auto any = must({{"for-each-ref", "--count=1", "--format=%(refname)"}, {}, {}, false});
  if (any && any->empty())
    return fail(fault::not_found,
                fmt::format("{} has no commit yet: make a first one with `git commit`, so that "
                            "there is something to start from",
                            top_.string()));
  return fail(fault::not_found,
              fmt::format("no commit `{}` in {}: name a branch, a tag or a commit id that is there",
                          revision, top_.string()));
}

ledger::result<void> git::exclude(std::string_view line) const {
  std::error_code e;
  auto file = common_dir_ / "info" / "exclude";
  if (fs::is_symlink(fs::symlink_status(file, e)))
    file = fs::canonical(file, e); // The user's link stays a link.
  auto before = ledger::disk::read_file(file);
  if (!before && before.error().kind != fault::not_found)
    return tl::make_unexpected(before.error());
  auto text = before ? std::move(*before) : std::string();
  for (const auto known : split(text, '\n'))
    if (known == line)
      return {};
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  text.append(line).append("\n");
  return ledger::disk::put_file(file, text, ledger::disk::durability::synced);
}

} // namespace providers
