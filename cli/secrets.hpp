// secrets.hpp -- which texts must never reach the ledger or a log (L8).
//
// A *known secret* is the value of an environment variable whose name says so,
// or stands in a file that scope.secrets matches: in the working folder
// (whether or not git ignores it), in HEAD's tree, or in the base's; or a token of
// the login that a tool of the configuration is lent.
//
//   1. A secret that cannot be learned is an error, never passed over: what is
//      not known cannot be redacted. A file that this user may not read is no
//      such thing: nobody whom we start can read it either.
//   2. No value is in any error text.
//
// Blocks on disk and git; writes nothing.

#pragma once

#include "cli/place.hpp"
#include "ledger/config.hpp"
#include "ledger/redact.hpp"
#include "ledger/result.hpp"

namespace cli {

/// Largest secrets file, bytes: every line of it is looked for in every text.
inline constexpr std::size_t max_secrets_file_bytes = 1024 * 1024;
/// Largest sum of them.
inline constexpr std::size_t max_secrets_bytes = 8 * 1024 * 1024;

/// `c` may be null: then the default globs hold and no further variable is
/// named. Errors: refused (too large), unavailable.
ledger::result<ledger::redactor> known_secrets(const place& p, const ledger::config* c);

} // namespace cli
