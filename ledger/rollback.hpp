// rollback.hpp -- taking back what a task delivered.
//
// A *rollback* is a task of its own, `<TASK>.rollback-<N>`, whose prompt this
// program wrote: one `revert` block with the commit that is taken back, and who
// ordered it. It goes through every step, check and gate as any other; no model
// is asked, and a person's order is its approval.
//
//   1. One at a time: an unfinished rollback of a task is gone on with, never
//      joined by another.
//   2. What was taken back already, or never delivered, is refused.
//   3. A rollback may be rolled back: that brings the change again.
//
// Pure.

#pragma once

#include "ledger/result.hpp"
#include "ledger/state.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// The info word of the block that names what is taken back.
inline constexpr std::string_view revert_word = "revert";

/// Of which task this one takes the change back; nothing: by its name it is no
/// rollback.
std::optional<std::string> rolled_back_by(std::string_view task);

/// The rollbacks of `task` among `names`, the first first.
std::vector<std::string> rollbacks_of(std::string_view task, const std::vector<std::string>& names);

/// The commit that a rollback's prompt names; empty: it names none.
std::string commit_taken_back(std::string_view prompt);

/// Who ordered it, and when.
struct rollback_order {
  std::string user; ///< Login name; empty: the uid has none.
  std::uint32_t uid = 0;
  std::int64_t time_ms = 0;
};

struct rollback_plan {
  std::string task;   ///< The rollback's name.
  std::string commit; ///< What it takes back, and begins on where nothing lands.
  std::string prompt;
};

/// A rollback as the ledger has it.
struct known_rollback {
  std::string prompt; ///< As it was recorded; empty: it is to begin anew.
  status is = status::running;
};

/// `known` are the rollbacks of this task. With `on_branch` only what landed can
/// be taken back. Errors: refused, with the remedy.
result<rollback_plan> plan_rollback(const task_state& s,
                                    const std::map<std::string, known_rollback>& known,
                                    bool on_branch, const rollback_order& by);

} // namespace ledger
