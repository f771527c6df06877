#include "providers/tools/beneath.hpp"

#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace providers::tools {

namespace {

using ledger::fail;
using ledger::fault;

tl::unexpected<ledger::failure> in_the_way(const std::string& path, const char* what) {
  return fail(
      fault::refused,
      fmt::format("{}: {} in the worktree; it is not touched", shown_on_one_line(path), what),
      "worktree-unsafe");
}

/// By errno.
tl::unexpected<ledger::failure> failed(const std::string& path) {
  switch (errno) {
    case ENOENT:
      return fail(fault::not_found,
                  fmt::format("{}: no such file in the worktree", shown_on_one_line(path)));
    case ENOTDIR:
      return in_the_way(path, "a part of its path is a file, not a folder,");
    case ELOOP:
    case EXDEV:
      return in_the_way(path, "a symbolic link stands there or on the way");
    case ENXIO:
      return in_the_way(path, "no regular file stands there");
    case ENAMETOOLONG:
      return fail(fault::refused,
                  fmt::format("{}: the name is too long", shown_on_one_line(path, 200)));
    default:
      return fail(fault::unavailable,
                  fmt::format("{}: {}", shown_on_one_line(path), std::strerror(errno)));
  }
}

/// Whether what is open may be read and written.
ledger::result<standing> judged(const std::string& path, const struct stat& s) {
  if (S_ISDIR(s.st_mode))
    return standing::folder;
  if (S_ISLNK(s.st_mode))
    return in_the_way(path, "a symbolic link stands there");
  if (!S_ISREG(s.st_mode))
    return in_the_way(path, "no regular file stands there");
  if (s.st_nlink > 1)
    return in_the_way(path, "a file with further names (hard links) stands there");
  return standing::file;
}

} // namespace

ledger::result<beneath> beneath::open(const std::filesystem::path& folder) {
  descriptor fd{::open(folder.c_str(), O_DIRECTORY | O_PATH | O_CLOEXEC)};
  if (!fd)
    return fail(fault::unavailable,
                fmt::format("the worktree cannot be opened: {}", std::strerror(errno)));
  return beneath(std::move(fd));
}

ledger::result<standing> beneath::look_at(const std::string& path) const {
  auto there = open_beneath(root_.get(), path.c_str(), O_PATH | O_NOFOLLOW);
  struct stat s {};
  if (!there && errno == ENOENT)
    return standing::nothing;
  if (!there || ::fstat(there.get(), &s) != 0)
    return failed(path);
  return judged(path, s);
}

ledger::result<std::string> beneath::read(const std::string& path) const {
  // A pipe without a writer must not hold us, nor a terminal become ours.
  auto file = open_beneath(root_.get(), path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  struct stat s {};
  if (!file || ::fstat(file.get(), &s) != 0)
    return failed(path);
  auto what = judged(path, s);
  if (!what)
    return tl::make_unexpected(what.error());
  if (*what == standing::folder)
    return fail(fault::refused, fmt::format("{} is a folder", shown_on_one_line(path)));
  const auto too_large = [&] {
    return fail(fault::refused,
                fmt::format("{} has more than {} bytes; larger files cannot be looked into",
                            shown_on_one_line(path), with_commas(file_bytes_max)),
                "too-large");
  };
  if (s.st_size < 0 || static_cast<std::uint64_t>(s.st_size) > file_bytes_max)
    return too_large();
  std::string content(static_cast<std::size_t>(s.st_size) + 1, '\0'); // One more: it may grow.
  std::size_t have = 0;
  for (;;) {
    const auto n = ::read(file.get(), content.data() + have, content.size() - have);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return failed(path);
    have += static_cast<std::size_t>(n);
    if (n == 0)
      break;
    if (have > file_bytes_max)
      return too_large();
    if (have == content.size())
      content.resize(2 * have);
  }
  content.resize(have);
  return content;
}

} // namespace providers::tools
