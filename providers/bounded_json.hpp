// bounded_json.hpp -- JSON that others wrote, parsed without surprises.
//
// The parser of our library needs no stack, but whatever copies, compares or
// dumps a value afterwards goes down level by level; and an object with its
// keys in order is searched from the front. A hostile text is therefore
// measured before it is parsed.
//
//   1. Nothing throws; a text that is refused costs one pass over its bytes.
//   2. What was parsed is valid UTF-8 and has no more levels than was allowed.
//
// Pure.

#pragma once

#include "ledger/record.hpp"
#include "ledger/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace providers {

/// Far above what any service or tool call has, far below what hurts.
inline constexpr std::size_t max_json_depth = 200;
inline constexpr std::size_t max_json_keys = 512; ///< Of one object.
inline constexpr std::size_t max_json_values = 1'000'000;

/// Errors: corrupt, saying what is wrong with it ("is no JSON"). `max_depth` is
/// at most 255.
ledger::result<ledger::json> parse_bounded(std::string_view text,
                                           std::size_t max_depth = max_json_depth);

/// On one line; bytes that are no UTF-8 become U+FFFD, so that it is always
/// valid JSON.
std::string dump_valid(const ledger::json& value);

} // namespace providers
