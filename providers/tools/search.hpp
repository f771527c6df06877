// search.hpp -- the tool that searches.
//
//   1. The time is linear in what is searched, whatever pattern a model writes
//      and whatever the files hold (RE2). What is searched is bounded, less for
//      larger patterns; both bounds count bytes, never time, so that the same
//      search gives the same result.
//   2. A line is matched by itself, without its end.
//
// Private to tools/. Everything here blocks.

#pragma once

#include "providers/tools/arguments.hpp"
#include "providers/tools/sources.hpp"

namespace providers::tools {

inline constexpr std::size_t matches_max = 200;
/// Most bytes that one search looks into.
inline constexpr std::uint64_t searched_bytes_max = 64 * 1024 * 1024;

tool_result search(file_source& s, const curtain& c, arguments& a);

} // namespace providers::tools
