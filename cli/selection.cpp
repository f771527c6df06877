#include "cli/selection.hpp"

#include "ledger/digest.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

namespace cli {

namespace {

/// Whether the prompt's file is still what the task was opened with.
bool same_prompt(const ledger::task_state& s, const found_prompt& p) {
  auto* recorded = ledger::file_of(s, ledger::path::prompt);
  return recorded && recorded->sha256 == ledger::sha256(*p.content);
}

left_out changed_prompt(const found_prompt& p) {
  return {p.path.filename().string(), "prompt-changed",
          fmt::format("the prompt is not the one that task {} was opened with; `scheduler retry {} "
                      "--from ingest` begins again with the new one",
                      p.task, p.task)};
}

std::string what_would_happen(const ledger::task_state& s) {
  if (s.seq == 0)
    return "open, then audit";
  if (s.at == ledger::step::ingest)
    return "open again, then audit";
  return fmt::format("go on at step {}, round {}", to_string(s.at), s.round);
}

} // namespace

selection select_tasks(const preflight& p,
                       const std::function<std::vector<ledger::record>(const std::string&)>& chains,
                       const std::vector<ledger::disk::damage>& damages,
                       const std::set<std::string>& branches) {
  selection sel;
  sel.summary.left_out = p.prompts.left_out;
  std::map<std::string, std::string> damaged;
  for (auto& d : damages)
    damaged.emplace(d.task, d.file + ": " + d.why);
  for (auto& prompt : p.prompts.prompts) {
    if (auto it = damaged.find(prompt.task); it != damaged.end()) {
      sel.summary.damaged.emplace_back(prompt.task, it->second);
      continue;
    }
    auto state = ledger::fold(prompt.task, chains(prompt.task));
    if (!state) {
      sel.summary.damaged.emplace_back(prompt.task, "journal.jsonl: " + state.error().detail);
      continue;
    }
    auto branch = std::string{ledger::branch_prefix} + prompt.task;
    if (state->seq == 0 && branches.count(branch) != 0) {
      sel.summary.damaged.emplace_back(
          prompt.task, branch
                           + " exists, but the task has no folder in the ledger; put the folder "
                             "back, or delete the branch to begin anew");
      continue;
    }
    if (state->at != ledger::step::ingest && !same_prompt(*state, prompt)) {
      sel.summary.left_out.push_back(changed_prompt(prompt));
      continue;
    }
    if (state->terminal())
      sel.summary.tasks.push_back(std::move(*state));
    else
      sel.to_run.push_back({&prompt, std::move(*state)});
  }
  return sel;
}

std::string forecast(const preflight& p, const selection& s) {
  std::vector<std::vector<std::string>> rows{{"TASK", "WOULD"}};
  for (auto& t : s.to_run)
    rows.push_back({t.prompt->task, what_would_happen(t.state)});
  for (auto& t : s.summary.tasks)
    rows.push_back({t.task, fmt::format("stay {}", to_string(t.is))});
  for (auto& [task, why] : s.summary.damaged)
    rows.push_back({task, "not run: damaged: " + why});
  for (auto& l : s.summary.left_out)
    rows.push_back({l.file_name, fmt::format("be left out: {}: {}", l.reason, l.why)});
  auto text = table_of(rows);
  text += fmt::format("\nbase {} ({})\n", p.base.substr(0, 12), p.config.repo.base);
  for (auto& [who, player] : p.players) {
    auto id = player->who();
    text += fmt::format("{} is played by {}/{}\n", to_string(who), id.provider, id.model);
  }
  text += fmt::format("test: {}\nlint: {}\nschema drift: {}\ndeploy: {}\n",
                      p.config.checks.test.command, p.config.checks.lint.command,
                      p.config.checks.schema_drift.command, to_string(p.config.deploy.kind));
  return text + "nothing was written and nobody was called\n";
}

} // namespace cli
