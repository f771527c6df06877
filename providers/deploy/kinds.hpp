// kinds.hpp -- the kinds of deploys.
//
// A kind is an enumerator with its name (ledger/config), a file here that
// defines its factory, and a line in the registry (providers/deploy.cpp).
//
// Private to providers/deploy and deploy.cpp.

#pragma once

#include "providers/deploy.hpp"

#include <memory>

namespace providers {

std::unique_ptr<deployer> make_no_deployer(deploy_context c);
std::unique_ptr<deployer> make_directory_deployer(deploy_context c);
std::unique_ptr<deployer> make_command_deployer(deploy_context c);
std::unique_ptr<deployer> make_netlify_deployer(deploy_context c);
std::unique_ptr<deployer> make_netlify_api_deployer(deploy_context c);

/// What a batch with such a kind must find, for the registry. Errors: refused,
/// naming what to set.
ledger::result<void> netlify_is_ready(const ledger::config& c);
ledger::result<void> netlify_api_is_ready(const ledger::config& c);

} // namespace providers
