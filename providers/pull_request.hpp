// pull_request.hpp -- a task's branch at a remote, and a pull request for it.
//
// With landing.mode = "pr" a task's commit is *pushed* to the remote landing.push
// as ai-gated/<TASK>, and landing.command, a service command
// (service_command.hpp), opens the pull request.
//
//   1. A push moves the branch from a commit that an intent of the task's own
//      named, or makes it; whatever else is there is never overwritten.
//   2. The command gets SCHEDULER_ACTION=find|open, SCHEDULER_TASK, _COMMIT,
//      _BRANCH, _TARGET, _REMOTE, _REMOTE_URL, _TITLE and _BODY_FILE; its answer
//      is {"pr_id": …, "pr_url": …}.
//   3. Asking find() first makes one pull request, however often a run is killed.
//      Neither find() nor open() begins while an open() of a killed run is alive.
//   4. Nothing that fails here is the change's fault: it is unavailable, or refused
//      with the words of whoever refused it.
//   5. SCHEDULER_REMOTE_URL has no name or password of an https address in it.
//
// `pull_requests` is a seam. All functions block.

#pragma once

#include "ledger/config.hpp"
#include "ledger/redact.hpp"
#include "providers/git.hpp"
#include "providers/process.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// What stands at the remote is not ours; and what the command refuses to open.
inline constexpr std::string_view remote_branch_moved_code = "remote-branch-moved";
inline constexpr std::string_view pull_request_refused_code = "pull-request-refused";

struct pull_request_order {
  std::string task;
  std::string branch; ///< Full name of the ref, here and at the remote.
  std::string commit;
  std::string remote, target;
  std::string title, body;
  std::vector<std::string> ours; ///< Commits that the branch may be at there.
};

struct opened_request {
  std::string id, url;
};

class pull_requests {
public:
  virtual ~pull_requests() = default;
  /// Whether the remote answers. Errors: unavailable.
  virtual ledger::result<void> reach() = 0;
  /// The branch that pull requests are to be merged into: landing.branch, or
  /// repo.base if that is a branch; empty: neither. Errors: unavailable.
  virtual ledger::result<std::string> target() = 0;
  /// Errors: unavailable; refused, code remote_branch_moved_code.
  virtual ledger::result<void> push(const pull_request_order& o) = 0;
  /// What is open for the branch; nothing: there is none. Errors: unavailable;
  /// refused (no token, an answer that cannot be read).
  virtual ledger::result<std::optional<opened_request>> find(const pull_request_order& o) = 0;
  /// Errors: unavailable; refused (no token, or code pull_request_refused_code).
  virtual ledger::result<opened_request> open(const pull_request_order& o) = 0;
};

/// What it works with; all of it outlives it. The token is read from our
/// environment.
struct pull_request_context {
  const ledger::config& config;
  const git& repository;
  processes& children;
  std::filesystem::path scratch; ///< A folder of ours, in which the command runs.
  ledger::redactor secrets = {};
};
std::unique_ptr<pull_requests> make_pull_requests(pull_request_context c);

/// Whether this machine has what a batch with mode `pr` needs: the token's
/// variable, the remote. Asks nobody. Errors: refused, naming what to set.
ledger::result<void> pull_requests_are_ready(const ledger::config& c, const git& repository);

} // namespace providers
