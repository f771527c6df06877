// child.hpp -- what is known of one child while it runs, and what comes of it.
//
// Private to process.cpp; belongs to the watcher's thread.

#pragma once

#include "providers/bounded_text.hpp"
#include "providers/process.hpp"
#include "providers/spawn.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

namespace providers {

struct child {
  using clock = std::chrono::steady_clock;
  using milliseconds = std::chrono::milliseconds;

  explicit child(std::size_t max_output_bytes)
      : output(max_output_bytes)
      , errors(max_output_bytes) {}
  std::uint64_t id = 0;
  pid_t pid = -1;
  file pidfd, out, err;
  file talk; // Its end of the socket, so that close() can tell it of the end.
  bounded_text output, errors;
  milliseconds timeout{0}, idle_timeout{0};
  int death_signal = SIGKILL;
  std::string owner;
  std::shared_ptr<void> kept;
  std::function<void(ledger::result<child_result>)> done;
  clock::time_point started, last_output, kill_at, drain_until, ended;
  clock::time_point armed = clock::time_point::max();
  child_result::end how = child_result::end::exited;
  milliseconds limit{0};
  bool signalled = false;     // By us.
  bool killed = false;        // SIGKILL was sent.
  bool guarded = false;       // Its group is on the guard's list.
  bool exited = false;        // And reaped: its id is not ours any more.
  bool group_is_left = false; // Exited, but others of its group are not gone yet;
  milliseconds next_look{1};  // they are looked for again after so long.
  int status = 0;
};

/// Of one that has exited; takes its output and what was kept for it.
child_result result_of(child& c);

} // namespace providers
