// files.hpp -- reading and putting files, without surprises.
//
// To *put* a file is to write it beside its place and rename it there: a
// reader sees the old content or the new, never half. Whether it is synced is
// said at each call.
//
//   1. Symlinks are never followed inside a task's folder: a ledger path whose
//      last component or folder is a symlink is refused as corrupt.
//   2. A short write is an error; ENOSPC and EDQUOT are `unavailable`, code
//      "disk-full".
//   3. A failed fsync is `lost`.

#pragma once

#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

struct stat;

namespace ledger::disk {

/// The code of a failure that ends when somebody frees space (L6).
inline constexpr std::string_view disk_full_code = "disk-full";

enum class durability : std::uint8_t { none, synced };

/// What tells that a file is the very one, with the very content, of before: no
/// write leaves all of it as it was. Times in nanoseconds, Unix time.
struct file_identity {
  std::uint64_t inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  friend bool operator==(const file_identity&, const file_identity&) = default;
};

/// Of what stat told of a file; nothing: it is no regular one.
std::optional<file_identity> identity_in(const struct stat& st);
/// Of the regular file that `fd` is; nothing: it is none.
std::optional<file_identity> identity_of(int fd);
/// Of a regular file; nothing: there is none.
std::optional<file_identity> identity_of(const std::filesystem::path& file);

/// Content of a regular file of at most `max_bytes`. Errors: not_found,
/// refused (too large, not a regular file), unavailable.
result<std::string> read_file(const std::filesystem::path& file,
                              std::size_t max_bytes = std::size_t{1} << 30);

/// Puts `content` at `file`; makes missing folders. Synced: file and folder.
result<void> put_file(const std::filesystem::path& file, std::string_view content, durability d,
                      unsigned mode = 0644);

/// Content of `root/<TASK>/<ledger path>` if its SHA-256 is `sha256` (L2).
/// Errors: not_found, corrupt (differs), unavailable.
result<std::string> read_recorded(const std::filesystem::path& task_folder,
                                  std::string_view ledger_path, std::string_view sha256);

/// SHA-256 of a file's content, or empty if there is no such regular file.
std::string digest_of_file(const std::filesystem::path& file);

} // namespace ledger::disk
