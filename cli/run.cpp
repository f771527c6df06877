#include "cli/run.hpp"

#include "cli/base_check.hpp"
#include "cli/batch.hpp"
#include "cli/summary.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace cli {

namespace {

using ledger::fault;

started<void> base_is_green(const batch_options& o, batch& b) {
  auto base = check_base(*b.plan, b.ledger->journal, *b.with.checks);
  if (!base)
    return not_now(base.error().kind == fault::lost ? exit_code::not_writable : exit_code::usage,
                   "the checks could not run on the base: " + base.error().detail);
  if (base->green)
    return {};
  auto why = fmt::format("the checks are red on the base ({}): {}; see {}",
                         b.plan->config.repo.base, base->why, base->log_path);
  if (!o.allow_red_base)
    return not_now(exit_code::usage, why
                                         + "; mend the base first, or begin all the same with "
                                           "--allow-red-base (every task must still end green)");
  b.log->notice(why + "; going on as told (--allow-red-base)");
  return {};
}

/// The states of all that this run selected, as the ledger has them now.
void complete_summary(batch_summary& sum, const actors::batch_report& report, const selection& sel,
                      const ledger::disk::journal& journal) {
  sum.lost = report.lost;
  for (auto& [task, why] : report.damaged)
    sum.damaged.emplace_back(task, why);
  std::set<std::string> known;
  for (auto& s : report.ended) {
    sum.tasks.push_back(*s);
    known.insert(s->task);
  }
  for (auto& t : sel.to_run) {
    auto* records = journal.records_of(t.prompt->task);
    if (!records || known.count(t.prompt->task) != 0)
      continue;
    if (auto s = ledger::fold(t.prompt->task, *records))
      sum.tasks.push_back(std::move(*s));
  }
  std::sort(sum.tasks.begin(), sum.tasks.end(), [](auto& a, auto& b) { return a.task < b.task; });
}

/// The records on disk, read without the journal that may be at work.
ledger::disk::snapshot snapshot_of(const preflight& p) {
  auto keys = ledger::disk::keyring::open_public(p.place.state_dir, p.place.repo_id);
  auto found = ledger::disk::read_snapshot(p.place.ledger_root, keys);
  return found ? std::move(*found) : ledger::disk::snapshot{};
}

/// For an interrupted run: where each task that it selected stands.
void add_states_on_disk(batch_summary& sum, const preflight& p, const selection& sel) {
  auto found = snapshot_of(p);
  for (auto& t : sel.to_run)
    if (auto it = found.tasks.find(t.prompt->task); it != found.tasks.end())
      if (auto s = ledger::fold(t.prompt->task, it->second.records))
        sum.tasks.push_back(std::move(*s));
}

std::set<std::string> branches_of(const preflight& p) {
  auto refs = p.place.repository->refs_below(ledger::branch_prefix);
  return refs ? std::set<std::string>(refs->begin(), refs->end()) : std::set<std::string>{};
}

exit_code dry_run(const preflight& p, std::ostream& out) {
  auto found = snapshot_of(p);
  auto chains = [&](const std::string& task) {
    auto it = found.tasks.find(task);
    return it == found.tasks.end() ? std::vector<ledger::record>{} : it->second.records;
  };
  out << forecast(p, select_tasks(p, chains, found.damages, branches_of(p)));
  return exit_code::all_done;
}

/// From the lock to the last record. `b` holds the plan.
started<batch_summary> run_locked(const batch_options& o, batch& b, const seams& s,
                                  std::ostream& err) {
  auto opened = open_ledger(*b.plan, s);
  if (!opened)
    return tl::make_unexpected(opened.error());
  b.ledger = std::move(*opened);
  auto& journal = b.ledger->journal;
  b.log = std::make_unique<batch_log>(b.plan->place.ledger_root, b.plan->secrets, err, o.json_log);
  for (auto& line : journal.healed())
    b.log->notice(line);
  auto chains = [&](const std::string& task) {
    auto* records = journal.records_of(task);
    return records ? *records : std::vector<ledger::record>{};
  };
  auto sel = select_tasks(*b.plan, chains, journal.damages(), branches_of(*b.plan));
  auto sum = sel.summary;
  if (sel.to_run.empty())
    return sum;
  if (auto ok = open_tools(b); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = base_is_green(o, b); !ok)
    return tl::make_unexpected(ok.error());
  b.log->show_progress_of(sel.to_run.size());
  auto report = run_actors(b, sel, sum.interrupted);
  if (sum.interrupted) {
    // The ledger's thread may still be writing: what is on disk counts.
    add_states_on_disk(sum, *b.plan, sel);
    return sum;
  }
  complete_summary(sum, report, sel, journal);
  b.with.files.reset(); // Removes the worktrees.
  return sum;
}

} // namespace

exit_code run_batch(const batch_options& o, const seams& s, std::ostream& out, std::ostream& err) {
  auto p = prepare_batch(o, s);
  if (!p) {
    err << "scheduler: " << p.error().detail << "\n";
    return exit_code::usage;
  }
  if (o.dry_run)
    return dry_run(**p, out);
  // Never destroyed (batch.hpp, 1): main leaves through _Exit.
  auto& b = *new batch;
  b.plan = std::move(*p);
  auto sum = run_locked(o, b, s, err);
  b.plan->place.children->close();
  if (b.log)
    b.log->finish();
  if (!sum) {
    err << "scheduler: " << sum.error().why << "\n";
    return sum.error().code;
  }
  if (o.json)
    out << summary_json(*sum) << "\n";
  else
    out << summary_table(*sum, b.plan->config);
  return exit_code_of(*sum);
}

} // namespace cli
