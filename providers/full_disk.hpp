// full_disk.hpp -- a full disk is nobody's fault but the disk's (L6).
//
// Work that fails because there is no space has taught us nothing about the
// change: it is `unavailable`, code disk_full_code, and is done again when
// somebody has freed some.

#pragma once

#include "ledger/disk/files.hpp"
#include "ledger/result.hpp"

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <sys/statvfs.h>

namespace providers {

/// With less than this left a file system counts as full, bytes.
inline constexpr std::uint64_t full_below_bytes = 8 * 1024 * 1024;

/// Why an operation on `where` failed, as `unavailable`.
inline tl::unexpected<ledger::failure>
cannot(std::string_view what, const std::filesystem::path& where, const std::error_code& e) {
  auto text = std::string(what) + " " + where.string() + ": " + e.message();
  const auto full =
      e == std::errc::no_space_on_device || e == std::error_code(EDQUOT, std::generic_category());
  if (full)
    return ledger::fail(ledger::fault::unavailable, text + "; free some space",
                        std::string(ledger::disk::disk_full_code));
  return ledger::fail(ledger::fault::unavailable, std::move(text));
}

/// Whether next to nothing can be written below `folder`: no bytes or no inodes
/// are left. False where that cannot be learnt.
inline bool is_full(const std::filesystem::path& folder) {
  struct statvfs s {};
  if (::statvfs(folder.c_str(), &s) != 0 || s.f_blocks == 0)
    return false;
  const auto bytes = static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
  return bytes < full_below_bytes || (s.f_files != 0 && s.f_favail == 0);
}

/// That `what` ended badly while `folder` was full.
inline tl::unexpected<ledger::failure> ended_on_a_full_disk(std::string_view what,
                                                            const std::filesystem::path& folder) {
  return ledger::fail(ledger::fault::unavailable,
                      std::string(what) + " failed while the disk of " + folder.string()
                          + " was full, so it says nothing; free some space",
                      std::string(ledger::disk::disk_full_code));
}

} // namespace providers
