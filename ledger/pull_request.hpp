// pull_request.hpp -- what a pull request says.
//
// Its *title* is the subject of the task's commit; its *body* names task and
// commit, the verdicts that the change won, and where the evidence lies.
//
//   1. No word of an AI is in either: who reads it is sent to the ledger.
//
// Pure.

#pragma once

#include "ledger/config.hpp"
#include "ledger/state.hpp"

#include <string>

namespace ledger {

/// The task's branch as people name it: "ai-gated/T".
std::string short_branch(const task_state& s);

std::string pull_request_title(const task_state& s);
/// Markdown.
std::string pull_request_body(const task_state& s, const config& c);

} // namespace ledger
