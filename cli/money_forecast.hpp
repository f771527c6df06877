// money_forecast.hpp -- how many calls of models a task may take, and what it may cost.
//
// A *forecast* counts from where a task stands to its end: the *fewest* calls
// that can bring it there, the *likely* ones, as they were in tasks of this
// ledger, and the *most* that the limits allow.
//
//   1. History counts for a step only where the same provider played it, in a
//      task that came past it; fix rounds and repeated attempts are in it.
//   2. Without history for each step ahead nothing is called likely.
//   3. Where no budget bounds the money, there is no most.
//
// Pure.

#pragma once

#include "ledger/config.hpp"
#include "ledger/state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cli {

/// Who is asked in a role, as far as calls and money go.
struct asked_player {
  std::string provider;  ///< As records name it.
  bool counts = false;   ///< Asking it is a call; not so for `offline` and `replay`.
  bool in_turns = false; ///< An answer may take several calls.
  bool costs = false;    ///< Or may: nobody knows.
};

/// By role: the first, then those to fall back to.
using asked_players = std::map<ledger::role, std::vector<asked_player>>;

struct money_forecast {
  std::uint64_t fewest_calls = 0, most_calls = 0;
  std::optional<double> likely_calls, likely_usd;
  std::optional<double> most_usd;
};

/// What tasks of the ledger took for each step.
class call_history {
public:
  /// Takes one more into account.
  void learn(const ledger::task_state& t);

  struct average {
    double calls = 0, usd = 0;
    std::uint32_t tasks = 0;
  };
  /// Of the tasks that came past the step with that provider; empty: none did.
  std::optional<average> of(ledger::step s, const std::string& provider) const;
  /// Tasks that tell something.
  std::uint32_t tasks() const noexcept { return tasks_; }

private:
  std::map<std::pair<ledger::step, std::string>, average> sums_;
  std::uint32_t tasks_ = 0;
};

/// `s` with seq 0: a task that is not opened yet.
money_forecast forecast_of(const ledger::task_state& s, const asked_players& players,
                           const ledger::config& c, const call_history& history);

/// "about 9, at most 540", "6 or more, at most 540"; "none".
std::string calls_words(const money_forecast& f);

/// "about $0.12, at most $2.00", "at most $2.00", "no limit", "nothing".
std::string usd_words(const money_forecast& f);

} // namespace cli
