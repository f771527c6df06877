// spawn.hpp -- starting one child, and the descriptors that takes.
//
// Private to providers.
//
//   1. Every descriptor of ours is close-on-exec and above 2.
//   2. The child gets a session of its own, no signal blocked or ignored, and
//      no descriptor but its three streams and what `keep_fd` names.
//   3. The child gets `death_signal` when the thread that started it ends,
//      however that happens (PR_SET_PDEATHSIG; not for a program with more rights
//      than ours, where the kernel takes it away). That thread lives as long as
//      `processes`.
//   4. With `group_dies_with_us` the child tells the guard (guard.hpp) of its group
//      before its program runs; if it cannot, it is not started.

#pragma once

#include "providers/process.hpp"

#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>
#include <utility>

namespace providers {

class file {
public:
  file() = default;
  /// Standard streams are never used for our own ends: the spawn overwrites
  /// them in the child in an order that could mix them up.
  explicit file(int fd)
      : fd_(fd) {
    if (fd_ < 0 || fd_ > 2)
      return;
    fd_ = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    ::close(fd);
  }
  file(file&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  file& operator=(file&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

private:
  int fd_ = -1;
};

struct pipe_ends {
  file read, write;
};

/// A pipe whose end `read` does not block; nothing: errno says why.
std::optional<pipe_ends> make_pipe();

/// A file in memory that holds `text`: a child that never reads it blocks
/// nobody, and one that reads finds an end.
std::optional<file> file_with(std::string_view text);

/// "No such file or directory" and so on.
std::string words_of(int error);

/// The program that `spec` names, looked up in the PATH the child will have:
/// posix_spawnp would use ours. Errors: not_found, refused (none named).
ledger::result<std::string> program_of(const child_spec& spec);

/// What a child gets from us.
struct child_ends {
  const file& in; ///< May be empty: /dev/null.
  const file& out;
  const file& err; ///< May be empty: as `out`.
  const file& ear; ///< Of the guard; may be empty without `group_dies_with_us`.
};

/// Starts `program`. Gives 0 or an errno.
int spawn(const child_spec& spec, const std::string& program, const child_ends& ends, pid_t& pid);

} // namespace providers
