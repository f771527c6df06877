// near_names.hpp -- what a person may have meant.
//
// A known name is *near* a word if one begins with the other, letter case
// aside, or if few letters must be changed, added or left out: at most two,
// and fewer than half of the word.
//
// Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// The near ones of `known`, nearest first, at most three.
std::vector<std::string> near_names(std::string_view word, const std::vector<std::string>& known);

/// The one of `known` with the fewest changed, added or missing letters, however
/// many they are; empty if nothing is known.
std::string nearest_name(std::string_view word, const std::vector<std::string>& known);

/// "; did you mean `a` or `b`?", or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

} // namespace cli
