// cases.hpp -- what is measured.
//
//   durable   the whole pipeline, its journal and its files, with AIs that
//             answer at once, and no git, no checks, no deploy
//   governed  the offline provider on a real repository: worktrees, scope,
//             checks (`true`), commits; no deploy
//
// Both go through the same code as the command.

#pragma once

#include <cstdint>
#include <filesystem>

namespace bench {

/// Both give the number of AI answers made durable, and end the program with a
/// sentence if a task did not end as done. `folder` is theirs, and empty.
std::uint64_t run_durable(const std::filesystem::path& folder, std::uint64_t tasks);
std::uint64_t run_governed(const std::filesystem::path& folder, std::uint64_t tasks);

/// Makes the repository and prompts of `governed`; not part of what is timed.
void prepare_governed(const std::filesystem::path& folder, std::uint64_t tasks);

} // namespace bench
