// place.hpp -- where a command works: repository, ledger, keys, folders.
//
// A *place* is a repository and what belongs to it: the git common directory,
// the repository's identity, the ledger's root, the state folder with the
// keys, the cache folder for worktrees. Every command begins by finding its
// place.
//
//   1. Finding a place writes nothing. keep_identity() does, and is for who
//      holds the repository's lock.
//   2. `$XDG_STATE_HOME`, `$XDG_CACHE_HOME` and SCHEDULER_KEY_FILE are read
//      here and nowhere else.

#pragma once

#include "cli/identity.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/result.hpp"
#include "providers/git.hpp"
#include "providers/process.hpp"

#include <filesystem>
#include <memory>
#include <string>

namespace cli {

struct place {
  std::shared_ptr<providers::processes> children;
  std::shared_ptr<const providers::git> repository;
  std::filesystem::path ledger_root; ///< <top>/.ai-stack-trace
  std::filesystem::path common_dir;  ///< Canonical.
  identity who;
  std::string repo_id;             ///< Of `who`.
  std::filesystem::path state_dir; ///< $XDG_STATE_HOME/scheduler/keys
  std::filesystem::path cache_dir; ///< $XDG_CACHE_HOME/scheduler/<repo id>
};

/// The place of `repo_option` (empty: of the current directory). Errors:
/// not_found, refused (no repository, or a linked worktree), with the remedy.
ledger::result<place> find_place(const std::string& repo_option);

/// Refuses a copy (identity.hpp), for all who would write.
ledger::result<void> may_write(const place& p);

/// Writes the identity down. Errors: unavailable, lost.
ledger::result<void> keep_identity(const place& p);

} // namespace cli
