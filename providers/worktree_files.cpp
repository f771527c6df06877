#include "providers/worktree_files.hpp"

#include "ledger/disk/files.hpp"
#include "providers/blobs.hpp"
#include "providers/descriptor.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace providers {

namespace {

// The caller's errno decides: a symlink in the way will not go by itself.
tl::unexpected<ledger::failure> failed(const std::string& path, const char* verb) {
  int error = errno;
  bool link = error == ELOOP || error == EXDEV || error == ENOTDIR;
  auto why = error == ENOSYS ? "this kernel has no openat2; Linux 5.6 or newer is needed"
                             : std::strerror(error);
  return ledger::fail(link ? ledger::fault::refused : ledger::fault::unavailable,
                      fmt::format("{} {} in the worktree: {}", verb, path, why),
                      link ? "worktree-unsafe"
                      : error == ENOSPC || error == EDQUOT
                          ? std::string(ledger::disk::disk_full_code)
                          : "");
}

struct place {
  descriptor folder;
  std::string name; ///< The last component.
};

// Opens the folder of `path`; makes missing ones if `make`. A closed folder
// with errno ENOENT: it is not there.
place folder_of(int root, const std::string& path, bool make) {
  auto here = open_beneath(root, ".", O_DIRECTORY | O_PATH);
  std::size_t begin = 0;
  for (auto slash = path.find('/'); here && slash != std::string::npos;
       slash = path.find('/', begin)) {
    auto part = path.substr(begin, slash - begin);
    if (make && ::mkdirat(here.get(), part.c_str(), 0755) != 0 && errno != EEXIST)
      return {descriptor{-1}, {}};
    here = open_beneath(here.get(), part.c_str(), O_DIRECTORY | O_PATH);
    begin = slash + 1;
  }
  return {std::move(here), path.substr(begin)};
}

ledger::result<void> remove_file(int root, const std::string& path) {
  auto at = folder_of(root, path, false);
  if (!at.folder)
    return errno == ENOENT ? ledger::result<void>{} : failed(path, "delete");
  if (::unlinkat(at.folder.get(), at.name.c_str(), 0) != 0 && errno != ENOENT)
    return failed(path, "delete");
  // Git knows no empty folders, and one may stand where a file is to come.
  auto parent = path;
  for (auto slash = parent.rfind('/'); slash != std::string::npos; slash = parent.rfind('/')) {
    parent.resize(slash);
    auto above = folder_of(root, parent, false);
    if (!above.folder || ::unlinkat(above.folder.get(), above.name.c_str(), AT_REMOVEDIR) != 0)
      break;
  }
  return {};
}

ledger::result<void> write_file(int root, const std::string& path, std::string_view content,
                                bool executable) {
  auto at = folder_of(root, path, true);
  if (!at.folder)
    return failed(path, "open the folder of");
  if (::unlinkat(at.folder.get(), at.name.c_str(), 0) != 0 && errno != ENOENT)
    return failed(path, "replace");
  auto file = open_beneath(at.folder.get(), at.name.c_str(), O_WRONLY | O_CREAT | O_EXCL,
                           executable ? 0755 : 0644);
  if (!file)
    return failed(path, "write");
  while (!content.empty()) {
    auto n = ::write(file.get(), content.data(), content.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return failed(path, "write");
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  // The umask must not decide whether git sees an executable file.
  if (::fchmod(file.get(), executable ? 0755 : 0644) != 0)
    return failed(path, "set the mode of");
  return {};
}

bool is_absent(const std::string& mode) {
  return mode == "000000";
}

/// Of a path as a tree has it: relative, without empty, `.` or `..` parts.
bool is_plain(const std::string& path) {
  for (const auto& part : std::filesystem::path(path))
    if (part.empty() || part == "." || part == ".." || part == "/")
      return false;
  return !path.empty() && path.find('\0') == std::string::npos && path.find("//") == path.npos;
}

ledger::result<void> not_plain(const std::string& path) {
  return ledger::fail(ledger::fault::refused,
                      fmt::format("`{}` is no path inside a worktree", path), "worktree-unsafe");
}

} // namespace

ledger::result<worktree_files> worktree_files::open(const std::filesystem::path& folder) {
  const auto fd = ::open(folder.c_str(), O_DIRECTORY | O_PATH | O_CLOEXEC);
  if (fd < 0)
    return ledger::fail(ledger::fault::unavailable,
                        fmt::format("the worktree cannot be opened: {}", std::strerror(errno)));
  return worktree_files(fd);
}

worktree_files::~worktree_files() {
  if (root_ >= 0)
    ::close(root_);
}

ledger::result<void> worktree_files::remove(const std::string& path) const {
  return is_plain(path) ? remove_file(root_, path) : not_plain(path);
}

ledger::result<void> worktree_files::write(const std::string& path, std::string_view content,
                                           bool executable) const {
  return is_plain(path) ? write_file(root_, path, content, executable) : not_plain(path);
}

ledger::result<void> worktree_files::set_time(const std::string& path,
                                              std::int64_t changed_ns) const {
  constexpr std::int64_t second_ns = 1'000'000'000;
  const timespec times[2] = {{0, UTIME_OMIT}, {changed_ns / second_ns, changed_ns % second_ns}};
  const auto file = is_plain(path) ? open_beneath(root_, path.c_str(), O_RDONLY) : descriptor();
  return file && ::futimens(file.get(), times) == 0 ? ledger::result<void>()
                                                    : failed(path, "set the time of");
}

ledger::result<void> write_changes(const git& g, const std::filesystem::path& folder,
                                   const std::vector<ledger::change>& changes) {
  std::vector<std::string> ids;
  std::vector<const ledger::change*> written;
  for (auto& c : changes) {
    if (is_absent(c.new_mode))
      continue;
    if (c.new_mode != "100644" && c.new_mode != "100755")
      return ledger::fail(ledger::fault::refused,
                          fmt::format("{} would get mode {}; only regular files are "
                                      "written, take it out of the diff",
                                      c.path, c.new_mode),
                          "worktree-unsafe");
    ids.push_back(c.new_id);
    written.push_back(&c);
  }
  auto contents = read_blobs(g, ids);
  if (!contents)
    return tl::make_unexpected(contents.error());
  auto files = worktree_files::open(folder);
  if (!files)
    return tl::make_unexpected(files.error());
  for (auto& c : changes)
    if (is_absent(c.new_mode))
      if (auto done = files->remove(c.path); !done)
        return done;
  for (std::size_t i = 0; i < written.size(); ++i)
    if (auto done =
            files->write(written[i]->path, (*contents)[i], written[i]->new_mode == "100755");
        !done)
      return done;
  return {};
}

} // namespace providers
