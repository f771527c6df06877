// published_folder.hpp -- copying a built site without taking more than it.
//
// What a build leaves behind is a hostile folder: its links may point at the
// user's files. Private to
// providers/deploy.
//
//   1. Files, folders, and relative links whose target stays inside are
//      copied; anything else is refused, named.
//   2. No link is followed while copying. `.git` at the top is left out.
//   3. A copy appears under its name whole or not at all, and is durable, with
//      the folders that had to be made above it.

#pragma once

#include "ledger/result.hpp"

#include <filesystem>
#include <string>

namespace providers {

/// Copies `from` to `to` (absolute), which must not exist. Errors: refused (what is in
/// `from`), unavailable.
ledger::result<void> copy_published(const std::filesystem::path& from,
                                    const std::filesystem::path& to);

/// `file://` and the percent-encoded absolute path.
std::string file_url(const std::filesystem::path& p);

} // namespace providers
