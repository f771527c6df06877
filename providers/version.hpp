// version.hpp -- the version of this program, from its only place.
//
// It is what `--version` prints and what the ledger records as the version of
// providers that are part of the program. CMakeLists.txt's project(VERSION)
// must say the same.

#pragma once

#include <string_view>

namespace providers {

inline constexpr std::string_view program_version = "0.1.0";

} // namespace providers
