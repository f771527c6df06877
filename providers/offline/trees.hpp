// trees.hpp -- what the offline provider asks of git's trees.
//
// To *try* a patch on a tree is to compute what it makes of it, without a
// checkout. A patch is *contained* if it does not apply but its reverse does:
// the tree already is what the patch wants.
//
// Everything here blocks.

#pragma once

#include "providers/git.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace providers::offline {

struct attempt {
  enum class end : std::uint8_t { applies, contained, no } how = end::no;
  std::string tree; ///< Unless no.
  std::string why;  ///< If no: git's words.
};

/// Tries `patch` on `tree`, also with CRLF where the files there have it.
/// Errors: unavailable.
ledger::result<attempt> try_patch(const git& g, std::string_view tree, std::string_view patch);

/// The contents of blobs, in the order of `ids`, with as few git processes as
/// their sizes allow. Errors: not_found, unavailable.
ledger::result<std::vector<std::string>> read_blobs(const git& g,
                                                    const std::vector<std::string>& ids);

/// Writes into `folder` what `changes` (of two trees) say: new content, modes,
/// deletions. No path leads through a symlink or out of the folder. Errors:
/// refused (a symlink or gitlink is asked for, or stands in the way),
/// unavailable.
ledger::result<void> write_changes(const git& g, const std::filesystem::path& folder,
                                   const std::vector<ledger::change>& changes);

} // namespace providers::offline
