// preflight.hpp -- everything a batch needs to know before it writes anything.
//
// A *preflight* is the configuration, the prompts, the secrets, the base and
// the providers of a batch, all found sound. It writes nothing: `--dry-run`
// goes no further.
//
//   1. Whatever is wrong here is exit 2 and nothing was started.
//   2. A single bad prompt is no such thing: it is left out and the rest runs.

#pragma once

#include "cli/options.hpp"
#include "cli/place.hpp"
#include "cli/prompt_folder.hpp"
#include "cli/seams.hpp"
#include "ledger/config.hpp"
#include "ledger/redact.hpp"
#include "providers/executor.hpp"

#include <map>
#include <memory>
#include <string>

namespace cli {

struct preflight {
  cli::place place;
  ledger::config config;
  std::string config_digest;
  ledger::redactor secrets;
  std::filesystem::path tasks_folder;
  std::vector<std::string> only; ///< The globs of --only.
  cli::prompt_folder prompts;
  std::string base, base_tree;
  std::shared_ptr<providers::executor> quick;                     ///< Disk, git, computing.
  std::shared_ptr<providers::http> web;                           ///< Outlives the players.
  std::map<ledger::role, std::vector<providers::player>> players; ///< The first, then fallbacks.
};

/// One task whose prompt this program wrote, instead of a folder's (rollback.hpp).
/// No model plays it, and nobody is asked whether it may go on.
struct errand {
  found_prompt prompt;
  std::string base; ///< The commit that it begins on.
};

/// Errors: any kind, with a sentence that helps; the batch is not started. The
/// result is behind a pointer because providers keep references into it.
ledger::result<std::unique_ptr<preflight>> prepare_batch(const batch_options& o, const seams& s,
                                                         const errand* e = nullptr);

/// Threads for work that waits for the disk or for git.
std::size_t quick_threads();

} // namespace cli
