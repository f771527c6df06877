// verify: is everything as it was written?

#include "ledger/disk/verify.hpp"
#include "cli/branch_checks.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

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

bool is_wanted(const std::vector<std::string>& tasks, const std::string& task) {
  return tasks.empty() || std::find(tasks.begin(), tasks.end(), task) != tasks.end();
}

} // namespace

exit_code verify(const verify_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p) {
    err << "scheduler: " << p.error().detail << "\n";
    return exit_code::usage;
  }
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  std::vector<std::string> notes;
  auto view = view_ledger(*p, keys, examine_all(*p, keys, o.tasks, notes));
  if (!view) {
    err << "scheduler: " << view.error().detail << "\n";
    return code_of(view.error());
  }
  for (auto& task : o.tasks)
    if (!view->knows(task)) {
      err << "scheduler: " << unknown_task(task, view->names()) << "\n";
      return exit_code::usage;
    }
  std::erase_if(view->damages,
                [&](auto& d) { return !d.task.empty() && !is_wanted(o.tasks, d.task); });
  for (auto& d : view->damages)
    out << printable(fmt::format("{}{}{}: {}", d.task, d.task.empty() ? "" : ": ", d.file, d.why))
        << "\n";
  for (auto& note : notes)
    out << "note: " << printable(note) << "\n";
  std::size_t tasks = 0, records = 0;
  for (auto& [task, chain] : view->found.tasks)
    if (is_wanted(o.tasks, task)) {
      ++tasks;
      records += chain.records.size();
    }
  auto counted = fmt::format("{} task{}, {} record{}", tasks, tasks == 1 ? "" : "s", records,
                             records == 1 ? "" : "s");
  if (view->damages.empty()) {
    out << counted << ", all as written\n";
    return exit_code::all_done;
  }
  out << counted << ", " << view->damages.size() << " damaged\n";
  return exit_code::damaged;
}

} // namespace cli
