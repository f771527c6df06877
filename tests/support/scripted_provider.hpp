// scripted_provider.hpp -- a provider that says what a folder tells it to.
//
// A *script* is a file of the folder; its text is the answer. For a request
// the first that exists of these is taken:
//
//     <task>/<step>.<round>.<attempt>.md     default/<step>.<round>.<attempt>.md
//     <task>/<step>.<round>.md               default/<step>.<round>.md
//     <task>/<step>.md                       default/<step>.md
//
// In the text `{{task}}`, `{{round}}`, `{{attempt}}`, `{{base_tree}}` and
// `{{tree}}` are replaced. For a writing step, files beside the script (the
// same name with another ending) say what happens in the worktree, in this
// order:
//
//     .files/    a folder that is copied over the worktree
//     .delete    a list of paths that are removed, one a line
//     .sh        run by sh in the worktree: whatever else a hostile agent does
//                (symlinks, a `.git`, `kill -9 $PPID`); its exit code is ignored
//
// The first line of a script may be a fault instead of an answer:
//
//     !fail unavailable TEXT        !fail refused CODE TEXT
//     !throw      ask() throws      !hang      done is never called
//     !exit CODE  the process ends at once, as if it were killed
//     !usd AMOUNT                   no fault: the answer below costs so much
//
//   1. Each call appends one line `task step round attempt input_sha256` to
//      the file of calls, before anything else happens: a call that was made
//      twice is there twice, also when the process died in between.
//   2. No script for a request is a failure: refused, code "no-script".
//
// Options: folder (of scripts), calls (file; optional).

#pragma once

#include "providers/registry.hpp"

namespace tests {

/// The factory of kind `scripted`. Errors: refused (no folder, unknown option).
ledger::result<std::unique_ptr<providers::provider>>
make_scripted(const providers::provider_context& c, const std::string& name,
              const ledger::provider_config& config);

/// builtin_providers() and `scripted`.
providers::registry providers_with_scripted();

} // namespace tests
