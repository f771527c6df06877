// judging.hpp -- the blocking half of judging: reading the case from disk.
//
// What is judged is what lies on disk, against the digest in its record (L2),
// not what anybody remembers. Blocks: call from an executor.

#pragma once

#include "actors/services.hpp"
#include "ledger/judge.hpp"
#include "ledger/state.hpp"

#include <string>
#include <vector>

namespace actors {

/// Judges the answer at which `s` stands (phase answered). Errors: corrupt (a
/// recorded file is missing or differs), unavailable.
ledger::result<ledger::judgement> judge_filed_answer(const services& w,
                                                     const ledger::task_state& s);

/// The breaches of the accepted candidate under the configuration in force, which
/// may protect more than on the day of its answer. Empty: in scope. Errors:
/// corrupt, refused (the decisions cannot be read), unavailable.
ledger::result<std::vector<ledger::breach>> judge_candidate_again(const services& w,
                                                                  const ledger::task_state& s);

/// The ledger paths of `s` whose file is missing or not what was recorded.
std::vector<std::string> changed_files(const services& w, const ledger::task_state& s);

} // namespace actors
