// deploy.hpp -- build, publish, and find what was published before.
//
//   1. The build runs in the sandbox on a clean checkout of the commit's tree,
//      without any token; it hands over the published folder only.
//   2. The deploy is a process (or a rename) of its own: it gets the token and
//      that folder, and runs nothing from the repository.
//   3. A deploy id is a function of task and commit: asking find() first makes
//      a deploy happen once however often a run is killed. Neither find() nor
//      deploy() begins while a deploy of a killed run is still alive
//      (deploy/deploy_lock.hpp).
//   4. Kind `directory` publishes to `<directory>/<TASK>/<deployId>` by rename.
//   5. Kind `command` gets SCHEDULER_ACTION=deploy|find, SCHEDULER_TASK,
//      _COMMIT, _DEPLOY_ID, _PUBLISH; its last line on stdout is
//      {"deploy_id": …, "deploy_url": …}. `find` exiting 3: not there. `deploy`
//      exiting 75 (EX_TEMPFAIL, sysexits.h) is an outage: unavailable, as is its
//      end by a time-out, a signal or a full disk; any other failure is the
//      change's fault. `find` failing otherwise says nothing: unavailable, never
//      "not there".
//   6. Kinds `netlify` (the vendor's tool) and `netlify-api` (its REST API) put
//      the deploy id into the deploy's title (deploy/netlify_words.hpp). find()
//      looks for that title at the service; a deploy that was begun is gone on
//      with, by whichever kind began it. What says nothing about the change
//      (no connection, 5xx, 429, a time-out) is unavailable; what no retry can
//      help (a bad token or site) is refused; a deploy that the service refuses
//      or fails is the change's fault.
//   7. The published folder holds files, folders and links that stay in it;
//      anything else fails the build.
//   8. Neither the token nor another known secret is in a log or an answer, nor
//      a part of one where output is missing.

#pragma once

#include "ledger/config.hpp"
#include "ledger/drafts.hpp"
#include "ledger/redact.hpp"
#include "providers/http.hpp"
#include "providers/sandbox.hpp"
#include "providers/workspace.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace providers {

struct build_outcome {
  bool ok = false;
  std::string ended; ///< If not ok.
  std::string log;
};

struct deploy_request {
  std::string task, base, tree, commit, deploy_id;
  /// When the commit was intended, Unix time: nothing of it was deployed before.
  /// 0: not known.
  std::int64_t since_s = 0;
};

class deployer {
public:
  virtual ~deployer() = default;
  /// Builds the tree and keeps the publish folder aside until deployed.
  /// Blocks. Errors: unavailable (nothing was learnt: not started, no space,
  /// the program ends); refused (read_only).
  virtual ledger::result<build_outcome> build(const deploy_request& r) = 0;
  /// What a former run deployed under this id; `ok` false: nothing there.
  virtual ledger::result<ledger::deploy_outcome> find(const deploy_request& r) = 0;
  /// Deploys what build() kept; builds again if it is gone. Errors:
  /// unavailable: an outage, retry without touching code. A failure that is
  /// the change's fault is an outcome that is not ok.
  virtual ledger::result<ledger::deploy_outcome> deploy(const deploy_request& r) = 0;
};

/// What a deployer works with; all of it outlives the deployer. The token, the
/// site and the service's address are read from our environment.
struct deploy_context {
  const ledger::config& config;
  workspace& files;
  processes& children;
  std::filesystem::path repository; ///< What `deploy.directory` is relative to.
  std::filesystem::path scratch;    ///< A folder of ours for built sites.
  ledger::redactor secrets = {};
  http* web = nullptr; ///< For the kinds that ask a service.
};
std::unique_ptr<deployer> make_deployer(deploy_context c);

/// Whether this machine has what a batch needs in order to deploy: variables, a
/// program. Errors: refused, naming what to set.
ledger::result<void> deploy_is_ready(const ledger::config& c);

} // namespace providers
