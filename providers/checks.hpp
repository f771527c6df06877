// checks.hpp -- test, lint and schema drift, on a clean checkout.
//
// A *check* is a shell command of the user's; it passes if it exits 0 and its
// `fail_on` does not match. run.log is what people and reviewers read: each
// command, its output indented by two spaces (so that no output can pass for
// one of our lines), exit code, time, result; at the end GREEN or RED.
//
//   1. Each check sees the tracked files of exactly the candidate tree: what an
//      earlier one changed in them is put back, and run.log says so. New and
//      ignored files stay until the last check (setup's products are some); then
//      all that was written is thrown away.
//   2. `setup` runs first; if it fails the others do not run, and all is red.
//   3. A check that is "none" is named as the user's written deviation, in
//      run.log too.
//   4. A check that cannot be started, hangs or has no command is red. One that
//      we ended ourselves because the program ends is neither red nor green.
//   5. `fail_on` is a POSIX extended regular expression over each line; one
//      that is none is refused before anything runs.

#pragma once

#include "ledger/config.hpp"
#include "ledger/drafts.hpp"
#include "ledger/redact.hpp"
#include "providers/sandbox.hpp"
#include "providers/workspace.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace providers {

class checker {
public:
  virtual ~checker() = default;
  /// Runs all checks on `tree` (HEAD is `commit`). Blocks. Errors: unavailable
  /// (no checkout, no space, the program ends): nothing was learnt; refused
  /// (fail_on, read_only). A red check is no error.
  virtual ledger::result<ledger::checks_outcome> run(std::string_view commit,
                                                     std::string_view tree) = 0;
};

std::unique_ptr<checker> make_checker(const ledger::config& c, workspace& w, processes& children,
                                      ledger::redactor secrets = {});

/// run.log without its `time:` lines: two runs of the same checks on the same
/// tree that print the same give the same text.
std::string run_log_for_hashing(std::string_view run_log);

} // namespace providers
