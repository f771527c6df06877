#include "actors/desk.hpp"

#include "ledger/disk/files.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string_view>

namespace actors {

namespace {

/// Keys whose values we made ourselves, of ids, digests and paths.
constexpr std::array<std::string_view, 32> our_own{
    "repo",      "task",         "base",          "base_tree",    "branch", "config_digest",
    "from",      "to",           "back_to",       "evidence",     "tree",   "text_sha256",
    "contract",  "parent",       "identity",      "replaces",     "commit", "message",
    "cause",     "input_sha256", "gone",          "checked_tree", "status", "onto",
    "onto_tree", "behind",       "approved_tree", "tested_tree",  "how",    "review",
    "remote",    "target"};

/// A state of our own: this very one if nobody else has it, which saves copying
/// some hundred texts a record.
std::shared_ptr<ledger::task_state> taken(state_ptr s) {
  if (s.use_count() != 1)
    return std::make_shared<ledger::task_state>(*s);
  // What whoever let go of it last did to its count is before what we do to it.
  std::atomic_thread_fence(std::memory_order_acquire);
  return std::const_pointer_cast<ledger::task_state>(std::move(s));
}

} // namespace

void desk::append(const state_ptr& after, std::vector<ledger::draft> drafts,
                  std::function<void(outcome)> then) {
  for (auto& d : drafts)
    redact(d.detail);
  // Else nobody but us is to hold it: it is carried on where it is.
  auto before = ledger::may_rest_after(drafts.back().what) ? after : nullptr;
  try_append({after->task, after->seq, std::move(drafts), std::move(before)}, std::move(then), 0);
}

void desk::redact(ledger::json& detail) const {
  if (world().secrets.empty())
    return;
  for (auto& [key, value] : detail.items())
    if (std::find(our_own.begin(), our_own.end(), key) == our_own.end())
      ledger::redact_values(value, world().secrets);
}

void desk::try_append(ledger::disk::append what, std::function<void(outcome)> then,
                      std::uint32_t failures) {
  auto shared = std::make_shared<const ledger::disk::append>(std::move(what));
  auto settled = [this, shared, then, failures](outcome o) {
    using enum trouble::source;
    bool again = o.fault
                 && (o.fault->from == disk_full
                     || (o.fault->from == unwritten && failures + 1 < append_tries));
    if (!again) {
      then(std::move(o));
      return;
    }
    auto why = world().secrets.redact(o.fault->what.detail);
    if (world().on_notice)
      world().on_notice(shared->task + ": the ledger cannot be written, so this waits: " + why);
    auto retry = *shared;
    retry.drafts.front().detail["ledger_write_failed"] = why;
    later(millis{ledger::backoff_ms(failures + 1)},
          [this, retry, then, failures] { try_append(retry, then, failures + 1); });
  };
  ask_however_long(this, writer_, append_request{shared})
      .then(settled, [this, settled](const caf::error& e) {
        settled({nullptr,
                 trouble{trouble::source::lost,
                         {ledger::fault::lost, "the ledger writer ended: " + words(system(), e)}}});
      });
}

bool desk::paused_by_full_disk(const std::string& task, const ledger::failure& fault,
                               std::function<void()> again) {
  if (fault.code != ledger::disk::disk_full_code || ++pauses_ >= full_disk_tries)
    return false;
  if (world().on_notice)
    world().on_notice(task + ": no space, so this waits: " + world().secrets.redact(fault.detail));
  later(millis{ledger::backoff_ms(pauses_)}, std::move(again));
  return true;
}

state_ptr desk::advanced(state_ptr s, const outcome& o) {
  if (!o.records)
    return s;
  auto next = taken(std::move(s));
  auto task = next->task;
  auto carried = ledger::fold(std::move(*next), *o.records);
  if (!carried)
    throw std::runtime_error(task + ": " + carried.error().detail);
  *next = std::move(*carried);
  return next;
}

trouble fault_of(caf::actor_system& system, const caf::error& e, const std::string& who) {
  return {trouble::source::died,
          {ledger::fault::unavailable, who + " ended without an answer: " + words(system, e)}};
}

} // namespace actors
