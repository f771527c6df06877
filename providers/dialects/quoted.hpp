// quoted.hpp -- what a service said, fit to stand in one of our sentences.
//
// Services quote the key that they refuse, and a proxy may echo a header.
//
//   1. No word that looks like a key is left, whether or not it is one of ours.
//   2. At most 400 bytes, on one line, printable, in back ticks.
//
// Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace providers::dialects {

/// `bytes_max`: at most 370, which leaves room for the last character.
std::string quoted(std::string_view text, std::size_t bytes_max);

} // namespace providers::dialects
