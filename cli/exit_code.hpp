// exit_code.hpp -- what the program's end says (design, section 8).
//
// Over the tasks that this run selected, the first that applies.

#pragma once

namespace cli {

enum class exit_code : int {
  all_done = 0,      ///< All done or no-change.
  needs_person = 1,  ///< One parked, cancelled, waiting on a person, or left out.
  usage = 2,         ///< Usage, configuration, or red base: nothing started.
  stopped = 3,       ///< One stopped.
  locked = 4,        ///< Another scheduler holds the repository.
  damaged = 5,       ///< The ledger is damaged or was tampered with.
  not_writable = 6,  ///< The ledger cannot be written.
  interrupted = 130, ///< All saved.
};

} // namespace cli
