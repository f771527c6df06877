// patch.hpp -- the blocks of a prompt that ask for a change, as text.
//
// A *block* is a fenced block with the info word `diff`, which holds a patch, or
// `revert`, which holds the id of a commit whose change is to be taken back. A
// *file part* is what a patch says about one file: its headers and hunks.
//
//   1. Paths are named as git would apply them (`-p1`), quoting undone.
//   2. A prompt with CRLF line ends (a paste from another system) is read as
//      if it had LF; fitted() gives a part CR again where its target has CRLF.
//
// Pure. Source: git-diff(1), "Generating patch text with -p"; git-apply(1).

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace providers::offline {

struct file_part {
  std::string old_path, new_path; ///< Empty: /dev/null.
  std::string text;               ///< The lines of this part.
  bool has_cr = false;            ///< A hunk line ends in CR.
  bool adds() const noexcept { return old_path.empty(); }
  bool deletes() const noexcept { return new_path.empty(); }
  bool renames() const noexcept { return !adds() && !deletes() && old_path != new_path; }
};

struct prompt_block {
  enum class kind : std::uint8_t { diff, revert } is = kind::diff;
  std::string text; ///< Of `revert` the id, or whatever stands in its place.
  bool operator==(const prompt_block&) const = default;
};

/// The blocks of a prompt, in order.
std::vector<prompt_block> blocks_in(std::string_view prompt);

/// The reason of the first line `refuse: reason` (letter case and indentation
/// aside) outside fences, or empty.
std::string refusal_in(std::string_view prompt);

std::vector<file_part> parts_of(std::string_view patch);

/// Every path that the parts touch, both sides of a rename, sorted, once.
std::vector<std::string> paths_of(const std::vector<file_part>& parts);

/// `patch` with CRLF on the hunk lines of each part whose target `is_crlf` and
/// whose own lines have no CR.
std::string fitted(std::string_view patch, const std::function<bool(std::string_view)>& is_crlf);

} // namespace providers::offline
