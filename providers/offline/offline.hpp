// offline.hpp -- the provider without a model.
//
// The *prompt* carries the change as fenced `diff` blocks. The first is the
// *change*; block k+1 is *fix* k, applied on top of the candidate so far. All
// that a model would say (audit, decisions, plan, reviews) is computed from
// the repository at the task's base, the blocks, the checks' log and the
// candidate tree, never invented.
//
//   1. The same request gives the same answer: no times, no temporary paths.
//   2. Unclear means no: decide says NO if there is no block, the first does
//      not apply and is not contained, a path is protected, outside, or of a
//      kind that no scope allows, or a line `refuse: reason` stands outside
//      fences.
//   3. Nothing but the request's worktree is written, and never through a
//      symlink out of it.
//   4. Work is bounded: what was left unread in a large repository is said.
//
// Design, section 6. Runs on the context's blocking executor.

#pragma once

#include "providers/registry.hpp"

namespace providers::offline {

/// The factory of kind `offline`. It has no options. Errors: refused, naming
/// an option that was given.
ledger::result<std::unique_ptr<provider>> make(const provider_context& c, const std::string& name,
                                               const ledger::provider_config& config);

} // namespace providers::offline
