// commit_of.hpp -- the commit that an intent describes.
//
// The RUNNER makes it; the SUPERVISOR recognises by it a branch that a killed
// run moved before the receipt was written.

#pragma once

#include "ledger/state.hpp"
#include "providers/git.hpp"

namespace actors {

/// The same intent gives the same commit id however often it is made (L9).
inline providers::commit_spec commit_of(const ledger::delivery& intent) {
  providers::commit_spec c;
  c.tree = intent.tree;
  c.parent = intent.parent;
  c.message = intent.message;
  auto at = intent.identity.find(" <");
  c.name = intent.identity.substr(0, at);
  if (at != std::string::npos)
    c.email = intent.identity.substr(at + 2, intent.identity.size() - at - 3);
  c.time_s = intent.time_s;
  return c;
}

} // namespace actors
