#include "ledger/person.hpp"

#include "ledger/paths.hpp"
#include "ledger/rollback.hpp"

namespace ledger {

namespace {

std::string is_at(const task_state& s) {
  return s.task + " is " + std::string{to_string(s.is)} + " at step "
         + std::string{to_string(s.at)};
}

result<draft> draft_of_retry(const task_state& s, const person_order& o) {
  if (s.terminal() || o.at)
    return draft_retried(s, o.at, o.note);
  auto by_itself = s.is == status::waiting
                       ? "`scheduler approve " + s.task + "` lets it go on"
                       : std::string{"a run at work, or the next `scheduler --tasks DIR`, goes on "
                                     "with it by itself"};
  return fail(fault::refused,
              is_at(s) + ": " + by_itself + "; to send it back, name a step with --from");
}

result<draft> draft_of_cancel(const task_state& s) {
  if (s.is == status::done || s.is == status::no_change)
    return fail(fault::refused, s.task + " is " + std::string{to_string(s.is)}
                                    + ": there is nothing left to cancel; `scheduler rollback "
                                    + s.task + "` takes back what it delivered");
  if (s.is == status::cancelled)
    return fail(fault::refused, s.task + " is cancelled already; `scheduler retry " + s.task
                                    + "` takes it up again");
  return draft_cancelled(s);
}

} // namespace

std::string_view to_string(person_order::kind k) noexcept {
  switch (k) {
    case person_order::kind::approve:
      return "approve";
    case person_order::kind::retry:
      return "retry";
    case person_order::kind::cancel:
      break;
  }
  return "cancel";
}

result<draft> draft_of_order(const task_state& s, const person_order& o, const gate_evidence& seen,
                             std::int64_t now_ms) {
  switch (o.what) {
    case person_order::kind::approve:
      return draft_approved(s, o.at, seen, {o.user, o.uid, now_ms});
    case person_order::kind::retry:
      return draft_of_retry(s, o);
    case person_order::kind::cancel:
      break;
  }
  return draft_of_cancel(s);
}

std::string words_of_order(const task_state& after, const person_order& o, taken_up by) {
  bool now = by == taken_up::by_this_run;
  auto at = std::string{to_string(after.at)};
  if (o.what == person_order::kind::cancel)
    return after.task + " is cancelled, at step " + at + "; all that it made is kept. `scheduler "
           + "retry " + after.task + "` takes it up again\n";
  auto of = rolled_back_by(after.task);
  auto when = now  ? std::string{"in the run at work\n"}
              : of ? "with `scheduler rollback " + *of + "`\n"
                   : "with the next `scheduler --tasks DIR` (its prompt " + after.task
                         + ".md has to lie in DIR)\n";
  auto goes_on = after.task + " will go on "
                 + (o.what == person_order::kind::approve ? "at" : "from") + " step " + at + " "
                 + when;
  if (o.what == person_order::kind::approve)
    return after.task + ": step " + at + " is approved, for tree "
           + tree_to_approve(after).substr(0, 12) + "\n" + goes_on;
  if (after.at == step::ingest)
    goes_on = after.task + " will begin anew, with the prompt as "
              + (now ? "this batch has read it, " : "it is then, ") + when;
  return goes_on + (o.note ? "the note is " + note_path(after.notes) + "\n" : std::string{});
}

} // namespace ledger
