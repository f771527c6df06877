// descriptor.hpp -- an open file that closes itself.

#pragma once

#include <unistd.h>

#include <utility>

namespace providers {

/// Owns a file descriptor; negative: none, with errno as the call left it.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd)
      : fd_(fd) {}
  descriptor(descriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// Opens `path` below the open folder `folder`: through no link and not out of it,
/// however its parts are swapped meanwhile. Source: openat2(2).
descriptor open_beneath(int folder, const char* path, int flags, unsigned mode = 0);

} // namespace providers
