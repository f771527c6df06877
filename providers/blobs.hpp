// blobs.hpp -- the contents of many blobs at once.

#pragma once

#include "providers/git.hpp"

#include <string>
#include <vector>

namespace providers {

/// The contents of blobs, in the order of `ids`, with as few questions to git as
/// their sizes allow. Blocks. Errors: not_found, unavailable.
ledger::result<std::vector<std::string>> read_blobs(const git& g,
                                                    const std::vector<std::string>& ids);

} // namespace providers
