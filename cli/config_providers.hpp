// config_providers.hpp -- who is asked, and what that may cost.
//
// The sections [providers], [roles] and [budget] of scheduler.toml. A *player*
// is a provider that a role names, first or as a fallback.
//
//   1. Every player can be asked as the file stands: it has a model, a price, a
//      program or a ledger, whatever its kind needs.
//   2. A key that belongs to another kind is an error, never passed over.
//   3. No value that may hold a secret stands in a complaint.
//
// Private to config_file.cpp. Pure.

#pragma once

#include "cli/toml_reader.hpp"
#include "ledger/config.hpp"

#include <string>

namespace cli {

void read_budget(const section& s, ledger::config& out);

/// `kinds` are those of this build.
void read_providers(const section& s, const words& kinds, ledger::config& out);

/// After the providers and the budget.
void read_roles(const section& s, const words& kinds, ledger::config& out);

} // namespace cli
