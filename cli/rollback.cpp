// rollback: a batch of one task, whose prompt takes another's commit back.

#include "ledger/rollback.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/login_name.hpp"
#include "cli/preflight.hpp"
#include "cli/printable.hpp"
#include "cli/read_config.hpp"
#include "cli/run.hpp"
#include "cli/wall_clock.hpp"
#include "ledger/disk/files.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <utility>

#include <unistd.h>

namespace cli {

namespace {

using ledger::fail;
using ledger::fault;
using ledger::result;

/// What there is of rollbacks of a task, with the prompts that they were opened with.
result<std::map<std::string, ledger::known_rollback>>
rollbacks_in(const ledger_view& view, const place& p, const std::string& task) {
  std::map<std::string, ledger::known_rollback> known;
  for (auto& name : ledger::rollbacks_of(task, view.names())) {
    auto it = view.states.find(name);
    if (it == view.states.end())
      return fail(fault::corrupt,
                  fmt::format("{} cannot be read; `scheduler verify {}` tells why", name, name));
    auto* file = ledger::file_of(it->second, ledger::path::prompt);
    if (!file) {
      known[name] = {{}, it->second.is};
      continue;
    }
    auto text = ledger::disk::read_recorded(p.ledger_root / name, file->path, file->sha256);
    if (!text)
      return tl::make_unexpected(text.error());
    known[name] = {std::move(*text), it->second.is};
  }
  return known;
}

/// Errors: those of the ledger, and refused.
result<errand> errand_of(const rollback_options& o, const place& p, const ledger::config& c) {
  if (c.landing.mode == ledger::landing_mode::none && c.deploy.kind == ledger::deploy_kind::none)
    return fail(fault::refused, "nothing is delivered here that could be taken back: no landing "
                                "branch and no deploy is configured; a task's commit is on its "
                                "own branch ai-gated/"
                                    + o.task + " only");
  if (c.landing.mode == ledger::landing_mode::pr)
    return fail(fault::refused,
                "with [landing] mode = \"pr\" a change is taken back where its pull "
                "request is: close it, or revert it there");
  auto keys = ledger::disk::keyring::open_public(p.state_dir, p.repo_id);
  auto view = view_ledger(p, keys);
  if (!view)
    return tl::make_unexpected(view.error());
  if (!view->knows(o.task))
    return fail(fault::refused, unknown_task(o.task, view->names()));
  auto it = view->states.find(o.task);
  if (it == view->states.end())
    return fail(fault::corrupt,
                fmt::format("{} is damaged; `scheduler verify {}` tells more", o.task, o.task));
  auto known = rollbacks_in(*view, p, o.task);
  if (!known)
    return tl::make_unexpected(known.error());
  ledger::rollback_order by;
  by.uid = ::getuid();
  by.user = login_name(by.uid);
  by.time_ms = wall_clock_ms();
  auto plan =
      ledger::plan_rollback(it->second, *known, c.landing.mode == ledger::landing_mode::branch, by);
  if (!plan)
    return tl::make_unexpected(plan.error());
  errand e;
  e.base = plan->commit;
  e.prompt.task = plan->task;
  e.prompt.path = plan->task + ".md";
  e.prompt.content = std::make_shared<const std::string>(std::move(plan->prompt));
  e.prompt.front.allow = it->second.allow;
  return e;
}

} // namespace

exit_code rollback(const rollback_options& o, const seams& with, std::ostream& out,
                   std::ostream& err) {
  auto give_up = [&](exit_code code, const ledger::failure& why) {
    if (why.code != no_config_code)
      return end_with(code, why.detail, o.run.json, out, err);
    err << why.detail; // An example to begin with.
    return code;
  };
  auto p = find_place(o.run.repo);
  if (!p)
    return give_up(exit_code::usage, p.error());
  auto c = read_config(o.run.config, *p, with.kinds);
  if (!c)
    return give_up(exit_code::usage, c.error());
  auto e = errand_of(o, *p, *c);
  if (!e)
    return give_up(code_of(e.error()), e.error());
  return run_batch(o.run, with, out, err, &*e);
}

} // namespace cli
