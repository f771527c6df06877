// edit.hpp -- the tools that write: write_file, replace_in_file, delete_file.
//
//   1. Before a byte is written everything that scope judges of one path later is
//      asked (allowed, planned, protected, secret), whether git ignores the path,
//      and what stands there: only a regular file with one name, or nothing.
//   2. What was asked may change meanwhile; then worktree_files.hpp still writes
//      nothing outside and through nothing.
//   3. An existing file keeps its executable bit, and its CRLF line ends where a
//      part of it is replaced. A new one is not executable.
//   4. A refusal names the rule and the paths that may be written.
//
// Private to tools/. Not thread-safe. Everything here blocks.

#pragma once

#include "providers/scratch_folder.hpp"
#include "providers/tools.hpp"
#include "providers/tools/arguments.hpp"
#include "providers/tools/sources.hpp"
#include "providers/worktree_files.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace providers::tools {

/// Most bytes that write_file takes.
inline constexpr std::size_t written_bytes_max = 1024 * 1024;

class editor {
public:
  /// All of them outlive it.
  editor(const git& repository, const tool_scope& scope, const curtain& c, worktree_source& files)
      : git_(repository)
      , scope_(&scope)
      , curtain_(&c)
      , files_(&files) {}

  tool_result write(arguments& a);
  tool_result replace(arguments& a);
  tool_result remove(arguments& a);

private:
  /// What may be changed at a path; null: nothing is there.
  using target = ledger::result<const file_entry*>;

  std::string why_forbidden(const std::string& path) const;
  std::string may_write() const;
  target examine(const std::string& path);
  ledger::result<bool> is_ignored(const std::string& path);
  ledger::result<void> put(const std::string& path, std::string_view content, bool executable);

  git git_;
  const tool_scope* scope_;
  const curtain* curtain_;
  worktree_source* files_;
  std::optional<scratch_folder> rules_; ///< Holds what the user ignores besides .gitignore.
};

} // namespace providers::tools
