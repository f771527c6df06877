// verify.hpp -- does the ledger on disk still say what was written?
//
// Checks each task's chain, signatures and whose they are, the digest of every
// file that its state expects, its contracts by the gate's own terms, and that
// no contract lies there without a signed record. Commits against trees are
// git's and checked by the caller.
// Writes nothing.

#pragma once

#include "ledger/disk/journal.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace ledger::disk {

/// Every damage of the named tasks (all, if empty), chains included.
std::vector<damage> verify_ledger(const std::filesystem::path& root, const keyring& keys,
                                  const snapshot& found, const std::vector<std::string>& tasks);

} // namespace ledger::disk
