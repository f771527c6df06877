// config_landing.hpp -- where finished tasks land.
//
// The section [landing] of scheduler.toml.
//
//   1. A key without a mode, or of another mode, is an error, never passed over.
//   2. The branch is a name that git takes, and none of ours.
//
// Private to config_file.cpp. Pure.

#pragma once

#include "cli/toml_reader.hpp"
#include "ledger/config.hpp"

#include <string_view>

namespace cli {

void read_landing(const section& s, ledger::config& out);

/// Why `name` cannot be the short name of a branch (git-check-ref-format(1));
/// empty: it can.
std::string_view why_no_branch_name(std::string_view name);

} // namespace cli
