// admission.hpp -- which task of a batch may begin next.
//
// A task *depends* on others (`depends_on:` of its prompt): it is *ready* when all
// of them are done, and *blocked* when one of them came to another end, or is
// blocked itself. Of those that are ready the highest *rank* begins: the
// priority, and what it gained by waiting.
//
//   1. Nothing starves: whoever is there first gains on those who come later, one
//      point of priority for each `passes_per_point` admissions.
//   2. Of equal rank goes first whose name is first.
//   3. An end is not for ever: a dependency that is retried and gets done makes
//      those that it blocked ready.
//
// Pure.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ledger {

struct dependent_task {
  std::string task;
  std::int32_t priority = 0;
  std::vector<std::string> depends_on; ///< Those that are not done yet.
};

class admission {
public:
  static constexpr std::int64_t passes_per_point = 10;

  void add(dependent_task t);
  /// A task is done: whoever depends on it may begin.
  void done(std::string_view task);
  /// It came to another end: "parked", say.
  void ended(std::string_view task, std::string_view how);
  /// The next one, taken out; nothing: none is ready.
  std::optional<std::string> next();

  /// Those that wait for what will not come, with the reason.
  std::vector<std::pair<std::string, std::string>> blocked() const;
  bool has_ready() const noexcept { return !ready_.empty(); }

private:
  /// Highest rank first.
  using rank = std::pair<std::int64_t, std::string>;
  rank rank_of(const dependent_task& t) const;
  std::string why_blocked(const dependent_task& t) const;

  std::map<std::string, dependent_task, std::less<>> waiting_; ///< Not ready, or in ready_.
  std::map<std::string, std::int64_t, std::less<>> came_at_;
  std::map<std::string, std::set<std::string>, std::less<>> dependents_;
  std::map<std::string, std::string, std::less<>> ended_; ///< Not done: how.
  std::set<rank> ready_;
  std::int64_t admitted_ = 0;
};

/// A way along `depends_on` that comes back to where it began, "A, B, A", for
/// each task that is on one.
std::map<std::string, std::string>
dependency_cycles(const std::map<std::string, std::vector<std::string>>& depends_on);

} // namespace ledger
