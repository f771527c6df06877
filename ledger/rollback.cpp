#include "ledger/rollback.hpp"

#include "ledger/markdown.hpp"
#include "ledger/prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ledger {

namespace {

constexpr std::string_view infix = ".rollback-";

std::string name_of(std::string_view task, std::uint32_t n) {
  return fmt::format("{}{}{}", task, infix, n);
}

/// The N of a rollback's name; 0: it has none.
std::uint32_t number_in(std::string_view name) {
  auto at = name.rfind(infix);
  if (at == name.npos || at == 0)
    return 0;
  auto digits = name.substr(at + infix.size());
  std::uint32_t n = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  bool whole = error == std::errc{} && end == digits.data() + digits.size();
  return whole && !digits.starts_with('0') ? n : 0;
}

std::string prompt_of(const task_state& s, const std::string& commit, const rollback_order& by) {
  auto who = by.user.empty() ? fmt::format("the user with the id {}", by.uid)
                             : fmt::format("{} (user id {})", by.user, by.uid);
  return fmt::format(
      "# Take back {0}\n\n"
      "Ordered by {1} at {2} with `scheduler rollback {0}`.\n\n"
      "The change of task {0}, commit {3}, is taken back, and nothing else. No model "
      "is asked;\nevery check and every gate is passed as by any other task.\n\n"
      "```{4}\n{3}\n```\n",
      s.task, who, format_time(by.time_ms), commit, revert_word);
}

/// What it delivered last; empty, and why: nothing that can be taken back.
std::string delivered_commit(const task_state& s, bool on_branch, std::string& why) {
  if (on_branch && s.landed)
    return s.landed->commit;
  if (s.is == status::no_change)
    why = "it ended without a change";
  else if (!s.terminal())
    why = fmt::format("it is {} at step {}; `scheduler cancel {}` ends it", to_string(s.is),
                      to_string(s.at), s.task);
  else if (on_branch)
    why = "it did not land; its commit is on " + s.branch + " only";
  else if (s.is != status::done)
    why = fmt::format("it is {} and delivered nothing", to_string(s.is));
  else
    return s.out->commit;
  return {};
}

} // namespace

std::optional<std::string> rolled_back_by(std::string_view task) {
  if (number_in(task) == 0)
    return std::nullopt;
  return std::string{task.substr(0, task.rfind(infix))};
}

std::vector<std::string> rollbacks_of(std::string_view task,
                                      const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (auto& name : names)
    if (rolled_back_by(name) == task)
      all.push_back(name);
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return number_in(a) < number_in(b); });
  return all;
}

std::string commit_taken_back(std::string_view prompt) {
  for (auto& block : fenced_blocks(prompt))
    if (block.info == revert_word)
      return std::string{trimmed(block.content)};
  return {};
}

result<rollback_plan> plan_rollback(const task_state& s,
                                    const std::map<std::string, known_rollback>& known,
                                    bool on_branch, const rollback_order& by) {
  std::string why;
  rollback_plan plan;
  plan.commit = delivered_commit(s, on_branch, why);
  if (plan.commit.empty())
    return fail(fault::refused, fmt::format("there is nothing of {} to take back: {}", s.task, why),
                "nothing-to-take-back");
  std::uint32_t last = 0;
  for (auto& [name, r] : known) {
    last = std::max(last, number_in(name));
    bool ended = r.is == status::done || r.is == status::no_change || r.is == status::cancelled;
    if (!ended && !r.prompt.empty())
      return rollback_plan{name, commit_taken_back(r.prompt), r.prompt};
    if (!ended)
      return rollback_plan{name, plan.commit, prompt_of(s, plan.commit, by)};
    if (r.is == status::done && commit_taken_back(r.prompt) == plan.commit)
      return fail(fault::refused,
                  fmt::format("{} was taken back already, by {}; `scheduler rollback {}` brings it "
                              "again",
                              s.task, name, name),
                  "taken-back-already");
  }
  plan.task = name_of(s.task, last + 1);
  if (auto bad = why_no_task_name(plan.task); !bad.empty())
    return fail(fault::refused, fmt::format("the rollback would have to be called {}", bad));
  plan.prompt = prompt_of(s, plan.commit, by);
  return plan;
}

} // namespace ledger
