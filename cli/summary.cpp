#include "cli/summary.hpp"

#include "cli/printable.hpp"
#include "ledger/gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace cli {

namespace {

using ledger::closed_because;
using ledger::status;
using ledger::task_state;

/// A task that ended because the disk did not hold what was recorded.
bool is_tampered(const task_state& t) {
  if (t.is != status::stopped)
    return false;
  for (auto b : {closed_because::contract_forged, closed_because::file_missing,
                 closed_because::file_altered})
    if (t.reason == to_string(b))
      return true;
  return false;
}

bool is_well(const task_state& t) {
  return t.is == status::done || t.is == status::no_change;
}

/// Whether a task's commit lies on its branch although the task is not done.
bool has_unfinished_commit(const ledger::standing& t) {
  return t.is != status::done && !t.branch_commit.empty();
}

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}

/// A line of the table's appendix.
std::string entry(std::string_view head, std::string_view why) {
  return fmt::format("  {}{}{}\n", printable(head), why.empty() ? "" : ": ", printable(why));
}

std::string below(std::string_view word, std::string_view text) {
  return text.empty() ? std::string{} : fmt::format("    {}: {}\n", word, printable(text));
}

std::string people_needed(const batch_summary& s) {
  std::string text;
  for (auto& t : s.tasks) {
    if (is_well(t) || t.is == status::running)
      continue;
    text += entry(fmt::format("{} is {} at step {} ({})", t.task, to_string(t.is), to_string(t.at),
                              or_dash(t.reason)),
                  t.why);
    if (auto it = s.evidence.find(t.task); it != s.evidence.end())
      text += it->second;
    text += below("note", unfinished_commit_words(standing_of(t))) + below("remedy", t.remedy);
  }
  for (auto& [name, why] : s.damaged)
    text += entry((name.empty() ? "the ledger" : name) + " is damaged", why)
            + below("remedy", fmt::format("`scheduler verify {}` names every damage; {}", name,
                                          damage_remedy(s.traces, name)));
  return text.empty() ? text : "\nNeeds a person:\n" + text;
}

std::string left_out_of(const batch_summary& s) {
  std::string text;
  for (auto& l : s.left_out)
    text += entry(fmt::format("{} ({})", l.file_name, l.reason), l.why);
  return text.empty() ? text : "\nLeft out:\n" + text;
}

std::string absent_of(const batch_summary& s) {
  std::string text;
  for (auto& a : s.absent)
    text += entry(a.task, a.why);
  return text.empty() ? text : "\nNot in this batch:\n" + text;
}

std::string players_of(const batch_summary& s, const ledger::config& c) {
  std::string text;
  for (auto who : {ledger::role::gemini, ledger::role::claude, ledger::role::codex}) {
    std::map<std::string, std::size_t> players;
    for (auto& t : s.tasks)
      if (auto it = t.played_by->find(std::string(to_string(who))); it != t.played_by->end())
        ++players[it->second];
    std::string by;
    for (auto& [player, tasks] : players)
      by += fmt::format("{}{} ({})", by.empty() ? "" : ", ", printable(player),
                        plural(tasks, "task"));
    auto it = c.roles.find(who);
    if (by.empty())
      by = fmt::format("nobody yet (configured: {})",
                       it == c.roles.end() ? "-" : printable(it->second.provider));
    text += fmt::format("{} was played by {}\n", to_string(who), by);
  }
  return text;
}

/// What each provider did cost, where it did.
std::string spent_of(const batch_summary& s) {
  std::map<std::string, ledger::spending> by;
  for (auto& t : s.tasks)
    for (auto& [key, sum] : *t.spent) {
      auto& all = by[key.second];
      all.calls += sum.calls;
      all.usd += sum.usd;
      all.input_tokens += sum.input_tokens;
      all.output_tokens += sum.output_tokens;
    }
  std::string text;
  for (auto& [provider, sum] : by)
    if (sum.usd > 0 || sum.input_tokens + sum.output_tokens > 0)
      text += fmt::format("{}: {}, {} tokens in, {} out, ${:.4f}\n", printable(provider),
                          plural(sum.calls, "call"), sum.input_tokens, sum.output_tokens, sum.usd);
  return text;
}

std::string deviations_of(const ledger::config& c) {
  std::string text;
  if (c.checks.lint.none())
    text += "lint: none\n";
  if (c.checks.schema_drift.none())
    text += "schema drift: none\n";
  if (c.sandbox.kind == ledger::sandbox_kind::none)
    text += "sandbox: none\n";
  if (c.deploy.kind == ledger::deploy_kind::none)
    text += "not deployed: deploy.kind is none\n";
  return text;
}

std::string counts_of(const batch_summary& s) {
  constexpr std::array order{status::done,   status::no_change, status::running,  status::waiting,
                             status::parked, status::stopped,   status::cancelled};
  std::string text;
  for (auto is : order) {
    auto n = std::count_if(s.tasks.begin(), s.tasks.end(), [&](auto& t) { return t.is == is; });
    if (n != 0)
      text += fmt::format(", {} {}", n, to_string(is));
  }
  if (!s.damaged.empty())
    text += fmt::format(", {} damaged", s.damaged.size());
  if (!s.left_out.empty())
    text += fmt::format(", {} left out", s.left_out.size());
  double usd = 0;
  for (auto& t : s.tasks)
    usd += t.usd;
  text = plural(s.tasks.size(), "task") + (text.empty() ? "" : ": " + text.substr(2));
  return text + (usd > 0 ? fmt::format("; ${:.2f}", usd) : std::string{}) + "\n";
}

/// A first column wider than this does not push the others away.
constexpr std::size_t first_column_max = 40;

} // namespace

std::string table_of(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (auto& row : rows) {
    auto& shown = cells.emplace_back();
    for (std::size_t i = 0; i < row.size(); ++i) {
      shown.push_back(printable(row[i]));
      if (widths.size() <= i)
        widths.push_back(0);
      auto wide = columns_of(shown.back());
      widths[i] = std::max(widths[i], i == 0 ? std::min(wide, first_column_max) : wide);
    }
  }
  std::string text;
  for (auto& row : cells) {
    std::string line;
    std::size_t missing = 0; // Blanks are written before the next cell only.
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (!row[i].empty()) {
        line.append(missing, ' ').append(row[i]);
        missing = 0;
      }
      missing += std::max(widths[i], columns_of(row[i])) - columns_of(row[i]) + 2;
    }
    text += line + "\n";
  }
  return text;
}

exit_code exit_code_of(const batch_summary& s) {
  auto any = [&](auto pred) { return std::any_of(s.tasks.begin(), s.tasks.end(), pred); };
  if (!s.damaged.empty() || any(is_tampered))
    return exit_code::damaged;
  if (!s.lost.empty())
    return exit_code::not_writable;
  if (s.ended_early) // 6, 4, 2 or 130: before all that tasks can come to.
    return s.ended_early->code;
  if (s.interrupted)
    return exit_code::interrupted;
  // One that still runs although the batch is over did not end well either.
  if (!s.left_out.empty() || any([](auto& t) { return !is_well(t) && t.is != status::stopped; }))
    return exit_code::needs_person;
  return any([](auto& t) { return t.is == status::stopped; }) ? exit_code::stopped
                                                              : exit_code::all_done;
}

std::string shown_commit(const ledger::standing& t) {
  if (has_unfinished_commit(t))
    return t.branch_commit.substr(0, 12) + " (unfinished)";
  return or_dash(t.commit.substr(0, 12));
}

std::string unfinished_commit_words(const ledger::standing& t) {
  if (!has_unfinished_commit(t))
    return {};
  return fmt::format("its commit {} is on branch ai-gated/{}, but the task is not done: do not "
                     "merge it",
                     t.branch_commit.substr(0, 12), t.task);
}

std::string summary_table(const batch_summary& s, const ledger::config& c) {
  std::vector<std::vector<std::string>> rows{
      {"TASK", "STATE", "STEP", "ROUNDS", "COMMIT", "DEPLOY"}};
  for (auto& t : s.tasks)
    rows.push_back({t.task, std::string(to_string(t.is)), std::string(to_string(t.at)),
                    std::to_string(t.round), shown_commit(standing_of(t)),
                    or_dash(t.out->deployed ? t.out->deploy_url : std::string{})});
  auto text = rows.size() == 1 ? std::string{} : table_of(rows);
  text += people_needed(s) + left_out_of(s) + absent_of(s);
  text += "\n" + players_of(s, c) + spent_of(s) + deviations_of(c);
  if (!s.lost.empty())
    text += fmt::format("the ledger ended the run: {}; mend that, then start again: what is "
                        "recorded is kept\n",
                        printable(s.lost));
  if (s.interrupted)
    text += "interrupted: all is saved, the same command goes on\n";
  return text + counts_of(s);
}

} // namespace cli
