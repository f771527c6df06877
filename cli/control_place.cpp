#include "cli/control_place.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace cli {

namespace fs = std::filesystem;

namespace {

using ledger::fail;
using ledger::fault;
using ledger::result;
using ledger::disk::system_failure;
using ledger::disk::unique_fd;

/// Orders are few and short; the rest waits or is turned away by the kernel.
constexpr int backlog = 64;

std::optional<sockaddr_un> address_of(int folder, const std::string& name) {
  sockaddr_un a{};
  a.sun_family = AF_UNIX;
  auto path = fmt::format("/proc/self/fd/{}/{}", folder, name);
  if (path.size() >= sizeof a.sun_path)
    return std::nullopt; // Not with our names: a descriptor's number and 16 digits.
  std::memcpy(a.sun_path, path.c_str(), path.size() + 1);
  return a;
}

result<unique_fd> new_socket(int flags) {
  unique_fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
  if (!fd)
    return system_failure("open", "a socket", errno);
  return fd;
}

template <class Call>
int with_address(const sockaddr_un& a, Call call) {
  return call(reinterpret_cast<const sockaddr*>(&a), static_cast<socklen_t>(sizeof a));
}

} // namespace

std::vector<fs::path> control_folders(const place& p) {
  std::vector<fs::path> all;
  auto add = [&](fs::path folder) {
    if (std::find(all.begin(), all.end(), folder) == all.end())
      all.push_back(std::move(folder));
  };
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime && *runtime == '/') // A relative value is ignored, as the specification demands.
    add(fs::path(runtime) / "scheduler");
  add(p.state_dir.parent_path() / "run");
  add(fs::path(fmt::format("/run/user/{}", ::geteuid())) / "scheduler");
  return all;
}

result<unique_fd> open_control_folder(const fs::path& folder, bool may_make) {
  if (may_make) {
    std::error_code e;
    fs::create_directories(folder.parent_path(), e);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
      return system_failure("mkdir", folder.string(), errno);
  }
  unique_fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return fail(fault::not_found, folder.string() + " is not there");
  if (!fd)
    return system_failure("open", folder.string(), errno);
  struct stat s {};
  if (::fstat(fd.get(), &s) != 0)
    return system_failure("stat", folder.string(), errno);
  if (s.st_uid != ::geteuid() || (s.st_mode & 0077) != 0)
    return fail(fault::refused, fmt::format("{} is not yours alone: `chmod 700` it, or remove it",
                                            folder.string()));
  return fd;
}

result<unique_fd> listen_in(int folder, const std::string& name) {
  auto fd = new_socket(SOCK_NONBLOCK);
  if (!fd)
    return fd;
  auto address = address_of(folder, name);
  if (!address)
    return fail(fault::unavailable, "the name of the socket is too long: " + name);
  if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT)
    return system_failure("remove", name, errno);
  // Before it has a name: it is nobody else's for an instant either.
  if (::fchmod(fd->get(), 0600) != 0)
    return system_failure("chmod", name, errno);
  auto bound =
      with_address(*address, [&](auto* a, auto size) { return ::bind(fd->get(), a, size); });
  if (bound != 0)
    return system_failure("bind", name, errno);
  if (::listen(fd->get(), backlog) != 0)
    return system_failure("listen at", name, errno);
  return fd;
}

result<unique_fd> connect_in(int folder, const std::string& name) {
  auto fd = new_socket(0);
  if (!fd)
    return fd;
  auto address = address_of(folder, name);
  auto joined = address ? with_address(
                    *address, [&](auto* a, auto size) { return ::connect(fd->get(), a, size); })
                        : -1;
  if (joined == 0)
    return fd;
  if (errno == ENOENT || errno == ECONNREFUSED)
    return fail(fault::not_found, "nobody listens at " + name);
  return system_failure("connect to", name, errno);
}

uid_t peer_of(int connection) {
  ucred who{};
  socklen_t size = sizeof who;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    return static_cast<uid_t>(-1);
  return who.uid;
}

} // namespace cli
