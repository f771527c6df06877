// config_words.hpp -- what the rooms of scheduler.toml judge words by.
//
// Private to config_file.cpp and config_providers.cpp. Pure.

#pragma once

#include "cli/toml_reader.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace cli {

inline constexpr auto longest_timeout = std::chrono::hours(7 * 24);

bool has_word(const words& all, std::string_view one);

bool is_blank(std::string_view text);

/// Whether a text may be the name of an environment variable, and is hardly a
/// secret that was written in a name's place: some vendors' keys are of letters
/// and digits alone.
bool is_variable_name(std::string_view name);

/// Takes one of `here`. One of `later` is not in this version. Gives whether it
/// set `out`.
bool choose(const section& s, std::string_view key, const words& here, const words& later,
            std::string& out);

} // namespace cli
