#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <map>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;

bool is_program(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// The arrays that posix_spawn wants, pointing into the strings of a spec.
std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& s : strings)
    pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Attributes and file actions of one spawn.
class spawn_plan {
public:
  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;

  void streams(const file& in, const file& out, const file& err) {
    if (in)
      ::posix_spawn_file_actions_adddup2(&actions_, in.get(), 0);
    else
      ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions_, out.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions_, err ? err.get() : out.get(), 2);
#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 34)
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
#endif
#endif
  }
  void directory(const std::string& d) {
    if (!d.empty())
      ::posix_spawn_file_actions_addchdir_np(&actions_, d.c_str());
  }
  /// 0 or an errno.
  int spawn(pid_t& pid, const std::string& program, std::vector<std::string> argv,
            const std::map<std::string, std::string>& env) {
    std::vector<std::string> variables;
    variables.reserve(env.size());
    for (const auto& [name, value] : env)
      variables.push_back(name + "=" + value);
    const auto a = pointers_to(argv);
    const auto e = pointers_to(variables);
    return ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_, a.data(), e.data());
  }

private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

} // namespace

/// Only our end is non-blocking: the child's must behave as programs expect.
std::optional<pipe_ends> make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0)
    return std::nullopt;
  pipe_ends p{file(fds[0]), file(fds[1])};
  if (!p.read || !p.write || ::fcntl(p.read.get(), F_SETFL, O_NONBLOCK) != 0)
    return std::nullopt;
  return p;
}

std::optional<file> file_with(std::string_view text) {
  file f(::memfd_create("stdin", MFD_CLOEXEC));
  if (!f)
    return std::nullopt;
  while (!text.empty()) {
    const auto n = ::write(f.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::lseek(f.get(), 0, SEEK_SET) != 0)
    return std::nullopt;
  return f;
}

std::string words_of(int error) {
  return std::generic_category().message(error);
}

ledger::result<std::string> program_of(const child_spec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty())
    return fail(fault::refused, "start a child: no program given");
  const auto& name = spec.argv[0];
  if (name.find('/') != std::string::npos)
    return name;
  const auto found = spec.env.find("PATH");
  std::string_view path = "/usr/bin:/bin";
  if (found != spec.env.end())
    path = found->second;
  while (!path.empty()) {
    const auto colon = path.find(':');
    const auto folder = path.substr(0, colon);
    path.remove_prefix(colon == std::string_view::npos ? path.size() : colon + 1);
    auto candidate = std::string(folder) + "/" + name;
    if (folder.substr(0, 1) == "/" && is_program(candidate))
      return candidate;
  }
  return fail(fault::not_found,
              fmt::format("start `{}`: no such program in PATH; install it or correct PATH", name));
}

int spawn(const child_spec& spec, const std::string& program, const file& in, const file& out,
          const file& err, pid_t& pid) {
  spawn_plan plan;
  plan.streams(in, out, err);
  plan.directory(spec.directory);
  return plan.spawn(pid, program, spec.argv, spec.env);
}

} // namespace providers
