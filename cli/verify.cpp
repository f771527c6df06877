// verify: is everything as it was written?

#include "ledger/disk/verify.hpp"
#include "cli/branch_checks.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <set>

namespace cli {

namespace {

using ledger::disk::damage;

/// The ledger's files and signatures, and the branches.
examination examine_all(const place& p, const ledger::disk::keyring& keys,
                        const std::vector<std::string>& tasks, std::vector<std::string>& notes) {
  return [&](const ledger_view& v) -> ledger::result<std::vector<damage>> {
    std::vector<damage> all;
    std::vector<std::string> known;
    for (auto& task : tasks)
      if (v.found.tasks.count(task) != 0)
        known.push_back(task);
    if (v.exists && (tasks.empty() || !known.empty()))
      all = ledger::disk::verify_ledger(p.ledger_root, keys, v.found, known);
    auto found = check_branches(p, v, tasks);
    if (!found)
      return tl::make_unexpected(found.error());
    notes = std::move(found->notes);
    all.insert(all.end(), found->damages.begin(), found->damages.end());
    return all;
  };
}

struct findings {
  std::vector<damage> damages;
  std::vector<std::string> notes;
  std::size_t tasks = 0, records = 0;
};

std::string as_text(const findings& f, const trace_places& at) {
  std::string text;
  std::set<std::string> hurt;
  for (auto& d : f.damages) {
    hurt.insert(d.task);
    text += printable(fmt::format("{}{}{}: {}", d.task, d.task.empty() ? "" : ": ", d.file, d.why))
            + "\n";
  }
  for (auto& task : hurt)
    text += printable(fmt::format("remedy{}{}: {}", task.empty() ? "" : " for ", task,
                                  damage_remedy(at, task)))
            + "\n";
  for (auto& note : f.notes)
    text += "note: " + printable(note) + "\n";
  text += fmt::format("{} task{}, {} record{}, ", f.tasks, f.tasks == 1 ? "" : "s", f.records,
                      f.records == 1 ? "" : "s");
  return text
         + (f.damages.empty() ? std::string{"all as written\n"}
                              : fmt::format("{} damaged\n", f.damages.size()));
}

std::string as_json(const findings& f, const trace_places& at, exit_code code) {
  nlohmann::ordered_json j;
  j["tasks"] = f.tasks;
  j["records"] = f.records;
  j["damaged"] = damages_json(f.damages, at);
  j["notes"] = f.notes;
  j["exit_code"] = static_cast<int>(code);
  return json_line(j) + "\n";
}

bool is_selected(const std::vector<std::string>& tasks, const std::string& task) {
  return tasks.empty() || std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

} // namespace

exit_code verify(const verify_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p)
    return end_with(exit_code::usage, p.error().detail, o.json, out, err);
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  std::vector<std::string> notes;
  auto view = view_ledger(*p, keys, examine_all(*p, keys, o.tasks, notes));
  if (!view)
    return end_with(code_of(view.error()), view.error().detail, o.json, out, err);
  for (auto& task : o.tasks)
    if (!view->knows(task))
      return end_with(exit_code::usage, unknown_task(task, view->names()), o.json, out, err);
  std::erase_if(view->damages,
                [&](auto& d) { return !d.task.empty() && !is_selected(o.tasks, d.task); });
  tell_copy(*p, err);
  findings f{view->damages, std::move(notes)};
  for (auto& [task, chain] : view->found.tasks)
    if (is_selected(o.tasks, task)) {
      ++f.tasks;
      f.records += chain.records.size();
    }
  auto code = f.damages.empty() ? exit_code::all_done : exit_code::damaged;
  out << (o.json ? as_json(f, traces_of(*p), code) : as_text(f, traces_of(*p)));
  return code;
}

} // namespace cli
