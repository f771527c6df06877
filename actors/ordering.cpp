#include "actors/ordering.hpp"

#include "ledger/disk/evidence.hpp"

namespace actors {

order_answer::~order_answer() {
  give(tl::make_unexpected(
      trouble{trouble::source::ending,
              {ledger::fault::unavailable, "the run is ending: nothing was done", "ending"}}));
}

void order_answer::give(told what) {
  if (!given_.test_and_set())
    tell_(std::move(what));
}

ledger::result<ledger::draft> draft_of_order(const services& w, const ledger::task_state& s,
                                             const ledger::person_order& o) {
  // Whoever sent it has looked, with the secrets that were known there.
  if (auto line = o.note ? w.secrets.line_of_secret(*o.note) : 0; line != 0)
    return ledger::fail(ledger::fault::refused,
                        "line " + std::to_string(line)
                            + " of the note holds a known secret, which must not reach the "
                              "ledger; take it out");
  auto seen = ledger::disk::collect_evidence(w.folder_of(s.task), s, *w.keys, s.config_digest);
  return ledger::draft_of_order(s, o, seen, w.now_ms());
}

} // namespace actors
