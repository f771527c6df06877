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

/// The first damage of each task, as "file: why".
std::map<std::string, std::string> first_damages(const ledger_overview& view) {
  std::map<std::string, std::string> all;
  for (auto& d : view.damages)
    all.emplace(d.task, d.file + ": " + d.why);
  return all;
}

std::string as_json(const place& p, const ledger_overview& view) {
  nlohmann::ordered_json j;
  j["tasks"] = nlohmann::ordered_json::array();
  for (auto& [task, standing] : view.standings)
    j["tasks"].push_back(task_json(standing, p.ledger_root));
  j["damaged"] = damages_json(view.damages, traces_of(p));
  return json_line(j) + "\n";
}

std::string as_table(const ledger_overview& view) {
  std::vector<std::vector<std::string>> rows{
      {"TASK", "STATE", "STEP", "ROUND", "REASON", "LAST", "COMMIT"}};
  std::map<std::string, std::size_t> counts;
  auto damaged = first_damages(view);
  std::string notes;
  for (auto& task : view.names()) {
    auto it = view.standings.find(task);
    bool hurt = damaged.count(task) != 0;
    auto is = hurt ? std::string("damaged") : std::string(to_string(it->second.is));
    ++counts[is];
    if (it == view.standings.end()) {
      rows.push_back({task, is, "-", "-", "-", "-", "-"});
      continue;
    }
    auto& s = it->second;
    rows.push_back({task, is, std::string(to_string(s.at)), std::to_string(s.round),
                    s.reason.empty() ? "-" : s.reason, shown_time(s.last_time), shown_commit(s)});
    if (auto words = unfinished_commit_words(s); !words.empty())
      notes += fmt::format("note: {}: {}\n", task, words);
  }
  std::string summed;
  for (auto& [is, n] : counts)
    summed += fmt::format("{}{} {}", summed.empty() ? "" : ", ", n, is);
  return fmt::format("{}\n{}{} task{}: {}\n", table_of(rows), notes, rows.size() - 1,
                     rows.size() == 2 ? "" : "s", summed);
}

} // namespace

exit_code status(const status_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p)
    return end_with(exit_code::usage, p.error().detail, o.json, out, err);
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  auto view = overview_of(*p, keys);
  if (!view)
    return end_with(code_of(view.error()), view.error().detail, o.json, out, err);
  if (o.json)
    out << as_json(*p, *view);
  else if (view->names().empty())
    out << "there is no task yet: `scheduler --tasks DIR` opens one for each prompt in DIR\n";
  else
    out << as_table(*view);
  if (!o.json && ledger::disk::repository_lock::is_held(p->repository->common_dir()))
    out << "a scheduler is at work in this repository\n";
  tell_damages(view->damages, traces_of(*p), err);
  tell_copy(*p, err);
  return view->damages.empty() ? exit_code::all_done : exit_code::damaged;
}

} // namespace cli
