#include "cli/held_order.hpp"

#include "cli/damage_help.hpp"
#include "cli/ledger_view.hpp"
#include "cli/wall_clock.hpp"
#include "ledger/disk/evidence.hpp"
#include "ledger/disk/lock.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace cli {

namespace {

using ledger::fault;
using ledger::task_state;

tl::unexpected<not_done> no(const ledger::failure& f) {
  return cli::no(code_of(f), f.detail);
}

/// The ledger with one task in it, held under the repository's lock.
struct held_task {
  ledger::disk::repository_lock lock;
  ledger::disk::journal journal;
  task_state state;
};

attempt<void> ledger_is_there(const place& p, const std::string& task) {
  std::error_code e;
  if (std::filesystem::is_directory(p.ledger_root, e))
    return {};
  // Opening the journal would make an empty ledger over what is lost.
  auto view = look_at_ledger(p, ledger::disk::keyring::open_public(p.state_dir, p.repo_id));
  if (!view)
    return no(view.error());
  if (!view->damages.empty()) {
    auto& d = view->damages.front();
    return cli::no(exit_code::damaged, d.task + ": " + d.file + ": " + d.why);
  }
  return cli::no(
      exit_code::usage,
      fmt::format("there is no ledger yet, so no task {}: `scheduler --tasks DIR` opens one",
                  task));
}

/// Knows the task, and its records and files are sound enough to go on.
attempt<task_state> state_in(const ledger::disk::journal& journal, const trace_places& at,
                             const std::string& task) {
  for (auto& d : journal.damages())
    if (d.task == task || d.task.empty())
      return cli::no(exit_code::damaged, fmt::format("{}: {}: {}\nremedy: {}", task, d.file, d.why,
                                                     damage_remedy(at, d.task)));
  auto* records = journal.records_of(task);
  if (!records || records->empty())
    return cli::no(exit_code::usage, unknown_task(task, journal.tasks()));
  auto state = ledger::fold(task, *records);
  if (!state)
    return cli::no(exit_code::damaged,
                   fmt::format("{}: {}: {}", task, ledger::path::journal, state.error().detail));
  return std::move(*state);
}

attempt<held_task> hold(const place& p, const std::string& task) {
  if (auto there = ledger_is_there(p, task); !there)
    return tl::make_unexpected(there.error());
  auto lock = ledger::disk::repository_lock::take(p.repository->common_dir());
  if (!lock)
    return cli::no(lock.error().code == "locked" ? exit_code::locked : exit_code::not_writable,
                   lock.error().detail);
  if (auto ok = may_write(p); !ok)
    return cli::no(exit_code::usage, ok.error().detail);
  auto keys = ledger::disk::keyring::open(p.state_dir, p.repo_id, false);
  if (!keys)
    return cli::no(keys.error().kind == fault::unavailable ? exit_code::not_writable
                                                           : exit_code::damaged,
                   keys.error().detail);
  ledger::disk::journal::options o;
  o.root = p.ledger_root;
  auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
  if (!journal)
    return no(journal.error());
  if (auto ok = keep_identity(p); !ok)
    return cli::no(exit_code::not_writable, ok.error().detail);
  auto state = state_in(*journal, traces_of(p), task);
  if (!state)
    return tl::make_unexpected(state.error());
  return held_task{std::move(*lock), std::move(*journal), std::move(*state)};
}

/// Records `d` durably; the state after it.
attempt<task_state> record(held_task& t, const trace_places& at, ledger::draft d) {
  auto after = t.state;
  auto done = t.journal.append_one({t.state.task, t.state.seq, {std::move(d)}});
  if (!done && done.error().code == "tampered") // A file that would move to old/.
    return cli::no(exit_code::damaged,
                   fmt::format("{}: {}\nremedy: {}", t.state.task, done.error().detail,
                               damage_remedy(at, t.state.task)));
  if (!done)
    return no(done.error());
  auto carried = ledger::fold(std::move(after), **done);
  if (!carried)
    return no(carried.error());
  if (auto closed = t.journal.close(); !closed)
    return no(closed.error());
  return std::move(*carried);
}

} // namespace

attempt<std::string> carry_out_held(const place& p, const ledger::person_order& o) {
  auto t = hold(p, o.task);
  if (!t)
    return tl::make_unexpected(t.error());
  auto seen = ledger::disk::collect_evidence(p.ledger_root / o.task, t->state, t->journal.keys(),
                                             t->state.config_digest);
  auto draft = ledger::draft_of_order(t->state, o, seen, wall_clock_ms());
  if (!draft)
    return no(draft.error());
  auto after = record(*t, traces_of(p), std::move(*draft));
  if (!after)
    return tl::make_unexpected(after.error());
  return ledger::words_of_order(*after, o, ledger::taken_up::by_next_run);
}

} // namespace cli
