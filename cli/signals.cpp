#include "cli/signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace cli {

namespace {

// What a signal handler may touch: a descriptor and a lock-free flag.
std::atomic<int> wake_fd{-1};
std::atomic<bool> interrupted{false};
struct sigaction former_int, former_term;

void wake() {
  std::uint64_t one = 1;
  auto saved = errno;
  [[maybe_unused]] auto n = ::write(wake_fd.load(), &one, sizeof one);
  errno = saved;
}

void on_signal(int) {
  interrupted = true;
  wake();
}

} // namespace

end_signal::end_signal() {
  interrupted = false;
  wake_fd = ::eventfd(0, EFD_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, &former_int);
  ::sigaction(SIGTERM, &action, &former_term);
}

end_signal::~end_signal() {
  ::sigaction(SIGINT, &former_int, nullptr);
  ::sigaction(SIGTERM, &former_term, nullptr);
  ::close(wake_fd.exchange(-1));
}

void end_signal::over() {
  wake();
}

bool end_signal::wait() {
  std::uint64_t count = 0;
  while (::read(wake_fd.load(), &count, sizeof count) < 0 && errno == EINTR && !interrupted) {
  }
  return !interrupted;
}

} // namespace cli
