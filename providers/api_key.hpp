// api_key.hpp -- the key of a provider, from the environment.

#pragma once

#include "ledger/result.hpp"

#include <string>

namespace providers {

/// The value of `variable`; empty, if no variable is named. `name`: of the table
/// in [providers]. Errors: refused, naming the variable, never its value.
ledger::result<std::string> api_key_of(const std::string& name, const std::string& variable);

} // namespace providers
