// json_lines.hpp -- JSON that a tool printed among other things.
//
// Private to providers/cli.
//
//   1. A line that is no JSON object is passed over.
//   2. Where the output was cut, the two halves of lines beside the cut are not
//      read: what is left of a line could be read as another.

#pragma once

#include "ledger/record.hpp"
#include "providers/process.hpp"

#include <functional>
#include <string_view>

namespace providers::cli {

/// Hands every line that is a JSON object to `each`.
void each_json_line(std::string_view text, text_cut cut,
                    const std::function<void(const ledger::json&)>& each);

/// The object that begins at the start of a line and reaches to the end of the
/// text, the longest such; null if there is none.
ledger::json last_object(std::string_view text);

/// A number that counts something; 0 if it is none.
std::uint64_t count_at(const ledger::json& object, const char* key);

} // namespace providers::cli
