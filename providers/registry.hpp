// registry.hpp -- which kinds of provider there are.
//
// A new provider is one file, one line in builtin_providers() and one line in
// CMakeLists.txt. A kind's name serves as a provider without a table of its
// own in the configuration.

#pragma once

#include "ledger/config.hpp"
#include "ledger/redact.hpp"
#include "providers/executor.hpp"
#include "providers/git.hpp"
#include "providers/http.hpp"
#include "providers/prompt_book.hpp"
#include "providers/provider.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace providers {

/// What a factory may use. All outlive the provider.
struct provider_context {
  const ledger::config& config;
  const git& repository;
  processes& children;
  executor& blocking;
  http* web = nullptr;                       ///< Null: nothing that is made here is asked.
  ledger::role plays = ledger::role::gemini; ///< The role that the provider is made for.
  const ledger::redactor* secrets = nullptr; ///< What no error may quote; null: nothing.
};

/// The prompts of the role that `c` is for, with the overrides that the
/// configuration names. Errors: those of prompt_book::open().
ledger::result<prompt_book> open_book(const provider_context& c);

using provider_factory = std::function<ledger::result<std::unique_ptr<provider>>(
    const provider_context&, const std::string& name, const ledger::provider_config&)>;

/// Kind to factory.
using registry = std::map<std::string, provider_factory>;

registry builtin_providers();

/// Makes the provider that `config` calls `name`, for the role `c.plays`.
/// Errors: refused, naming the known kinds.
ledger::result<std::unique_ptr<provider>>
make_provider(const registry& r, const provider_context& c, const std::string& name);

/// All who may play the role `c.plays`: its provider, then its fallbacks.
ledger::result<std::vector<player>> make_players(const registry& r, const provider_context& c);

} // namespace providers
