// config.hpp -- what `scheduler.toml` says, as values.
//
// The *configuration digest* is the SHA-256 over [checks], [scope], [deploy]
// and [sandbox] in one canonical spelling: contracts name it, so that what was
// approved under one set of rules is not delivered under another (L4, L5).
//
//   1. A default-constructed section is what an absent section means.
//   2. Parsing (config_file.hpp) refuses unknown keys, keys whose feature this
//      version lacks, and values out of range; nothing is guessed.
//
// Pure.

#pragma once

#include "ledger/approval.hpp"
#include "ledger/money.hpp"
#include "ledger/step_table.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

using milliseconds = std::chrono::milliseconds;

struct repo_config {
  std::string base = "HEAD";
  std::string prompts = "docs/ai-gated/prompt";
  std::string worktrees; ///< Empty: $XDG_CACHE_HOME/scheduler/<repo id>.
};

struct role_config {
  std::string provider;                   ///< A kind, or a table of [providers].
  std::string model = {};                 ///< Overrides the provider's, for the first one only.
  std::vector<std::string> fallback = {}; ///< Providers to go on with, in order.
  std::string prompts = {};               ///< Folder of overrides, relative to the repository.
};

struct provider_config {
  std::string kind; ///< See provider_kind.hpp; the test build knows `scripted` as well.
  std::map<std::string, std::string> options = {}; ///< Keys that only such a kind knows.
  std::string model = {}, base_url = {}, api_key_env = {};
  bool plain_http = false;                     ///< http to other hosts than loopback.
  std::vector<std::string> command = {};       ///< The program and its first arguments.
  std::map<std::string, std::string> env = {}; ///< Further variables of a program's.
  std::string ledger = {};                     ///< Of kind replay: a .ai-stack-trace.
  std::optional<std::uint32_t> concurrency = {}, requests_per_minute = {}, max_output_tokens = {};
  std::optional<std::uint64_t> tokens_per_minute = {};
  std::optional<milliseconds> timeout = {}, idle_timeout = {}, longest_wait = {};
  std::optional<token_price> price = {};
  std::optional<double> max_usd = {}; ///< What one run of a program may cost.
};

/// A check: a shell command, and optionally a regular expression that fails it
/// when it matches the output although the command exited 0.
struct check_config {
  std::string command;
  std::string fail_on;
  bool none() const noexcept { return command == "none"; }
};

struct checks_config {
  check_config setup; ///< Empty command: no setup.
  check_config test;
  check_config lint;
  check_config schema_drift;
  milliseconds timeout = std::chrono::minutes(20); ///< Each command.
  bool network = false;
};

struct scope_config {
  /// Protected by default; an `allow:` of a prompt may lift these for its task.
  std::vector<std::string> protected_globs{".gitignore", "netlify.toml", ".npmrc", ".github/**",
                                           ".gitlab-ci.yml"};
  std::vector<std::string> schema_globs;
  std::vector<std::string> secret_globs{".env*", "**/.env*"};
};

struct limits_config {
  std::uint32_t tasks_in_flight = 64;
  std::uint32_t checks_at_once = 0; ///< 0: one per processor.
  std::uint32_t tries = 3;          ///< Attempts of one step in one round.
  std::uint32_t fix_rounds = 5;
  std::uint32_t restart_intensity = 3;                    ///< More restarts than this within the
  milliseconds restart_period = std::chrono::seconds(60); ///< period park the task.
  milliseconds patience = std::chrono::minutes(10);       ///< With what is unavailable, in a row.
  std::uint32_t turns = 60;                               ///< Of one conversation.
  std::uint64_t conversation_bytes = 16 * 1024 * 1024;    ///< Of its file.
  milliseconds conversation_time = std::chrono::hours(1); ///< Of its turns, added up.
};

enum class sandbox_kind : std::uint8_t { bwrap, none };

struct sandbox_config {
  sandbox_kind kind = sandbox_kind::bwrap;
  /// Further folders that children may read: absolute, or below `~/`.
  std::vector<std::string> read_only;
  /// With kind `none`: a model's program may change code all the same.
  bool accept_unsandboxed = false;
};

enum class deploy_kind : std::uint8_t { none, directory, command, netlify, netlify_api };

struct deploy_config {
  deploy_kind kind = deploy_kind::none;
  std::string build; ///< Shell command; empty: see build_command_of().
  std::string publish = "dist";
  std::string directory; ///< Of kind `directory`; relative to the repository.
  std::string command;   ///< Of kind `command`.
  std::string token_env; ///< See token_variable_of().
  bool build_network = false;
  std::string context = "deploy-preview";
  std::string site_id_env;             ///< See site_variable_of().
  std::optional<milliseconds> timeout; ///< See deploy_timeout_of().
};

enum class landing_mode : std::uint8_t {
  none,   ///< Each task ends on its own branch.
  branch, ///< Finished tasks land on one branch.
  pr,     ///< Each task's branch is pushed, and a pull request is opened for it.
};

/// What becomes of a review when other changes landed first.
enum class landing_review : std::uint8_t {
  tree,  ///< It is of a tree: another tree is checked, reviewed and verified anew.
  patch, ///< It holds for the same patch on files that nobody else changed.
};

/// No part of the configuration digest: what landing changes, a tree or who was
/// reviewed on what, is in the records of each landing.
struct landing_config {
  landing_mode mode = landing_mode::none;
  std::string branch;    ///< Short name: "main". Of mode `pr`: what is to be merged into.
  std::string push;      ///< The remote; empty: nowhere.
  std::string command;   ///< Of mode `pr`: opens the pull request.
  std::string token_env; ///< See token_variable_of().
  landing_review review = landing_review::tree;
  bool update_checkout = false; ///< The branch may be checked out; that folder follows.
  std::uint32_t train = 8;      ///< Tasks that are tried on one another at once.
};

struct config {
  repo_config repo;
  std::map<role, role_config> roles; ///< gemini, claude, codex: each present.
  std::map<std::string, provider_config> providers;
  checks_config checks;
  scope_config scope;
  limits_config limits;
  budget_config budget;
  sandbox_config sandbox;
  deploy_config deploy;
  landing_config landing;
  /// No part of the digest: it says who is asked before a step, not by which
  /// rules the work is done. Turned on it counts at every gate that is still
  /// ahead; and if it counted, turning it on would revoke what was approved.
  approvals approve;
};

/// The configuration digest: see the head of this file.
std::string digest_of(const config& c);

/// What builds: `build`, or what the kind builds with. Empty: nothing to build.
std::string build_command_of(const deploy_config& c);
/// Whether nothing is built and nothing is published: then nobody wants a checkout.
bool has_nothing_to_build(const deploy_config& c);
/// The variable whose value only the deploy gets. Empty: there is none.
std::string token_variable_of(const deploy_config& c);
/// The same for what opens pull requests.
std::string token_variable_of(const landing_config& c);
/// The variable that names the site. Empty: the kind has no sites.
std::string site_variable_of(const deploy_config& c);
/// How long one deploy may take; without `timeout` as long as a check.
milliseconds deploy_timeout_of(const config& c);

/// Every kind's name, as scheduler.toml has it.
std::vector<std::string_view> deploy_kind_names();
std::optional<deploy_kind> deploy_kind_named(std::string_view name) noexcept;
std::string_view to_string(deploy_kind k) noexcept;
std::string_view to_string(sandbox_kind k) noexcept;
std::string_view to_string(landing_mode m) noexcept;

/// `refs/heads/<landing.branch>`; empty without one.
std::string landing_ref(const config& c);

} // namespace ledger
