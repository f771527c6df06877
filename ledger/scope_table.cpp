#include "ledger/scope_table.hpp"

#include "ledger/admission.hpp"
#include "ledger/glob.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace ledger {

namespace {

constexpr std::string_view everything_below = "/**";

/// A folder's name with its slash, or a file's without.
std::string spelled(std::string_view path) {
  auto text = folded(path);
  if (text.size() > everything_below.size() && text.ends_with(everything_below))
    text.resize(text.size() - 2);
  return text;
}

std::vector<std::string> all_spelled(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  all.reserve(paths.size());
  for (auto& p : paths)
    all.push_back(spelled(p));
  return all;
}

} // namespace

void path_index::add(const std::vector<std::string>& paths, const std::string& owner) {
  for (auto& p : paths)
    owners_.emplace(p, owner);
}

void path_index::remove(const std::vector<std::string>& paths, std::string_view owner) {
  for (auto& p : paths)
    for (auto [it, end] = owners_.equal_range(p); it != end;)
      it = it->second == owner ? owners_.erase(it) : std::next(it);
}

void path_index::add_overlapping(const std::string& path, std::set<std::string>& found) const {
  auto take = [&](const std::string& exactly) {
    for (auto [it, end] = owners_.equal_range(exactly); it != end; ++it)
      found.insert(it->second);
  };
  // Folders that hold it, and files that are in the way of its folders.
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    take(path.substr(0, slash));
    take(path.substr(0, slash + 1));
  }
  take(path);
  auto below = path.back() == '/' ? path : path + "/";
  for (auto it = owners_.lower_bound(below); it != owners_.end() && it->first.starts_with(below);
       ++it)
    found.insert(it->second);
}

bool overlap(std::string_view one, std::string_view other) {
  path_index index;
  index.add({spelled(one)}, "one");
  std::set<std::string> found;
  index.add_overlapping(spelled(other), found);
  return !found.empty();
}

/// Who holds, or waits before it for, something of a waiter's.
std::vector<std::string> scope_table::in_the_way(const waiter& w) const {
  std::set<std::string> holding, before;
  for (auto& p : w.paths) {
    held_paths_.add_overlapping(p, holding);
    waiting_paths_.add_overlapping(p, before);
  }
  std::vector<std::string> names;
  for (auto& name : holding)
    if (name != w.task)
      names.push_back(name);
  for (auto& name : before)
    if (auto it = waiting_.find(name);
        name != w.task && it != waiting_.end() && it->second.rank < w.rank)
      names.push_back(name);
  return names;
}

void scope_table::hold_spelled(const std::string& task, std::vector<std::string> paths) {
  held_paths_.add(paths, task);
  held_[task] = std::move(paths);
}

bool scope_table::enter(const std::string& task, const std::vector<std::string>& paths,
                        std::int32_t priority) {
  if (holds(task))
    return true;
  static_cast<void>(leave(task)); // It came again: what it asked before is void.
  waiter w{task,
           all_spelled(paths),
           ++came_ - admission::passes_per_point * static_cast<std::int64_t>(priority),
           {}};
  w.in_the_way = in_the_way(w);
  if (w.in_the_way.empty()) {
    hold_spelled(task, std::move(w.paths));
    return true;
  }
  waited_for_[task] = w.in_the_way;
  waiting_paths_.add(w.paths, task);
  waiting_.emplace(task, std::move(w));
  return false;
}

void scope_table::hold(const std::string& task, const std::vector<std::string>& paths) {
  if (!holds(task))
    hold_spelled(task, all_spelled(paths));
}

std::vector<std::string> scope_table::leave(std::string_view task) {
  std::set<std::string> touched;
  auto give_up = [&](path_index& index, const std::vector<std::string>& paths) {
    index.remove(paths, task);
    for (auto& p : paths)
      waiting_paths_.add_overlapping(p, touched);
  };
  if (auto it = held_.find(task); it != held_.end()) {
    give_up(held_paths_, it->second);
    held_.erase(it);
  }
  if (auto it = waiting_.find(task); it != waiting_.end()) {
    give_up(waiting_paths_, it->second.paths);
    waiting_.erase(it);
  }
  if (auto it = waited_for_.find(task); it != waited_for_.end())
    waited_for_.erase(it);
  std::vector<const waiter*> in_order;
  for (auto& name : touched)
    if (auto it = waiting_.find(name); it != waiting_.end())
      in_order.push_back(&it->second);
  std::sort(in_order.begin(), in_order.end(), [](auto* a, auto* b) { return a->rank < b->rank; });
  std::vector<std::string> entered;
  for (auto* w : in_order) {
    if (!in_the_way(*w).empty())
      continue;
    auto now = waiting_.extract(w->task);
    waiting_paths_.remove(now.mapped().paths, now.mapped().task);
    entered.push_back(now.mapped().task);
    hold_spelled(entered.back(), std::move(now.mapped().paths));
  }
  return entered;
}

std::vector<std::string> scope_table::waited_for(std::string_view task) const {
  auto it = waited_for_.find(task);
  return it == waited_for_.end() ? std::vector<std::string>{} : it->second;
}

} // namespace ledger
