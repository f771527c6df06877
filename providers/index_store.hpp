// index_store.hpp -- what indexes of trees came to, kept for whoever asks next.
//
// All tasks of a batch share a base, and each patch is tried twice: when it is
// decided on and when it is carried out.
//
//   1. An index is a function of its tree's id alone: it knows of no files.
//   2. What tree a patch makes of another never changes, but that tree may go (gc):
//      who is told of it looks whether it is whole.
//   3. Both are bounded in number. Indexes are files in a folder of whoever lends one;
//      without one none is kept.
//
// Thread-safe. Private to git*.cpp.

#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace providers {

class index_store {
public:
  /// Keeps indexes in `folder` from now on, as files `index-kept-N`, and removes those
  /// that it has kept elsewhere. Empty: keeps none.
  void keep_in(const std::filesystem::path& folder);
  /// Puts the index of `tree` at `to`; false: it is not known.
  bool copy(const std::string& tree, const std::filesystem::path& to);
  /// Remembers the one at `from`, if it can: nobody depends on it.
  void keep(const std::string& tree, const std::filesystem::path& from);

  /// Empty: not known.
  std::string made_of(std::string_view base_tree, std::string_view patch);
  void remember(std::string_view base_tree, std::string_view patch, const std::string& tree);

private:
  std::mutex mutex_;
  std::filesystem::path folder_;
  std::deque<std::pair<std::string, std::filesystem::path>> kept_; ///< By tree, newest first.
  std::uint64_t last_ = 0;
  std::deque<std::pair<std::string, std::string>> made_; ///< By digest, newest first.
};

} // namespace providers
