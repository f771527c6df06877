// beneath.hpp -- reading in a worktree that anybody may have prepared.
//
// The counterpart of worktree_files.hpp, which writes.
//
//   1. No path leads through a symlink or out of the folder, however its parts
//      are swapped meanwhile (openat2).
//   2. Only regular files with a single name are read: a pipe would never end,
//      a device is none of ours, and a hard link may be a file of somebody else.
//
// Errors: not_found; refused (something unsafe stands there, or the file is too
// large), in words for a model; unavailable.

#pragma once

#include "ledger/result.hpp"
#include "providers/descriptor.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace providers::tools {

/// Most bytes of a file that any tool looks into.
inline constexpr std::uint64_t file_bytes_max = 4 * 1024 * 1024;

enum class standing : std::uint8_t { nothing, file, folder };

class beneath {
public:
  static ledger::result<beneath> open(const std::filesystem::path& folder);

  ledger::result<std::string> read(const std::string& path) const;
  /// What stands at `path`. Errors: refused, if a link, a pipe or the like stands
  /// there or on the way, or a file where a folder should be.
  ledger::result<standing> look_at(const std::string& path) const;

private:
  explicit beneath(descriptor root)
      : root_(std::move(root)) {}
  descriptor root_;
};

} // namespace providers::tools
