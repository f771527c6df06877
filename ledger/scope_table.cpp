#include "ledger/scope_table.hpp"

#include "ledger/admission.hpp"
#include "ledger/glob.hpp"

#include <algorithm>
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

bool spelled_overlap(const std::string& one, const std::string& other) {
  if (one == other)
    return true;
  auto holds = [](const std::string& folder, const std::string& path) {
    return folder.ends_with('/') && path.starts_with(folder);
  };
  // A literal may be a folder to be: what lies below it is in its way.
  auto below = [](const std::string& file, const std::string& path) {
    return path.starts_with(file + "/");
  };
  return holds(one, other) || holds(other, one) || below(one, other) || below(other, one);
}

std::vector<std::string> all_spelled(const std::vector<std::string>& paths) {
  std::vector<std::string> all;
  for (auto& p : paths)
    all.push_back(spelled(p));
  return all;
}

bool any_overlap(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  return std::any_of(some.begin(), some.end(), [&](auto& one) {
    return std::any_of(others.begin(), others.end(),
                       [&](auto& other) { return spelled_overlap(one, other); });
  });
}

} // namespace

bool overlap(std::string_view one, std::string_view other) {
  return spelled_overlap(spelled(one), spelled(other));
}

std::vector<std::string> scope_table::in_the_way(const waiter& w) const {
  std::vector<std::string> names;
  for (auto& [name, paths] : held_)
    if (name != w.task && any_overlap(paths, w.paths))
      names.push_back(name);
  for (auto& other : waiting_)
    if (other.rank < w.rank && other.task != w.task && any_overlap(other.paths, w.paths))
      names.push_back(other.task);
  return names;
}

bool scope_table::enter(const std::string& task, const std::vector<std::string>& paths,
                        std::int32_t priority) {
  if (holds(task))
    return true;
  static_cast<void>(leave(task)); // It came again: what it asked before is void.
  waiter w{task, all_spelled(paths),
           ++came_ - admission::passes_per_point * static_cast<std::int64_t>(priority), {}};
  w.in_the_way = in_the_way(w);
  if (w.in_the_way.empty()) {
    held_[task] = std::move(w.paths);
    return true;
  }
  waited_for_[task] = w.in_the_way;
  auto behind = std::find_if(waiting_.begin(), waiting_.end(),
                             [&](auto& other) { return other.rank > w.rank; });
  waiting_.insert(behind, std::move(w));
  return false;
}

void scope_table::hold(const std::string& task, const std::vector<std::string>& paths) {
  held_[task] = all_spelled(paths);
}

std::vector<std::string> scope_table::leave(std::string_view task) {
  if (auto it = held_.find(task); it != held_.end())
    held_.erase(it);
  if (auto it = waited_for_.find(task); it != waited_for_.end())
    waited_for_.erase(it);
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [&](auto& w) { return w.task == task; }),
                 waiting_.end());
  std::vector<std::string> entered;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (!in_the_way(*it).empty()) {
      ++it;
      continue;
    }
    held_[it->task] = std::move(it->paths);
    entered.push_back(it->task);
    it = waiting_.erase(it);
  }
  return entered;
}

std::vector<std::string> scope_table::waited_for(std::string_view task) const {
  auto it = waited_for_.find(task);
  return it == waited_for_.end() ? std::vector<std::string>{} : it->second;
}

} // namespace ledger
