// judged_texts.hpp -- good answers of every kind, and the case they belong to.
//
// A *good* answer is accepted with a_case(); tests break one thing at a time.
//
//   1. Every text here keeps every rule of its kind.

#pragma once

#include "ledger/judge.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace judged_texts {

using namespace ledger;
using strings = std::vector<std::string>;

inline const std::string decisions_yes = R"(# Decisions

## What changes

The parser accepts tabs.

## What must not change

The public interface.

## Allowed file paths

- `src/parser.c`
- `src/new.c` (new)
- `tests/**`

## Forbidden changes

- `tests/golden/**` and `src/api.c` stay
- No new dependency

## Schema changes: NO

## Target Flow Summary

Tabs are read as blanks.

CLAUDE_DECISIONS_OK: YES
)";

inline const std::string audit_text = R"(# Audit

## System behavior

The program reads a file with `src/parser.c` and prints it. )"
                                      + std::string(400, 'x') + R"(

## Schema drift

none found; looked at `src/schema.sql`.

## Normalization gaps

- Tabs are not normalized in `src/parser.c`.

## Broken workflows

None found. Looked at Makefile and src/parser.c.
)";

inline const std::string plan_text = R"(# Plan

## Files

- `src/parser.c`: accept tabs in `next_token`
  - and test it
- `tests/tabs.c`: new

## Verification

make test
)";

inline const std::string apply_text = "## What changed\n\nTabs.\n\n## Why\n\nThe prompt asks.\n";
inline const std::string review_yes =
    "# Audit\n\nAll as decided.\n\n## Requested changes\n\nnone\n\nCLAUDE_FINAL_OK: YES\n";
inline const std::string verify_yes =
    "## Consistency\n\nConsistent.\n\n## Remaining risks\n\nNone known.\n\n"
    "GEMINI_VERIFY_OK: YES\n";

inline change changed(std::string path) {
  return {"100644", "100644", std::string(40, 'a'), std::string(40, 'b'), 'M', std::move(path)};
}

inline case_file a_case() {
  case_file c;
  c.prompt = "Make src/parser.c accept tabs.";
  c.decisions = decisions_yes;
  c.plan = plan_text;
  c.exists_in_base = [](std::string_view p) {
    return std::set<std::string_view>{"src",       "src/parser.c", "src/schema.sql",
                                      "src/api.c", "Makefile",     "tests"}
        .contains(p);
  };
  c.changes = {changed("src/parser.c")};
  c.guard = protection_for(scope_config{}, {});
  c.schema_globs = {"*.sql"};
  return c;
}

inline std::string with(std::string text, std::string_view from, std::string_view to) {
  auto at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

inline std::string all_of(const judgement& j) {
  std::string out;
  for (auto& r : j.reasons)
    out += r + "\n";
  return out;
}

struct row {
  std::string name, text;
  judged want;
  std::string about; ///< A part of the reasons.
};

inline void expect(step s, const std::vector<row>& rows, const case_file& c) {
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    auto j = judge(s, r.text, c);
    EXPECT_EQ(static_cast<int>(j.as), static_cast<int>(r.want)) << all_of(j);
    EXPECT_EQ(j.reasons.empty(), r.want == judged::accepted) << all_of(j);
    EXPECT_NE(all_of(j).find(r.about), std::string::npos) << all_of(j);
  }
}

} // namespace judged_texts
