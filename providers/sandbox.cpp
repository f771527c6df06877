#include "providers/sandbox.hpp"

#include "providers/remove_tree.hpp"
#include "providers/scratch_folder.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// Whether `inner` is `outer` or lies below it.
bool holds(const fs::path& outer, const fs::path& inner) {
  const auto [end, rest] = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  (void)rest;
  return end == outer.end() || end->empty();
}

fs::path real(const fs::path& p) {
  std::error_code e;
  auto r = fs::weakly_canonical(p, e);
  return e ? p.lexically_normal() : r;
}

/// Folders that must never be mounted, nor anything that holds them: a PATH
/// with `.`, `$HOME` or `/` in it would hand over the user's files and keys.
std::vector<fs::path> private_folders() {
  std::vector<fs::path> folders{"/root", "/home", "/etc", "/var", "/run",
                                "/proc", "/sys",  "/dev", "/tmp"};
  const fs::path home = variable("HOME");
  if (home.is_absolute()) {
    for (const char* name : {"", ".ssh", ".gnupg", ".local/state", ".config"})
      folders.push_back(real(home / name));
  }
  for (const char* name :
       {"XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"})
    if (const fs::path p = variable(name); p.is_absolute())
      folders.push_back(real(p));
  if (const fs::path key = variable("SCHEDULER_KEY_FILE"); key.is_absolute())
    folders.push_back(real(key).parent_path());
  return folders;
}

/// Places whose whole content is nobody's business, and files with keys in
/// folders that hold harmless things as well.
std::vector<fs::path> secret_places() {
  std::vector<fs::path> places{"/etc", "/proc", "/sys", "/dev", "/run"};
  const fs::path home = variable("HOME");
  if (home.is_absolute())
    for (const char* name : {".ssh", ".gnupg", ".aws", ".kube", ".docker", ".config",
                             ".local/state", ".netrc", ".npmrc", ".pypirc", ".git-credentials",
                             ".cargo/credentials", ".cargo/credentials.toml", ".gem/credentials"})
      places.push_back(real(home / name));
  for (const char* name : {"XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"})
    if (const fs::path p = variable(name); p.is_absolute())
      places.push_back(real(p));
  if (const fs::path key = variable("SCHEDULER_KEY_FILE"); key.is_absolute())
    places.push_back(real(key));
  return places;
}

/// The existing folders of our PATH that may be shown to a child. The folders
/// of the system are always there.
std::vector<std::string> program_folders() {
  const auto secret = private_folders();
  std::vector<std::string> folders;
  const auto add = [&](const std::string& folder) {
    std::error_code e;
    if (folder.empty() || folder.front() != '/' || !fs::is_directory(folder, e))
      return;
    const auto where = real(folder);
    for (const auto& s : secret)
      if (holds(where, s))
        return;
    if (std::find(folders.begin(), folders.end(), folder) == folders.end())
      folders.push_back(folder);
  };
  const auto path = variable("PATH");
  for (std::size_t from = 0; from <= path.size();) {
    const auto colon = std::min(path.find(':', from), path.size());
    add(path.substr(from, colon - from));
    from = colon + 1;
  }
  for (const char* folder : {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"})
    add(folder);
  return folders;
}

std::map<std::string, std::string> basic_environment() {
  std::string path;
  for (const auto& folder : program_folders())
    path += (path.empty() ? "" : ":") + folder;
  return {{"PATH", path},
          {"HOME", std::string(caged_home)},
          {"LANG", "C.UTF-8"},
          {"TERM", "dumb"},
          {"CI", "true"}};
}

/// Of /etc only what programs need to run, to resolve names and to trust
/// certificates. Not /etc/ssl: it holds private keys.
constexpr const char* etc_entries[] = {
    "/etc/passwd",          "/etc/group",         "/etc/nsswitch.conf",
    "/etc/ld.so.cache",     "/etc/ld.so.conf",    "/etc/ld.so.conf.d",
    "/etc/alternatives",    "/etc/localtime",     "/etc/timezone",
    "/etc/hosts",           "/etc/host.conf",     "/etc/protocols",
    "/etc/services",        "/etc/mime.types",    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
    "/etc/ca-certificates", "/etc/fonts",         "/etc/crypto-policies"};

void mount_system(std::vector<std::string>& argv) {
  const auto add = [&](std::initializer_list<std::string> words) {
    argv.insert(argv.end(), words);
  };
  add({"--ro-bind", "/usr", "/usr"});
  std::error_code e;
  for (const std::string folder : {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}) {
    if (fs::is_symlink(fs::symlink_status(folder, e)))
      add({"--symlink", fs::read_symlink(folder, e).string(), folder});
    else if (fs::is_directory(folder, e))
      add({"--ro-bind", folder, folder});
  }
  add({"--ro-bind-try", "/opt", "/opt"});
  for (const char* entry : etc_entries)
    add({"--ro-bind-try", entry, entry});
  for (fs::directory_iterator at("/etc", e), end; !e && at != end; at.increment(e))
    if (at->path().filename().string().substr(0, 5) == "java-") // Java's own files point there.
      add({"--ro-bind-try", at->path().string(), at->path().string()});
}

/// Where the folder's `.git` looks for them: ../../../objects from its own.
void mount_objects(const std::vector<std::string>& folders, std::vector<std::string>& argv) {
  for (std::size_t n = 0; n < folders.size(); ++n) {
    const auto place = n == 0 ? std::string("/objects") : "/objects-" + std::to_string(n);
    argv.insert(argv.end(), {"--ro-bind", folders[n], place});
    std::error_code e;
    // The folders that it names itself are in our list, but not at those places.
    if (fs::exists(fs::path(folders[n]) / "info/alternates", e))
      argv.insert(argv.end(), {"--tmpfs", place + "/info"});
  }
}

/// An empty file in the place of each. A link shows what it leads to, which is
/// masked itself or nobody's secret.
void mask(const cage& c, std::vector<std::string>& argv) {
  for (const auto& path : c.masked) {
    std::error_code e;
    if (fs::is_regular_file(fs::symlink_status(fs::path(c.folder) / path, e)))
      argv.insert(argv.end(), {"--ro-bind", c.mask, std::string(caged_folder) + "/" + path});
  }
}

/// Whether the sandbox shows what is at `where` without being told to.
bool is_of_the_system(const fs::path& where) {
  for (const char* folder : {"/usr", "/opt", "/bin", "/sbin", "/lib", "/lib32", "/lib64"})
    if (holds(folder, where))
      return true;
  return false;
}

child_spec in_bubblewrap(const cage& c, const std::vector<std::string>& program) {
  child_spec spec;
  auto& argv = spec.argv;
  argv = {"bwrap",
          "--unshare-user",
          "--uid",
          "1000",
          "--gid",
          "1000",
          "--unshare-pid",
          "--unshare-ipc",
          "--unshare-uts",
          "--hostname",
          "sandbox",
          "--unshare-cgroup-try",
          "--disable-userns",
          "--cap-drop",
          "ALL",
          "--die-with-parent"};
  const auto add = [&](std::initializer_list<std::string> words) {
    argv.insert(argv.end(), words);
  };
  if (!c.network)
    add({"--unshare-net"});
  mount_system(argv);
  if (c.network) // Often a link into /run, which is not there: its content is what counts.
    add({"--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf"});
  add({"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", std::string(caged_home)});
  for (const auto& folder : program_folders()) {
    const auto where = real(folder);
    if (!is_of_the_system(where))
      add({"--ro-bind-try", folder, folder});
  }
  for (const auto& path : c.read_only)
    add({"--ro-bind", path, path});
  if (c.masked.empty())
    mount_objects(c.objects, argv);
  for (const auto& path : c.writable)
    add({"--bind", path, path});
  if (!c.home.empty())
    add({"--bind", c.home, std::string(caged_home)});
  add({c.folder_read_only ? "--ro-bind" : "--bind", c.folder, std::string(caged_folder)});
  mask(c, argv);
  add({"--chdir", std::string(caged_folder), "--"});
  argv.insert(argv.end(), program.begin(), program.end());
  spec.env = basic_environment();
  // --die-with-parent can take hold only once bwrap has asked the kernel for it:
  // a bwrap was seen to live on after a kill -9 that came early.
  spec.group_dies_with_us = true;
  return spec;
}

/// Without a sandbox HOME and TMPDIR are at least a folder of the child's own,
/// not the user's.
struct own_home {
  explicit own_home(scratch_folder f)
      : folder(std::move(f)) {}
  own_home(const own_home&) = delete;
  own_home& operator=(const own_home&) = delete;
  ~own_home() { remove_tree(folder.path()); } // Whatever the child left in it.
  scratch_folder folder;
};

child_spec as_it_is(const cage& c, const std::vector<std::string>& words) {
  child_spec spec;
  spec.directory = c.folder;
  spec.env = basic_environment();
  spec.argv = words;
  auto home = c.home;
  if (home.empty())
    if (auto made = scratch_folder::make("home")) {
      auto own = std::make_shared<own_home>(std::move(*made));
      home = own->folder.path().string();
      spec.kept = std::move(own);
    }
  if (home.empty()) // It must not be the user's.
    spec.argv = {"/bin/sh", "-c", "echo 'no folder can be made for HOME' >&2; exit 125"};
  spec.env["HOME"] = spec.env["TMPDIR"] = home;
  spec.group_dies_with_us = true;
  return spec;
}

/// The first link in `folder` that leads to where none of `shown` is.
std::optional<std::pair<fs::path, fs::path>> blind_link(const fs::path& folder,
                                                        const std::vector<fs::path>& shown) {
  std::error_code e;
  for (fs::directory_iterator at(folder, e), end; !e && at != end; at.increment(e)) {
    if (!at->is_symlink(e))
      continue;
    const auto target = fs::canonical(at->path(), e);
    const auto is_seen = [&](const fs::path& s) { return holds(s, target); };
    if (!e && !is_of_the_system(target) && std::none_of(shown.begin(), shown.end(), is_seen))
      return std::pair(at->path(), target);
    e.clear(); // A link that leads nowhere here leads nowhere there.
  }
  return std::nullopt;
}

} // namespace

bool is_shown_to_children(const fs::path& path) {
  const auto where = real(path);
  if (is_of_the_system(where))
    return true;
  const auto folders = program_folders();
  return std::any_of(folders.begin(), folders.end(),
                     [&](const auto& folder) { return holds(real(folder), where); });
}

child_spec caged_program(ledger::sandbox_kind kind, const cage& c,
                         const std::vector<std::string>& words) {
  auto spec = kind == ledger::sandbox_kind::bwrap ? in_bubblewrap(c, words) : as_it_is(c, words);
  for (const auto& [name, value] : c.env)
    spec.env[name] = value;
  return spec;
}

child_spec caged_shell(ledger::sandbox_kind kind, const cage& c, const std::string& command) {
  return caged_program(kind, c, {"/bin/sh", "-c", command});
}

ledger::result<std::vector<std::string>> folders_of_program(const std::string& name) {
  child_spec lookup;
  lookup.argv = {name};
  lookup.env = basic_environment();
  auto found = program_of(lookup);
  if (!found)
    return tl::make_unexpected(found.error());
  std::error_code e;
  const auto target = fs::canonical(*found, e);
  if (e || !fs::is_regular_file(target, e))
    return fail(fault::not_found, fmt::format("start `{}`: no such program", name));
  std::vector<std::string> folders;
  const fs::path folder = fs::path(*found).parent_path();
  const auto show = [&](const fs::path& where) {
    const auto shown =
        shown_folders({ledger::sandbox_kind::bwrap, {where.lexically_normal().string()}});
    if (shown)
      folders.push_back(shown->front());
    return shown.has_value();
  };
  // Those of PATH are shown anyway.
  const bool by_path = name.find('/') != std::string::npos;
  if (by_path && !is_of_the_system(real(folder)) && !show(folder))
    return fail(fault::refused, fmt::format("`{}` lies where no child may read; install it "
                                            "elsewhere",
                                            name));
  if (is_of_the_system(target) || holds(real(folder), target))
    return folders;
  // `bin/npm -> ../lib/…`: what is above `bin` is the tool as a whole; if that holds something
  // private (as ~/.local does), the widest folder below it that does not.
  auto candidate = real(folder).parent_path();
  if (!holds(candidate, target))
    candidate = target.parent_path();
  for (;;) {
    if (show(candidate))
      return folders;
    auto next = candidate;
    next /= *std::next(target.begin(), std::distance(candidate.begin(), candidate.end()));
    if (next == target)
      break;
    candidate = std::move(next);
  }
  return fail(fault::refused, fmt::format("`{}` leads to {}, which no child may read; install it "
                                          "elsewhere",
                                          name, target.string()));
}

ledger::result<std::vector<std::string>> shown_folders(const ledger::sandbox_config& c) {
  std::vector<std::string> folders;
  if (c.kind == ledger::sandbox_kind::none)
    return folders;
  const auto homes = private_folders();
  const auto secrets = secret_places();
  for (const auto& named : c.read_only) {
    const auto refused = [&](const std::string& why) {
      return fail(fault::refused, fmt::format("[sandbox] read_only \"{}\": {}", named, why));
    };
    const auto folder =
        named.substr(0, 2) == "~/" ? variable("HOME") + named.substr(1) : fs::path(named).string();
    std::error_code e;
    if (folder.empty() || folder.front() != '/' || !fs::is_directory(folder, e))
      return refused("no such folder; correct it or take it out");
    const auto where = real(folder);
    for (const auto& p : secrets)
      if (holds(p, where))
        return refused(fmt::format("it lies in {}, which no child may read", p.string()));
    for (const auto* places : {&homes, &secrets})
      for (const auto& p : *places)
        if (holds(where, p) && fs::exists(p, e))
          return refused(fmt::format("it holds {}, which no child may read; name the folders below "
                                     "it that are needed",
                                     p.string()));
    folders.push_back(folder);
  }
  return folders;
}

std::string missing_program_hint(const ledger::sandbox_config& c) {
  if (c.kind == ledger::sandbox_kind::none)
    return {};
  std::vector<fs::path> shown;
  auto named = shown_folders(c);
  for (const auto& folder : named ? *named : std::vector<std::string>())
    shown.push_back(real(folder));
  const auto programs = program_folders();
  for (const auto& folder : programs)
    shown.push_back(real(folder));
  for (const auto& folder : programs) {
    const auto link = is_of_the_system(real(folder)) ? std::nullopt : blind_link(folder, shown);
    if (!link)
      continue;
    // `bin/npm -> ../lib/…`: what is above `bin` is the tool as a whole.
    const auto above = real(folder).parent_path();
    const auto tool = holds(above, link->second) ? above : link->second.parent_path();
    return fmt::format("of PATH the sandbox shows {}, but not {}, to which `{}` leads; if that is "
                       "what was missing, add \"{}\" to [sandbox] read_only",
                       folder, link->second.string(), link->first.filename().string(),
                       tool.string());
  }
  return {};
}

ledger::result<void> sandbox_works(processes& children, ledger::sandbox_kind kind) {
  return sandbox_works(children, ledger::sandbox_config{kind, {}});
}

ledger::result<void> sandbox_works(processes& children, const ledger::sandbox_config& config) {
  auto shown = shown_folders(config);
  if (!shown)
    return tl::make_unexpected(shown.error());
  auto folder = scratch_folder::make("sandbox");
  if (!folder)
    return tl::make_unexpected(folder.error());
  cage c;
  c.folder = folder->path().string();
  c.read_only = std::move(*shown);
  auto spec = caged_shell(config.kind, c, "exit 0");
  spec.timeout = std::chrono::seconds(20);
  auto r = children.run(std::move(spec));
  constexpr std::string_view remedy =
      "install bubblewrap and allow unprivileged user namespaces, or, if this machine may be "
      "trusted to what is run, set [sandbox] kind = \"none\"";
  if (!r && r.error().code == "closing")
    return tl::make_unexpected(r.error());
  if (!r)
    return fail(fault::unavailable,
                fmt::format("start the sandbox: {}; {}", r.error().detail, remedy));
  if (!r->ok())
    return fail(fault::unavailable, fmt::format("start the sandbox: {}: {}; {}", r->ended(),
                                                r->output.substr(0, 500), remedy));
  return {};
}

} // namespace providers
