// other_program.hpp -- a second program, made by fork(), that may be killed.
//
// The threads of a test are not in it: it makes its own `processes`, and uses
// nothing that would wait for a thread of the test.

#pragma once

#include <cerrno>
#include <csignal>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace test {

class other_program {
public:
  /// Runs `life` and exits with what it returns.
  template <class Life>
  explicit other_program(Life life)
      : pid_(::fork()) {
    if (pid_ == 0)
      ::_exit(life());
  }
  other_program(const other_program&) = delete;
  other_program& operator=(const other_program&) = delete;
  ~other_program() { kill(); }

  /// As `kill -9` does; returns when it is gone.
  void kill() {
    if (pid_ > 0)
      ::kill(pid_, SIGKILL);
    wait();
  }

  /// Its exit code; 128 + n if signal n ended it.
  int wait() {
    int status = 0;
    if (pid_ <= 0)
      return -1;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

private:
  pid_t pid_;
};

/// In another program: makes `folder` a file system of `kilobytes`. False: not
/// allowed here.
inline bool mount_small_disk(const std::filesystem::path& folder, unsigned kilobytes) {
  const auto user = ::geteuid(), group = ::getegid();
  const auto write = [](const char* file, const std::string& text) { std::ofstream(file) << text; };
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  write("/proc/self/setgroups", "deny");
  write("/proc/self/uid_map", std::to_string(user) + " " + std::to_string(user) + " 1");
  write("/proc/self/gid_map", std::to_string(group) + " " + std::to_string(group) + " 1");
  const auto options = "size=" + std::to_string(kilobytes) + "k";
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, options.c_str()) == 0;
}

/// Exit code of another program that had no small disk.
inline constexpr int no_small_disk = 77;

} // namespace test
