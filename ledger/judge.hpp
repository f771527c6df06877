// judge.hpp -- is an answer what the pipeline demands?
//
// A *judgement* of an answer is one of: accepted; rejected, with reasons that
// are told to the model when it is asked again; voided (scope breach); or a
// valid NO. Everything here is mechanical; what no machine can decide is left
// to the prompts (design, "Validators").
//
//   1. Validators are for YES only: a valid NO always stands.
//   2. A YES whose text breaks a rule is rejected, never accepted in part.
//   3. A post-implement audit that says YES with anything but `none` under
//      *Requested changes* is a NO; one without that section is rejected.
//   4. What an answer was accepted for is judged again on its tree before it is
//      committed (judge_candidate): a rule of today binds yesterday's answer.
//   5. Text that is found in more than one place where one is meant (two lists
//      of allowed paths, two statements on the schema) is never chosen from.
//
// Pure.

#pragma once

#include "ledger/scope.hpp"
#include "ledger/step_table.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

enum class judged : std::uint8_t { accepted, rejected, voided, said_no };

struct judgement {
  judged as = judged::rejected;
  std::vector<std::string> reasons; ///< Sentences; empty if accepted.
};

/// What a judge has before it besides the answer. Fields that a step does not
/// need stay empty.
struct case_file {
  std::string prompt;                                   ///< inputs/prompt.md, as text.
  std::string decisions;                                ///< claude/decisions.md
  std::string plan;                                     ///< codex/plan.md
  std::vector<std::string> earlier_fixes;               ///< codex/fix-*.md before this one.
  std::function<bool(std::string_view)> exists_in_base; ///< A file or folder of the base.
  std::vector<change> changes;                          ///< Base to candidate tree (writing steps).
  std::vector<std::string> hidden;                      ///< See scope_question.
  std::vector<std::string> base_paths;                  ///< See scope_question.
  std::vector<std::string> faults; ///< Breaches found while the tree was taken: secrets.
  protection guard;
  std::vector<std::string> schema_globs;
};

/// Judges the answer of step `s` (for `test`: of a fix).
judgement judge(step s, std::string_view answer, const case_file& c);

/// The scope once more, for a candidate that was accepted: `c.earlier_fixes` are
/// all of its fixes, `c.guard` and `c.schema_globs` those of today, which may
/// protect more than on the day of the answer. Empty: in scope. Errors: refused,
/// if the decisions cannot be read.
result<std::vector<breach>> judge_candidate(const case_file& c);

/// The allowance in a decisions text: the bullets of *Allowed file paths*, each
/// beginning with its one literal, and every literal of *Forbidden changes*
/// that can be a path, in bullets or not. Errors: refused, naming the bullet.
result<allowance> read_allowance(std::string_view decisions);

/// The files that a plan (or a fix) lists: the literals of the bullets of its
/// section *Files*.
std::vector<std::string> planned_files(std::string_view plan);

/// Words of a text that look like repository paths (they hold a slash or a
/// dot inside and none of the characters that paths in prose do not have), in
/// order of lines (code spans, which may be any path, first on each), each once.
std::vector<std::string> paths_named(std::string_view text);

} // namespace ledger
