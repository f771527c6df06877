#include "cli/dependencies.hpp"

#include "cli/printable.hpp"
#include "ledger/admission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

namespace cli {

namespace {

using ledger::status;
using ledger::task_state;

class resolving {
public:
  resolving(selection& s, const preflight& p, const ledger_facts& known)
      : s_(s)
      , p_(p)
      , known_(known) {
    for (auto& t : s.to_run)
      here_.insert(t.prompt->task);
  }

  void all() {
    leave_out_cycles();
    // Who is left out leaves out those that need it.
    for (bool again = true; again;) {
      again = false;
      for (std::size_t i = s_.to_run.size(); i > 0; --i)
        if (auto why = why_not(s_.to_run[i - 1]); !why.empty()) {
          leave_out(i - 1, "dependency", why);
          again = true;
        }
    }
    for (auto& t : s_.to_run)
      if (is_new(t))
        note_what_is_before(t);
  }

private:
  static bool is_new(const selected_task& t) { return t.state.at == ledger::step::ingest; }

  void leave_out(std::size_t i, std::string reason, std::string why) {
    auto& prompt = *s_.to_run[i].prompt;
    here_.erase(prompt.task);
    s_.summary.left_out.push_back(
        {prompt.path.filename().string(), std::move(reason), std::move(why)});
    s_.to_run.erase(s_.to_run.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void leave_out_cycles() {
    std::map<std::string, std::vector<std::string>> needs;
    for (auto& t : s_.to_run)
      if (is_new(t) && !t.prompt->front.depends_on.empty())
        needs[t.prompt->task] = t.prompt->front.depends_on;
    auto cycles = ledger::dependency_cycles(needs);
    for (std::size_t i = s_.to_run.size(); i > 0; --i)
      if (auto it = cycles.find(s_.to_run[i - 1].prompt->task); it != cycles.end())
        leave_out(i - 1, "dependency-cycle",
                  fmt::format("it depends on itself: {}; take one of these out of depends_on",
                              it->second));
  }

  /// Where a task stands that this run does not have in hand.
  std::optional<task_state> state_of(const std::string& task) const {
    auto records = known_.chain_of(task);
    if (records.empty())
      return std::nullopt;
    auto s = ledger::fold(task, records);
    return s ? std::optional(std::move(*s)) : std::nullopt;
  }

  /// Why a dependency will not get done in this run; empty: it is done, or in hand.
  std::string why_missing(const std::string& task) const {
    if (here_.count(task) != 0)
      return {};
    auto s = state_of(task);
    if (s && (s->is == status::done || s->is == status::no_change))
      return {};
    if (s && s->at_rest())
      return fmt::format("{}{}", to_string(s->is), s->reason.empty() ? "" : " (" + s->reason + ")");
    auto file = task + ".md";
    for (auto& l : s_.summary.left_out)
      if (l.file_name == file)
        return fmt::format("left out ({})", l.reason);
    for (auto& [hurt, why] : s_.summary.damaged)
      if (hurt == task)
        return "damaged";
    if (p_.prompts.names.count(task) != 0)
      return "not selected by --only, and not done yet";
    if (s)
      return "unfinished, and its prompt is not in this folder";
    return "neither a prompt in this folder nor a task in the ledger";
  }

  std::string why_not(const selected_task& t) const {
    if (!is_new(t))
      return {};
    for (auto& task : t.prompt->front.depends_on)
      if (auto why = why_missing(task); !why.empty())
        return fmt::format("it depends on {}, which is {}", printable(task), why);
    return {};
  }

  void note_what_is_before(selected_task& t) const {
    for (auto& task : t.prompt->front.depends_on) {
      if (here_.count(task) != 0)
        t.after.push_back(task);
      else if (auto s = state_of(task); s && !s->branch_commit.empty())
        t.commits_before.push_back(s->branch_commit);
    }
  }

  selection& s_;
  const preflight& p_;
  const ledger_facts& known_;
  std::set<std::string> here_;
};

} // namespace

void resolve_dependencies(selection& s, const preflight& p, const ledger_facts& known) {
  resolving(s, p, known).all();
}

} // namespace cli
