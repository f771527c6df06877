#include "cli/forecast.hpp"

#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/selection.hpp"
#include "providers/offline/patch.hpp"

#include <fmt/format.h>

#include <ostream>

namespace cli {

namespace {

using ledger::status;

/// What a task would do, and the state that it is sure to end in, if any.
struct outlook {
  std::string words;
  status sure = status::running;
};

/// Claude's NO where he is played by `offline`, who needs a change to judge.
std::string sure_no(const preflight& p, const found_prompt& prompt) {
  auto claude = p.players.find(ledger::role::claude);
  if (claude == p.players.end() || claude->second.front().who->who().provider != "offline")
    return {};
  if (auto why = providers::offline::refusal_in(*prompt.content); !why.empty())
    return "the prompt says `refuse: " + why + "`";
  if (providers::offline::blocks_in(*prompt.content).empty())
    return "the prompt has no ```diff block, and no model is asked";
  return {};
}

outlook outlook_of(const preflight& p, const selected_task& t) {
  bool is_new = t.state.seq == 0 || t.state.at == ledger::step::ingest;
  if (is_new && !t.prompt->front_error.empty())
    return {"be parked: " + t.prompt->front_error, status::parked};
  if (t.state.at <= ledger::step::decide)
    if (auto why = sure_no(p, *t.prompt); !why.empty())
      return {"be stopped at step decide: " + why, status::stopped};
  if (t.state.seq == 0)
    return {"open, then audit"};
  if (is_new)
    return {"open again, then audit"};
  return {fmt::format("go on at step {}, round {}", to_string(t.state.at), t.state.round)};
}

std::string as_table(const preflight& p, const selection& s) {
  std::vector<std::vector<std::string>> rows{{"TASK", "WOULD"}};
  for (auto& t : s.to_run)
    rows.push_back({t.prompt->task, outlook_of(p, t).words});
  for (auto& t : s.summary.tasks)
    rows.push_back({t.task, fmt::format("stay {}", to_string(t.is))});
  for (auto& [task, why] : s.summary.damaged)
    rows.push_back({task.empty() ? "the ledger" : task, "not run: damaged: " + why});
  for (auto& l : s.summary.left_out)
    rows.push_back({l.file_name, fmt::format("be left out: {}: {}", l.reason, l.why)});
  for (auto& a : s.summary.absent)
    rows.push_back({a.task, "not be in this batch: " + a.why});
  auto text = table_of(rows);
  for (auto& t : s.to_run)
    if (!t.prompt->notice.empty())
      text += fmt::format("note: {}.md: {}\n", t.prompt->task, t.prompt->notice);
  text += fmt::format("\nbase {} ({})\n", p.base.substr(0, 12), printable(p.config.repo.base));
  for (auto& [who, all] : p.players) {
    std::string names;
    for (auto& player : all) {
      auto id = player.who->who();
      names += fmt::format("{}{}/{}", names.empty() ? "" : ", else by ", printable(id.provider),
                           printable(id.model));
    }
    text += fmt::format("{} is played by {}\n", to_string(who), names);
  }
  text +=
      fmt::format("test: {}\nlint: {}\nschema drift: {}\ndeploy: {}\n",
                  printable(p.config.checks.test.command), printable(p.config.checks.lint.command),
                  printable(p.config.checks.schema_drift.command), to_string(p.config.deploy.kind));
  return text + "nothing was written and nobody was called\n";
}

std::string as_json(const preflight& p, const selection& s, exit_code code) {
  nlohmann::ordered_json j;
  j["dry_run"] = true;
  j["tasks"] = nlohmann::ordered_json::array();
  auto add = [&](const ledger::task_state& t, const std::string& task, const std::string& would) {
    auto is = t.seq == 0 ? nlohmann::ordered_json(nullptr) : to_string(t.is);
    j["tasks"].push_back({{"task", task},
                          {"state", is},
                          {"step", to_string(t.at)},
                          {"round", t.round},
                          {"would", would}});
  };
  for (auto& t : s.to_run)
    add(t.state, t.prompt->task, outlook_of(p, t).words);
  for (auto& t : s.summary.tasks)
    add(t, t.task, fmt::format("stay {}", to_string(t.is)));
  add_lists(j, s.summary);
  j["base"] = p.base;
  j["exit_code"] = static_cast<int>(code);
  return json_line(j) + "\n";
}

exit_code code_of(const preflight& p, const selection& s) {
  auto sum = s.summary;
  for (auto& t : s.to_run)
    if (auto sure = outlook_of(p, t).sure; sure != status::running) {
      sum.tasks.push_back(t.state);
      sum.tasks.back().is = sure;
    }
  return exit_code_of(sum);
}

} // namespace

exit_code dry_run(const preflight& p, bool json, std::ostream& out, std::ostream& err) {
  auto keys = ledger::disk::keyring::open_public(p.place.state_dir, p.place.repo_id);
  auto view = view_ledger(p.place, keys);
  if (!view) {
    err << complaint(view.error().detail);
    return code_of(view.error());
  }
  auto branches = task_branches(p);
  if (!branches) {
    err << complaint(branches.error().detail);
    return exit_code::usage;
  }
  ledger_facts known;
  known.chain_of = [&](const std::string& task) {
    auto it = view->found.tasks.find(task);
    return it == view->found.tasks.end() ? std::vector<ledger::record>{} : it->second.records;
  };
  for (auto& [task, chain] : view->found.tasks)
    known.tasks.push_back(task);
  known.damages = view->damages;
  known.branches = std::move(*branches);
  auto selected = select_tasks(p, known);
  auto code = code_of(p, selected);
  out << (json ? as_json(p, selected, code) : as_table(p, selected));
  return code;
}

} // namespace cli
