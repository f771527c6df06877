// state.hpp -- where a task stands: fold(records) -> task_state.
//
// The *state* of a task is a pure function of its records and of nothing else;
// it is never stored. *round* is 1 + the number of fixes in the task's life.
// *attempt* counts within (step, round). A *phase* is how far the present step
// has come. A contract *stands* from the signed record that wrote it until it
// is revoked. A *conversation* is what was said in turns towards one answer; it
// lasts as long as its file lies beside the answer's place.
//
// Invariants:
//   1. fold(a + b) == apply(b, fold(a)): a state can be carried on.
//   2. Every file in `files` is expected on disk with exactly this content.
//   3. A record that cannot follow the state before it (a receipt without an
//      intent, an answer that nobody asked for, one of another step, round or
//      attempt than the present one) is corrupt, never ignored.
//   4. Nothing leads forward but a step that ended well: a retry and a changed
//      configuration stay or go back, and take with them what was won since.
//
// Pure.

#pragma once

#include "ledger/approval.hpp"
#include "ledger/by_path.hpp"
#include "ledger/rare.hpp"
#include "ledger/record.hpp"
#include "ledger/result.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ledger {

enum class status : std::uint8_t { running, waiting, done, no_change, stopped, parked, cancelled };

std::string_view to_string(status s) noexcept;

/// How far the step at hand has come.
enum class phase : std::uint8_t {
  ready,    ///< Needs the supervisor's grant.
  granted,  ///< May be worked on.
  asked,    ///< A provider has been called, or is about to be.
  answered, ///< The answer is a file that nobody has judged yet.
  refused,  ///< A valid NO (or red checks, a failed build): consequence due.
};

/// A contract that was written. See the head of this file.
struct standing_contract {
  std::uint64_t seq = 0;   ///< Of the signed record.
  std::string file_sha256; ///< Of the contract's own bytes.
  std::string text_sha256; ///< Of the file that text_behind() names.
  std::string tree;        ///< Empty for CLAUDE_DECISIONS_OK.
  std::string config_digest;
  step for_step = step::ingest; ///< HUMAN_OK: the one step that it opens.
  std::string carried_to;       ///< HUMAN_OK: the tree that a landing carried it to; empty: none.
};

/// The words of a refusal, each the consequence of a NO or of red.
namespace refusal {
inline constexpr std::string_view decide_no = "claude-said-no";
inline constexpr std::string_view checks_red = "checks-red";
inline constexpr std::string_view review_no = "review-no";
inline constexpr std::string_view verify_no = "verify-no";
inline constexpr std::string_view build_failed = "build-failed";
inline constexpr std::string_view deploy_failed = "deploy-failed";
inline constexpr std::string_view landing_conflict = "landing-conflict";
inline constexpr std::string_view provider_refused = "provider-refused";
} // namespace refusal

/// The kind of a `failed` record whose attempt died; all other kinds are those of
/// ledger::fault.
inline constexpr std::string_view died_kind = "died";

/// The kind of a `failed` record whose provider answered, but brought no answer
/// (cut off, empty, malformed): it was paid for, so it counts as an attempt.
inline constexpr std::string_view spoiled_kind = "spoiled";

/// What the last `failed` or `restarted` record said.
struct told_fault {
  std::string why, code;
};

/// A valid NO, or red.
struct refused_step {
  std::string kind; ///< One of refusal::*.
  std::string why;
};

/// What tells one refusal from another: the same twice parks.
struct failure_mark {
  std::string mark, tree;
};

/// Why a round was opened, and what the fix has to answer to.
struct round_cause {
  std::string kind; ///< One of refusal::*.
  std::string why;
  std::vector<file_ref> evidence; ///< Numbered from 1 in this order.
};

/// A pull request for the task's branch at a remote.
struct pull_request {
  std::string commit;         ///< Where that branch is; empty: no intent yet.
  std::string remote, target; ///< `target`: the branch to be merged into; empty: not said.
  std::string id, url;        ///< Of the receipt; empty: none yet.
};

/// What step 8 has achieved. Empty strings: not yet.
struct delivery {
  std::string tree, parent, message, identity; ///< Of the intent.
  std::int64_t time_s = 0;                     ///< Author and committer time.
  std::string replaces; ///< The commit that the branch pointed at before; empty: none.
  std::string commit;   ///< Receipt of the commit.
  bool built = false;
  bool placed = false;                  ///< The landing gave it its place on `parent`.
  std::string landing_from, landing_to; ///< Of the landing's intent.
  bool landed = false;
  pull_request request;
  std::string deploy_id; ///< Of the deploy intent.
  bool deployed = false;
  std::string deploy_url;
  std::string context;       ///< Of the deploy, if its service said one.
  std::string deployed_with; ///< The task whose deploy holds this one's change as well.
};

/// A review that holds for another tree than it was given for: the same patch, on
/// files that nobody else changed (landing.review = "patch").
struct carried_review {
  std::string approved_tree; ///< What CLAUDE_FINAL_OK and Gemini named.
  std::string tested_tree; ///< What the checks ran on: the tree, or one that holds later tasks too.
};

/// What the landing branch holds of a task.
struct landed_commit {
  std::string commit, tree, base;
};

/// What calls came to.
struct spending {
  std::uint32_t calls = 0;
  double usd = 0;
  std::uint64_t input_tokens = 0; ///< Cached or not.
  std::uint64_t output_tokens = 0;
  friend bool operator==(const spending&, const spending&) = default;
};

/// What an answer brought that is not accepted yet.
struct filed_change {
  std::string tree;
  std::vector<std::string> hidden, faults;
  friend bool operator==(const filed_change&, const filed_change&) = default;
};

struct task_state {
  std::string task;
  std::uint64_t seq = 0; ///< Of the last record; 0: never opened.
  std::string head;      ///< SHA-256 of the last line.
  std::string opened_time, last_time;

  status is = status::running;
  std::string reason; ///< A stable word, where a person is needed or it stopped.
  std::string why;    ///< A sentence.
  std::string remedy; ///< What a person can do.

  step at = step::ingest;
  phase ph = phase::ready;
  std::uint32_t round = 1;
  std::uint32_t attempt = 1;
  bool fixing = false;             ///< In step `test`: the fix of this round is not accepted yet.
  bool recheck = false;            ///< Checks run again before a retried deploy.
  bool same_failure_twice = false; ///< See last_failure.

  std::string repo_id, base, base_tree, branch, config_digest;
  std::int32_t priority = 0;
  std::vector<std::string> allow;
  approvals approve; ///< What the prompt's front matter wished when it was opened.
  std::uint32_t notes = 0;

  std::string tree;      ///< The candidate tree; empty before step 4.
  std::string diff_path; ///< The ledger file that holds base -> tree.
  sparse<filed_change> answered;
  by_path<file_ref> files;
  sparse<std::map<std::string, std::uint32_t>> rejected; ///< Per ledger path.
  std::uint32_t generation = 1; ///< 1 + times the task began again from ingest.
  std::uint32_t placements = 0; ///< `placed` records.
  rare<standing_contract> decisions_ok, final_ok, human_ok;
  std::string checked_tree;  ///< Tree of the last green checks; empty: none.
  std::string verified_tree; ///< Tree of GEMINI_VERIFY_OK: YES; empty: none.

  std::vector<std::string> complaints;           ///< Why the attempts of this step were refused.
  sparse<std::vector<std::int64_t>> restarts_ms; ///< Deaths, since a person last sent the task on.
  std::uint32_t round_limit_from = 0; ///< Rounds before this one do not count to the limit.
  std::uint32_t failures = 0;         ///< Deaths and unavailables in a row.
  std::int64_t failed_ms = 0;         ///< When the last of them was.
  std::int64_t unavailable_ms = 0;    ///< When the first unavailable in a row was; 0: none.
  sparse<told_fault> last_fault;
  sparse<round_cause> cause;
  sparse<failure_mark> last_failure;
  sparse<refused_step> refused; ///< In phase refused.

  sparse<delivery> out;
  rare<carried_review> carried;
  rare<landed_commit> landed; ///< Whatever became of the task since.
  rare<pull_request> request; ///< Of the last receipt, whatever became of the task since.
  sparse<std::vector<std::string>> pushed; ///< Commits of ours that a remote's branch may be at.
  sparse<std::string> displaced_diff; ///< The change before the conflict that a fix answers to.
  std::string branch_commit;          ///< What our last receipt says the branch points at.
  rare<delivery> unsettled;           ///< An intent dropped before its receipt.
  sparse<std::map<std::string, std::string>> played_by; ///< Role -> provider/model/version.

  // The conversation at hand, and what calls cost.
  std::uint32_t turns = 0;                         ///< On record; the next one is turns + 1.
  std::uint32_t deferrals = 0;                     ///< In a row.
  std::int64_t conversation_ms = 0;                ///< What they took, tools included.
  std::string asked_provider;                      ///< Who was asked last …
  std::string asked_of;                            ///< … as provider/model/version.
  std::string asked_input;                         ///< The input_sha256 that it was asked on.
  std::int64_t deferred_ms = 0;                    ///< When the provider asked to be left alone …
  std::int64_t deferred_until_ms = 0;              ///< … and until when; 0: it did not.
  sparse<std::map<role, std::uint32_t>> fallbacks; ///< How many providers a role has used up.
  double usd = 0;                                  ///< Spent, in the task's life.
  double usd_reserved = 0;                         ///< Put aside for the call under way.
  /// By step and provider; the calls that have ended, in the task's life.
  sparse<std::map<std::pair<step, std::string>, spending>> spent;

  bool terminal() const noexcept { return is != status::running && is != status::waiting; }
  /// Nothing happens by itself: it has ended, or waits for a person.
  bool at_rest() const noexcept { return is != status::running; }
};

/// Carries `state` on by one record. Errors: corrupt, saying which rule the
/// record breaks; the state is then unchanged.
result<task_state> apply(task_state state, const record& r);

/// Carries `state` on by all of `records`. Errors: those of apply().
result<task_state> fold(task_state state, std::span<const record> records);
/// The state of a task after all of its records. Errors: corrupt.
result<task_state> fold(std::string_view task, std::span<const record> records);

/// The contract of kind `c` if it stands, else null.
const standing_contract* contract_of(const task_state& s, contract c) noexcept;

/// The ledger path of the text that a contract is given for; of HUMAN_OK that of
/// the step that it opens.
std::string_view text_behind(contract c, step for_step = step::ingest) noexcept;

/// The recorded content of a ledger path, or null.
const file_ref* file_of(const task_state& s, std::string_view ledger_path);

/// Whether an AI works on the step at hand; in `test` only while a fix is due.
bool ai_is_due(const task_state& s) noexcept;

/// Where the answer of the step at hand goes. Only while an AI is due.
std::string answer_path(const task_state& s);

/// Whether an answer of the step at hand is filed, with its diff if it has to
/// have one: it was paid for, and can be judged whatever happened since.
bool has_filed_answer(const task_state& s);

/// The tree that CLAUDE_FINAL_OK and GEMINI_VERIFY_OK have to name.
const std::string& approved_tree_of(const task_state& s) noexcept;

/// Whether the checks were green on this very candidate, not on one that holds
/// other changes too.
bool tested_as_such(const task_state& s) noexcept;

/// Whether the landing branch holds the candidate already.
bool is_landed(const task_state& s) noexcept;

/// Whether the candidate holds a fix. Not while one is due.
bool has_fixes(const task_state& s);

/// The ledger files that step `at` reads, in the order of the table, `*`
/// expanded, and a person's notes. A file that no record names is left out.
std::vector<file_ref> inputs_of(const task_state& s, step at);

} // namespace ledger
