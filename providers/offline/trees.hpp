// trees.hpp -- what the offline provider asks of git's trees.
//
// To *try* a patch on a tree is to compute what it makes of it, without a
// checkout. A patch is *contained* if it does not apply but its reverse does:
// the tree already is what the patch wants.
//
// Everything here blocks.

#pragma once

#include "providers/git.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace providers::offline {

struct attempt {
  enum class end : std::uint8_t { applies, contained, no } how = end::no;
  std::string tree; ///< Unless no.
  std::string why;  ///< If no: git's words.
};

/// Tries `patch` on `tree`, also with CRLF where the files there have it.
/// Errors: unavailable.
ledger::result<attempt> try_patch(const git& g, std::string_view tree, std::string_view patch);

} // namespace providers::offline
