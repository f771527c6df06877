// configured.hpp -- a command line tool as the configuration has it.
//
//   1. What is missing is said before anything starts (cli_provider.hpp, make()).
//   2. A tool's whole prompt is the prompt of its step, as one text.

#pragma once

#include "providers/registry.hpp"

#include <memory>
#include <string>

namespace providers::cli {

/// The factory of the kinds codex-cli, claude-code, gemini-cli and command.
ledger::result<std::unique_ptr<provider>> make_configured(const provider_context& c,
                                                          const std::string& name,
                                                          const ledger::provider_config& p);

} // namespace providers::cli
