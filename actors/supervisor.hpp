// supervisor.hpp -- the SUPERVISOR: opens, admits, grants, restarts.
//
// A *batch* is what one run was given: the tasks it may open or take up. The
// supervisor admits at most limits.tasks_in_flight of them at a time, as
// admission.hpp says; it alone grants a step, after reading the contract files
// from disk; it watches every router and every TASK.
//
//   1. No step begins without its grant on record.
//   2. A gate that is closed ends the task (stopped), takes it back (reconfigured)
//      or leaves it to a person (awaiting); it never opens by itself.
//   3. What dies is started again with back-off; a task whose restarts exceed
//      the limit is parked, all others go on.
//   4. The batch is over when every task has ended, or the ledger is lost.
//   5. The routers end with the SUPERVISOR.
//   6. A person's order is carried out here and nowhere else. Of a task in flight it
//      ends the TASK: what its work comes to is refused as stale, and nothing
//      further begins. No batch is over while an order is.
//   7. Two tasks whose scopes overlap do not write code at the same time
//      (scope_table.hpp); with a landing branch the second one begins on what the
//      first one landed.
//   8. Nothing that a single task brings about (what it makes us throw, a ledger
//      of its own that is damaged) ends the SUPERVISOR or any other task.

#pragma once

#include "actors/protocol.hpp"
#include "actors/router.hpp"
#include "actors/services.hpp"
#include "ledger/prompt.hpp"
#include "ledger/rare.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace actors {

/// One task that a run may open or take up.
struct batch_item {
  std::string task;
  std::shared_ptr<const std::string> prompt;
  ledger::sparse<ledger::front_matter> front;
  ledger::sparse<std::string> front_error; ///< Not empty: opened and parked, naming the line.
  std::string base, base_tree;             ///< Used only if the task is opened now.
  bool resting = false;                    ///< Has ended, or waits: only a person sets it going.
  /// Tasks that have to be done before, and are not yet; all are in the batch.
  std::vector<std::string> after = {};
  /// Commits of those that were done before.
  std::vector<std::string> commits_before = {};
};

struct batch_report {
  std::vector<state_ptr> ended; ///< Each task once; of those at rest what an order changed.
  std::string lost;             ///< Not empty: why the ledger ended the run.
  /// Tasks whose ledger does not let them go on, with the reason.
  std::vector<std::pair<std::string, std::string>> damaged;
  /// Tasks that were not begun because one that they depend on did not get done.
  std::vector<std::pair<std::string, std::string>> blocked;
  bool left_at_work = false; ///< A task was ended in the midst of work, which may go on.
};

/// Children of each router, by role; `scheduler` is the RUNNER.
using router_factories = std::map<ledger::role, child_factory>;

/// Spawns the supervisor; tell it `begin`. `when_over` is called once, from an
/// actor's thread.
caf::actor spawn_supervisor(caf::actor_system& system, const services& s, ledger_writer writer,
                            router_factories routers, std::vector<batch_item> batch,
                            std::function<void(batch_report)> when_over);

} // namespace actors
