// trees.hpp -- what the offline provider asks of git's trees.
//
// A *deed* is what a block asks for: a patch, or a commit's change taken back. To
// *try* it on a tree is to compute what it makes of it, without a checkout. It is
// *contained* if the tree already is what it wants: a patch that does not apply,
// but its reverse does.
//
// Everything here blocks.

#pragma once

#include "providers/git.hpp"
#include "providers/offline/patch.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace providers::offline {

struct attempt {
  enum class end : std::uint8_t { applies, contained, no } how = end::no;
  std::string tree; ///< Unless no.
  std::string why;  ///< If no: git's words.
};

struct deed {
  std::string patch; ///< Of a revert: what it is on the tree of the commit itself.
  std::string undone_tree, restored_tree; ///< Of a revert: the commit's, its parent's.
  std::string problem;                    ///< Why it is none; empty: it is one.
};

/// Errors: unavailable.
ledger::result<deed> deed_of(const git& g, const prompt_block& block);

/// Tries a patch on `tree`, also with CRLF where the files there have it; takes a
/// change back by a three-way merge, as git revert does. Errors: unavailable.
ledger::result<attempt> try_deed(const git& g, std::string_view tree, const deed& d);

} // namespace providers::offline
