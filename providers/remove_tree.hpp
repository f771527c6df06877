// remove_tree.hpp -- removing a folder, whatever was left in it.
//
// A check or an agent may leave anything: folders without permissions, a
// thousand levels, names that together are longer than any path may be.
//
//   1. Links are removed, never followed, also if somebody swaps a folder for a
//      link meanwhile.
//   2. At most `open_levels_max` descriptors are open at once: what lies deeper
//      is moved to the top first.
//   3. A file system mounted in the folder is an error, not emptied.

#pragma once

#include <filesystem>
#include <system_error>

namespace providers {

/// Removes a file, or a folder with everything in it. Nothing there: no error.
std::error_code remove_tree(const std::filesystem::path& p);

} // namespace providers
