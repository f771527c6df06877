// folder_state.hpp -- what stands in a folder, to tell later what was touched.
//
// A *stamp* is what the kernel says of a file without reading it: its inode, size,
// mode, owner, and the times of its last change and last change of status. Nobody
// sets the latter but the kernel (and whoever sets its clock).
//
//   1. A file that was changed, replaced or removed since, or reached through
//      another folder, is *touched*. One that was not may be told as touched too.
//   2. The kernel's clock ticks a few hundred times a second. A file that was
//      written within the tick in which we looked is known by its content.
//   3. Where stamps cannot be relied upon (too many files, a clock that was set back,
//      times in whole seconds) nothing is `known`.
//   4. No link is followed, at any place of a path.
//
// Private to slot.cpp.

#pragma once

#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unordered_map>
#include <vector>

namespace providers {

class folder_state {
public:
  /// Looks at everything below `root`; once more, a tick of the clock later, where too
  /// much was written just now. Errors: unavailable.
  static ledger::result<folder_state> of(const std::filesystem::path& root);

  /// Looks again at what we may have changed ourselves since: these paths, the folders
  /// they lie in, and `.git`. False: nothing is known any more.
  bool renew(const std::filesystem::path& root, const std::vector<std::string>& paths);

  bool known() const noexcept { return known_; }

  struct differences {
    std::vector<std::string> touched; ///< Files, and folders with other permissions.
    std::vector<std::string> added;   ///< Files and folders that were not there, or not as such.
    bool of_git = false;              ///< Something in `.git` at the root, told apart.
  };
  /// What differs now, paths relative to the root. Errors: unavailable.
  ledger::result<differences> since(const std::filesystem::path& root) const;

  // Of what was there:
  bool is_file(const std::string& path) const;
  bool is_folder(const std::string& path) const;
  bool is_executable(const std::string& path) const;
  std::int64_t changed_ns(const std::string& path) const; ///< The time of its last change.

private:
  struct stamp {
    std::uint64_t device = 0, inode = 0, bytes = 0;
    std::uint32_t mode = 0, owner = 0, group = 0;
    std::int64_t changed_ns = 0, status_ns = 0;
    std::string sha256 = {}; ///< Of those that were written just now.
    static stamp in(const struct ::stat& s);
    bool same_as(const stamp& other) const noexcept;
    bool is_folder() const noexcept;
  };
  using stamps = std::unordered_map<std::string, stamp>;
  static ledger::result<folder_state> looked_at(const std::filesystem::path& root);
  /// Tells `see` of everything below `root`; at most one thing more than may be known.
  template <class See>
  static ledger::result<void> look(const std::filesystem::path& root, See see);
  void look_at(int root, const std::string& path);
  bool read_the_new(const std::filesystem::path& root, std::int64_t safe_ns);

  stamps all_;
  bool known_ = false;
  bool too_new_ = false; ///< A tick later their stamps would say more.
};

} // namespace providers
