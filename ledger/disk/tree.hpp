// tree.hpp -- the ledger's folder as a handle that nothing leads out of.
//
// A *tree* is an open folder. All names are relative to it, with forward
// slashes; the kernel resolves them (openat2) without following any symlink
// and without leaving the folder, so a planted link cannot redirect us.
//
//   1. A name that leads through a symlink, or out of the tree, is corrupt; so
//      is one where a folder, a FIFO or the like stands in the place of a file,
//      or a file in the place of a folder.
//   2. New files are staged in `.scheduler/tmp` and renamed into their place:
//      a killed writer leaves litter there only, and open() clears it.
//   3. Nothing here is synced unless the call says so; a failed sync is lost.
//   4. A writer needs a kernel whose syncfs tells of lost writes (Linux 5.8).
//
// Private to ledger/disk, but for unique_fd and recorded_files.

#pragma once

#include "ledger/disk/files.hpp"
#include "ledger/result.hpp"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger::disk {

class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd)
      : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// The failure of a system call that set errno: `what NAME: reason`.
tl::unexpected<failure> system_failure(std::string_view what, std::string_view name, int error);

/// Opens `name` below the folder `dir`, without following symlinks.
result<unique_fd> open_beneath(int dir, std::string_view name, int flags, unsigned mode = 0);

/// All bytes of an open regular file. Errors: refused (not regular, too large).
result<std::string> read_all(int fd, std::string_view name, std::size_t max_bytes);
result<void> write_all(int fd, std::string_view bytes, std::string_view name);
result<void> sync(int fd, std::string_view name);
/// Digest of an open regular file; empty if it is not regular or unreadable.
std::string digest_of(int fd);

/// Whether syncfs tells of writes that were lost, by the kernel's release.
bool syncfs_tells_of_lost_writes(std::string_view kernel_release) noexcept;

/// A seam for the tests: the errno that a sync of `name` ("" for the whole file
/// system) shall fail with; 0: none, ask the kernel.
using sync_seam = std::function<int(std::string_view name)>;

class tree {
public:
  /// Opens an existing folder. For a writer also makes and clears
  /// `.scheduler/tmp`. Errors: not_found; corrupt, if something else, a
  /// symlink to a folder too, stands in its place.
  static result<tree> open(const std::filesystem::path& folder, bool for_writing,
                           sync_seam seam = {});

  result<std::string> read(std::string_view name,
                           std::size_t max_bytes = std::size_t{1} << 30) const;
  /// Empty if there is no such regular file.
  std::string digest(std::string_view name) const;
  /// Nothing if there is no such regular file.
  std::optional<std::uint64_t> size(std::string_view name) const;
  /// Nothing if there is no such regular file.
  std::optional<file_identity> identity(std::string_view name) const;
  /// The same in one call, but a folder on the way may be a link out of the tree:
  /// for who compares it with an identity that is known to be of a file in it.
  std::optional<file_identity> glance(const std::string& name) const;
  /// Puts a file, making missing folders. Synced: the file and every folder
  /// above it, up to the tree.
  result<void> put(std::string_view name, std::string_view content, durability d) const;
  /// Gives the file `from` a second name; whatever had that name is replaced.
  /// Where files cannot have two names the second is a synced copy.
  result<void> link(std::string_view from, std::string_view to) const;
  /// Removing what is not there is no error.
  result<void> remove(std::string_view name) const;
  /// The two halves of put: the bytes now, the name later. A staged file that
  /// is never placed is litter, see 2 above.
  result<std::string> stage(std::string_view content, durability d, std::string_view name) const;
  result<void> place(const std::string& staged, std::string_view name) const;
  void discard(const std::string& staged) const noexcept;
  /// Keeps the first bytes of a file and writes `text` behind them; with
  /// nothing expected the file is made. Errors: corrupt if its size is not the
  /// expected one: somebody else wrote to it.
  struct tail {
    std::uint64_t expect = 0; ///< Size that the file must have; 0: or be missing.
    std::uint64_t keep = 0;   ///< At most `expect`.
  };
  result<void> write_tail(std::string_view name, tail t, std::string_view text) const;
  result<void> make_folder(std::string_view name) const;
  /// Names in a folder of the tree, sorted; none if it is not there.
  struct entry {
    std::string name;
    enum class kind : std::uint8_t { file, folder, link, other } is = kind::other;
  };
  result<std::vector<entry>> list(std::string_view name) const;
  /// Whether there is a folder of this name (and no symlink).
  bool has_folder(std::string_view name) const;
  /// Makes everything on the tree's file system durable.
  result<void> sync_file_system() const;

private:
  result<unique_fd> folder_above(std::string_view name) const;
  result<void> sync(int fd, std::string_view name) const;

  sync_seam seam_;
  unique_fd root_;
  unique_fd staging_;
  /// Several threads may stage at once; behind a pointer, for it does not move.
  std::unique_ptr<std::atomic<std::uint64_t>> staged_ =
      std::make_unique<std::atomic<std::uint64_t>>(0);
};

/// Recorded files of one task, whose folder is opened once for all that are read.
class recorded_files {
public:
  explicit recorded_files(std::filesystem::path task_folder);
  /// As read_recorded().
  result<std::string> read(std::string_view ledger_path, std::string_view digest) const;

private:
  std::filesystem::path name_;
  result<tree> folder_;
};

} // namespace ledger::disk
