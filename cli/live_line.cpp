#include "cli/live_line.hpp"

#include "ledger/detail.hpp"

#include <fmt/format.h>

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
    default:
      return {};
  }
}

} // namespace

void live_line::take(const std::string& task, const ledger::record& r) {
  auto end = end_of(r);
  if (end.empty()) {
    running_[task] = r.at;
    return;
  }
  running_.erase(task);
  ++ended_[end];
}

std::string live_line::text(std::size_t columns) const {
  std::size_t ended = 0;
  std::string how;
  for (auto& [state, n] : ended_) {
    ended += n;
    how += fmt::format("{}{} {}", how.empty() ? "" : ", ", n, state);
  }
  std::map<ledger::step, std::size_t> at;
  for (auto& [task, step] : running_)
    ++at[step];
  std::string where;
  for (auto& [step, n] : at)
    where += fmt::format("{}{} {}", where.empty() ? ": " : ", ", n, to_string(step));
  auto line = fmt::format("{} of {} ended{}; {} running{}", ended, tasks_,
                          how.empty() ? "" : " (" + how + ")", running_.size(), where);
  return line.size() > columns ? line.substr(0, columns) : line;
}

} // namespace cli
