// survey.hpp -- what is really in a tree, for the audit.
//
// A *survey* is computed once a tree: its files by kind, the places where it
// is entered, *gaps* in its normal form (line ends, trailing blanks, names
// that differ by case only), *links* between its files and the *scripts* that
// its build files name.
//
//   1. It depends on the tree and the limits only.
//   2. Work is bounded by `survey_limits`; what was not read is counted.
//
// Blocks, where it reads from git.

#pragma once

#include "providers/git.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace providers::offline {

struct survey_limits {
  std::size_t files = 2000;
  std::uint64_t bytes = 16 * 1024 * 1024;
  std::uint64_t bytes_a_file = 512 * 1024;
  std::size_t links = 20000;
};

/// A relative reference from one file to another.
struct link {
  std::string file;
  std::uint32_t line = 0;
  std::string target;                  ///< As written.
  std::vector<std::string> candidates; ///< Repository paths, any of which would do.
};

struct gap {
  std::string path;
  std::string what; ///< "has no newline at its end", …
};

struct script_named {
  std::string file;   ///< Where it is named.
  std::string script; ///< Repository path that is not there.
};

struct survey {
  std::vector<std::string> paths; ///< Every file, in git's order.
  std::set<std::string, std::less<>> folders;
  std::map<std::string, std::size_t> by_kind;
  std::vector<std::string> entries;
  std::vector<gap> gaps;
  std::vector<link> links;
  std::vector<script_named> missing_scripts;
  std::string title;        ///< First heading of the README, or empty.
  std::size_t read = 0;     ///< Text files that were read.
  std::size_t left_out = 0; ///< Files that the limits left unread.

  bool exists(std::string_view path) const; ///< A file or a folder.
};

/// Surveys a tree. Errors: those of git.
ledger::result<survey> survey_of(const git& g, std::string_view tree, const survey_limits& limits);

/// The gaps of one file's content.
std::vector<gap> gaps_of(std::string_view path, std::string_view content);

/// The relative links of an HTML or Markdown file; of other files none.
std::vector<link> links_of(std::string_view path, std::string_view content);

/// The files that a shell command line names as scripts, relative to `folder`.
std::vector<std::string> scripts_in(std::string_view command, std::string_view folder);

/// Whether no candidate of `l` exists in `s`.
bool dangles(const link& l, const survey& s);

} // namespace providers::offline
