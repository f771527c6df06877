// answers.hpp -- answers that the validators accept, for tests that are about
// something else.

#pragma once

#include "ledger/step_table.hpp"

#include <string>

namespace ledger::testing {

/// A good answer of step `s` for a task that changes `file` (of the base).
inline std::string good_answer(step s, const std::string& file = "src/page.html") {
  switch (s) {
    case step::audit:
      return "# Audit\n\n## System behavior\n\nThe site is a folder of pages; `" + file
             + "` is the one that visitors see first. It is plain HTML without scripts, and it is\n"
               "served as it lies in the repository; nothing else reads or writes it, and no "
               "build\n"
               "step changes it on the way. The style sheet is shared by every page.\n\n"
               "## Schema drift\n\nnone found; looked at `"
             + file + "`.\n\n## Normalization gaps\n\nnone found; looked at `" + file
             + "`.\n\n## Broken workflows\n\nnone found; looked at `" + file + "`.\n";
    case step::decide:
      return "## What changes\n\nThe page.\n\n## What must not change\n\nEverything else.\n\n"
             "## Allowed file paths\n\n- `"
             + file
             + "`\n\n## Forbidden changes\n\n- nothing else\n\n## Schema changes: NO\n\n"
               "None.\n\n## Target Flow Summary\n\nThe visitor sees the new page.\n\n"
               "CLAUDE_DECISIONS_OK: YES\n";
    case step::plan:
      return "## Files\n\n- `" + file
             + "`\n\n## Changes\n\nThe text of the page.\n\n## Verification\n\nThe checks are "
               "green.\n";
    case step::implement:
    case step::test:
      return "## What changed\n\nThe text of `" + file
             + "`.\n\n## Why\n\nThe prompt asks for it.\n";
    case step::review:
      return "## Findings\n\nOnly the approved file changed.\n\n## Requested changes\n\nnone\n\n"
             "CLAUDE_FINAL_OK: YES\n";
    case step::verify:
      return "## Consistency\n\nAudit, log and tree agree.\n\n## Remaining risks\n\nNone known.\n\n"
             "GEMINI_VERIFY_OK: YES\n";
    case step::ingest:
    case step::deliver:
      break;
  }
  return {};
}

/// A valid NO of the step.
inline std::string valid_no(step s) {
  switch (s) {
    case step::decide:
      return "## What changes\n\nNothing: it would delete the archive.\n\nCLAUDE_DECISIONS_OK: "
             "NO\n";
    case step::review:
      return "## Requested changes\n\n1. Put the menu back.\n\nCLAUDE_FINAL_OK: NO\n";
    default:
      return "## Consistency\n\nThe log is of another tree.\n\nGEMINI_VERIFY_OK: NO\n";
  }
}

} // namespace ledger::testing
