// services.hpp -- what the actors use and do not own.
//
// A *service* is a handle to the world outside the actors: the ledger's folder
// for reading, git, checks, deploys, the providers, executors, the clock. Whoever
// wires the program owns them; they outlive the actor system. Tests hand in
// fakes.

#pragma once

#include "actors/seats.hpp"
#include "actors/writing_gate.hpp"
#include "ledger/config.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/record.hpp"
#include "ledger/redact.hpp"
#include "providers/checks.hpp"
#include "providers/deploy.hpp"
#include "providers/executor.hpp"
#include "providers/provider.hpp"
#include "providers/pull_request.hpp"
#include "providers/tools.hpp"
#include "providers/trunk.hpp"
#include "providers/workspace.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace actors {

struct services {
  ledger::config config;
  std::string config_digest;
  std::filesystem::path ledger_root;
  const ledger::disk::keyring* keys = nullptr;
  ledger::redactor secrets;
  providers::workspace* files = nullptr;
  providers::checker* checks = nullptr;
  providers::deployer* deploy = nullptr;
  providers::trunk* trunk = nullptr;            ///< Null without a landing branch.
  providers::pull_requests* requests = nullptr; ///< Null without landing.mode = "pr".
  /// What an earlier run made live, where deploys have turns (deploy_turns.hpp).
  std::optional<ledger::live_deploy> live;
  /// By role: the first, then those that it falls back to. At least one each.
  std::map<ledger::role, std::vector<providers::player>> players;
  /// Makes the tools of one conversation; unset: there are none.
  std::function<std::unique_ptr<providers::toolbox>(providers::tool_scope)> tools;
  providers::executor* quick = nullptr; ///< Disk and git: short.
  providers::executor* jobs = nullptr;  ///< Checks, builds, deploys: long.
  writing_gate* gate = nullptr;         ///< Of the LEDGER WRITER; null: never shut.
  seats* room = nullptr;                ///< For those who are worked on; null: for all.
  std::function<std::int64_t()> now_ms; ///< Unix time.
  /// Called from the LEDGER WRITER's thread for each durable record; may be
  /// unset.
  std::function<void(const std::string& task, const ledger::record&)> on_record;
  /// Called from any actor's thread with a sentence that a person should see
  /// now; may be unset.
  std::function<void(const std::string& sentence)> on_notice;

  /// Ends what runs for a task elsewhere, as far as it can be ended: nobody
  /// wants its result any more. Never blocks; may be unset.
  std::function<void(const std::string& task)> end_work;

  std::filesystem::path folder_of(const std::string& task) const { return ledger_root / task; }
};

} // namespace actors
