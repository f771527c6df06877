// login.hpp -- a tool's login, lent to a run.
//
// A *login* is the file that a vendor's tool keeps its tokens in, in the user's
// home. A run gets a copy in a home of its own. A tool that finds its token
// nearly used up gets a new one and writes it down; the old one may be worth
// nothing from then on, so the new one has to come back.
//
//   1. What comes back is JSON of the shape that was lent: the same keys, the
//      same kinds of values. Commands of a model can write to the copy.
//   2. If the user's file changed meanwhile, by another run or by the user, it
//      stays as it is: one of the two logins is void then, and theirs is the
//      later word. Copies of this process come and go one at a time.
//   3. The file is replaced in one step, with mode 0600; a link that it is stays
//      a link.

#pragma once

#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace providers::cli {

/// Content of the user's login; empty if there is none. Errors: refused (not a
/// file of a sane size), unavailable.
ledger::result<std::string> read_login(const std::filesystem::path& file);

enum class returned : std::uint8_t { unchanged, kept, misshapen, overtaken, failed };

/// Puts what a run left of its copy (`after`) in the place of what it was lent.
returned return_login(const std::filesystem::path& file, std::string_view lent,
                      std::string_view after);

/// Whether one may stand for the other (1 above).
bool same_shape(std::string_view lent, std::string_view after);

} // namespace providers::cli
