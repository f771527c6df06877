#include "ledger/disk/lock.hpp"

#include "ledger/disk/tree.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

namespace ledger::disk {

namespace {

std::filesystem::path lock_file(const std::filesystem::path& common_dir) {
  return common_dir / "scheduler.lock";
}

// is_held() and a rival's take() hold a shared lock for an instant: a shared
// lock that we get as well proves that nobody owns the repository.
enum class attempt : std::uint8_t { taken, held, probed };

attempt try_to_take(int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0)
    return attempt::taken;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0)
    return attempt::held;
  ::flock(fd, LOCK_UN);
  return attempt::probed;
}

} // namespace

result<repository_lock> repository_lock::take(const std::filesystem::path& common_dir) {
  auto file = lock_file(common_dir);
  int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0)
    return system_failure("open", file.string(), errno);
  repository_lock out(fd);
  auto got = try_to_take(fd);
  for (int i = 0; got == attempt::probed && i < 1000; ++i) {
    ::sched_yield();
    got = try_to_take(fd);
  }
  if (got != attempt::taken) {
    auto holder = read_all(fd, file.string(), 64);
    auto pid = holder ? holder->substr(0, holder->find('\n')) : std::string{};
    return fail(fault::refused,
                fmt::format("another scheduler (process {}) works in this repository; wait for it "
                            "or end it ({})",
                            pid.empty() ? "unknown" : pid, file.string()),
                "locked");
  }
  // For people only: the lock holds whether or not its number can be written.
  auto pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(fd, 0) == 0)
    static_cast<void>(::pwrite(fd, pid.data(), pid.size(), 0) < 0);
  return out;
}

bool repository_lock::is_held(const std::filesystem::path& common_dir) {
  unique_fd fd(::open(lock_file(common_dir).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  return fd && ::flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

repository_lock::repository_lock(repository_lock&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

repository_lock& repository_lock::operator=(repository_lock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

repository_lock::~repository_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace ledger::disk
