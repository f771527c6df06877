// doctor.hpp -- what a batch would need, looked at before one is begun.
//
// *Facts* are what was found on this machine; a *finding* is what one of them
// means: *ok*, *warn* (it works, but look), or *bad* (a batch would not begin
// or not go far), with the fix.
//
//   1. Nothing is written but temporary files: it works on a read-only copy.
//   2. No value of a key or login is in a fact, not even its length.
//   3. Facts become findings in pure code (doctor_report.cpp), so that every
//      sentence is tested without the machine that would cause it.

#pragma once

#include "ledger/config.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cli {

enum class health : std::uint8_t { ok, warn, bad };

struct finding {
  health is = health::ok;
  std::string what, detail;
  std::string fix = {}; ///< Empty: nothing is to be done.
};

// In all facts an empty `why` means that nothing is wrong.

struct program_fact {
  std::string name;    ///< As it is named; empty: the provider starts none.
  std::string path;    ///< Empty: not found.
  std::string version; ///< Empty: not asked for.
  std::string why;     ///< What came of asking for its version.
};

struct player_fact {
  ledger::role plays = ledger::role::gemini;
  bool is_fallback = false;
  std::string name;               ///< Of the provider.
  ledger::provider_config config; ///< With the role's model.
  bool key_is_set = false;        ///< Of key_variable_of(config).
  std::string login_file;         ///< Of tools; empty: the home is not known.
  bool has_login = false;
  program_fact program;
  std::string why; ///< Why it cannot be made.
};

enum class checks_state : std::uint8_t {
  not_looked_at,
  not_known,
  known_green,
  green,
  red,
  failed
};

struct checks_fact {
  checks_state is = checks_state::not_looked_at;
  std::string when; ///< Of known_green, if known.
  std::string why;  ///< Of red and failed.
};

enum class ledger_state : std::uint8_t { none, sound, damaged, unreadable };

struct ledger_fact {
  ledger_state is = ledger_state::none;
  std::size_t tasks = 0;
  std::string why; ///< The first damage, or why it cannot be read.
};

enum class key_state : std::uint8_t { present, to_be_made, unusable };

struct room_fact {
  std::string what, folder;
  std::optional<std::uint64_t> free_bytes;
  std::string why; ///< Why nothing can be written there.
};

/// What can be said once the repository is found.
struct place_fact {
  std::string top;
  std::string copy_why;
  std::string base_name = "HEAD", base, base_why, filter_why;
  ledger_fact ledger;
  bool is_locked = false;
  std::string lock_holder; ///< A process id, if it is known.
  key_state key = key_state::to_be_made;
  std::string key_file, key_why;
  std::vector<room_fact> rooms;
};

struct doctor_facts {
  std::string kernel;           ///< "6.1.0-18-amd64"
  std::uint64_t files_hard = 0; ///< Open files at most; 0: not known.
  std::string git_version, git_why;
  std::optional<place_fact> place;
  std::string place_why;
  bool has_config = false; ///< It was found and read.
  bool is_config_missing = false;
  std::vector<std::string> config_why;
  ledger::sandbox_kind sandbox = ledger::sandbox_kind::bwrap;
  std::string sandbox_why;
  std::vector<player_fact> players;
  std::string deploy; ///< Its kind; empty: nothing is deployed.
  std::string deploy_why;
  std::string landing; ///< Its mode; empty: it needs nothing.
  std::string landing_why;
  checks_fact checks;
};

/// Pure.
std::vector<finding> findings_of(const doctor_facts& f);

/// "bad   git: …; the fix", a line each. Pure.
std::string as_lines(const std::vector<finding>& all);
/// {checks: [{what, state, detail, fix}]}. Pure.
nlohmann::ordered_json as_json(const std::vector<finding>& all);

} // namespace cli
