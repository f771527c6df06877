// options.hpp -- the command line, as values.
//
// Either a *batch* (`scheduler --tasks DIR …`) or one of the commands status,
// show, verify, doctor, approve, retry, cancel, rollback. Options appear when they are real.

#pragma once

#include "ledger/step_table.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace cli {

struct batch_options {
  std::string tasks; ///< Relative to the current directory; empty: repo.prompts.
  std::string repo, config;
  std::vector<std::string> only;
  std::optional<std::uint32_t> in_flight; ///< -j
  bool dry_run = false;
  bool json = false;
  bool allow_red_base = false;
  bool json_log = false; ///< --log-format json
  bool quiet = false;    ///< Notices and the summary only.
};

struct status_options {
  std::string repo;
  bool json = false;
};

struct show_options {
  std::string repo, task;
  bool diff = false;
  bool json = false;
};

struct verify_options {
  std::string repo;
  std::vector<std::string> tasks;
  bool json = false;
};

struct doctor_options {
  std::string repo, config;
  bool json = false;
  bool checks = false; ///< Runs them on the base.
};

struct approve_options {
  std::string repo, task;
  std::optional<ledger::step> at; ///< Only if it waits there.
};

struct retry_options {
  std::string repo, task, note; ///< note: a file's path, or empty.
  std::optional<ledger::step> from;
  std::string config; ///< Read only for a note: it says which files hold secrets.
};

struct cancel_options {
  std::string repo, task;
};

struct rollback_options {
  std::string task;
  batch_options run; ///< repo, config, json, json_log and quiet of it.
};

/// The command line was answered already (--help, --version, an error).
struct answered {
  int exit_code = 0;
};

using command =
    std::variant<answered, batch_options, status_options, show_options, verify_options,
                 doctor_options, approve_options, retry_options, cancel_options, rollback_options>;

/// Parses; prints help, version and errors itself (help to stdout, errors to
/// stderr, exit 2).
command parse_command_line(int argc, const char* const* argv);

} // namespace cli
