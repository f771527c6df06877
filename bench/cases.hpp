// cases.hpp -- what is measured.
//
//   limit      plain C++ that writes the files of `durable` and does nothing else
//              (limit.hpp): without a sync, with one a round (limit-sync), and
//              as bytes of one log with a sync a round (limit-log)
//   ledger     the records and files of `durable`, recorded as it does, signed, synced
//              and in the database, and nothing else: nobody asks, judges or waits
//   durable    the whole pipeline, its journal and its files, with AIs that
//              answer at once, and no git, no checks, no deploy; a witness
//              (sync_witness.hpp) proves that each record that was told of was
//              covered by a completed sync
//   governed   the offline provider on a real repository: worktrees, scope,
//              checks (`true`), commits; no deploy
//   shell      what a shell does with git for the changes of `governed`: worktree,
//              change, checks, commit, branch, as durably and as many at once
//   memory     tasks of `durable` that all wait for the first answer: what each
//              keeps resident
//   resume     tasks of `durable` that were killed before step 4: the time from the
//              start to the first record of a new step
//   status     the command `scheduler status` on so many finished tasks, after
//              their batch has ended
//   inflight   the HTTP engine alone: all requests at once to a server that
//              takes its time for each
//   latency    the pipeline of `durable`, its AIs played over HTTP by such a
//              server, and all tasks in flight at once
//   ratelimit  the whole program on a real repository, its AIs played over
//              HTTP by a server that allows so many requests a minute
//
// All go through the same code as the command. The server is the fake AI server
// (tests/fake_ai), a process of its own: its processor time is told apart, and a
// figure is the scheduler's only while the server's is well below the seconds.

#pragma once

#include "bench/report.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace bench {

/// Answers that an AI gives for a task that does well: one for each AI step.
inline constexpr std::uint64_t answers_per_task = 6;

/// Tasks of `durable` and of what it is measured against.
inline constexpr std::uint64_t durable_tasks = 2000;

/// Tasks of `governed` and of what it is measured against, and how many at once.
inline constexpr std::uint64_t governed_tasks = 100;
inline constexpr std::uint32_t governed_at_once = 16;

/// What the command line asks for.
struct wishes {
  std::uint64_t tasks = 0;         ///< Of requests, in `inflight`; 0: the case's own number.
  std::uint64_t files = 1000;      ///< Of the repository, in governed and shell.
  std::uint64_t latency_ms = 1000; ///< Of the server, in inflight and latency.
  std::uint64_t per_minute = 600;  ///< In ratelimit: what the server allows.
  std::uint64_t seconds = 60;      ///< In ratelimit: how long its window is.
  std::string window = "bucket";   ///< In ratelimit: how the server counts.
  bool told = false;               ///< In ratelimit: the configuration knows the limit.
};

/// Each measures one case, in a process that did nothing before, and ends it
/// with a sentence if a task did not end as done. `folder` is theirs, and empty.
figures measure_limit(const std::filesystem::path& folder, const wishes& w);
figures measure_limit_sync(const std::filesystem::path& folder, const wishes& w);
figures measure_limit_log(const std::filesystem::path& folder, const wishes& w);
figures measure_ledger(const std::filesystem::path& folder, const wishes& w);
figures measure_durable(const std::filesystem::path& folder, const wishes& w);
figures measure_shell(const std::filesystem::path& folder, const wishes& w);
figures measure_governed(const std::filesystem::path& folder, const wishes& w);
figures measure_memory(const std::filesystem::path& folder, const wishes& w);
figures measure_resume(const std::filesystem::path& folder, const wishes& w);
figures measure_status(const std::filesystem::path& folder, const wishes& w);
figures measure_inflight(const std::filesystem::path& folder, const wishes& w);
figures measure_latency(const std::filesystem::path& folder, const wishes& w);
figures measure_ratelimit(const std::filesystem::path& folder, const wishes& w);

} // namespace bench
