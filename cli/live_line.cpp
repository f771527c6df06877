#include "cli/live_line.hpp"

#include "ledger/detail.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cli {

namespace {

/// The state that a record ends its task in; empty: it does not.
std::string end_of(const ledger::record& r) {
  switch (r.what) {
    case ledger::event::finished:
      return ledger::text_at(r.detail, "status");
    case ledger::event::stopped:
    case ledger::event::parked:
    case ledger::event::cancelled:
      return std::string{to_string(r.what)};
    case ledger::event::awaiting:
      return "waiting";
    default:
      return {};
  }
}

} // namespace

void live_line::take(const std::string& task, const ledger::record& r) {
  auto end = end_of(r);
  running_.erase(task);
  ended_.erase(task);
  bool by_person = r.what == ledger::event::retried || r.what == ledger::event::approved;
  if (!end.empty())
    ended_[task] = end;
  else if (!by_person) // It may not be part of this batch, or has to wait for its turn.
    running_[task] = r.at;
}

std::string live_line::text(std::size_t columns) const {
  std::map<std::string, std::size_t> by_state;
  for (auto& [task, state] : ended_)
    ++by_state[state];
  std::string how;
  for (auto& [state, n] : by_state) {
    how += fmt::format("{}{} {}", how.empty() ? "" : ", ", n, state);
  }
  std::map<ledger::step, std::size_t> at;
  for (auto& [task, step] : running_)
    ++at[step];
  std::string where;
  for (auto& [step, n] : at)
    where += fmt::format("{}{} {}", where.empty() ? ": " : ", ", n, to_string(step));
  auto line = fmt::format("{} of {} ended{}; {} running{}", ended_.size(),
                          std::max(tasks_, ended_.size() + running_.size()),
                          how.empty() ? "" : " (" + how + ")", running_.size(), where);
  return line.size() > columns ? line.substr(0, columns) : line;
}

} // namespace cli
