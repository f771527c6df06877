#include "providers/spawn.hpp"

#include "providers/guard.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/// Where a child finds what it gets besides its three streams.
constexpr int kept_fd = 3;

/// All that the child needs between the fork and its program.
struct departure {
  const char* program;
  char* const* argv;
  char* const* env;
  const char* directory; ///< Null: ours.
  int in, out, err, kept, ear;
  pid_t parent;
  int death_signal;
  volatile int error = 0;
};

/// In the child after vfork(): our memory, our stack. System calls only, and
/// every change of state is of what a child has for itself.
[[noreturn]] void depart(departure& d) {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal)
    ::sigaction(signal, &usual, nullptr);
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, d.death_signal);
  if (::getppid() != d.parent) // Gone before we asked to be told.
    ::_exit(127);
  const int in = d.in >= 0 ? d.in : ::open("/dev/null", O_RDONLY);
  // Out of the way of the numbers that are given out below.
  const int kept = d.kept < 0 ? -1 : ::fcntl(d.kept, F_DUPFD, 16);
  if (in < 0 || ::dup2(in, 0) < 0 || ::dup2(d.out, 1) < 0 || ::dup2(d.err, 2) < 0
      || (d.kept >= 0 && kept < 0) || (d.directory != nullptr && ::chdir(d.directory) != 0)
      || (d.ear >= 0 && !tell_guard(d.ear, group_is::begun, ::getpid()))) {
    d.error = errno;
    ::_exit(127);
  }
  if (kept >= 0)
    ::dup2(kept, kept_fd);
  // Ours are all close-on-exec; this is for those that we were started with.
  const auto first = static_cast<unsigned>(kept >= 0 ? kept_fd + 1 : kept_fd);
  if (::syscall(SYS_close_range, first, ~0U, 0) != 0)
    for (int fd = static_cast<int>(first); fd < 1024; ++fd)
      ::close(fd);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(d.program, d.argv, d.env);
  d.error = errno;
  ::_exit(127);
}

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

int spawn(const child_spec& spec, const std::string& program, const child_ends& ends, pid_t& pid) {
  auto words = spec.argv;
  std::vector<std::string> variables;
  variables.reserve(spec.env.size());
  for (const auto& [name, value] : spec.env)
    variables.push_back(name + "=" + value);
  const auto argv = pointers_to(words);
  const auto env = pointers_to(variables);
  departure d{};
  d.program = program.c_str();
  d.argv = argv.data();
  d.env = env.data();
  d.directory = spec.directory.empty() ? nullptr : spec.directory.c_str();
  d.in = ends.in.get();
  d.out = ends.out.get();
  d.err = ends.err ? ends.err.get() : ends.out.get();
  d.kept = spec.keep_fd;
  d.ear = spec.group_dies_with_us ? ends.ear.get() : -1;
  d.parent = ::getpid();
  d.death_signal = spec.death_signal;

  // A handler of ours must not run in the child, on our memory.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // vfork() and not posix_spawn(): only so can the child ask to die with us.
  // Not fork(): it would copy the page tables of a large process.
  pid = ::vfork();
  if (pid == 0)
    depart(d);
  const int error = pid < 0 ? errno : d.error;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid > 0 && error != 0)
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  return error;
}

} // namespace providers
