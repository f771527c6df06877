#include "providers/sandbox.hpp"

#include "providers/scratch_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

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
  for (const char* name : {"XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"})
    if (const fs::path p = variable(name); p.is_absolute())
      folders.push_back(real(p));
  if (const fs::path key = variable("SCHEDULER_KEY_FILE"); key.is_absolute())
    folders.push_back(real(key).parent_path());
  return folders;
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
  return {
      {"PATH", path}, {"HOME", "/tmp/home"}, {"LANG", "C.UTF-8"}, {"TERM", "dumb"}, {"CI", "true"}};
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

child_spec in_bubblewrap(const cage& c, const std::string& command) {
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
  add({"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--dir", "/tmp/home"});
  for (const auto& folder : program_folders()) {
    const auto where = real(folder);
    if (!holds("/usr", where) && !holds("/opt", where))
      add({"--ro-bind-try", folder, folder});
  }
  for (const auto& path : c.read_only)
    add({"--ro-bind", path, path});
  add({"--bind", c.folder, "/workspace", "--ro-bind-try", c.folder + "/.git", "/workspace/.git",
       "--chdir", "/workspace", "/bin/sh", "-c", command});
  spec.env = basic_environment();
  return spec;
}

/// Without a sandbox HOME and TMPDIR are at least a folder of the child's own,
/// not the user's; it goes when the command ends by itself.
constexpr const char* with_own_home = R"(
home=$(mktemp -d "${TMPDIR:-/tmp}/scheduler-home-XXXXXX") || exit 125
trap 'rm -rf "$home"' EXIT
trap 'exit 143' TERM
HOME="$home" TMPDIR="$home" sh -c "$1"
)";

child_spec as_it_is(const cage& c, const std::string& command) {
  child_spec spec;
  spec.argv = {"/bin/sh", "-c", with_own_home, "sh", command};
  spec.directory = c.folder;
  spec.env = basic_environment();
  return spec;
}

} // namespace

child_spec caged_shell(ledger::sandbox_kind kind, const cage& c, const std::string& command) {
  auto spec =
      kind == ledger::sandbox_kind::bwrap ? in_bubblewrap(c, command) : as_it_is(c, command);
  for (const auto& [name, value] : c.env)
    spec.env[name] = value;
  return spec;
}

ledger::result<void> sandbox_works(processes& children, ledger::sandbox_kind kind) {
  auto folder = scratch_folder::make("sandbox");
  if (!folder)
    return tl::make_unexpected(folder.error());
  cage c;
  c.folder = folder->path().string();
  auto spec = caged_shell(kind, c, "exit 0");
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
