#include "providers/published_folder.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

tl::unexpected<ledger::failure> cannot(std::string_view what, const fs::path& where,
                                       const std::error_code& e) {
  return fail(fault::unavailable, fmt::format("{} {}: {}", what, where.string(), e.message()));
}

ledger::result<void> sync(const fs::path& p) {
  const int fd = ::open(p.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const auto synced = fd >= 0 && ::fsync(fd) == 0;
  const std::error_code e(errno, std::generic_category());
  if (fd >= 0)
    ::close(fd);
  if (synced)
    return {};
  return fd < 0 ? cannot("open", p, e)
                : fail(fault::lost, fmt::format("sync {}: {}", p.string(), e.message()));
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
  if (!fs::copy_file(from, to, e))
    return cannot("copy to", to, e);
  return sync(to);
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
  fs::create_directories(parent, e);
  if (e)
    return cannot("make", parent, e);
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
