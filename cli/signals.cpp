#include "cli/signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include <sys/eventfd.h>
#include <unistd.h>

namespace cli {

namespace {

/// Signals that end a batch; SIGHUP: the terminal is gone.
constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP};

/// All that a signal handler touches: a counter in the kernel.
std::atomic<int> wake_fd{-1};

void on_signal(int) {
  std::uint64_t one = 1;
  auto saved = errno;
  [[maybe_unused]] auto n = ::write(wake_fd.load(), &one, sizeof one);
  errno = saved;
}

} // namespace

end_signal& end_signal::begin() {
  static auto& the_one = *new end_signal; // Its thread never ends.
  const std::lock_guard lock(the_one.mutex_);
  the_one.signals_ = 0;
  the_one.dealt_with_ = the_one.over_ = false;
  the_one.first_ = the_one.further_ = {};
  return the_one;
}

end_signal::end_signal() {
  wake_fd = ::eventfd(0, EFD_CLOEXEC);
  std::thread([this] { listen(); }).detach();
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  for (auto number : ending_signals) {
    struct sigaction former {};
    ::sigaction(number, &action, &former);
    // Under nohup it is ignored, and stays so.
    if (number == SIGHUP && former.sa_handler == SIG_IGN)
      ::sigaction(SIGHUP, &former, nullptr);
  }
}

void end_signal::listen() {
  for (;;) {
    std::uint64_t count = 0;
    if (::read(wake_fd.load(), &count, sizeof count) == sizeof count)
      for (; count != 0; --count)
        take();
  }
}

void end_signal::take() {
  std::unique_lock lock(mutex_);
  if (++signals_ > 1) {
    auto further = further_;
    lock.unlock();
    if (further)
      further();
    return;
  }
  // Ending children takes its time; further signals are heard meanwhile.
  std::thread([this, first = first_] {
    if (first)
      first();
    const std::lock_guard done(mutex_);
    dealt_with_ = true;
    changed_.notify_all();
  }).detach();
}

void end_signal::upon(std::function<void()> first, std::function<void()> further) {
  const std::lock_guard lock(mutex_);
  first_ = std::move(first);
  further_ = std::move(further);
}

void end_signal::over() {
  const std::lock_guard lock(mutex_);
  over_ = true;
  changed_.notify_all();
}

bool end_signal::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return over_ || dealt_with_; });
  return signals_ == 0;
}

bool end_signal::came() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return signals_ == 0 || dealt_with_; });
  return signals_ != 0;
}

} // namespace cli
