// config_file.hpp -- scheduler.toml, from text to values.
//
// A *kind* is a sort of provider that this build can make. A key is *not in
// this version* if the design knows it and this program cannot do what it
// says; obeying the rest of the file without it would do less than its author
// asked for, so it is an error.
//
//   1. All errors of a file are reported at once, each with line, column and
//      remedy; nothing is guessed and nothing unknown is skipped.
//   2. test, lint and schema_drift must each be answered; only the latter two
//      may be answered with "none", the author's written deviation.
//   3. A configuration in which an `offline` provider plays a role, if only as a
//      fallback, never has deploy.context "production".
//
// Pure: reads no file.

#pragma once

#include "ledger/config.hpp"
#include "ledger/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Largest scheduler.toml, bytes.
inline constexpr std::size_t max_config_bytes = 1024 * 1024;

/// Reads a configuration. `file_name` is for the messages only;
/// `provider_kinds` are the kinds of this build. Errors: refused, code
/// "config", one complaint a line: "scheduler.toml:12:3: …; remedy".
ledger::result<ledger::config> parse_config(std::string_view text, std::string_view file_name,
                                            const std::vector<std::string>& provider_kinds);

/// A complete starter file with comments. It parses, and what its comments
/// call the default is the default.
std::string example_config();

} // namespace cli
