// candidate.hpp -- the candidate tree, there again if git lost it.

#pragma once

#include "actors/services.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/state.hpp"

namespace actors {

/// The candidate tree must be there, whatever git's garbage collection did. Blocks.
inline ledger::result<void> ensure_candidate(const services& w, const ledger::task_state& s) {
  auto* diff = ledger::file_of(s, s.diff_path);
  if (!diff)
    return ledger::fail(ledger::fault::corrupt, s.task + ": no diff of the candidate is recorded");
  auto text = ledger::disk::read_recorded(w.folder_of(s.task), diff->path, diff->sha256);
  if (!text)
    return tl::make_unexpected(text.error());
  return w.files->ensure_tree(s.base_tree, *text, s.tree);
}

} // namespace actors
