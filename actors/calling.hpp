// calling.hpp -- the blocking parts of a call, for an executor.
//
// A *case* is what a provider is asked about: the ledger's files, and the turns
// of the conversation so far. A *workplace* is what a conversation works with:
// its tools and, where the step writes or the provider works in one, a
// checkout.
//
//   1. A checkout is never a source of truth: taken up again, a conversation
//      gets a fresh one, and the calls that change files are done again in
//      their order (L9).
//   2. What a tool says is redacted before anybody sees it (L8).

#pragma once

#include "actors/services.hpp"
#include "ledger/drafts.hpp"
#include "ledger/state.hpp"

#include <memory>
#include <string>
#include <vector>

namespace actors {

struct call_case {
  std::shared_ptr<providers::request> request; ///< Without turns and worktree.
  std::string input_sha256;
  std::vector<providers::turn> turns; ///< As recorded; the last one without results.
};

struct workplace {
  std::shared_ptr<providers::lease> checkout; ///< Null: none is needed.
  std::string tree;                           ///< What it was.
  std::shared_ptr<providers::toolbox> tools;  ///< Null: there are none.
};

/// Reads the inputs of the step at hand against their digests (L2), and the
/// turns on record.
ledger::result<call_case> read_case(const services& w, const ledger::task_state& s);

/// A workplace for the conversation whose turns `r` has; sets r.worktree.
ledger::result<workplace> furnish(const services& w, const ledger::task_state& s,
                                  providers::request& r, bool in_checkout);

/// Runs the calls of `t` and fills its results: as many as the limits of a
/// conversation leave room for, the others are told that they were not run.
ledger::result<void> run_tools(const services& w, const ledger::task_state& s, const workplace& at,
                               providers::turn& t);

/// The worktree as a tree. Its diff is free of secrets, or not filed at all (L8).
ledger::result<void> take_tree(const services& w, const ledger::task_state& s,
                               const workplace& from, ledger::answering& into);

/// Whether a step that writes nothing left its checkout as it was.
ledger::result<bool> is_untouched(const ledger::task_state& s, const workplace& at);

/// Every text of a turn, redacted.
providers::turn redacted(const services& w, providers::turn t);

} // namespace actors
