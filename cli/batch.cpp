#include "cli/batch.hpp"

#include "actors/command_call.hpp"
#include "actors/ordering.hpp"
#include "actors/role_call.hpp"
#include "actors/writer.hpp"
#include "cli/damage_help.hpp"
#include "cli/ledger_view.hpp"
#include "cli/wall_clock.hpp"
#include "ledger/deploy_turns.hpp"
#include "ledger/detail.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>

namespace cli {

namespace {

using ledger::fault;

/// Which exit code a failure of the ledger means.
exit_code ledger_code(fault kind) {
  return kind == fault::unavailable || kind == fault::lost ? exit_code::not_writable
                                                           : exit_code::damaged;
}

/// Whether signed history exists: then a missing key is no reason for a new one.
bool has_history(const std::filesystem::path& root) {
  std::error_code ec;
  for (auto& entry : std::filesystem::directory_iterator(root, ec))
    if (entry.path().filename() != ledger::own_folder)
      return true;
  return false;
}

actors::services services_of(batch& b) {
  auto& p = *b.plan;
  actors::services w;
  w.config = p.config;
  w.config_digest = p.config_digest;
  w.ledger_root = p.place.ledger_root;
  w.keys = &b.ledger->journal.keys();
  w.secrets = p.secrets;
  w.files = b.with.files.get();
  w.checks = b.with.checks.get();
  w.deploy = b.with.deploy.get();
  w.trunk = b.with.trunk.get();
  w.requests = b.with.requests.get();
  w.players = p.players;
  w.tools = [repository = p.place.repository.get()](providers::tool_scope scope) {
    return providers::make_toolbox(*repository, std::move(scope));
  };
  w.quick = p.quick.get();
  w.jobs = b.with.jobs.get();
  w.gate = &b.gate;
  w.room = &b.room;
  w.now_ms = wall_clock_ms;
  w.on_record = [log = b.log.get()](const std::string& task, const ledger::record& r) {
    log->record(task, r);
  };
  w.on_notice = [log = b.log.get()](const std::string& sentence) { log->notice(sentence); };
  w.end_work = [children = p.place.children.get()](const std::string& task) {
    children->end(task);
  };
  return w;
}

std::vector<actors::batch_item> items_of(const preflight& p, const selection& s) {
  std::vector<actors::batch_item> items;
  for (auto* part : {&s.to_run, &s.resting})
    for (auto& t : *part)
      items.push_back({t.prompt->task, t.prompt->content, t.prompt->front, t.prompt->front_error,
                       p.base, p.base_tree, part == &s.resting, t.after, t.commits_before});
  return items;
}

/// What the person who gave an order is told.
control_answer answer_of(const trace_places& at, const std::string& task, const actors::told& t) {
  if (t)
    return {exit_code::all_done, *t, false};
  using enum actors::trouble::source;
  auto& [from, what] = t.error();
  auto text = what.detail;
  switch (from) {
    case ending:
      return {exit_code::locked, text, true};
    case tampered:
    case damaged:
      return {exit_code::damaged, text + "\nremedy: " + damage_remedy(at, task), false};
    case unwritten:
    case disk_full:
    case lost:
      return {exit_code::not_writable, text, false};
    case work:
      return {code_of(what), text, false};
    case died:
    case stale:
    case blocked:
      break;
  }
  return {exit_code::usage, text, false};
}

/// Orders go to the supervisor as long as it is there; after that nobody hears
/// them, which is an answer too.
control_server::taker orders_to(const batch& b, const caf::actor& supervisor) {
  return [at = traces_of(b.plan->place), supervisor](ledger::person_order o,
                                                     const control_server::answer_to& answer) {
    auto task = o.task;
    auto given = std::make_shared<actors::order_answer>(
        [answer, at, task](const actors::told& t) { answer(answer_of(at, task, t)); });
    actors::tell_from_outside(
        supervisor,
        actors::person_said{std::make_shared<const ledger::person_order>(std::move(o)), given});
  };
}

void take_orders(batch& b, const caf::actor& supervisor) {
  auto control = control_server::open(b.plan->place, orders_to(b, supervisor));
  if (control)
    b.control = std::move(*control);
  else
    b.log->tell("approve, retry and cancel cannot reach this run: " + control.error().detail);
}

/// Lives as long as the process: see the invariant of the header.
caf::actor_system& actor_system() {
  static auto* config = new caf::actor_system_config;
  static auto* system = [] {
    actors::configure(*config);
    return new caf::actor_system(*config);
  }();
  return *system;
}

/// Asks for a last checkpoint. Why it failed; empty: it did not, or the run is
/// ending.
std::string close_ledger(const actors::ledger_writer& writer) {
  auto& system = actor_system();
  std::string lost;
  caf::scoped_actor self{system};
  actors::ask(self.ptr(), writer, std::chrono::minutes(5), actors::close_request{})
      .receive(
          [&](const actors::outcome& o) {
            if (o.fault && o.fault->from != actors::trouble::source::ending)
              lost = o.fault->what.detail;
          },
          [&](const caf::error& e) { lost = actors::words(system, e); });
  return lost;
}

/// Whether a change of this run landed in an earlier one, and may deploy yet.
bool any_to_deploy(const selection& s) {
  auto landed = [](const selected_task& t) { return t.state.landed.has_value(); };
  return std::any_of(s.to_run.begin(), s.to_run.end(), landed)
         || std::any_of(s.resting.begin(), s.resting.end(), landed);
}

/// Whether a deploy was to production: its service says so, or it was made under
/// this run's configuration, of which [deploy] is a part.
bool was_to_production(const ledger::task_state& s, const preflight& p) {
  return s.out->context.empty() ? s.config_digest == p.config_digest
                                : s.out->context == p.config.deploy.context;
}

/// The last deploy to production of all that landed.
std::optional<ledger::live_deploy> live_now(const preflight& p,
                                            const ledger::disk::journal& journal) {
  std::string newest;
  std::optional<ledger::live_deploy> live;
  for (auto& task : journal.tasks()) {
    auto& records = *journal.records_of(task);
    auto deployed = std::find_if(records.rbegin(), records.rend(), [](auto& r) {
      return r.what == ledger::event::deployed && ledger::flag_at(r.detail, "ok");
    });
    if (deployed == records.rend() || deployed->time <= newest)
      continue;
    auto s = ledger::fold(task, {records.begin(), deployed.base()});
    bool counts = s && s->landed && was_to_production(*s, p);
    if (auto own = counts ? ledger::live_with(*s) : std::nullopt) {
      newest = deployed->time;
      live = std::move(own);
    }
  }
  return live;
}

} // namespace

started<std::unique_ptr<opened_ledger>> open_ledger(const preflight& p, const seams& s) {
  auto lock = ledger::disk::repository_lock::take(p.place.repository->common_dir());
  if (!lock)
    return not_now(lock.error().code == "locked" ? exit_code::locked : exit_code::not_writable,
                   lock.error().detail);
  if (auto ok = p.place.repository->exclude(fmt::format("/{}/", ledger::ledger_root)); !ok)
    return not_now(exit_code::not_writable, ok.error().detail);
  auto keys = ledger::disk::keyring::open(p.place.state_dir, p.place.repo_id,
                                          !has_history(p.place.ledger_root));
  if (!keys)
    return not_now(ledger_code(keys.error().kind), keys.error().detail);
  ledger::disk::journal::options o;
  o.root = p.place.ledger_root;
  o.hooks = s.hooks;
  o.helpers = ledger::disk::journal::usual_helpers();
  auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
  if (!journal)
    return not_now(ledger_code(journal.error().kind), journal.error().detail);
  return std::make_unique<opened_ledger>(opened_ledger{std::move(*lock), std::move(*journal)});
}

started<void> open_tools(batch& b) {
  auto& p = *b.plan;
  // We hold the lock of the repository: whatever stands there is of the dead.
  p.place.repository->drop_stale_locks(ledger::branch_prefix);
  if (auto ok = p.place.repository->needs_no_filter(p.base_tree); !ok)
    return not_now(exit_code::usage, ok.error().detail);
  auto at_once = p.config.limits.checks_at_once != 0 ? p.config.limits.checks_at_once
                                                     : std::thread::hardware_concurrency();
  at_once = std::max(at_once, 1u);
  providers::workspace_options o;
  o.folder = p.config.repo.worktrees.empty() ? p.place.cache_dir / "worktrees"
                                             : std::filesystem::path{p.config.repo.worktrees};
  // Whoever may run may have a checkout: nobody waits for a slot in vain.
  o.slots = p.config.limits.tasks_in_flight + at_once;
  auto files = providers::open_git_workspace(*p.place.repository, o);
  if (!files)
    return not_now(exit_code::usage, files.error().detail);
  b.with.files = std::move(*files);
  b.with.checks = providers::make_checker(p.config, *b.with.files, *p.place.children, p.secrets);
  b.with.deploy = providers::make_deployer({p.config, *b.with.files, *p.place.children,
                                            p.place.repository->top(), p.place.cache_dir / "built",
                                            p.secrets, p.web.get()});
  if (p.config.landing.mode == ledger::landing_mode::branch)
    b.with.trunk = providers::make_trunk(p.config, *p.place.repository, p.base);
  if (p.config.landing.mode == ledger::landing_mode::pr)
    b.with.requests =
        providers::make_pull_requests({p.config, *p.place.repository, *p.place.children,
                                       p.place.cache_dir / "pull-requests", p.secrets});
  b.with.jobs = std::make_unique<providers::thread_pool>(at_once);
  b.world = services_of(b);
  return {};
}

started<void> open_trunk(batch& b, const selection& s) {
  if (b.with.requests)
    if (auto ok = b.with.requests->reach(); !ok)
      return not_now(exit_code::usage, ok.error().detail);
  if (!b.with.trunk)
    return {};
  if (ledger::deploys_in_turn(b.plan->config) && any_to_deploy(s))
    b.world.live = live_now(*b.plan, b.ledger->journal);
  for (auto& t : s.to_run) {
    auto& out = *t.state.out;
    if (out.landing_to.empty() || out.landed)
      continue;
    if (auto held = b.with.trunk->holds(out.commit, out.landing_from); !held)
      return not_now(exit_code::usage, held.error().detail);
  }
  if (auto tip = b.with.trunk->tip(); !tip)
    return not_now(exit_code::usage, tip.error().detail);
  return {};
}

started<actors::till> prepare_till(batch& b, const selection& s, const ledger_facts& known) {
  auto till = open_till(*b.plan, s, known, b.ledger->journal, wall_clock_ms());
  if (!till)
    return not_now(ledger_code(till.error().kind), till.error().detail);
  return std::move(*till);
}

void end_early(batch& b) {
  b.gate.shut();
  b.plan->place.children->close();
}

actors::batch_report run_actors(batch& b, const selection& s, actors::till till, end_signal& end) {
  auto& system = actor_system();
  auto& w = b.world;
  auto writer = actors::spawn_writer(system, b.ledger->journal, w, true);
  auto gate = actors::spawn_turnstile(system, w, std::move(till));
  actors::router_factories routers;
  for (auto r : {ledger::role::gemini, ledger::role::claude, ledger::role::codex})
    routers[r] = actors::role_calls(w, writer, gate, r);
  routers[ledger::role::scheduler] = actors::command_calls(w, writer);

  // Whoever tells first: after that nobody writes to the report.
  auto report = std::make_shared<actors::batch_report>();
  auto told = std::make_shared<std::atomic_flag>();
  auto tell = [report, told, &end](actors::batch_report r) {
    if (told->test_and_set())
      return;
    *report = std::move(r);
    end.over();
  };
  auto supervisor =
      actors::spawn_supervisor(system, w, writer, std::move(routers), items_of(*b.plan, s), tell);
  actors::when_dead(supervisor, [tell](const std::string& why) {
    actors::batch_report none;
    none.lost = "the supervisor died: " + why;
    tell(std::move(none));
  });
  actors::tell_from_outside(supervisor, actors::begin{});
  take_orders(b, supervisor);
  if (!end.wait())
    return {};
  if (report->lost.empty())
    report->lost = close_ledger(writer);
  return *report;
}

} // namespace cli
