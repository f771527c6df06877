// checkout_folder.hpp -- what may stand in the folder of a checkout that git does
// not tell of.
//
// A *nested repository* is a `.git` of any spelling below the top: git passes over
// whatever stands beside it. No link is followed.
//
// Private to slot.cpp.

#pragma once

#include "ledger/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace providers {

/// What an entry is itself. Most file systems tell it with the name, without a
/// question for each file.
std::filesystem::file_type type_of(const std::filesystem::directory_entry& entry);

/// Gives back to us what a child took away with chmod.
void make_accessible(const std::filesystem::path& root, bool files_too);

/// Every `.git` below `root` but the one at the top, as paths relative to `root`.
/// Errors: unavailable.
ledger::result<std::vector<std::string>> nested_repositories(const std::filesystem::path& root);

/// The same, of the paths that are new in a checkout: no tree brings one.
std::vector<std::string> repositories_among(const std::vector<std::string>& added);

} // namespace providers
