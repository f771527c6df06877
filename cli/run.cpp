#include "cli/run.hpp"

#include "cli/base_check.hpp"
#include "cli/batch.hpp"
#include "cli/causes.hpp"
#include "cli/forecast.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/read_config.hpp"
#include "cli/summary.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <ostream>
#include <sys/resource.h>

namespace cli {

namespace {

using ledger::fault;

/// More than that nobody needs, and a child that closes all it might have open
/// would be at it for long.
constexpr rlim_t descriptors_max = 65536;

/// The usual 1,024 are soon used up where many tasks run at once. Children
/// inherit it.
void raise_descriptor_limit() {
  rlimit now{};
  if (::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= descriptors_max)
    return;
  now.rlim_cur = std::min(now.rlim_max, descriptors_max);
  ::setrlimit(RLIMIT_NOFILE, &now); // What cannot be had is not needed yet.
}

/// "test, lint": the checks that have a command.
std::string check_names(const ledger::checks_config& c) {
  std::string names;
  auto add = [&](std::string_view name, const ledger::check_config& check) {
    if (!check.command.empty() && !check.none())
      names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  };
  add("setup", c.setup);
  add("test", c.test);
  add("lint", c.lint);
  add("schema_drift", c.schema_drift);
  return names;
}

started<void> base_is_green(const batch_options& o, batch& b) {
  auto& p = *b.plan;
  auto base_name = fmt::format("base  {}", p.base.substr(0, 12));
  if (is_known_green(p, b.ledger->journal)) {
    b.log->say(base_name + ": the checks are green, as an earlier run found");
    return {};
  }
  auto work = fmt::format("{}: checking: {}", base_name, check_names(p.config.checks));
  b.log->say(work);
  b.log->show(work);
  auto base = check_base(p, b.ledger->journal, *b.with.checks);
  if (!base)
    return not_now(base.error().kind == fault::lost ? exit_code::not_writable : exit_code::usage,
                   "the checks could not run on the base: " + base.error().detail);
  if (base->green) {
    b.log->say(base_name + ": the checks are green");
    return {};
  }
  auto why = fmt::format("the checks are red on the base ({}): {}; see {}", p.config.repo.base,
                         base->why, base->log_path);
  if (!o.allow_red_base)
    return not_now(exit_code::usage, why
                                         + "; mend the base first, or begin all the same with "
                                           "--allow-red-base (every task must still end green)");
  b.log->tell(why + "; going on as told (--allow-red-base)");
  return {};
}

/// The states of all that this run selected, as the ledger has them now.
void complete_summary(batch_summary& sum, const actors::batch_report& report, const selection& sel,
                      const ledger::disk::journal& journal) {
  sum.lost = report.lost;
  for (auto& [task, why] : report.damaged)
    sum.damaged.emplace_back(task, why);
  for (auto& [task, why] : report.blocked)
    sum.left_out.push_back({task + ".md", "dependency", "it " + why});
  std::set<std::string> known;
  for (auto& s : report.ended)
    known.insert(s->task);
  // Those that rested until an order set them going.
  std::erase_if(sum.tasks, [&](auto& t) { return known.count(t.task) != 0; });
  for (auto& s : report.ended)
    sum.tasks.push_back(*s);
  for (auto& t : sel.to_run) {
    if (known.count(t.prompt->task) != 0)
      continue;
    auto* records = journal.records_of(t.prompt->task);
    if (!records || records->empty()) // What cannot be read is told as damage.
      continue;
    if (auto s = ledger::fold(t.prompt->task, *records))
      sum.tasks.push_back(std::move(*s));
  }
  std::sort(sum.tasks.begin(), sum.tasks.end(), [](auto& a, auto& b) { return a.task < b.task; });
}

/// For a run that ended early: where each task that it selected stands.
void add_states_on_disk(batch_summary& sum, const preflight& p, const selection& sel) {
  auto keys = ledger::disk::keyring::open_public(p.place.state_dir, p.place.repo_id);
  auto found = ledger::disk::read_snapshot(p.place.ledger_root, keys);
  if (!found) {
    if (sum.lost.empty())
      sum.lost = "where the tasks stand cannot be read: " + found.error().detail;
    return;
  }
  std::map<std::string, ledger::task_state> now;
  for (auto* part : {&sel.to_run, &sel.resting})
    for (auto& t : *part)
      if (auto it = found->tasks.find(t.prompt->task); it != found->tasks.end())
        if (auto s = ledger::fold(t.prompt->task, it->second.records))
          now.emplace(t.prompt->task, std::move(*s));
  std::erase_if(sum.tasks, [&](auto& t) { return now.count(t.task) != 0; });
  for (auto& [task, s] : now)
    sum.tasks.push_back(std::move(s));
  std::sort(sum.tasks.begin(), sum.tasks.end(), [](auto& a, auto& b) { return a.task < b.task; });
}

ledger_facts facts_of(const ledger::disk::journal& journal, std::set<std::string> branches) {
  ledger_facts known;
  known.chain_of = [&journal](const std::string& task) {
    auto* records = journal.records_of(task);
    return records ? *records : std::vector<ledger::record>{};
  };
  known.tasks = journal.tasks();
  known.damages = journal.damages();
  known.branches = std::move(branches);
  return known;
}

std::unique_ptr<batch_log> open_log(const batch_options& o, const preflight& p, std::ostream& err) {
  log_style style;
  style.json = o.json_log;
  style.quiet = o.quiet;
  style.words.builds = !ledger::build_command_of(p.config.deploy).empty();
  style.words.deploys = p.config.deploy.kind != ledger::deploy_kind::none;
  return std::make_unique<batch_log>(p.place.ledger_root, p.secrets, err, style);
}

/// The longest name that lines are aligned to: one very long one is no reason
/// to push all others away.
std::size_t name_columns(const selection& sel) {
  std::size_t columns = 0;
  for (auto& t : sel.to_run)
    columns = std::max(columns, std::min<std::size_t>(t.prompt->task.size(), 40));
  return columns;
}

/// A batch that a signal or a lost ledger ended. Actors and the ledger's thread
/// are where they are: only what is on disk counts.
void sum_up_early(batch_summary& sum, batch& b, const selection& sel,
                  const actors::batch_report& report) {
  end_early(b);
  sum.lost = report.lost;
  for (auto& [task, why] : report.damaged)
    sum.damaged.emplace_back(task, why);
  add_states_on_disk(sum, *b.plan, sel);
}

/// Says what Ctrl-C does from now on.
void hear(end_signal& end, batch& b, std::function<void(const std::string&)> tell) {
  end.upon(
      [&b, tell] {
        tell("ending: nothing new is begun, what runs is ended (a few seconds)");
        end_early(b);
      },
      [tell] { tell("the run is ending already; all that is recorded is kept"); });
}

/// From the lock to the last record. `b` holds the plan; `sum` has what is known
/// also if the batch ends early.
started<void> run_locked(const batch_options& o, batch& b, const seams& s, bool on_errand,
                         end_signal& end, std::ostream& err, batch_summary& sum) {
  auto opened = open_ledger(*b.plan, s);
  if (!opened)
    return tl::make_unexpected(opened.error());
  b.ledger = std::move(*opened);
  auto& journal = b.ledger->journal;
  b.log = open_log(o, *b.plan, err);
  hear(end, b, [log = b.log.get()](const std::string& sentence) { log->tell(sentence); });
  if (auto ok = keep_identity(b.plan->place); !ok)
    return not_now(exit_code::not_writable, ok.error().detail);
  if (auto& from = b.plan->place.who.moved_from; !from.empty())
    b.log->tell("the repository was moved here from " + from + "; its keys go with it");
  for (auto& line : journal.healed())
    b.log->tell(line);
  for (auto& prompt : b.plan->prompts.prompts)
    if (!prompt.notice.empty())
      b.log->tell(prompt.path.filename().string() + ": " + prompt.notice);
  auto branches = task_branches(*b.plan);
  if (!branches)
    return not_now(exit_code::usage, branches.error().detail);
  auto known = facts_of(journal, std::move(*branches));
  auto sel = select_tasks(*b.plan, known);
  sum = sel.summary;
  if (sel.to_run.empty())
    return {};
  auto ready = open_tools(b);
  if (ready)
    ready = open_trunk(b, sel);
  if (ready && !on_errand) // Whatever the base is like, that is what is to change.
    ready = base_is_green(o, b);
  if (end.came()) { // Whatever they found: their children were ended.
    sum_up_early(sum, b, sel, {});
    return {};
  }
  if (!ready)
    return ready;
  auto till = prepare_till(b, sel, known);
  if (!till)
    return tl::make_unexpected(till.error());
  b.log->expect(sel.to_run.size(), name_columns(sel));
  b.log->show({});
  auto report = run_actors(b, sel, std::move(*till), end);
  if (end.came() || !report.lost.empty()) {
    sum_up_early(sum, b, sel, report);
    return {};
  }
  complete_summary(sum, report, sel, journal);
  // Removes the worktrees. Not under work that an order cut off: it may go on, and
  // the next start removes what it leaves.
  if (!report.left_at_work)
    b.with.files.reset();
  return {};
}

/// The end of a batch that found nothing to summarise.
exit_code refused(const batch_options& o, const early_end& end, std::ostream& out) {
  if (o.json) {
    batch_summary sum;
    sum.ended_early = end;
    out << summary_json(sum) << "\n";
  }
  return end.code;
}

} // namespace

exit_code run_batch(const batch_options& o, const seams& s, std::ostream& out, std::ostream& err,
                    const errand* e) {
  raise_descriptor_limit();
  // Whoever reads what we print may go away; the batch stays.
  std::signal(SIGPIPE, SIG_IGN);
  auto& end = end_signal::begin();
  end.upon(
      [&err] {
        err << "scheduler: interrupted; nothing was begun" << std::endl;
        std::_Exit(static_cast<int>(exit_code::interrupted));
      },
      {});
  auto p = prepare_batch(o, s, e);
  if (!p) {
    auto& why = p.error();
    err << (why.code == no_config_code ? why.detail : complaint(why.detail));
    return refused(o, {exit_code::usage, why.detail}, out);
  }
  if (o.dry_run)
    return dry_run(**p, o.json, out, err);
  // Never destroyed (batch.hpp, 1): main leaves through _Exit.
  auto& b = *new batch;
  b.plan = std::move(*p);
  hear(end, b, [&err](const std::string& sentence) { err << complaint(sentence) << std::flush; });
  batch_summary sum;
  auto done = run_locked(o, b, s, e != nullptr, end, err, sum);
  sum.interrupted = end.came();
  if (sum.interrupted) // Whatever failed: its children were ended.
    done = {};
  b.plan->place.children->close();
  if (!done && b.log)
    b.log->tell(done.error().why);
  else if (!done)
    err << complaint(done.error().why);
  if (b.log)
    b.log->finish();
  if (!done)
    sum.ended_early = early_end{done.error().code, done.error().why};
  // Nothing else is known: of the prompts here none was ever a task.
  if (!done && sum.tasks.empty() && sum.left_out.empty() && sum.damaged.empty()
      && sum.absent.empty())
    return refused(o, *sum.ended_early, out);
  for (auto& t : sum.tasks)
    if (t.is == ledger::status::parked || t.is == ledger::status::stopped)
      sum.evidence[t.task] = b.plan->secrets.redact(evidence_of(t, b.plan->place.ledger_root));
  if (o.json)
    out << summary_json(sum) << "\n";
  else
    out << summary_table(sum, b.plan->config);
  if (b.control) // Whoever asked until now was told that the run is ending.
    b.control->close();
  return exit_code_of(sum);
}

} // namespace cli
