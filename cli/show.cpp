// show: everything that is known of one task.

#include "cli/causes.hpp"
#include "cli/commands.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/progress.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/verify.hpp"
#include "ledger/rollback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <system_error>

#include <unistd.h>

namespace cli {

namespace {

namespace fs = std::filesystem;
using json = nlohmann::ordered_json;
using ledger::task_state;
using ledger::disk::damage;

/// Where what was read may move a cursor.
bool is_terminal(const std::ostream& out) {
  return &out == &std::cout && ::isatty(STDOUT_FILENO) == 1;
}

/// A task as the ledger has it. `state` is null if no state fits its records.
struct shown_task {
  std::string name;
  fs::path folder;
  const task_state* state = nullptr;
  std::vector<ledger::record> records;
  std::vector<damage> damages;
  std::vector<const task_state*> rollbacks; ///< Tasks that take its change back, the first first.
};

std::string header_of(const shown_task& t) {
  std::vector<std::vector<std::string>> rows;
  auto add = [&](std::string name, std::string value) {
    if (!value.empty())
      rows.push_back({std::move(name), std::move(value)});
  };
  add("Task", t.name);
  if (!t.state) {
    std::error_code e;
    bool there = fs::exists(t.folder, e);
    add("State", there ? "damaged: no state fits its records" : "damaged: its folder is gone");
    add("Folder", t.folder.string());
    return table_of(rows);
  }
  auto& s = *t.state;
  add("State", fmt::format("{}, at step {}, round {}, attempt {}", to_string(s.is), to_string(s.at),
                           s.round, s.attempt));
  add("Reason", s.reason);
  add("Why", s.why);
  add("Remedy", s.remedy);
  add("Folder", t.folder.string());
  add("Opened", shown_time(s.opened_time));
  add("Base", s.base);
  add("Branch", s.branch);
  add("Tree", s.tree);
  add("Commit", s.out->commit.empty() ? s.branch_commit : s.out->commit);
  add("Note", unfinished_commit_words(standing_of(s)));
  if (s.request)
    add("Pull request", fmt::format("{} {}, at commit {}", s.request->url, s.request->id,
                                    s.request->commit.substr(0, 12)));
  if (s.out->deployed)
    add("Deploy", s.out->deploy_url.empty() ? "none" : s.out->deploy_url + " " + s.out->deploy_id);
  if (auto of = ledger::rolled_back_by(t.name))
    add("Takes back", *of);
  for (auto* r : t.rollbacks)
    add("Taken back by",
        fmt::format("{}: {}, at step {}", r->task, to_string(r->is), to_string(r->at)));
  for (auto& [role, player] : *s.played_by)
    add("Played by", fmt::format("{}: {}", role, player));
  if (s.usd > 0)
    add("Cost", fmt::format("${:.4f}", s.usd));
  for (auto& [by, sum] : *s.spent)
    if (sum.usd > 0 || sum.input_tokens + sum.output_tokens > 0)
      add("",
          fmt::format("{} by {}: {}, {} tokens in, {} out, ${:.4f}", to_string(by.first), by.second,
                      plural(sum.calls, "call"), sum.input_tokens, sum.output_tokens, sum.usd));
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

struct shown_file {
  std::string path, sha256;
  std::uint64_t bytes = 0;
  std::string on_disk; ///< "as recorded", "DAMAGED: …", "not recorded"
};

std::vector<shown_file> files_of(const shown_task& t) {
  std::vector<shown_file> all;
  for (auto& file : t.state->files) {
    auto hurt = std::find_if(t.damages.begin(), t.damages.end(),
                             [&](auto& d) { return d.file == file.path; });
    all.push_back({file.path, file.sha256, file.bytes,
                   hurt == t.damages.end() ? "as recorded" : "DAMAGED: " + hurt->why});
  }
  for (auto& name : files_below(t.folder))
    if (name != ledger::path::journal && !t.state->files.contains(name))
      all.push_back({name, {}, 0, "not recorded"});
  return all;
}

std::string file_table(const shown_task& t) {
  std::vector<std::vector<std::string>> rows{{"FILE", "BYTES", "SHA-256", "ON DISK"}};
  for (auto& f : files_of(t))
    rows.push_back({f.path, f.sha256.empty() ? "-" : std::to_string(f.bytes),
                    f.sha256.empty() ? "-" : f.sha256.substr(0, 12), f.on_disk});
  return table_of(rows);
}

/// The recorded change; empty, and said on `err`: there is none, or it is damaged.
std::string diff_of(const shown_task& t, std::ostream& err, exit_code& end) {
  auto* file = t.state ? ledger::file_of(*t.state, t.state->diff_path) : nullptr;
  if (!file) {
    err << complaint(t.name + " has no change yet: step implement is not accepted");
    return {};
  }
  auto text = ledger::disk::read_recorded(t.folder, file->path, file->sha256);
  if (text)
    return std::move(*text);
  err << complaint(text.error().detail);
  end = exit_code::damaged;
  return {};
}

std::string as_text(const shown_task& t, const fs::path& ledger_root) {
  auto text = header_of(t);
  if (t.state)
    if (auto evidence = evidence_of(*t.state, ledger_root); !evidence.empty())
      text += "Evidence\n" + evidence;
  if (!t.records.empty())
    text += "\n" + timeline_of(t.records);
  if (t.state)
    text += "\n" + file_table(t);
  return text;
}

json as_json(const shown_task& t, const fs::path& ledger_root, const trace_places& at) {
  json j;
  if (t.state) {
    j = task_json(standing_of(*t.state), ledger_root);
    auto c = cause_of(*t.state);
    j["cause"] = c.why.empty() ? json(nullptr) : json(c.why);
    j["log"] = c.log.empty() ? json(nullptr) : json((t.folder / c.log).string());
    j["base"] = t.state->base;
    j["tree"] = t.state->tree.empty() ? json(nullptr) : json(t.state->tree);
    j["played_by"] = *t.state->played_by;
    j["rollbacks"] = json::array();
    for (auto* r : t.rollbacks)
      j["rollbacks"].push_back(r->task);
  } else
    j = {{"task", t.name}, {"state", nullptr}, {"folder", t.folder.string()}};
  j["records"] = json::array();
  for (auto& r : t.records)
    j["records"].push_back({{"seq", r.seq},
                            {"time", r.time},
                            {"event", to_string(r.what)},
                            {"step", to_string(r.at)},
                            {"round", r.round},
                            {"attempt", r.attempt},
                            {"signed", !r.sig.empty()},
                            {"text", event_words(r)}});
  j["files"] = json::array();
  if (t.state)
    for (auto& f : files_of(t))
      j["files"].push_back({{"path", f.path},
                            {"bytes", f.bytes},
                            {"sha256", f.sha256.empty() ? json(nullptr) : json(f.sha256)},
                            {"on_disk", f.on_disk}});
  j["damaged"] = damages_json(t.damages, at);
  return j;
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

shown_task task_in(const ledger_view& view, const place& p, const std::string& name) {
  shown_task t;
  t.name = name;
  t.folder = p.ledger_root / name;
  if (auto it = view.states.find(name); it != view.states.end())
    t.state = &it->second;
  if (auto it = view.found.tasks.find(name); it != view.found.tasks.end())
    t.records = it->second.records;
  for (auto& other : ledger::rollbacks_of(name, view.names()))
    if (auto it = view.states.find(other); it != view.states.end())
      t.rollbacks.push_back(&it->second);
  for (auto& d : view.damages)
    if (d.task.empty() || d.task == name)
      t.damages.push_back(d);
  return t;
}

} // namespace

exit_code show(const show_options& o, std::ostream& out, std::ostream& err) {
  auto p = find_place(o.repo);
  if (!p)
    return end_with(exit_code::usage, p.error().detail, o.json, out, err);
  auto keys = ledger::disk::keyring::open_public(p->state_dir, p->repo_id);
  auto view = view_ledger(*p, keys, examine_task(*p, keys, o.task));
  if (!view)
    return end_with(code_of(view.error()), view.error().detail, o.json, out, err);
  if (!view->knows(o.task))
    return end_with(exit_code::usage, unknown_task(o.task, view->names()), o.json, out, err);
  auto t = task_in(*view, *p, o.task);
  auto end = t.damages.empty() ? exit_code::all_done : exit_code::damaged;
  auto diff = o.diff ? diff_of(t, err, end) : std::string{};
  if (o.json) {
    auto j = as_json(t, p->ledger_root, traces_of(*p));
    if (!diff.empty())
      j["diff"] = diff;
    j["exit_code"] = static_cast<int>(end);
    out << json_line(j) << "\n";
  } else {
    out << as_text(t, p->ledger_root);
    // Byte for byte, so that `git apply` can read it; a terminal would obey it.
    if (!diff.empty())
      out << "\n" << (is_terminal(out) ? printable_lines(diff) : diff);
  }
  tell_damages(t.damages, traces_of(*p), err);
  tell_copy(*p, err);
  return end;
}

} // namespace cli
