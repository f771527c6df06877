// seams.hpp -- what the test build of the program replaces.

#pragma once

#include "ledger/disk/journal.hpp"
#include "providers/registry.hpp"

namespace cli {

/// The program as installed has the built-in providers and no hooks.
struct seams {
  providers::registry kinds = providers::builtin_providers();
  ledger::disk::journal_hooks hooks;
};

} // namespace cli
