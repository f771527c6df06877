// service_command.hpp -- a shell command of the user's that speaks for a service.
//
// A *service command* is asked to *find* what is at a service, and told to *make*
// what is not. Its *answer* is the last line of its output that is not empty: a
// JSON object with a text, not empty, for each key that is wanted.
//
//   1. It runs in a folder of ours, not in the repository, with LANG, PATH, HOME,
//      TMPDIR, what it is told and its token, and with nothing else of our
//      environment.
//   2. Asked to find, exit 3 means: not there. Any other failure says nothing; it
//      is unavailable, never "not there".
//   3. Told to make, exit 75 (EX_TEMPFAIL, sysexits.h) is an outage: unavailable,
//      as is its end by a time-out, a signal or a full disk. What another failure
//      means its caller knows.
//   4. While it makes something it holds the lock, also after we were killed; ended
//      by itself it has let go of it (deploy/deploy_lock.hpp).
//   5. Neither the token nor another known secret is in what it gives, nor a part
//      of one where output is missing.

#pragma once

#include "ledger/redact.hpp"
#include "providers/deploy/deploy_lock.hpp"
#include "providers/process.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// That something was found, but not told as it should be.
inline constexpr std::string_view bad_answer_code = "bad-answer";

/// The value of a variable; empty: it is not set, or empty.
std::string environment_of(const std::string& variable);

/// The value of the variable that [section] token_env names; empty if none is
/// named. Errors: refused, naming the variable.
ledger::result<std::string> token_of(std::string_view section, const std::string& variable);

/// Output and errors of a child, one after the other.
std::string log_of(const child_result& ran);

struct service_command {
  std::string name;                        ///< For texts: "[deploy] command".
  std::string command;                     ///< For /bin/sh -c.
  std::filesystem::path folder;            ///< Where it runs.
  std::map<std::string, std::string> told; ///< Variables; SCHEDULER_ACTION is added.
  std::string token_variable, token;
  std::vector<std::string> wanted; ///< The keys of its answer.
  std::chrono::milliseconds timeout{0};
  ledger::redactor secrets; ///< Knows the token too.
};

struct service_answer {
  std::vector<std::string> values; ///< As wanted; empty: it failed.
  std::string ended;               ///< If it failed.
  std::string log;
  bool ok() const noexcept { return !values.empty(); }
};

/// What is there; nothing: it is not there. Blocks; ends the lock. Errors:
/// unavailable; refused, code bad_answer_code.
ledger::result<std::optional<service_answer>>
find_with(const service_command& c, const deploy_lock& lock, processes& children);

/// Blocks. Errors: unavailable.
ledger::result<service_answer> make_with(const service_command& c, const std::string& action,
                                         const deploy_lock& lock, processes& children);

} // namespace providers
