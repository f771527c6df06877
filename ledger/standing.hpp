// standing.hpp -- where a task stands, as people are told.
//
// A *standing* is the part of a task's state that `status` shows and programs
// read. It says nothing that a step could go on with. Its *text* is one line of
// fields with a tab between them, so that it can be kept (disk/standings.hpp)
// and read again a hundred thousand at a time.
//
//   1. standing_in(to_text(s)) has all that s has.
//   2. What is no such text is refused.
//
// Pure.

#pragma once

#include "ledger/result.hpp"
#include "ledger/state.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace ledger {

struct standing {
  std::string task;
  status is = status::running;
  step at = step::ingest;
  std::uint32_t round = 1;
  std::string reason, why, remedy; ///< As in task_state.
  std::string last_time;           ///< Of the last record.
  std::string commit;              ///< Receipt of the commit; empty: none.
  std::string branch, branch_commit;
  std::string deploy_url; ///< Empty: not deployed.
  std::string pr_url;     ///< Empty: no pull request.
  double usd = 0;
  std::map<std::pair<step, std::string>, spending> spent; ///< As in task_state.
};

standing standing_of(const task_state& s);

/// Whether a task may be at rest after a record of this event. fold() says
/// whether it is.
bool may_rest_after(event e) noexcept;

/// Without a newline.
std::string to_text(const standing& s);

/// Errors: corrupt.
result<standing> standing_in(std::string_view text);

} // namespace ledger
