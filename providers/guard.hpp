// guard.hpp -- who ends what our children started, if we cannot.
//
// A *guard* is a process that reads from us which groups of processes are at work.
// When it reads no more, because this process has ended, however that happened, it
// kills those that are left.
//
//   1. A group is on its list before the first program of the group runs: the child
//      itself says so, and is not started if nobody hears it.
//   2. It is taken off before the number can be given to anybody else.
//   3. The guard has a session of its own and is no relative of the children. One
//      that somebody killed is replaced when the next child is started.
//
// Not thread-safe: it belongs to the watcher's thread. Private to process.cpp.

#pragma once

#include "providers/spawn.hpp"

#include <sys/types.h>
#include <vector>

namespace providers {

class guard {
public:
  guard() = default;
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;
  ~guard();

  /// Whether there is one; started anew if need be, with `at_work` on its list.
  bool is_there(const std::vector<pid_t>& at_work);
  /// Where a child says that it begins; nothing while there is none.
  const file& ear() const noexcept { return ours_; }
  void take_off(pid_t group) const;

private:
  file ours_;
  pid_t pid_ = -1;
};

/// What is said of a group. In a child after vfork(): system calls only.
enum class group_is : char { begun = '+', ended = '-' };
bool tell_guard(int ear, group_is what, pid_t group);

} // namespace providers
