#include "cli/selection.hpp"

#include "cli/dependencies.hpp"
#include "ledger/approving.hpp"
#include "ledger/digest.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/paths.hpp"
#include "ledger/rollback.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace cli {

namespace {

using ledger::task_state;

/// Whether the prompt's file is still what the task was opened with.
bool same_prompt(const task_state& s, const found_prompt& p) {
  auto* recorded = ledger::file_of(s, ledger::path::prompt);
  return recorded && recorded->sha256 == ledger::sha256(*p.content);
}

std::string changed_prompt(const found_prompt& p) {
  return fmt::format("the prompt is not the one that task {} was opened with; `scheduler retry {} "
                     "--from ingest` begins again with the new one",
                     p.task, p.task);
}

/// git keeps a branch as a file, so ai-gated/U and ai-gated/U/V exclude one
/// another. Empty: nothing is in the way.
std::string branch_in_the_way(const std::string& task, const std::set<std::string>& branches) {
  auto below = std::string{ledger::branch_prefix} + task + "/";
  auto it = branches.lower_bound(below);
  if (it == branches.end() || !it->starts_with(below))
    return {};
  auto name = it->substr(std::string_view{"refs/heads/"}.size());
  return fmt::format("the branch {} is in the way of ai-gated/{}, which git could not make; rename "
                     "one of them: `git branch -m {} NEW-NAME`, or the prompt",
                     name, task, name);
}

/// Whether a task that waits is to wait on. Not over a HUMAN_OK that no record
/// wrote: the gate looks at it, and stops the task.
bool waits_on(const preflight& p, const task_state& s) {
  std::error_code e;
  auto file = p.place.ledger_root / s.task / ledger::path::human_ok;
  return ledger::still_waits(s, p.config.approve) && s.config_digest == p.config_digest
         && (s.human_ok || !std::filesystem::exists(std::filesystem::symlink_status(file, e)));
}

/// A secret may have become known since a note was filed.
std::string secret_in_notes(const preflight& p, const task_state& s) {
  for (std::uint32_t n = 1; n <= s.notes; ++n) {
    auto path = ledger::note_path(n);
    auto* file = ledger::file_of(s, path);
    if (!file)
      continue;
    // One that is missing or altered is found by the gate that reads it.
    auto text = ledger::disk::read_recorded(p.place.ledger_root / s.task, path, file->sha256);
    auto line = text ? p.secrets.line_of_secret(*text) : 0;
    if (line != 0)
      return fmt::format(
          "line {} of {} holds a secret that was not known when it was filed; change "
          "the secret, or `scheduler retry {} --from ingest` to begin without notes",
          line, (p.place.ledger_root / s.task / path).string(), s.task);
  }
  return {};
}

class selecting {
public:
  selecting(const preflight& p, const ledger_facts& known)
      : p_(p)
      , known_(known) {
    for (auto& d : known.damages)
      damaged_.emplace(d.task, d.file + ": " + d.why);
  }

  selection all() {
    sel_.summary.left_out = p_.prompts.left_out;
    sel_.summary.traces = traces_of(p_.place);
    if (auto it = damaged_.find({}); it != damaged_.end())
      sel_.summary.damaged.emplace_back(std::string{}, it->second);
    for (auto& prompt : p_.prompts.prompts)
      one(prompt);
    for (auto& task : known_.tasks)
      absent(task);
    return std::move(sel_);
  }

private:
  void leave_out(const found_prompt& prompt, std::string reason, std::string why) {
    sel_.summary.left_out.push_back(
        {prompt.path.filename().string(), std::move(reason), std::move(why)});
  }

  std::optional<task_state> sound_state(const std::string& task) {
    auto hurt = [&](std::string why) {
      sel_.summary.damaged.emplace_back(task, std::move(why));
      return std::nullopt;
    };
    if (auto it = damaged_.find(task); it != damaged_.end())
      return hurt(it->second);
    auto state = ledger::fold(task, known_.chain_of(task));
    if (!state)
      return hurt(fmt::format("{}: {}", ledger::path::journal, state.error().detail));
    auto branch = std::string{ledger::branch_prefix} + task;
    if (state->seq == 0 && known_.branches.count(branch) != 0)
      return hurt(branch
                  + " exists, but the task has no folder in the ledger; put the folder back, or "
                    "delete the branch to begin anew");
    return std::move(*state);
  }

  void one(const found_prompt& prompt) {
    auto state = sound_state(prompt.task);
    if (!state)
      return;
    if (state->at != ledger::step::ingest && !same_prompt(*state, prompt))
      return leave_out(prompt, "prompt-changed", changed_prompt(prompt));
    bool rests = state->terminal() || waits_on(p_, *state);
    if (rests)
      sel_.summary.tasks.push_back(*state);
    if (auto why = branch_in_the_way(prompt.task, known_.branches); !why.empty())
      return rests ? void() : leave_out(prompt, "branch-in-the-way", std::move(why));
    if (auto why = secret_in_notes(p_, *state); !why.empty())
      return rests ? void() : leave_out(prompt, "holds-secret", std::move(why));
    if (rests) {
      sel_.resting.push_back({&prompt, std::move(*state)});
      return;
    }
    sel_.to_run.push_back({&prompt, std::move(*state)});
  }

  /// An unfinished task whose prompt is not in the folder any more.
  void absent(const std::string& task) {
    if (p_.prompts.names.count(task) != 0 || !is_wanted(p_.only, task) || damaged_.count(task) != 0)
      return;
    auto state = ledger::fold(task, known_.chain_of(task));
    if (!state || state->terminal() || state->seq == 0)
      return;
    auto of = ledger::rolled_back_by(task);
    auto remedy =
        of ? fmt::format("`scheduler rollback {}` goes on with it", *of)
           : fmt::format("{} is gone: put it back", (p_.tasks_folder / (task + ".md")).string());
    sel_.summary.absent.push_back(
        {task, fmt::format("unfinished at step {}; {}, or `scheduler cancel {}`",
                           to_string(state->at), remedy, task)});
  }

  const preflight& p_;
  const ledger_facts& known_;
  std::map<std::string, std::string> damaged_; ///< The first of each task.
  selection sel_;
};

} // namespace

selection select_tasks(const preflight& p, const ledger_facts& known) {
  auto chosen = selecting(p, known).all();
  resolve_dependencies(chosen, p, known);
  return chosen;
}

ledger::result<std::set<std::string>> task_branches(const preflight& p) {
  auto refs = p.place.repository->refs_below(ledger::branch_prefix);
  if (!refs)
    return tl::make_unexpected(refs.error());
  return std::set<std::string>(refs->begin(), refs->end());
}

} // namespace cli
