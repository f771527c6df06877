// scope_table.hpp -- who may change which files right now.
//
// A task *holds* the paths that its decisions allow (literal paths, or folders
// ending in `/**`) while it writes code. Two scopes *overlap* if a path can be in
// both; names that differ only in case or spelling are the same here.
//
//   1. Of two tasks whose scopes overlap only one holds its own at a time.
//   2. A scope is held as a whole or not at all, so nobody who holds one waits.
//   3. Nothing starves: nobody enters whose scope overlaps with one that waits
//      and goes before it. Who goes first: see admission.hpp.
//
// Pure.

#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Whether a path can match both.
bool overlap(std::string_view one, std::string_view other);

/// Whose paths overlap with a path, among any number. Paths are spelled one way.
class path_index {
public:
  void add(const std::vector<std::string>& paths, const std::string& owner);
  void remove(const std::vector<std::string>& paths, std::string_view owner);
  void add_overlapping(const std::string& path, std::set<std::string>& found) const;

private:
  std::multimap<std::string, std::string> owners_;
};

class scope_table {
public:
  /// Whether the task holds its paths now; else it waits for leave() to name it.
  bool enter(const std::string& task, const std::vector<std::string>& paths, std::int32_t priority);
  /// Holds it whoever else does: what it would do is done already.
  void hold(const std::string& task, const std::vector<std::string>& paths);
  /// Gives those who waited and hold theirs now.
  std::vector<std::string> leave(std::string_view task);

  bool holds(std::string_view task) const { return held_.count(task) != 0; }
  /// Whom a waiting task found in its way when it came; empty: nobody.
  std::vector<std::string> waited_for(std::string_view task) const;

private:
  struct waiter {
    std::string task;
    std::vector<std::string> paths;
    std::int64_t rank = 0; ///< The lowest goes first.
    std::vector<std::string> in_the_way;
  };
  std::vector<std::string> in_the_way(const waiter& w) const;
  void hold_spelled(const std::string& task, std::vector<std::string> paths);

  // Paths are spelled one way.
  std::map<std::string, std::vector<std::string>, std::less<>> held_;
  std::map<std::string, waiter, std::less<>> waiting_;
  path_index held_paths_, waiting_paths_;
  std::map<std::string, std::vector<std::string>, std::less<>> waited_for_;
  std::int64_t came_ = 0;
};

} // namespace ledger
