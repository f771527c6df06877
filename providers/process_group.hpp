// process_group.hpp -- whether anybody of a group is still at work.
//
// SIGKILL is a wish: the kernel fulfils it later, on a busy machine much later. A
// *sandbox* ends with the first process in it, which belongs to its child's group;
// until that one is gone, what it started may still write.
//
// Private to process.cpp.

#pragma once

#include <sys/types.h>

namespace providers {

/// Whether a process of `group` can still run. One that has ended and is only
/// remembered until somebody asks for its exit code cannot, but only `closely`, by a
/// look at each process of the system, are the two told apart.
bool group_is_at_work(pid_t group, bool closely);

} // namespace providers
