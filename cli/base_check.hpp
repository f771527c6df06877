// base_check.hpp -- are the checks green before anybody changes anything?
//
// Tests that are red on the base could never become green by a task's change
// alone; so the checks run once on the base tree before any AI is called. A
// green result is kept per tree and configuration, a red one never: it is
// looked at again.

#pragma once

#include "cli/preflight.hpp"
#include "ledger/disk/journal.hpp"
#include "providers/checks.hpp"

#include <string>

namespace cli {

struct base_check {
  bool green = false;
  std::string why;      ///< If red: which checks, how they ended.
  std::string log_path; ///< Where the run.log of the base is, if it ran now.
};

/// Whether a green result is kept for this base and configuration, so that
/// check_base() has nothing to run.
bool is_known_green(const preflight& p, const ledger::disk::journal& journal);

/// Errors: unavailable, lost.
ledger::result<base_check> check_base(const preflight& p, ledger::disk::journal& journal,
                                      providers::checker& checks);

} // namespace cli
