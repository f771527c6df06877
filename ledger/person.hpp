// person.hpp -- what a person decides about a task: approve, retry, cancel.
//
// An *order* is what a person said, wherever it was said: at a command line
// that holds the ledger, or to a scheduler at work. What follows from it is
// decided here and nowhere else.
//
// Pure.

#pragma once

#include "ledger/approving.hpp"
#include "ledger/drafts.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace ledger {

struct person_order {
  enum class kind : std::uint8_t { approve, retry, cancel } what = kind::approve;
  std::string task;
  std::optional<step> at; ///< approve: only this one; retry: from there.
  text_ptr note;          ///< retry; may be null. Free of secrets.
  std::string user;       ///< Who says so.
  std::uint32_t uid = 0;
};

std::string_view to_string(person_order::kind k) noexcept;

/// What is to be recorded for `o`. `seen` is what lies on disk for the step at
/// hand; only an approval looks at it. Errors: refused (with a sentence that
/// says where the task stands), corrupt (only an approval).
result<draft> draft_of_order(const task_state& s, const person_order& o, const gate_evidence& seen,
                             std::int64_t now_ms);

/// Who takes the task up after an order.
enum class taken_up : std::uint8_t {
  by_next_run, ///< Nobody is at work, or its prompt is not part of the batch.
  by_this_run,
};

/// What a person is told when it is on record.
std::string words_of_order(const task_state& after, const person_order& o, taken_up by);

} // namespace ledger
