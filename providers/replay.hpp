// replay.hpp -- an earlier ledger plays the roles.
//
// A *recording* is what a ledger says was answered to an input: the text, the
// change of a writing step, or the refusal. Inputs are matched by their digest
// (input_digest), which is free of times, places and of who was asked.
//
//   1. The ledger is only read, and a file of it counts only with the digest
//      that its record names.
//   2. An input that was never answered is refused, code "not-recorded": nothing
//      is made up.
//   3. The same input asked again gets the next answer that it got then; the last
//      one again and again.
//   4. What was only unavailable then is no recording.

#pragma once

#include "providers/registry.hpp"

#include <memory>
#include <string>

namespace providers {

/// The factory of kind `replay`; its key `ledger` names a `.ai-stack-trace`,
/// absolute or relative to the repository. Errors: refused, if there is none.
ledger::result<std::unique_ptr<provider>>
make_replay(const provider_context& c, const std::string& name, const ledger::provider_config& p);

} // namespace providers
