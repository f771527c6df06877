#include "cli/forecast.hpp"

#include "cli/ledger_view.hpp"
#include "cli/money_forecast.hpp"
#include "cli/printable.hpp"
#include "cli/selection.hpp"
#include "ledger/provider_kind.hpp"
#include "providers/offline/patch.hpp"
#include "providers/trunk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
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

asked_players asked_of(const preflight& p) {
  asked_players all;
  for (auto& [role, players] : p.players)
    for (auto& player : players) {
      auto price = ledger::provider_named(p.config, player.name).price;
      bool counts = player.who->limits().has_value();
      all[role].push_back({player.who->who().provider, counts, !player.who->works_in_checkout(),
                           counts && (!price || ledger::costs_something(*price))});
    }
  return all;
}

/// What is foreseen for a batch in calls and money.
struct outlay {
  call_history history;
  asked_players players;
  bool counts = false; ///< Whether anybody is called at all.
};

outlay outlay_of(const preflight& p, const ledger_view& view) {
  outlay o;
  o.players = asked_of(p);
  for (auto& [task, state] : view.states)
    o.history.learn(state);
  for (auto& [role, all] : o.players)
    o.counts |= std::any_of(all.begin(), all.end(), [](auto& a) { return a.counts; });
  return o;
}

money_forecast forecast_of(const preflight& p, const outlay& o, const selected_task& t) {
  return outlook_of(p, t).sure == status::running
             ? forecast_of(t.state, o.players, p.config, o.history)
             : money_forecast{};
}

/// What all tasks come to together, and what was taken for the measure.
std::string outlay_words(const preflight& p, const selection& s, const outlay& o) {
  if (!o.counts)
    return {};
  std::optional<double> likely = 0.0;
  for (auto& t : s.to_run) {
    auto f = forecast_of(p, o, t);
    if (f.most_calls > 0)
      likely = likely && f.likely_usd ? std::optional(*likely + *f.likely_usd) : std::nullopt;
  }
  std::string text;
  if (likely)
    text += fmt::format("together about ${:.2f}, as in the {} of this ledger\n", *likely,
                        plural(o.history.tasks(), "task"));
  else
    text += "no task of this ledger tells yet what the providers take: calls are counted from the "
            "steps and [limits]\n";
  auto& run = p.config.budget.run_usd;
  return text + (run ? fmt::format("budget.run_usd is ${:.2f}\n", *run) : "no budget.run_usd\n");
}

/// How what is done would land.
struct landing_outlook {
  std::string words;
  bool is_refused = false; ///< No batch could begin.
};

/// A remote is not asked.
landing_outlook landing_of(const preflight& p) {
  auto& l = p.config.landing;
  if (l.mode == ledger::landing_mode::none)
    return {"none"};
  if (l.mode == ledger::landing_mode::pr)
    return {"by pull requests at " + l.push};
  if (l.push.empty())
    if (auto tip = providers::make_trunk(p.config, *p.place.repository, p.base)->tip(); !tip)
      return {"would be refused: " + tip.error().detail, true};
  return {fmt::format("on {}{}, in trains of {}", l.branch,
                      l.push.empty() ? "" : ", pushed to " + l.push, l.train)};
}

std::string as_table(const preflight& p, const selection& s, const outlay& o,
                     const landing_outlook& landing) {
  std::vector<std::vector<std::string>> rows;
  auto add = [&](const std::string& task, const std::string& calls, const std::string& usd,
                 const std::string& would) {
    rows.push_back(o.counts ? std::vector{task, calls, usd, would} : std::vector{task, would});
  };
  add("TASK", "CALLS", "DOLLARS", "WOULD");
  for (auto& t : s.to_run) {
    auto f = forecast_of(p, o, t);
    add(t.prompt->task, calls_words(f), usd_words(f), outlook_of(p, t).words);
  }
  for (auto& t : s.summary.tasks)
    add(t.task, "-", "-", fmt::format("stay {}", to_string(t.is)));
  for (auto& [task, why] : s.summary.damaged)
    add(task.empty() ? "the ledger" : task, "-", "-", "not run: damaged: " + why);
  for (auto& l : s.summary.left_out)
    add(l.file_name, "-", "-", fmt::format("be left out: {}: {}", l.reason, l.why));
  for (auto& a : s.summary.absent)
    add(a.task, "-", "-", "not be in this batch: " + a.why);
  auto text = table_of(rows);
  for (auto& t : s.to_run)
    if (!t.prompt->notice.empty())
      text += fmt::format("note: {}.md: {}\n", t.prompt->task, t.prompt->notice);
  text += "\n" + outlay_words(p, s, o);
  text += fmt::format("base {} ({})\n", p.base.substr(0, 12), printable(p.config.repo.base));
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
  text += "landing: " + printable(landing.words) + "\n";
  return text + "nothing was written and nobody was called\n";
}

nlohmann::ordered_json json_of(const std::optional<double>& number) {
  return number ? nlohmann::ordered_json(*number) : nlohmann::ordered_json(nullptr);
}

std::string as_json(const preflight& p, const selection& s, const outlay& o,
                    const landing_outlook& landing, exit_code code) {
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
  for (auto& t : s.to_run) {
    add(t.state, t.prompt->task, outlook_of(p, t).words);
    auto f = forecast_of(p, o, t);
    auto& entry = j["tasks"].back();
    entry["calls"] = {
        {"fewest", f.fewest_calls}, {"likely", json_of(f.likely_calls)}, {"most", f.most_calls}};
    entry["usd"] = {{"likely", json_of(f.likely_usd)}, {"most", json_of(f.most_usd)}};
  }
  for (auto& t : s.summary.tasks)
    add(t, t.task, fmt::format("stay {}", to_string(t.is)));
  add_lists(j, s.summary);
  j["base"] = p.base;
  j["landing"] = landing.words;
  j["exit_code"] = static_cast<int>(code);
  return json_line(j) + "\n";
}

exit_code forecast_code(const preflight& p, const selection& s, const landing_outlook& landing) {
  auto sum = s.summary;
  if (landing.is_refused && !s.to_run.empty())
    sum.ended_early = early_end{exit_code::usage, landing.words};
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
  auto landing = landing_of(p);
  auto code = forecast_code(p, selected, landing);
  auto outlay = outlay_of(p, *view);
  out << (json ? as_json(p, selected, outlay, landing, code)
               : as_table(p, selected, outlay, landing));
  return code;
}

} // namespace cli
