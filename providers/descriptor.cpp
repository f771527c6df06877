#include "providers/descriptor.hpp"

#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace providers {

descriptor open_beneath(int folder, const char* path, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return descriptor{static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how))};
}

} // namespace providers
