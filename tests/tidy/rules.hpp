// rules.hpp -- the rules of the house, as functions over source files.
//
// A *source* is a file of the tree with its path from the root. Its *code* is
// its text with comments, literals (all but their quotes) and, where wanted,
// preprocessor lines blanked out, so that lines and columns stay the same. A
// *finding* is a place that breaks a rule.
//
//   1. A rule sees one file (is_listed_in_cmake: and the tree's file names), so
//      that each can be tried on a few lines of text.
//   2. Rules are heuristics that err towards silence on code that compiles in
//      this house's format; they need no compiler.
//
// Why tests and no script: they run wherever the code is built.

#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

inline constexpr std::size_t max_file_lines = 520;
inline constexpr std::size_t max_line_columns = 100;
inline constexpr std::size_t max_function_lines = 75;

struct source {
  std::string path; ///< From the root, with forward slashes.
  std::string text;
};

struct finding {
  std::string path;
  std::size_t line = 0;
  std::string what;
};

/// "ledger/x.cpp:12: is longer than …"
std::string to_string(const finding& f);

using findings = std::vector<finding>;

/// The code of a C++ file; preprocessor lines are kept if `with_directives`.
std::string code_of(std::string_view text, bool with_directives);

/// ledger <- ledger/disk <- providers <- actors <- cli; CAF, curl and SQLite
/// where they belong.
findings includes_go_one_way(const source& s);
/// `#include "x"` names a file of the tree from its root.
findings includes_start_at_the_root(const source& s,
                                    const std::function<bool(const std::string&)>& exists);
findings file_is_short(const source& s);
findings lines_are_short(const source& s);
findings has_no_tabs(const source& s);
findings tests_never_sleep(const source& s);
findings runs_no_shell(const source& s);
findings leaves_nothing_undone(const source& s);
findings header_introduces_itself(const source& s);
findings functions_are_short(const source& s);
/// `cmake` holds the CMakeLists.txt of each folder, by folder.
findings is_listed_in_cmake(const source& s, const std::map<std::string, std::string>& cmake);

} // namespace tidy
