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

#include <filesystem>
#include <string>

namespace cli {

struct base_check {
  bool green = false;
  std::string why;      ///< If red: which checks, how they ended.
  std::string log_path; ///< Where the run.log of the base is, if it ran now.
};

/// The ledger's note of a green base, and the run.log that the last run left.
std::string base_note(const std::string& base_tree, const std::string& config_digest);
std::filesystem::path base_log(const std::filesystem::path& ledger_root,
                               const std::string& base_tree, const std::string& config_digest);

/// "test (exit 1), lint (exit 2)": what is red.
std::string red_checks(const ledger::checks_outcome& c);

/// Whether a green result is kept for this base and configuration, so that
/// check_base() has nothing to run.
bool is_known_green(const preflight& p, const ledger::disk::journal& journal);

/// Errors: unavailable, lost.
ledger::result<base_check> check_base(const preflight& p, ledger::disk::journal& journal,
                                      providers::checker& checks);

} // namespace cli
