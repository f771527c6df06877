// drafting.hpp -- what all drafts are made with.
//
// Private to drafts.cpp (what becomes of a task) and drafts_calls.cpp (what
// becomes of a call).

#pragma once

#include "ledger/drafts.hpp"

#include <array>
#include <string_view>

namespace ledger {

/// What a round, or a combination with other changes, leaves behind.
inline constexpr std::array evidence_of_a_round{
    path::run_log,   path::changes,    path::post_audit, path::final_verify, path::landing_log,
    path::build_log, path::deploy_log, path::final_ok,   path::human_ok};

/// A draft of the step, round and attempt at hand.
draft start(const task_state& s, event what);

/// What every signed draft names (L4); which ones are signed: is_signed().
void sign(draft& d, const task_state& s);

/// Moves `p`, if it is there, to old/ under a name that no record has taken.
void move_file(draft& d, const task_state& s, std::string_view p, std::string_view why,
               std::uint32_t n);

/// The same for `p` and the conversation that led to it.
void move_away(draft& d, const task_state& s, std::string_view p, std::string_view why,
               std::uint32_t n);

} // namespace ledger
