// status: where every task stands.

#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/lock.hpp"

#include <fmt/format.h>

#include <map>
#include <ostream>

namespace cli {

namespace {

using ledger::task_state;

/// The first damage of each task, as "file: why".
std::map<std::string, std::string> first_damages(const ledger_view& view) {
  std::map<std::string, std::string> all;
  for (auto& d : view.damages)
    all.emplace(d.task, d.file + ": " + d.why);
  return all;
}

std::string as_json(const ledger_view& view) {
  nlohmann::ordered_json j;
  j["tasks"] = nlohmann::ordered_json::array();
  for (auto& [task, state] : view.states)
    j["tasks"].push_back(task_json(state));
  j["damaged"] = nlohmann::ordered_json::array();
  for (auto& d : view.damages)
    j["damaged"].push_back({{"task", d.task}, {"why", d.file + ": " + d.why}});
  return j.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string as_table(const ledger_view& view) {
  std::vector<std::vector<std::string>> rows{{"TASK", "STATE", "STEP", "ROUND", "REASON", "LAST"}};
  std::map<std::string, std::size_t> counts;
  auto damaged = first_damages(view);
  for (auto& task : view.names()) {
    auto it = view.states.find(task);
    bool hurt = damaged.count(task) != 0;
    auto is = hurt ? std::string("damaged") : std::string(to_string(it->second.is));
    ++counts[is];
    if (it == view.states.end()) {
      rows.push_back({task, is, "-", "-", "-", "-"});
      continue;
    }
    auto& s = it->second;
    rows.push_back({task, is, std::string(to_string(s.at)), std::to_string(s.round),
                    s.reason.empty() ? "-" : s.reason, shown_time(s.last_time)});
  }
  std::string summed;
  for (auto& [is, n] : counts)
    summed += fmt::format("{}{} {}", summed.empty() ? "" : ", ", n, is);
  return fmt::format("{}\n{} task{}: {}\n", table_of(rows), rows.size() - 1,
                     rows.size() == 2 ? "" : "s", summed);
}

} // namespace

exit_code status(const status_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p) {
    err << "scheduler: " << p.error().detail << "\n";
    return exit_code::usage;
  }
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  auto view = view_ledger(*p, keys);
  if (!view) {
    err << "scheduler: " << view.error().detail << "\n";
    return code_of(view.error());
  }
  if (o.json)
    out << as_json(*view);
  else if (view->names().empty())
    out << "there is no task yet: `scheduler --tasks DIR` opens one for each prompt in DIR\n";
  else
    out << as_table(*view);
  if (!o.json && ledger::disk::repository_lock::is_held(p->repository->common_dir()))
    out << "a scheduler is at work in this repository\n";
  tell_damages(view->damages, err);
  return view->damages.empty() ? exit_code::all_done : exit_code::damaged;
}

} // namespace cli
