// show: everything that is known of one task.

#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/progress.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <system_error>

namespace cli {

namespace {

namespace fs = std::filesystem;
using ledger::task_state;
using ledger::disk::damage;

std::string header_of(const task_state& s) {
  std::vector<std::vector<std::string>> rows;
  auto add = [&](std::string name, std::string value) {
    if (!value.empty())
      rows.push_back({std::move(name), std::move(value)});
  };
  add("Task", s.task);
  add("State", fmt::format("{}, at step {}, round {}, attempt {}", to_string(s.is), to_string(s.at),
                           s.round, s.attempt));
  add("Reason", s.reason);
  add("Why", s.why);
  add("Remedy", s.remedy);
  add("Opened", shown_time(s.opened_time));
  add("Base", s.base);
  add("Branch", s.branch);
  add("Tree", s.tree);
  add("Commit", s.out.commit);
  if (s.out.deployed)
    add("Deploy", s.out.deploy_url.empty() ? "none" : s.out.deploy_url + " " + s.out.deploy_id);
  for (auto& [role, player] : s.played_by)
    add("Played by", fmt::format("{}: {}", role, player));
  if (s.usd > 0)
    add("Cost", fmt::format("${:.4f}", s.usd));
  return table_of(rows);
}

std::string timeline_of(const std::vector<ledger::record>& records) {
  std::vector<std::vector<std::string>> rows{{"#", "TIME", "STEP", "R.A", "EVENT", "WHAT"}};
  for (auto& r : records)
    rows.push_back({std::to_string(r.seq), shown_time(r.time), std::string(to_string(r.at)),
                    fmt::format("{}.{}", r.round, r.attempt),
                    std::string(to_string(r.what)) + (r.sig.empty() ? "" : " (signed)"),
                    event_words(r)});
  return table_of(rows);
}

/// Names of the files in a folder, links as what they are.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code e;
  for (fs::recursive_directory_iterator it(folder, e), end; !e && it != end; it.increment(e)) {
    std::error_code unreadable;
    if (!it->is_directory(unreadable) || it->is_symlink(unreadable))
      names.push_back(it->path().lexically_relative(folder).generic_string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string files_of(const task_state& s, const fs::path& folder,
                     const std::vector<damage>& damages) {
  std::vector<std::vector<std::string>> rows{{"FILE", "BYTES", "SHA-256", "ON DISK"}};
  for (auto& [path, file] : s.files) {
    auto hurt = damages.begin();
    while (hurt != damages.end() && hurt->file != path)
      ++hurt;
    rows.push_back({path, std::to_string(file.bytes), file.sha256.substr(0, 12),
                    hurt == damages.end() ? "as recorded" : "DAMAGED: " + hurt->why});
  }
  for (auto& name : files_below(folder))
    if (name != ledger::path::journal && s.files.count(name) == 0)
      rows.push_back({name, "-", "-", "not recorded"});
  return table_of(rows);
}

exit_code diff_of(const task_state& s, const fs::path& folder, std::ostream& out,
                  std::ostream& err) {
  auto* file = ledger::file_of(s, s.diff_path);
  if (!file) {
    err << "scheduler: " << s.task << " has no change yet: step implement is not accepted\n";
    return exit_code::all_done;
  }
  auto text = ledger::disk::read_recorded(folder, file->path, file->sha256);
  if (!text) {
    err << "scheduler: " << printable(text.error().detail) << "\n";
    return exit_code::damaged;
  }
  out << "\n" << *text; // Byte for byte: `git apply` can read it.
  return exit_code::all_done;
}

/// What verify_ledger finds in this task alone.
examination examine_task(const place& p, const ledger::disk::keyring& keys,
                         const std::string& task) {
  return [&p, &keys, task](const ledger_view& v) -> ledger::result<std::vector<damage>> {
    if (v.found.tasks.count(task) == 0)
      return std::vector<damage>{};
    return ledger::disk::verify_ledger(p.ledger_root, keys, v.found, {task});
  };
}

} // namespace

exit_code show(const show_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p) {
    err << "scheduler: " << p.error().detail << "\n";
    return exit_code::usage;
  }
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  auto view = view_ledger(*p, keys, examine_task(*p, keys, o.task));
  if (!view) {
    err << "scheduler: " << view.error().detail << "\n";
    return code_of(view.error());
  }
  if (!view->knows(o.task)) {
    err << "scheduler: " << unknown_task(o.task, view->names()) << "\n";
    return exit_code::usage;
  }
  std::erase_if(view->damages, [&](auto& d) { return !d.task.empty() && d.task != o.task; });
  auto folder = p->ledger_root / o.task;
  auto end = view->damages.empty() ? exit_code::all_done : exit_code::damaged;
  auto state = view->states.find(o.task);
  if (state != view->states.end())
    out << header_of(state->second) << "\n";
  if (auto chain = view->found.tasks.find(o.task); chain != view->found.tasks.end())
    out << timeline_of(chain->second.records);
  if (state != view->states.end()) {
    out << "\n" << files_of(state->second, folder, view->damages);
    if (o.diff)
      end = std::max(end, diff_of(state->second, folder, out, err));
  }
  tell_damages(view->damages, err);
  return end;
}

} // namespace cli
