// tools.hpp -- what a model may do, and nothing else.
//
// A *toolbox* runs the calls of one conversation. Reading roles see a tree of
// the repository (the base; reviewers the candidate as well); a writing role
// works in its worktree. Tools: list_files, read_file, search, git_log; for
// writers also write_file, replace_in_file, delete_file.
//
//   1. A call that may not be done is a result with `is_error` that tells the
//      model why and what it may do instead; never a failure of ours.
//   2. Writing reaches only paths that Claude's decisions allow, the plan (step 4)
//      names and nothing protects, each beneath the worktree (openat2): not
//      through `..`, a link, an absolute path or a name that git ignores.
//   3. Files that `scope.secrets` matches, and `.git`, are unreadable and
//      unlisted for every role. Known secrets elsewhere are taken out of a line
//      before any of it is shown: no two results tell the halves of one.
//   4. Every result is UTF-8 and at most `result_bytes_max`; what was left out
//      is said, with the way to get it.
//   5. The same calls on the same tree give the same results, so that a
//      conversation can be taken up again: nothing depends on time, on paths of
//      this machine or on what else is in the worktree.
//
// Everything here blocks.

#pragma once

#include "ledger/redact.hpp"
#include "ledger/scope.hpp"
#include "ledger/step_table.hpp"
#include "providers/conversation.hpp"
#include "providers/git.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace providers {

/// Most bytes that one result tells a model.
inline constexpr std::size_t result_bytes_max = 48 * 1024;

/// What a conversation may see and touch.
struct tool_scope {
  ledger::step at = ledger::step::audit;
  std::string base;                 ///< Commit: git_log begins here.
  std::string base_tree;            ///< What `at = "base"` reads.
  std::string tree;                 ///< The candidate; empty: there is none.
  std::filesystem::path worktree;   ///< Writers only.
  ledger::allowance allowed;        ///< Of Claude's decisions.
  std::vector<std::string> planned; ///< Step 4: the plan's files; empty: all that is allowed.
  ledger::protection guard;
  std::vector<std::string> secret_globs;
  const ledger::redactor* secrets = nullptr; ///< Outlives the toolbox; null: there are none.
};

class toolbox {
public:
  virtual ~toolbox() = default;
  virtual tool_result run(const tool_call& c) = 0;
  /// Whether the call changes the worktree, so that it has to be done again when
  /// a conversation is taken up on a fresh checkout, in order.
  static bool changes_files(const tool_call& c);
};

/// What a role is offered in step `at`.
const std::vector<tool_spec>& tools_for(ledger::step at);

std::unique_ptr<toolbox> make_toolbox(const git& repository, tool_scope s);

} // namespace providers
