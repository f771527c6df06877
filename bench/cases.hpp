// cases.hpp -- what is measured.
//
//   durable    the whole pipeline, its journal and its files, with AIs that
//              answer at once, and no git, no checks, no deploy
//   governed   the offline provider on a real repository: worktrees, scope,
//              checks (`true`), commits; no deploy
//
// All go through the same code as the command.

#pragma once

#include "bench/report.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace bench {

/// Answers that an AI gives for a task that does well: one for each AI step.
inline constexpr std::uint64_t answers_per_task = 6;

/// What the command line asks for.
struct wishes {
  std::uint64_t tasks = 0; ///< 0: the case's own number.
};

/// Each measures one case, in a process that did nothing before, and ends it
/// with a sentence if a task did not end as done. `folder` is theirs, and empty.
figures measure_durable(const std::filesystem::path& folder, const wishes& w);
figures measure_governed(const std::filesystem::path& folder, const wishes& w);

} // namespace bench
