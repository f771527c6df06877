// index_store.hpp -- what indexes of trees came to, kept for whoever asks next.
//
// All tasks of a batch share a base, and each patch is tried twice: when it is
// decided on and when it is carried out.
//
//   1. An index is a function of its tree's id alone: it knows of no files.
//   2. What tree a patch makes of another never changes, but that tree may go (gc):
//      who is told of it looks whether it is whole.
//   3. Both are bounded in number, and go with this object.
//
// Thread-safe. Private to git*.cpp.

#pragma once

#include "providers/scratch_folder.hpp"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace providers {

class index_store {
public:
  /// Puts the index of `tree` at `to`; false: it is not known.
  bool copy(const std::string& tree, const std::filesystem::path& to);
  /// Remembers the one at `from`, if it can: nobody depends on it.
  void keep(const std::string& tree, const std::filesystem::path& from);

  /// Empty: not known.
  std::string made_of(std::string_view base_tree, std::string_view patch);
  void remember(std::string_view base_tree, std::string_view patch, const std::string& tree);

private:
  std::mutex mutex_;
  std::optional<scratch_folder> folder_;
  std::deque<std::pair<std::string, std::filesystem::path>> kept_; ///< By tree, newest first.
  std::uint64_t last_ = 0;
  std::deque<std::pair<std::string, std::string>> made_; ///< By digest, newest first.
};

} // namespace providers
