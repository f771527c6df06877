#include "ledger/admission.hpp"

#include <algorithm>

namespace ledger {

admission::rank admission::rank_of(const dependent_task& t) const {
  auto came = came_at_.find(t.task);
  auto late = came == came_at_.end() ? 0 : came->second;
  // All gain at the same rate, so the order of two never changes.
  return {late - passes_per_point * static_cast<std::int64_t>(t.priority), t.task};
}

void admission::add(dependent_task t) {
  auto& own = t.depends_on;
  std::sort(own.begin(), own.end());
  own.erase(std::unique(own.begin(), own.end()), own.end());
  came_at_[t.task] = admitted_;
  for (auto& other : own)
    dependents_[other].insert(t.task);
  if (own.empty())
    ready_.insert(rank_of(t));
  auto name = t.task;
  waiting_[name] = std::move(t);
}

void admission::done(std::string_view task) {
  if (auto it = ended_.find(task); it != ended_.end())
    ended_.erase(it);
  auto of = dependents_.find(task);
  if (of == dependents_.end())
    return;
  for (auto& name : of->second) {
    auto it = waiting_.find(name);
    if (it == waiting_.end())
      continue;
    auto& own = it->second.depends_on;
    own.erase(std::remove(own.begin(), own.end(), task), own.end());
    if (own.empty())
      ready_.insert(rank_of(it->second));
  }
  dependents_.erase(of);
}

void admission::ended(std::string_view task, std::string_view how) {
  ended_[std::string{task}] = how;
}

std::optional<std::string> admission::next() {
  if (ready_.empty())
    return std::nullopt;
  auto first = ready_.begin();
  auto task = first->second;
  ready_.erase(first);
  waiting_.erase(task);
  came_at_.erase(task);
  ++admitted_;
  return task;
}

std::string admission::why_blocked(const dependent_task& t) const {
  for (auto& other : t.depends_on) {
    if (auto it = ended_.find(other); it != ended_.end())
      return "depends on " + other + ", which is " + it->second;
    if (waiting_.count(other) != 0)
      return "depends on " + other + ", which waits itself";
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> admission::blocked() const {
  std::vector<std::pair<std::string, std::string>> all;
  for (auto& [task, t] : waiting_)
    if (auto why = why_blocked(t); !why.empty())
      all.emplace_back(task, why);
  return all;
}

namespace {

/// Of a way that may be as long as a batch.
constexpr std::ptrdiff_t names_shown = 8;

} // namespace

std::map<std::string, std::string>
dependency_cycles(const std::map<std::string, std::vector<std::string>>& depends_on) {
  std::map<std::string, std::string> found;
  std::set<std::string> finished;
  struct frame {
    const std::string* task;
    std::size_t next = 0;
  };
  for (auto& [start, unused] : depends_on) {
    // Depth first, with a stack of our own: a chain may be as long as a batch.
    std::vector<frame> way;
    if (finished.count(start) == 0)
      way.push_back({&start});
    std::set<std::string_view> on_way{start};
    while (!way.empty()) {
      auto& at = way.back();
      auto it = depends_on.find(*at.task);
      if (it == depends_on.end() || at.next >= it->second.size()) {
        on_way.erase(*at.task);
        finished.insert(*at.task);
        way.pop_back();
        continue;
      }
      auto& other = it->second[at.next++];
      if (on_way.insert(other).second) {
        if (finished.count(other) == 0)
          way.push_back({&other});
        else
          on_way.erase(other);
        continue;
      }
      auto from = std::find_if(way.begin(), way.end(), [&](auto& f) { return *f.task == other; });
      std::string words;
      for (auto f = from; f != way.end() && f - from < names_shown; ++f)
        words += *f->task + ", ";
      if (way.end() - from > names_shown)
        words += "and " + std::to_string(way.end() - from - names_shown) + " more, ";
      words += other;
      for (auto f = from; f != way.end(); ++f)
        found.emplace(*f->task, words);
    }
  }
  return found;
}

} // namespace ledger
