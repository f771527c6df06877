#include "providers/guard.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>

namespace providers {

namespace {

/// Nothing but what is built into a shell: it must work when nothing else does.
constexpr const char* watch = R"(
trap '' HUP INT TERM
all=' '
while read -r what group; do
  case $what in
    +) all="$all$group " ;;
    -) case $all in *" $group "*) all="${all%% "$group" *} ${all#* "$group" }" ;; esac ;;
  esac
done
for group in $all; do kill -KILL "-$group"; done
)";

} // namespace

bool tell_guard(int ear, group_is what, pid_t group) {
  char line[32];
  std::size_t at = sizeof line;
  line[--at] = '\n';
  for (auto rest = group; rest > 0; rest /= 10)
    line[--at] = static_cast<char>('0' + rest % 10);
  line[--at] = ' ';
  line[--at] = static_cast<char>(what);
  const auto bytes = sizeof line - at;
  return ::send(ear, line + at, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes);
}

guard::~guard() {
  ours_ = file();
  while (pid_ > 0 && ::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool guard::is_there(const std::vector<pid_t>& at_work) {
  if (pid_ > 0 && ::waitpid(pid_, nullptr, WNOHANG) == 0)
    return true;
  pid_ = -1;
  ours_ = file();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return false;
  file ours(ends[0]);
  const file theirs(ends[1]), nothing(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  if (!ours || !theirs || !nothing)
    return false;
  child_spec spec;
  spec.argv = {"/bin/sh", "-c", watch};
  spec.directory = "/";
  spec.death_signal = 0;
  if (spawn(spec, spec.argv.front(), {theirs, nothing, nothing, {}}, pid_) != 0) {
    pid_ = -1;
    return false;
  }
  ours_ = std::move(ours);
  return std::all_of(at_work.begin(), at_work.end(),
                     [this](pid_t g) { return tell_guard(ours_.get(), group_is::begun, g); });
}

void guard::take_off(pid_t group) const {
  if (ours_)
    tell_guard(ours_.get(), group_is::ended, group);
}

} // namespace providers
