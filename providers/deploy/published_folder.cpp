#include "providers/deploy/published_folder.hpp"

#include "providers/full_disk.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

ledger::result<void> sync(const fs::path& p) {
  const int fd = ::open(p.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  const auto synced = fd >= 0 && ::fsync(fd) == 0;
  const std::error_code e(errno, std::generic_category());
  if (fd >= 0)
    ::close(fd);
  if (synced)
    return {};
  return fd < 0 ? cannot("open", p, e)
                : fail(fault::lost, fmt::format("sync {}: {}", p.string(), e.message()));
}

/// Makes `folder` and what is missing above it, durably.
ledger::result<void> make_folders(const fs::path& folder) {
  std::error_code e;
  std::vector<fs::path> missing;
  for (auto p = folder; p.has_relative_path() && !fs::exists(p, e); p = p.parent_path())
    missing.push_back(p);
  fs::create_directories(folder, e);
  if (e)
    return cannot("make", folder, e);
  for (const auto& made : missing) // Each is an entry of the one above it.
    if (auto r = sync(made.parent_path()); !r)
      return r;
  return {};
}

/// Whether a link at `path` (relative to the folder's top) stays inside by its
/// words and by what it really leads to.
bool stays_inside(const fs::path& top, const fs::path& path, const fs::path& target) {
  if (target.is_absolute())
    return false;
  const auto by_words = (path.parent_path() / target).lexically_normal();
  if (by_words.empty() || *by_words.begin() == "..")
    return false;
  std::error_code e;
  const auto real = fs::weakly_canonical(top / path, e);
  const auto from_top = e ? fs::path("..") : real.lexically_relative(fs::canonical(top, e));
  return !e && !from_top.empty() && *from_top.begin() != "..";
}

/// Not fs::copy_file(): it follows links, and calls a full disk an I/O error.
ledger::result<void> copy_content(const fs::path& from, const fs::path& to) {
  const auto failed = [](std::string_view what, const fs::path& where) {
    return cannot(what, where, {errno, std::generic_category()});
  };
  const file in(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat s {};
  if (!in && errno == EACCES)
    return fail(fault::refused,
                fmt::format("the published folder holds {}, which may not be read: let the build "
                            "allow it",
                            from.string()));
  if (!in || ::fstat(in.get(), &s) != 0)
    return failed("open", from);
  const file out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!out)
    return failed("make", to);
  std::vector<char> buffer(256 * 1024);
  for (;;) {
    const auto n = ::read(in.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed("read", from);
    if (n == 0)
      break;
    for (std::string_view left(buffer.data(), static_cast<std::size_t>(n)); !left.empty();) {
      const auto written = ::write(out.get(), left.data(), left.size());
      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        return failed("write", to);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  if (::fchmod(out.get(), s.st_mode & 0777) != 0)
    return failed("set the permissions of", to);
  if (::fsync(out.get()) != 0)
    return fail(fault::lost, fmt::format("sync {}: {}", to.string(), words_of(errno)));
  return {};
}

ledger::result<void> copy_entry(const fs::path& top, const fs::path& path, const fs::path& to) {
  std::error_code e;
  const auto from = top / path;
  const auto type = fs::symlink_status(from, e).type();
  if (type == fs::file_type::symlink) {
    const auto target = fs::read_symlink(from, e);
    if (e || !stays_inside(top, path, target))
      return fail(fault::refused,
                  fmt::format("the published folder holds `{}`, a link to `{}`, which leaves the "
                              "folder: let the build copy the file instead",
                              path.string(), target.string()));
    fs::create_symlink(target, to, e);
    return e ? cannot("make the link", to, e) : ledger::result<void>();
  }
  if (type != fs::file_type::regular)
    return fail(fault::refused,
                fmt::format("the published folder holds `{}`, which is no file, folder or link",
                            path.string()));
  return copy_content(from, to);
}

ledger::result<void> copy_all(const fs::path& top, const fs::path& to) {
  std::error_code e;
  std::vector<fs::path> todo{""}, made;
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    fs::create_directories(to / folder, e);
    if (e)
      return cannot("make", to / folder, e);
    made.push_back(folder);
    fs::directory_iterator at(top / folder, e);
    for (const fs::directory_iterator end; !e && at != end; at.increment(e)) {
      const auto path = folder / at->path().filename();
      if (path == ".git")
        continue;
      if (at->symlink_status(e).type() == fs::file_type::directory)
        todo.push_back(path);
      else if (auto r = copy_entry(top, path, to / path); !r)
        return r;
    }
    if (e)
      return cannot("look into", top / folder, e);
  }
  for (const auto& folder : made)
    if (auto r = sync(folder.empty() ? to : to / folder); !r)
      return r;
  return {};
}

} // namespace

ledger::result<void> copy_published(const fs::path& from, const fs::path& to) {
  std::error_code e;
  const auto parent = to.parent_path();
  if (auto r = make_folders(parent); !r)
    return r;
  const auto half = parent / (".tmp-" + to.filename().string());
  fs::remove_all(half, e); // Of a killed run.
  auto r = e ? ledger::result<void>(cannot("remove", half, e)) : copy_all(from, half);
  if (r) {
    fs::rename(half, to, e);
    r = e ? ledger::result<void>(cannot("publish", to, e)) : sync(parent);
  }
  fs::remove_all(half, e);
  return r;
}

std::string file_url(const fs::path& p) {
  std::string url = "file://";
  for (const auto c : p.string()) {
    const auto plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
                       || std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain)
      url += c;
    else
      url += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return url;
}

} // namespace providers
