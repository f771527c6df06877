#include "cli/ledger_view.hpp"

#include "cli/near_names.hpp"
#include "cli/printable.hpp"
#include "cli/summary.hpp"
#include "ledger/disk/lock.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <thread>
#include <utility>

namespace cli {

namespace {

using ledger::fault;
using ledger::result;
using ledger::disk::damage;

/// Looks that must agree, and the pause between them: longer than a scheduler
/// takes from a file to its record.
constexpr int looks = 4;
constexpr auto pause = std::chrono::milliseconds(150);

/// Damage without a ledger: it was there once.
result<std::vector<damage>> traces_of_a_ledger(const place& p, const ledger::disk::keyring& keys) {
  std::vector<damage> found;
  for (auto& task : keys.tasks_with_heads())
    found.push_back({task, std::string(ledger::path::journal),
                     fmt::format("records were signed for this task, but the ledger {} is gone; "
                                 "put it back",
                                 p.ledger_root.string())});
  auto branches = p.repository->refs_below(ledger::branch_prefix);
  if (!branches)
    return tl::make_unexpected(branches.error());
  for (auto& branch : *branches)
    found.push_back({branch.substr(ledger::branch_prefix.size()), branch,
                     fmt::format("the branch is there, but the ledger {} is not; put it back, or "
                                 "delete the branch to begin anew",
                                 p.ledger_root.string())});
  return found;
}

bool among(const std::vector<damage>& all, const damage& d) {
  return std::any_of(all.begin(), all.end(),
                     [&](auto& o) { return o.task == d.task && o.file == d.file; });
}

/// The tasks that are known, and those that only a damage names; sorted.
template <class Tasks>
std::vector<std::string> names_in(const Tasks& tasks, const std::vector<damage>& damages) {
  std::vector<std::string> all;
  all.reserve(tasks.size());
  for (auto& [task, known] : tasks)
    all.push_back(task);
  if (damages.empty())
    return all;
  for (auto& d : damages)
    if (!d.task.empty() && tasks.count(d.task) == 0)
      all.push_back(d.task);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// The last of several looks, with the damages that all of them saw.
template <class View>
result<View> confirmed(const place& p, const std::function<result<View>()>& look) {
  auto is_held = [&] { return ledger::disk::repository_lock::is_held(p.repository->common_dir()); };
  bool at_work = is_held();
  auto view = look();
  for (int i = 1; i < looks && (!view || !view->damages.empty()); ++i) {
    at_work = is_held() || std::exchange(at_work, false);
    if (!at_work)
      break;
    std::this_thread::sleep_for(pause);
    auto again = look();
    if (view && again)
      std::erase_if(again->damages, [&](auto& d) { return !among(view->damages, d); });
    view = std::move(again);
  }
  return view;
}

result<ledger_view> examined(const place& p, const ledger::disk::keyring& keys,
                             const examination& examine) {
  auto view = look_at_ledger(p, keys);
  if (!view || !examine)
    return view;
  auto more = examine(*view);
  if (!more)
    return tl::make_unexpected(more.error());
  for (auto& d : *more)
    if (!among(view->damages, d))
      view->damages.push_back(std::move(d));
  return view;
}

} // namespace

bool ledger_view::knows(const std::string& task) const {
  return found.tasks.count(task) != 0
         || std::any_of(damages.begin(), damages.end(), [&](auto& d) { return d.task == task; });
}

std::vector<std::string> ledger_view::names() const {
  return names_in(found.tasks, damages);
}

std::vector<std::string> ledger_overview::names() const {
  return names_in(standings, damages);
}

result<ledger_view> look_at_ledger(const place& p, const ledger::disk::keyring& keys) {
  ledger_view view;
  auto found = ledger::disk::read_snapshot(p.ledger_root, keys);
  if (!found && found.error().kind != fault::not_found)
    return tl::make_unexpected(found.error());
  if (!found) {
    auto traces = traces_of_a_ledger(p, keys);
    if (!traces)
      return tl::make_unexpected(traces.error());
    view.damages = std::move(*traces);
    return view;
  }
  view.exists = true;
  view.found = std::move(*found);
  view.damages = view.found.damages;
  for (auto& [task, chain] : view.found.tasks) {
    auto state = ledger::fold(task, chain.records);
    if (state)
      view.states.emplace(task, std::move(*state));
    else
      view.damages.push_back({task, std::string(ledger::path::journal),
                              state.error().detail + "; no state fits its records"});
  }
  return view;
}

result<ledger_view> view_ledger(const place& p, const ledger::disk::keyring& keys,
                                const examination& examine) {
  return confirmed<ledger_view>(p, [&] { return examined(p, keys, examine); });
}

result<ledger_overview> overview_of(const place& p, const ledger::disk::keyring& keys) {
  return confirmed<ledger_overview>(p, [&]() -> result<ledger_overview> {
    ledger_overview out;
    auto found = ledger::disk::read_overview(p.ledger_root, keys);
    auto missing = !found && found.error().kind == fault::not_found;
    auto traces = missing ? traces_of_a_ledger(p, keys) : std::vector<damage>{};
    if ((!found && !missing) || !traces)
      return tl::make_unexpected(missing ? traces.error() : found.error());
    out.exists = !missing;
    out.damages = missing ? std::move(*traces) : std::move(found->damages);
    if (found)
      out.standings = std::move(found->standings);
    return out;
  });
}

void tell_damages(const std::vector<damage>& damages, const trace_places& at, std::ostream& to) {
  for (std::size_t i = 0; i < damages.size(); ++i) {
    auto& d = damages[i];
    to << "scheduler: damaged: " << printable(d.task) << (d.task.empty() ? "" : ": ")
       << printable(d.file) << ": " << printable(d.why) << "\n";
    bool more = std::any_of(damages.begin() + static_cast<std::ptrdiff_t>(i) + 1, damages.end(),
                            [&](auto& other) { return other.task == d.task; });
    if (!more)
      to << "  remedy: " << printable(damage_remedy(at, d.task)) << "\n";
  }
}

nlohmann::ordered_json damages_json(const std::vector<damage>& damages, const trace_places& at) {
  auto list = nlohmann::ordered_json::array();
  for (auto& d : damages)
    list.push_back({{"task", d.task},
                    {"file", d.file},
                    {"why", d.why},
                    {"remedy", damage_remedy(at, d.task)}});
  return list;
}

exit_code end_with(exit_code code, const std::string& why, bool json, std::ostream& out,
                   std::ostream& err) {
  err << complaint(why);
  if (json)
    out << json_line({{"error", why}, {"exit_code", static_cast<int>(code)}}) << "\n";
  return code;
}

void tell_copy(const place& p, std::ostream& to) {
  if (auto may = may_write(p); !may)
    to << complaint(may.error().detail);
}

exit_code code_of(const ledger::failure& f) {
  if (f.code == "damaged")
    return exit_code::damaged;
  switch (f.kind) {
    case fault::corrupt:
      return exit_code::damaged;
    case fault::unavailable:
    case fault::lost:
      return exit_code::not_writable;
    case fault::not_found:
    case fault::refused:
      break;
  }
  return exit_code::usage;
}

std::string shown_time(const std::string& time) {
  if (!ledger::parse_time(time))
    return printable(time);
  return time.substr(0, 10) + " " + time.substr(11, 8) + "Z";
}

std::string unknown_task(const std::string& task, const std::vector<std::string>& known) {
  auto near = did_you_mean(task, known);
  return fmt::format("there is no task {} in the ledger{}", printable(task),
                     near.empty() ? "; `scheduler status` names all of them" : near);
}

} // namespace cli
