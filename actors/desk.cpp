#include "actors/desk.hpp"

#include "ledger/disk/files.hpp"

namespace actors {

void desk::append(const std::string& task, std::uint64_t after_seq,
                  std::vector<ledger::draft> drafts, std::function<void(outcome)> then) {
  try_append({task, after_seq, std::move(drafts)}, std::move(then), 0);
}

void desk::try_append(ledger::disk::append what, std::function<void(outcome)> then,
                      std::uint32_t failures) {
  auto shared = std::make_shared<const ledger::disk::append>(std::move(what));
  auto settled = [this, shared, then, failures](outcome o) {
    bool full = o.fault && o.fault->code == ledger::disk::disk_full_code;
    bool again = o.fault && o.fault->kind == ledger::fault::unavailable
                 && (full || failures + 1 < append_tries);
    if (!again) {
      then(std::move(o));
      return;
    }
    if (world().on_notice)
      world().on_notice(shared->task
                        + ": the ledger cannot be written, so this waits: " + o.fault->detail);
    auto retry = *shared;
    retry.drafts.front().detail["ledger_write_failed"] = o.fault->detail;
    later(millis{ledger::backoff_ms(failures + 1)},
          [this, retry, then, failures] { try_append(retry, then, failures + 1); });
  };
  ask(this, writer_, longest_wait, append_request{shared})
      .then(settled, [this, settled](const caf::error& e) {
        settled({nullptr, ledger::failure{ledger::fault::lost,
                                          "the ledger writer ended: " + words(system(), e)}});
      });
}

state_ptr desk::advanced(const state_ptr& s, const outcome& o) {
  if (!o.records)
    return s;
  auto next = *s;
  for (auto& r : *o.records) {
    auto applied = ledger::apply(std::move(next), r);
    if (!applied)
      throw std::runtime_error(s->task + ": " + applied.error().detail);
    next = std::move(*applied);
  }
  return std::make_shared<const ledger::task_state>(std::move(next));
}

ledger::failure fault_of(caf::actor_system& system, const caf::error& e, const std::string& who) {
  return {ledger::fault::unavailable, who + " ended without an answer: " + words(system, e),
          std::string{death_code}};
}

outcome joined(const outcome& first, const outcome& second) {
  auto all = std::make_shared<std::vector<ledger::record>>();
  for (auto& part : {first.records, second.records})
    if (part)
      all->insert(all->end(), part->begin(), part->end());
  return {all, second.fault};
}

} // namespace actors
