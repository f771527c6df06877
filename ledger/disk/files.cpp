#include "ledger/disk/files.hpp"

#include "ledger/digest.hpp"
#include "ledger/disk/tree.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

result<unique_fd> open_regular(const fs::path& file) {
  // O_NONBLOCK: a FIFO in the place of a file must not hang us.
  unique_fd fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (fd)
    return fd;
  if (errno == ELOOP)
    return fail(fault::refused,
                fmt::format("read {}: it is a symbolic link, not a regular file", file.string()));
  return system_failure("read", file.string(), errno);
}

result<void> sync_folder(const fs::path& folder) {
  unique_fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd)
    return system_failure("open", folder.string(), errno);
  return sync(fd.get(), folder.string());
}

/// Makes `folder` and what is missing above it. Returns the folders whose
/// entries changed.
result<std::vector<fs::path>> make_folders(const fs::path& folder) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (auto p = folder; !p.empty() && !fs::exists(p, error); p = p.parent_path()) {
    missing.push_back(p);
    if (p == p.parent_path())
      break;
  }
  fs::create_directories(folder, error);
  if (error)
    return system_failure("mkdir", folder.string(), error.value());
  for (auto& p : missing)
    p = p.has_parent_path() ? p.parent_path() : fs::path(".");
  return missing;
}

} // namespace

std::optional<file_identity> identity_in(const struct stat& st) {
  if (!S_ISREG(st.st_mode))
    return std::nullopt;
  auto ns = [](const timespec& t) { return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec; };
  return file_identity{st.st_ino, static_cast<std::uint64_t>(st.st_size), ns(st.st_mtim),
                       ns(st.st_ctim)};
}

std::optional<file_identity> identity_of(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 ? identity_in(st) : std::nullopt;
}

std::optional<file_identity> identity_of(const fs::path& file) {
  unique_fd fd(::open(file.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  return fd ? identity_of(fd.get()) : std::nullopt;
}

result<std::string> read_file(const fs::path& file, std::size_t max_bytes) {
  auto fd = open_regular(file);
  if (!fd)
    return tl::make_unexpected(fd.error());
  return read_all(fd->get(), file.string(), max_bytes);
}

result<void> put_file(const fs::path& file, std::string_view content, durability d, unsigned mode) {
  static std::atomic<std::uint64_t> count = 0;
  auto folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  auto changed = make_folders(folder);
  if (!changed)
    return tl::make_unexpected(changed.error());
  fs::path temp;
  unique_fd fd;
  // A process id comes again: a killed namesake may have left its litter here.
  do {
    temp = folder / fmt::format(".put-{}-{}", ::getpid(), ++count);
    fd =
        unique_fd(::open(temp.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  } while (!fd && errno == EEXIST);
  if (!fd)
    return system_failure("put", file.string(), errno);
  auto done = write_all(fd.get(), content, file.string());
  if (done && d == durability::synced)
    done = sync(fd.get(), file.string());
  if (done && ::rename(temp.c_str(), file.c_str()) != 0)
    done = system_failure("put", file.string(), errno);
  if (!done) {
    ::unlink(temp.c_str());
    return done;
  }
  if (d == durability::none)
    return {};
  if (auto synced = sync_folder(folder); !synced)
    return synced;
  for (auto& above : *changed)
    if (auto synced = sync_folder(above); !synced)
      return synced;
  return {};
}

result<std::string> read_recorded(const fs::path& task_folder, std::string_view ledger_path,
                                  std::string_view digest) {
  return recorded_files(task_folder).read(ledger_path, digest);
}

recorded_files::recorded_files(fs::path task_folder)
    : name_(std::move(task_folder))
    , folder_(tree::open(name_, false)) {}

result<std::string> recorded_files::read(std::string_view ledger_path,
                                         std::string_view digest) const {
  if (!folder_)
    return tl::make_unexpected(folder_.error());
  auto content = folder_->read(ledger_path);
  if (!content && content.error().kind == fault::refused)
    return fail(fault::corrupt, content.error().detail);
  if (content && sha256(*content) != digest)
    return fail(fault::corrupt,
                fmt::format("{} in {} is not what was recorded: its SHA-256 differs", ledger_path,
                            name_.string()));
  return content;
}

std::string digest_of_file(const fs::path& file) {
  auto fd = open_regular(file);
  return fd ? digest_of(fd->get()) : std::string{};
}

} // namespace ledger::disk
