// batch.hpp -- what a running batch holds on to.
//
// A *batch* is the preflight, the opened ledger with the repository's lock, the
// tools (worktrees, checks, deploys), the services that the actors share, and
// the actor system. Opening goes in the order of the promises: lock (exit 4),
// ledger (5, 6), tools (2).
//
//   1. Nothing here is destroyed while an actor or a thread may use it: a batch
//      that ended early (a signal, a lost ledger) is left to the end of the
//      process.
//   2. While the actors run it takes a person's orders (control_server.hpp); once
//      they have ended, whoever gives one is told to try again.
//   3. Ended early, the ledger is shut before any child is killed, so that no
//      task is blamed for it; where the tasks stand is then read from the disk.

#pragma once

#include "actors/services.hpp"
#include "actors/supervisor.hpp"
#include "cli/batch_log.hpp"
#include "cli/control_server.hpp"
#include "cli/exit_code.hpp"
#include "cli/preflight.hpp"
#include "cli/run_money.hpp"
#include "cli/selection.hpp"
#include "cli/signals.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/lock.hpp"

#include <iosfwd>
#include <memory>
#include <string>

namespace cli {

/// Why a batch did not start, and the exit code that it means.
struct not_started {
  exit_code code;
  std::string why;
};
template <class T>
using started = tl::expected<T, not_started>;

inline tl::unexpected<not_started> not_now(exit_code code, std::string why) {
  return tl::make_unexpected(not_started{code, std::move(why)});
}

struct opened_ledger {
  ledger::disk::repository_lock lock;
  ledger::disk::journal journal;
};

struct tools {
  std::unique_ptr<providers::workspace> files;
  std::unique_ptr<providers::checker> checks;
  std::unique_ptr<providers::deployer> deploy;
  std::unique_ptr<providers::trunk> trunk;            ///< Null without a landing branch.
  std::unique_ptr<providers::pull_requests> requests; ///< Null without landing.mode = "pr".
  std::unique_ptr<providers::thread_pool> jobs;
};

struct batch {
  std::unique_ptr<control_server> control; ///< Null: it takes no orders.
  std::unique_ptr<preflight> plan;
  std::unique_ptr<opened_ledger> ledger;
  std::unique_ptr<batch_log> log;
  tools with;
  actors::writing_gate gate;
  actors::seats room{actors::usual_seats};
  actors::services world;
};

/// Shuts the ledger, then ends the children. May be called twice.
void end_early(batch& b);

/// Takes the lock and opens the ledger for writing.
started<std::unique_ptr<opened_ledger>> open_ledger(const preflight& p, const seams& s);

/// Opens the tools of a batch whose ledger is open, and fills its services.
started<void> open_tools(batch& b);

/// After open_tools: what landings of a killed run left undone is done, and the
/// landing branch can be moved; or the remote of the pull requests answers.
started<void> open_trunk(batch& b, const selection& s);

/// What the TURNSTILE begins with. Errors: those of the ledger.
started<actors::till> prepare_till(batch& b, const selection& s, const ledger_facts& known);

/// Runs the actors until all tasks have ended, the ledger is lost (the report
/// says so) or a signal came.
actors::batch_report run_actors(batch& b, const selection& s, actors::till till, end_signal& end);

} // namespace cli
