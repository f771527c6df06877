#include "ledger/disk/tree.hpp"

#include "ledger/digest.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace ledger::disk {

namespace {

constexpr unsigned file_mode = 0644;
constexpr unsigned folder_mode = 0755;

std::string_view folder_part(std::string_view name) noexcept {
  auto slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

std::string name_part(std::string_view name) {
  auto slash = name.rfind('/');
  return std::string(slash == std::string_view::npos ? name : name.substr(slash + 1));
}

tree::entry::kind kind_of(mode_t mode) noexcept {
  using kind = tree::entry::kind;
  return S_ISREG(mode)   ? kind::file
         : S_ISDIR(mode) ? kind::folder
         : S_ISLNK(mode) ? kind::link
                         : kind::other;
}

// Below a tree we made every name ourselves: what is no file where a file
// belongs, or no folder where a folder does, was put there by somebody else.
tl::unexpected<failure> tree_failure(std::string_view what, std::string_view name, int error) {
  if (error == ENOTDIR || error == EISDIR || error == ENXIO)
    return fail(fault::corrupt,
                fmt::format("{} {}: {}: something else stands in the place of a file or folder; "
                            "find out who put it there and take it away",
                            what, name, std::strerror(error)));
  return system_failure(what, name, error);
}

tl::unexpected<failure> lost_writes(std::string_view what, std::string_view name, int error) {
  return fail(fault::lost, fmt::format("{}{}{}: {}; what was written may be gone", what,
                                       name.empty() ? "" : " ", name, std::strerror(error)));
}

result<void> kernel_will_do() {
  struct utsname kernel {};
  if (::uname(&kernel) != 0)
    return system_failure("uname", "", errno);
  if (!syncfs_tells_of_lost_writes(kernel.release))
    return fail(fault::unavailable,
                fmt::format("this kernel is Linux {}: before 5.8 syncfs does not tell of lost "
                            "writes; run a newer kernel",
                            kernel.release));
  return {};
}

} // namespace

unique_fd::~unique_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

tl::unexpected<failure> system_failure(std::string_view what, std::string_view name, int error) {
  auto text = fmt::format("{} {}: {}", what, name, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return fail(fault::not_found, std::move(text));
    case ELOOP:
    case EXDEV:
      return fail(fault::corrupt, fmt::format("{} {}: it leads through a symbolic link or out of "
                                              "its folder; replace the link by what it names",
                                              what, name));
    case ENOSPC:
    case EDQUOT:
      return fail(fault::unavailable, text + "; free some space", std::string{disk_full_code});
    case ENOSYS:
      text += "; Linux 5.8 or newer is needed (openat2)";
      break;
    default:
      break;
  }
  return fail(fault::unavailable, std::move(text));
}

result<unique_fd> open_beneath(int dir, std::string_view name, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  std::string path(name.empty() ? "." : name);
  while (true) {
    auto fd = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
    if (fd >= 0)
      return unique_fd(static_cast<int>(fd));
    // EAGAIN: a rename elsewhere raced the kernel's check.
    if (errno != EINTR && errno != EAGAIN)
      return tree_failure("open", path, errno);
  }
}

result<std::string> read_all(int fd, std::string_view name, std::size_t max_bytes) {
  struct stat st {};
  if (::fstat(fd, &st) != 0)
    return system_failure("read", name, errno);
  if (!S_ISREG(st.st_mode))
    return fail(fault::refused, fmt::format("read {}: it is not a regular file", name));
  auto too_large = [&] {
    return fail(fault::refused,
                fmt::format("read {}: it is larger than {} bytes", name, max_bytes));
  };
  if (static_cast<std::uint64_t>(st.st_size) > max_bytes)
    return too_large();
  // One byte more than its size, so that a file which grows is noticed.
  std::string out(static_cast<std::size_t>(st.st_size) + 1, '\0');
  std::size_t used = 0;
  while (true) {
    auto n = ::read(fd, out.data() + used, out.size() - used);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return system_failure("read", name, errno);
    bool is_short = static_cast<std::size_t>(n) < out.size() - used;
    used += static_cast<std::size_t>(n);
    if (used > max_bytes)
      return too_large();
    // Who got less than was asked for, and all that there was, is at the end.
    if (n == 0 || (is_short && used >= static_cast<std::size_t>(st.st_size)))
      break;
    if (used == out.size())
      out.resize(out.size() * 2);
  }
  out.resize(used);
  return out;
}

result<void> write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return system_failure("write", name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

result<void> sync(int fd, std::string_view name) {
  if (::fsync(fd) != 0)
    return lost_writes("fsync", name, errno);
  return {};
}

bool syncfs_tells_of_lost_writes(std::string_view kernel_release) noexcept {
  unsigned major = 0, minor = 0;
  auto* end = kernel_release.data() + kernel_release.size();
  auto [dot, error] = std::from_chars(kernel_release.data(), end, major);
  if (error != std::errc{} || dot == end || *dot != '.')
    return false;
  if (std::from_chars(dot + 1, end, minor).ec != std::errc{})
    return false;
  return major > 5 || (major == 5 && minor >= 8);
}

std::string digest_of(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
    return {};
  sha256_stream sum;
  std::array<char, 65536> buffer;
  while (true) {
    auto n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return {};
    if (n == 0)
      return sum.finish();
    sum.update({buffer.data(), static_cast<std::size_t>(n)});
  }
}

result<tree> tree::open(const std::filesystem::path& folder, bool for_writing, sync_seam seam) {
  tree t;
  t.seam_ = std::move(seam);
  t.root_ = unique_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // "No folder" is also what the kernel says of a link in its place.
  if (!t.root_ && (errno == ENOTDIR || errno == ELOOP))
    return fail(fault::corrupt,
                fmt::format("open {}: it is no folder but a symbolic link or a file; put the "
                            "folder itself there",
                            folder.string()));
  if (!t.root_)
    return system_failure("open", folder.string(), errno);
  if (!for_writing)
    return t;
  if (auto fine = kernel_will_do(); !fine)
    return tl::make_unexpected(fine.error());
  auto staging = std::string(own_folder) + "/tmp";
  if (auto made = t.make_folder(staging); !made)
    return tl::make_unexpected(made.error());
  auto litter = t.list(staging);
  if (!litter)
    return tl::make_unexpected(litter.error());
  for (auto& e : *litter)
    if (e.is == entry::kind::folder)
      continue; // Not ours, and not in our way: stage() takes another name.
    else if (auto gone = t.remove(staging + "/" + e.name); !gone)
      return tl::make_unexpected(gone.error());
  auto fd = open_beneath(t.root_.get(), staging, O_PATH | O_DIRECTORY);
  if (!fd)
    return tl::make_unexpected(fd.error());
  t.staging_ = std::move(*fd);
  return t;
}

result<std::string> tree::read(std::string_view name, std::size_t max_bytes) const {
  // O_NONBLOCK: a planted FIFO must not hang us.
  auto fd = open_beneath(root_.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd)
    return tl::make_unexpected(fd.error());
  return read_all(fd->get(), name, max_bytes);
}

std::string tree::digest(std::string_view name) const {
  auto fd = open_beneath(root_.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return fd ? digest_of(fd->get()) : std::string{};
}

std::optional<std::uint64_t> tree::size(std::string_view name) const {
  auto found = identity(name);
  return found ? std::optional(found->size) : std::nullopt;
}

std::optional<file_identity> tree::identity(std::string_view name) const {
  auto fd = open_beneath(root_.get(), name, O_PATH);
  return fd ? identity_of(fd->get()) : std::nullopt;
}

std::optional<file_identity> tree::glance(const std::string& name) const {
  struct stat st {};
  return ::fstatat(root_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 ? identity_in(st)
                                                                             : std::nullopt;
}

result<void> tree::make_folder(std::string_view name) const {
  auto above = open_beneath(root_.get(), folder_part(name), O_PATH | O_DIRECTORY);
  if (!above && above.error().kind == fault::not_found && !folder_part(name).empty()) {
    if (auto made = make_folder(folder_part(name)); !made)
      return made;
    above = open_beneath(root_.get(), folder_part(name), O_PATH | O_DIRECTORY);
  }
  if (!above)
    return tl::make_unexpected(above.error());
  if (::mkdirat(above->get(), name_part(name).c_str(), folder_mode) == 0)
    return {};
  if (errno != EEXIST)
    return tree_failure("mkdir", name, errno);
  // It may exist as something else: opening tells.
  auto found = open_beneath(root_.get(), name, O_PATH | O_DIRECTORY);
  return found ? result<void>{} : tl::make_unexpected(found.error());
}

result<unique_fd> tree::folder_above(std::string_view name) const {
  auto folder = folder_part(name);
  auto fd = open_beneath(root_.get(), folder, O_RDONLY | O_DIRECTORY);
  if (fd || fd.error().kind != fault::not_found)
    return fd;
  if (auto made = make_folder(folder); !made)
    return tl::make_unexpected(made.error());
  return open_beneath(root_.get(), folder, O_RDONLY | O_DIRECTORY);
}

result<std::string> tree::stage(std::string_view content, durability d,
                                std::string_view name) const {
  std::string temp;
  unique_fd fd;
  do {
    temp = std::to_string(++*staged_);
    fd = unique_fd(::openat(staging_.get(), temp.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode));
  } while (!fd && errno == EEXIST);
  if (!fd)
    return tree_failure("put", name, errno);
  auto done = write_all(fd.get(), content, name);
  if (done && d == durability::synced)
    done = sync(fd.get(), name);
  if (!done) {
    discard(temp);
    return tl::make_unexpected(done.error());
  }
  return temp;
}

result<void> tree::place(const std::string& staged, std::string_view name) const {
  auto folder = folder_above(name);
  if (!folder)
    return tl::make_unexpected(folder.error());
  if (::renameat(staging_.get(), staged.c_str(), folder->get(), name_part(name).c_str()) != 0)
    return tree_failure("put", name, errno);
  return {};
}

void tree::discard(const std::string& staged) const noexcept {
  ::unlinkat(staging_.get(), staged.c_str(), 0);
}

result<void> tree::put(std::string_view name, std::string_view content, durability d) const {
  auto temp = stage(content, d, name);
  if (!temp)
    return tl::make_unexpected(temp.error());
  if (auto done = place(*temp, name); !done) {
    discard(*temp);
    return done;
  }
  if (d == durability::none)
    return {};
  // Folders above may be as new as the file.
  for (auto above = folder_part(name);; above = folder_part(above)) {
    auto fd = open_beneath(root_.get(), above, O_RDONLY | O_DIRECTORY);
    if (!fd)
      return tl::make_unexpected(fd.error());
    if (auto done = sync(fd->get(), name); !done)
      return done;
    if (above.empty())
      return {};
  }
}

result<void> tree::link(std::string_view from, std::string_view to) const {
  auto source = open_beneath(root_.get(), folder_part(from), O_PATH | O_DIRECTORY);
  if (!source)
    return tl::make_unexpected(source.error());
  auto target = folder_above(to);
  if (!target)
    return tl::make_unexpected(target.error());
  auto source_name = name_part(from);
  auto target_name = name_part(to);
  if (::linkat(source->get(), source_name.c_str(), target->get(), target_name.c_str(), 0) == 0)
    return {};
  if (errno == EEXIST) {
    // An orphan of a killed run: replace it in one rename.
    std::string temp;
    int linked = -1;
    do {
      temp = std::to_string(++*staged_);
      linked = ::linkat(source->get(), source_name.c_str(), staging_.get(), temp.c_str(), 0);
    } while (linked != 0 && errno == EEXIST);
    if (linked == 0) {
      int failed = ::renameat(staging_.get(), temp.c_str(), target->get(), target_name.c_str());
      int error = errno;
      ::unlinkat(staging_.get(), temp.c_str(), 0); // Same file twice: rename leaves it.
      if (failed != 0)
        return tree_failure("put", to, error);
      return {};
    }
  }
  if (errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
    return tree_failure("link", from, errno);
  auto content = read(from);
  if (!content)
    return tl::make_unexpected(content.error());
  // The original may be long checkpointed and goes soon: only the copy is left.
  return put(to, *content, durability::synced);
}

result<void> tree::remove(std::string_view name) const {
  auto folder = open_beneath(root_.get(), folder_part(name), O_PATH | O_DIRECTORY);
  if (!folder && folder.error().kind == fault::not_found)
    return {};
  if (!folder)
    return tl::make_unexpected(folder.error());
  if (::unlinkat(folder->get(), name_part(name).c_str(), 0) != 0 && errno != ENOENT)
    return tree_failure("remove", name, errno);
  return {};
}

result<void> tree::write_tail(std::string_view name, tail t, std::string_view text) const {
  int make = t.expect == 0 ? O_CREAT : 0;
  auto fd = open_beneath(root_.get(), name, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | make,
                         make ? file_mode : 0);
  if (!fd && fd.error().kind == fault::not_found && make) {
    if (auto above = folder_above(name); !above)
      return tl::make_unexpected(above.error());
    fd = open_beneath(root_.get(), name, O_WRONLY | O_APPEND | O_CREAT, file_mode);
  }
  if (!fd)
    return tl::make_unexpected(fd.error());
  struct stat st {};
  if (::fstat(fd->get(), &st) != 0)
    return system_failure("append", name, errno);
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != t.expect)
    return fail(fault::corrupt, fmt::format("append {}: it has {} bytes, but {} were written", name,
                                            st.st_size, t.expect));
  auto keep = static_cast<off_t>(t.keep);
  if (t.keep < t.expect && ::ftruncate(fd->get(), keep) != 0)
    return system_failure("append", name, errno);
  auto done = write_all(fd->get(), text, name);
  // All or nothing, as far as a full disk lets us: the next try starts here.
  if (!done && ::ftruncate(fd->get(), keep) != 0)
    done.error().detail += "; and its unfinished end cannot be cut off";
  return done;
}

result<std::vector<tree::entry>> tree::list(std::string_view name) const {
  auto fd = open_beneath(root_.get(), name, O_RDONLY | O_DIRECTORY);
  if (!fd && fd.error().kind == fault::not_found)
    return std::vector<entry>{};
  if (!fd)
    return tl::make_unexpected(fd.error());
  int own = ::fcntl(fd->get(), F_DUPFD_CLOEXEC, 0); // fdopendir takes the descriptor.
  DIR* dir = own < 0 ? nullptr : ::fdopendir(own);
  if (!dir) {
    int error = errno;
    if (own >= 0)
      ::close(own);
    return system_failure("list", name, error);
  }
  std::vector<entry> out;
  while (auto* e = ::readdir(dir)) {
    std::string found = e->d_name;
    if (found == "." || found == "..")
      continue;
    // Most file systems tell what it is; the others have to be asked.
    auto mode = static_cast<mode_t>(DTTOIF(e->d_type));
    struct stat st {};
    if (e->d_type == DT_UNKNOWN) {
      if (::fstatat(fd->get(), found.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      mode = st.st_mode;
    }
    out.push_back(entry{std::move(found), kind_of(mode)});
  }
  ::closedir(dir);
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.name < b.name; });
  return out;
}

bool tree::has_folder(std::string_view name) const {
  return open_beneath(root_.get(), name, O_PATH | O_DIRECTORY).has_value();
}

result<void> tree::sync(int fd, std::string_view name) const {
  if (int error = seam_ ? seam_(name) : 0; error != 0)
    return lost_writes("fsync", name, error);
  return disk::sync(fd, name);
}

result<void> tree::sync_file_system() const {
  if (int error = seam_ ? seam_({}) : 0; error != 0)
    return lost_writes("syncfs", {}, error);
  if (::syncfs(root_.get()) != 0)
    return lost_writes("syncfs", {}, errno);
  return {};
}

} // namespace ledger::disk
