// read_config.hpp -- the configuration of a repository, found and read.
//
// The one way to a configuration for all who need one: the batch, and `retry`
// with a note, which must know the same secrets.
//
//   1. No configuration is an error, never a default: defaults know fewer
//      secrets than the file would have named.
//   2. An empty scheduler.toml counts as none, so that the example, which is
//      then the whole complaint (code no_config_code), can be redirected there.
//
// Blocks on disk; writes nothing.

#pragma once

#include "cli/place.hpp"
#include "ledger/config.hpp"
#include "ledger/result.hpp"
#include "providers/registry.hpp"

#include <string>
#include <string_view>

namespace cli {

/// Code of the failure whose text is a configuration to begin with: it is
/// valid TOML, and to be printed as it is.
inline constexpr std::string_view no_config_code = "no-config";

/// `named` is what --config says, relative to the current folder; empty:
/// scheduler.toml of the repository. Errors: not_found, refused, unavailable.
ledger::result<ledger::config> read_config(const std::string& named, const place& here,
                                           const providers::registry& kinds);

} // namespace cli
