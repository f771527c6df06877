// process.hpp -- child processes that always end.
//
// A *child* is started in a session of its own, its stdin
// closed (/dev/null, or a file in memory), its output kept in memory. One
// thread watches all children through pidfds.
//
//   1. Two time-outs: *total* from the start, *idle* since the last byte of
//      output. At either the whole process group gets SIGTERM and, 2 s later,
//      SIGKILL. A child that keeps printing is never idle.
//   2. A child that was signalled by us has failed, whatever its exit code.
//   3. Output beyond `max_output_bytes` keeps its head and tail; the middle is
//      counted, not stored. A line in the middle says how many bytes are missing.
//   4. `done` is called exactly once, from the watcher's thread (from the
//      caller's, if nothing could be started). It must not block.
//   5. close() ends every child's group with `death_signal` (2 s later with
//      SIGKILL) and waits for it.
//   6. What is left of a child's group when the child ends is killed, and the
//      result is told once it is gone (2 s at most): a sandbox ends with it, and
//      nobody in one writes after the result. Whoever escaped from the group and
//      still holds the output delays the result by at most 200 ms.
//   7. However this process ends, kill -9 included, the child gets
//      `death_signal`; with `group_dies_with_us` the rest of its group gets
//      SIGKILL.

#pragma once

#include "ledger/result.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace providers {

struct child_spec {
  std::vector<std::string> argv;             ///< argv[0] is looked up in PATH of `env`.
  std::string directory;                     ///< Working directory; empty: ours.
  std::map<std::string, std::string> env;    ///< The whole environment.
  std::string stdin_text;                    ///< Given on stdin; empty: /dev/null.
  bool merge_stderr = true;                  ///< Into output; else kept apart in err.
  std::chrono::milliseconds timeout{0};      ///< Total; 0: none.
  std::chrono::milliseconds idle_timeout{0}; ///< 0: none.
  std::size_t max_output_bytes = 64 * 1024 * 1024;
  /// For shells and the like, whose work is done by children of their own.
  bool group_dies_with_us = false;
  /// What the child gets when we end. SIGTERM for programs that have to put
  /// something away first, and do so at once; 0, nothing, for those that end in
  /// no time and leave something half done if they are ended.
  int death_signal = SIGKILL;
  /// A descriptor of ours that the child gets as 3; whoever owns it keeps it
  /// open until the child has ended. -1: none.
  int keep_fd = -1;
  /// A socket of ours that the child gets as stdin and stdout; start() copies it.
  /// What the child says on stderr is then its output. close() ends what it reads:
  /// with a `death_signal` of 0 it finishes what it was asked for. -1: none.
  int talk_fd = -1;
  std::string owner; ///< For whom it works: end() takes it; empty: for nobody.
  /// What the child needs until it has ended, a folder of its own say. It goes with
  /// the result; with run() before that returns.
  std::shared_ptr<void> kept;
};

/// Where a text is cut (3 above): `missing` bytes, told by a line at `at`.
struct text_cut {
  std::size_t at = 0;
  std::uint64_t missing = 0; ///< 0: the text is whole.
};

struct child_result {
  int exit_code = -1; ///< 128 + n if signal n ended it.
  enum class end : std::uint8_t { exited, signalled, timed_out, idle, killed } how = end::exited;
  std::string output;
  std::string err; ///< If not merged.
  text_cut output_cut, err_cut;
  std::uint64_t dropped_bytes = 0; ///< Of both.
  std::chrono::milliseconds took{0};
  std::chrono::milliseconds limit{0}; ///< The time-out that was passed, if one was.
  std::shared_ptr<void> kept;         ///< Of the child.
  bool ok() const noexcept { return how == end::exited && exit_code == 0; }
  /// "exit 1", "killed by signal 9", "timed out after 20 s", "silent for 30 s".
  std::string ended() const;
};

class processes {
public:
  processes();
  ~processes(); ///< close().
  processes(const processes&) = delete;
  processes& operator=(const processes&) = delete;

  /// Starts a child. A child that cannot be started reports through `done`
  /// (unavailable; not_found if there is no such program).
  void start(child_spec spec, std::function<void(ledger::result<child_result>)> done);

  /// start() and wait, for blocking threads.
  ledger::result<child_result> run(child_spec spec);

  /// Ends the groups of those that run for `owner` now, as at a time-out. Never
  /// blocks.
  void end(const std::string& owner);

  /// Ends every child and refuses new ones (refused, code "closing").
  void close();
  bool is_closing() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace providers
