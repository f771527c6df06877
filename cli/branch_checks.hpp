// branch_checks.hpp -- do the branches hold what the ledger says?
//
// An *intent* is the signed record that names a commit's tree, parent and
// message before it is made; a *receipt* is the record that names the commit.
//
//   1. A recorded commit must be there, with the tree, the parent and the
//      message of its intent, and with the tree that CLAUDE_FINAL_OK names.
//   2. A branch ai-gated/<TASK> points at the commit of the last receipt, or
//      at one that an intent without receipt names.
//   3. A branch that its user deleted, or put commits on top of, is no damage:
//      branches are theirs. It is noted; the commit must be there all the same.
//
// A fixed number of git processes, however many tasks there are, and one for
// each branch that does not point where it should. Writes nothing.

#pragma once

#include "cli/ledger_view.hpp"

#include <string>
#include <vector>

namespace cli {

struct branch_findings {
  std::vector<ledger::disk::damage> damages;
  std::vector<std::string> notes; ///< Sentences.
};

/// Of the named tasks (all, if empty; then also of branches that no task
/// explains). Errors: refused, unavailable.
ledger::result<branch_findings> check_branches(const place& p, const ledger_view& view,
                                               const std::vector<std::string>& tasks);

} // namespace cli
