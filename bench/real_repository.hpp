// real_repository.hpp -- a repository with one page a task, and prompts for it.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace bench {

/// The change of one page, as a patch.
std::string patch_of_page(std::uint64_t page);

/// Makes `folder`/repo with `pages` pages, at least one a task, and the configuration
/// `toml`, to which checks (`true`) are added, and a prompt a task in `folder`/prompts.
/// Each carries its change as a diff, for the offline provider.
void make_repository(const std::filesystem::path& folder, const std::string& toml,
                     std::uint64_t tasks, std::uint64_t pages = 0);

/// Runs the batch as the command does; ends the program with a sentence if a
/// task did not end as done.
void run_whole_batch(const std::filesystem::path& folder, std::uint32_t in_flight);

} // namespace bench
