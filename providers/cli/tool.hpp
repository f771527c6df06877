// tool.hpp -- the vendors' command line tools, as values.
//
// A *tool* is a program that plays a role. A *plan* is what one run of it is
// started with: arguments, environment, stdin, and the files that its home is
// *seeded* with. A *finished run* is what came of it, and is read as an answer
// or a failure.
//
//   1. The prompt goes to stdin or into a file, never into an argument: one may
//      have 128 KiB at most, and everybody on the machine reads arguments.
//   2. No key is in an argument or in `usage`; a failure's text has `[key]` in
//      its place, because an excerpt that cuts a key in two would hide it from
//      those who look for it later.
//   3. Success is only what the tool itself marks as one, with exit code 0. A
//      run that was signalled is never one, whatever it printed.
//   4. Times that a tool prints are read as UTC: it is run with TZ=UTC.
//
// Pure: a request in, a plan out; a finished run in, an answer out.

#pragma once

#include "ledger/config.hpp"
#include "ledger/money.hpp"
#include "ledger/redact.hpp"
#include "providers/process.hpp"
#include "providers/provider.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers::cli {

using std::chrono::milliseconds;

/// What of the configuration a tool is run with.
struct cli_settings {
  std::string name; ///< The provider's, in the configuration.
  std::string model;
  std::string base_url;
  std::string api_key_env, api_key;                  ///< Empty key: the tool's own login is used.
  ledger::redactor secrets;                          ///< Taken out of what is quoted of a tool.
  std::vector<std::string> command;                  ///< The program; empty: the tool's, from PATH.
  std::map<std::string, std::string> env;            ///< Further variables; they win.
  milliseconds timeout{0};                           ///< 0: default_timeout.
  milliseconds idle_timeout{0};                      ///< 0: what suits the tool.
  milliseconds longest_wait = std::chrono::hours(6); ///< Subscriptions reset after hours.
  std::uint32_t concurrency = 4;
  ledger::sandbox_kind sandbox_kind = ledger::sandbox_kind::bwrap;
  bool accept_unsandboxed = false;    ///< Writing steps without a sandbox.
  bool writes = false;                ///< It plays a role that has writing steps.
  std::vector<std::string> read_only; ///< shown_folders().
  std::optional<ledger::token_price> price;
  std::optional<double> max_usd; ///< Put aside for a run; claude-code holds it.
  std::uint32_t max_turns = 0;   ///< 0: no limit; claude-code holds it.
  std::string login_home;        ///< Where the user's logins are; empty: $HOME.
  std::function<std::string(const request&)> full_prompt; ///< All of it, as one text.
};

inline constexpr milliseconds default_timeout = std::chrono::minutes(30);

/// What the tool sees its folders as.
struct places {
  std::string folder, home;
  bool caged = true;
};

struct plan {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;   ///< Besides PATH, HOME, LANG, TERM, TZ.
  std::string stdin_text;                   ///< Empty: /dev/null.
  std::map<std::string, std::string> seeds; ///< Below the home: path to content.
  std::string answer_file;                  ///< Below the home; empty: none.
};

struct finished_run {
  child_result child;
  std::string answer_file; ///< Its content.
  std::int64_t now_ms = 0; ///< Unix time, for "try again at T".
};

struct tool {
  std::string_view kind;
  std::string_view program;      ///< Empty: the configuration must name one.
  std::string_view install;      ///< What a user types to have it.
  std::string_view login;        ///< Below the user's home; empty: it has none.
  std::string_view login_action; ///< What a user does to have that.
  milliseconds idle_timeout;     ///< 0: it is silent until it is done.
  plan (*prepare)(const request&, const cli_settings&, const places&);
  tl::expected<answer, call_failure> (*read)(const finished_run&, const cli_settings&);
};

extern const tool codex_tool, claude_tool, gemini_tool, command_tool;

/// Whether the step of the request may change its folder.
bool may_write(const request& r) noexcept;

/// What tokens cost; 0 without a price.
double cost_of(const tokens& t, const std::optional<ledger::token_price>& p);

/// The program and its first arguments: `command`, or the tool's own.
std::vector<std::string> program_words(const tool& t, const cli_settings& s);

} // namespace providers::cli
