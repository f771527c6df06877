#include "providers/remove_tree.hpp"

#include "providers/descriptor.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace providers {

namespace {

constexpr int open_levels_max = 16;

/// Opens a folder and takes back the permissions that a child took away. The
/// folder is named through its descriptor: chmod() would follow a link.
int open_folder(int parent, const char* name) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const descriptor handle{::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!handle)
    return -1;
  struct stat now {};
  if (::fstat(handle.get(), &now) == 0 && (now.st_mode & S_IRWXU) != S_IRWXU)
    ::chmod(("/proc/self/fd/" + std::to_string(handle.get())).c_str(), S_IRWXU);
  return ::openat(handle.get(), ".", flags);
}

struct listed {
  int error = 0;
  std::vector<std::string> names;
};

listed names_in(int folder) {
  listed all;
  // A descriptor of its own: closedir() closes it.
  DIR* stream = ::fdopendir(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (stream == nullptr)
    return {errno, {}};
  errno = 0;
  while (const auto* entry = ::readdir(stream)) {
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
      all.names.emplace_back(entry->d_name);
    errno = 0;
  }
  all.error = errno;
  ::closedir(stream);
  return all;
}

class removal {
public:
  explicit removal(int top)
      : top_(top) {}

  /// Empties the top. What was moved up is found by looking again.
  int run() {
    do {
      moved_ = false;
      if (const auto error = empty(top_, 0); error != 0)
        return error;
    } while (moved_);
    return 0;
  }

private:
  int empty(int folder, int level) {
    auto all = names_in(folder);
    if (all.error != 0)
      return all.error;
    for (const auto& name : all.names)
      if (const auto error = remove(folder, name.c_str(), level); error != 0)
        return error;
    return 0;
  }

  int remove(int parent, const char* name, int level) {
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT)
      return 0;
    if (errno != EISDIR && errno != EPERM) // EPERM: what POSIX says of a folder.
      return errno;
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0)
      return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
      return errno; // EBUSY: something is mounted here.
    const descriptor folder{open_folder(parent, name)};
    if (!folder)
      return errno;
    if (level == open_levels_max)
      return move_up(parent, name);
    if (const auto error = empty(folder.get(), level + 1); error != 0)
      return error;
    return ::unlinkat(parent, name, AT_REMOVEDIR) == 0 ? 0 : errno;
  }

  int move_up(int parent, const char* name) {
    moved_ = true;
    for (;;) { // A name that a tree has already is left to it.
      const auto to = ".removed-" + std::to_string(++count_);
      struct stat there {};
      if (::fstatat(top_, to.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
        continue;
      return ::renameat(parent, name, top_, to.c_str()) == 0 ? 0 : errno;
    }
  }

  int top_;
  bool moved_ = false;
  unsigned long count_ = 0;
};

} // namespace

std::error_code remove_tree(const std::filesystem::path& p) {
  const auto failed = [](int error) { return std::error_code(error, std::generic_category()); };
  if (::unlink(p.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR)
    return {};
  if (errno != EISDIR && errno != EPERM)
    return failed(errno);
  const descriptor top{open_folder(AT_FDCWD, p.c_str())};
  if (!top)
    return failed(errno);
  if (const auto error = removal(top.get()).run(); error != 0)
    return failed(error);
  return ::rmdir(p.c_str()) == 0 || errno == ENOENT ? std::error_code{} : failed(errno);
}

} // namespace providers
