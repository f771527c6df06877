// approving.hpp -- a task that waits for a person, and what sets it going.
//
// Where a person is wanted (approval.hpp) the gate of that step stays closed
// until HUMAN_OK *stands* for exactly that step and tree: a contract like the
// other two, won by the signed record `approved`. Until then the task *waits*:
// state `waiting`, by the record `awaiting`.
//
//   1. What is approved is what is there: before step 4 the plan, on the base's
//      tree; before step 8 the candidate's tree. An approval of the one opens
//      nothing of the other.
//   2. It falls, to contract/old/, with whatever takes CLAUDE_FINAL_OK away, and
//      with every way back to step 7 or before.
//   3. A landing that carries the review over to a combined tree carries an
//      approval over with it; one given later names the combined tree.
//   4. Nothing is approved in advance, and nothing over evidence that the gate
//      would refuse.
//
// Pure.

#pragma once

#include "ledger/gate.hpp"
#include "ledger/state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledger {

/// The tree that a person approves before the step at hand; empty: no person is
/// ever asked there.
std::string tree_to_approve(const task_state& s);

/// Whether a person is wanted before the step at hand.
bool wants_approval(const task_state& s, const approvals& configured);

/// Whether HUMAN_OK stands for the step at hand. Its terms are the gate's to see.
bool is_approved(const task_state& s) noexcept;

/// Whether the standing HUMAN_OK was given for `tree`, or carried over to it.
bool covers(const standing_contract& human_ok, std::string_view tree) noexcept;

/// Whether a waiting task is waiting still: also if the configuration asked for
/// it and asks no more, it is not.
bool still_waits(const task_state& s, const approvals& configured);

/// Why the step at hand waits, and what a person can do.
struct waiting_words {
  std::string why, remedy;
};
waiting_words words_of_waiting(const task_state& s, const approvals& configured);

/// The reason of state `waiting`.
inline constexpr std::string_view approval_reason = "approval";

draft draft_awaiting(const task_state& s, std::string_view why, std::string_view remedy);

/// Who approves, and when.
struct approver {
  std::string user; ///< Login name; empty: the uid has none.
  std::uint32_t uid = 0;
  std::int64_t time_ms = 0;
};

/// `at` (nothing: the step for which it waits) is the step that is approved, on
/// what `seen` says lies on disk. Errors: refused (it does not wait, or not for
/// this), corrupt (what lies on disk is not what was recorded).
result<draft> draft_approved(const task_state& s, std::optional<step> at, const gate_evidence& seen,
                             const approver& by);

} // namespace ledger
