// reading.hpp -- the tools that read: list_files, read_file, git_log.
//
// A result begins with a *header*, a line that says what follows and what was
// left out. What follows a file's header is the file, verbatim: replace_in_file
// wants a text to the letter, and models that see numbers before the lines copy
// them into it.
//
// Private to tools/. Everything here blocks.

#pragma once

#include "providers/tools/arguments.hpp"
#include "providers/tools/sources.hpp"

#include <string>

namespace providers::tools {

/// Most files that list_files names.
inline constexpr std::size_t files_listed_max = 1000;
/// Most commits that git_log tells.
inline constexpr std::int64_t commits_max = 50;

/// A path as models write it: without `./` before and `/` behind it; `.` is the
/// root, which is empty.
std::string plain_path(std::string path);
/// Why `path` (plain) cannot be read; empty: it may be.
std::string why_unreadable(const curtain& c, const std::string& path);

tool_result list_files(file_source& s, const curtain& c, arguments& a);
tool_result read_file(file_source& s, const curtain& c, arguments& a);
/// Of the history that ends in `commit`.
tool_result git_log(const git& repository, const std::string& commit, const curtain& c,
                    arguments& a);

} // namespace providers::tools
