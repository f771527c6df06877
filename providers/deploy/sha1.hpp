// sha1.hpp -- SHA-1 of a file, through OpenSSL.
//
// Names contents to a service that knows them by it. Nothing here rests on it:
// what we trust is named by SHA-256 (ledger/digest.hpp).

#pragma once

#include "ledger/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace providers {

/// 40 lower-case hex digits.
std::string sha1(std::string_view bytes);
/// Of a file's content, read piece by piece; links are followed. Errors:
/// unavailable.
ledger::result<std::string> sha1_of_file(const std::filesystem::path& p);

} // namespace providers
