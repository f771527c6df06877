// decide.hpp -- what happens next: decide(state, limits, now) -> action.
//
// An *action* is a value; actors perform it and report by appending records.
// Nothing else in the program decides what a task does next.
//
//   1. The same records, limits and time give the same action.
//   2. A terminal state gives `rest`, and so does one that waits for a person.
//   3. Every limit ends in `park` with a reason and what a person can do. What is
//      unavailable costs time only (limits.patience), no attempt.
//   4. A pause ends at a fixed time, and no clock that is set back makes it longer
//      than twice what backoff_ms says.
//   5. `finish{no_change}` needs an answer of step 4 that changed nothing: a fix
//      that takes the change back parks.
//
// Pure. The drafts that perform an action by recording alone are in
// drafts.hpp.

#pragma once

#include "ledger/config.hpp"
#include "ledger/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace ledger {

/// Terminal, or a person's turn: nothing more.
struct rest {};
/// Back-off after a failure.
struct wait_until {
  std::int64_t at_ms;
};
/// Ask the supervisor to let the step at hand begin.
struct ask_for_grant {};
/// Have the AI of the step read, answer and file.
struct ask_role {};
/// Validate the file that was answered.
struct judge_answer {};
/// Run test, lint and drift on a clean checkout of the candidate tree.
struct run_checks {};
/// Revoke, move the round's evidence to old/, make a fix due.
struct open_round {};
/// Record the commit's intent, after reading the contract again.
struct write_intent {};
struct make_commit {};
struct run_build {};
/// Ask the landing for a place on the branch, or, with a commit on its place, to
/// have the branch moved.
struct stand_in_line {};
/// The branch holds it since before something sent it back.
struct take_up_landed {};
/// Record the intent of a pull request, after reading the contract again.
struct write_request_intent {};
/// Push the task's branch, and find or open its pull request.
struct open_request {};
/// Record the deploy's intent, after reading the contract again.
struct write_deploy_intent {};
struct run_deploy {};
/// Let the role go on with its next provider.
struct fall_back {
  std::string from, to;
};
/// Write status.json (if done) and end.
struct finish {
  status as; ///< done or no_change.
};
struct stop {
  std::string reason, why, remedy;
};
struct park {
  std::string reason, why, remedy;
};

using action = std::variant<rest, wait_until, ask_for_grant, ask_role, judge_answer, run_checks,
                            open_round, write_intent, make_commit, run_build, stand_in_line,
                            take_up_landed, write_request_intent, open_request, write_deploy_intent,
                            run_deploy, fall_back, finish, stop, park>;

/// What to do with a task in state `s` at `now_ms` (Unix time).
action decide(const task_state& s, const config& c, std::int64_t now_ms);

/// Whether step 8, once it is granted, begins with the commit's intent.
bool begins_with_commit(const task_state& s, const config& c);

/// The pause before attempt n+1 after n failures in a row: 200 ms doubled each
/// time, at most 30 s.
std::int64_t backoff_ms(std::uint32_t failures) noexcept;

/// A pause of at most `longest_ms` that is spread evenly (full jitter), so that
/// many who failed together do not come back together. The same `seed` gives the
/// same pause.
std::int64_t spread_ms(std::int64_t longest_ms, std::string_view seed);

/// How long a provider that asked for it is left alone: its own `hint`, or else
/// longer each time; never longer than `longest` and a tenth of it. A little more
/// than asked for, so that those who were sent away together do not come back
/// together; and after some in a row never at once, whatever it says.
std::int64_t deferral_ms(std::optional<milliseconds> hint, std::uint32_t deferrals,
                         milliseconds longest, std::string_view seed);

/// Who of those that wait for a provider or for money goes first: the highest.
/// Whoever is further along, so that what a run may spend in time and money
/// brings tasks to their end instead of all of them half way.
std::uint32_t precedence_of(const task_state& s) noexcept;

/// The provider that plays the role in this task: the first of those configured
/// that the task has not used up.
std::string provider_of(const task_state& s, const config& c, role r);

/// Why a conversation may not go on: too many turns, too long, too large; empty:
/// it may.
std::string why_conversation_ends(const task_state& s, const limits_config& l);

/// The codes under which a budget refuses a call; see money.hpp.
inline constexpr std::string_view run_budget_code = "run-budget-used";
inline constexpr std::string_view task_budget_code = "task-budget-used";

} // namespace ledger
