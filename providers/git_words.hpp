// git_words.hpp -- reading what git prints.
//
// Pure. Private to git*.cpp.

#pragma once

#include "providers/process.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace providers {

bool is_object_id(std::string_view id);

std::string without_newline(std::string text);

/// git's own words, short enough for an error text.
std::string words_of(const child_result& r);

std::vector<std::string_view> split(std::string_view text, char end);

/// Whether the words tell of the machine rather than of what was asked: no
/// space, no memory, no permission, an input or output error.
bool tells_of_the_machine(std::string_view words);

/// Whether they tell that a disk or a quota is full.
bool tells_of_a_full_disk(std::string_view words);

} // namespace providers
