// paths.hpp -- the names of the files in a task's folder.
//
// A *ledger path* is relative to `.ai-stack-trace/<TASK>/`, with forward
// slashes. The pipeline gives the names; `old/` beside a file keeps what was
// rejected or superseded:
//
//   1. A rejected answer NAME.md moves to `<folder>/old/NAME.rejected-<n>.md`.
//   2. What a later round supersedes moves to `<folder>/old/NAME.round-<n>.md`.
//   3. No two names of one task are ever the same file.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace ledger {

/// The ledger's root below the repository's working folder.
inline constexpr std::string_view ledger_root = ".ai-stack-trace";

/// The scheduler's own folder below the ledger's root. No task can have this
/// name: a task's name begins with a letter or digit.
inline constexpr std::string_view own_folder = ".scheduler";

/// The branch of a task is this and the task's name.
inline constexpr std::string_view branch_prefix = "refs/heads/ai-gated/";

namespace path {
inline constexpr std::string_view prompt = "inputs/prompt.md";
inline constexpr std::string_view audit = "gemini/audit.md";
inline constexpr std::string_view decisions = "claude/decisions.md";
inline constexpr std::string_view decisions_ok = "contract/CLAUDE_DECISIONS_OK";
inline constexpr std::string_view plan = "codex/plan.md";
inline constexpr std::string_view apply = "codex/apply.md";
inline constexpr std::string_view changes = "codex/changes.diff";
inline constexpr std::string_view any_fix = "codex/fix-*.md";
inline constexpr std::string_view run_log = "tests/run.log";
inline constexpr std::string_view post_audit = "claude/post-implement-audit.md";
inline constexpr std::string_view final_ok = "contract/CLAUDE_FINAL_OK";
inline constexpr std::string_view human_ok = "contract/HUMAN_OK";
inline constexpr std::string_view final_verify = "gemini/final-verify.md";
inline constexpr std::string_view landing_log = "final/landing.log";
inline constexpr std::string_view build_log = "final/build.log";
inline constexpr std::string_view deploy_log = "final/deploy.log";
inline constexpr std::string_view status = "final/status.json";
inline constexpr std::string_view journal = "journal.jsonl";
} // namespace path

/// The folders of a task, all made at step 0 (pipeline, required structure).
inline constexpr std::array<std::string_view, 7> task_folders{
    "inputs", "gemini", "claude", "codex", "tests", "contract", "final"};

/// `codex/fix-<n>.md`, n from 1.
inline std::string fix_path(std::uint32_t n) {
  return "codex/fix-" + std::to_string(n) + ".md";
}

/// `inputs/note-<n>.md`, n from 1: what a person added on retry.
inline std::string note_path(std::uint32_t n) {
  return "inputs/note-" + std::to_string(n) + ".md";
}

/// `gemini/audit.md` -> `gemini/audit.turns.jsonl`: the conversation that led to an
/// answer. Empty for a file that is no answer (not `.md`).
std::string turns_path(std::string_view answer);

/// `gemini/audit.md` -> `gemini/old/audit.<why>-<n>.md`; a name without a dot
/// gets the suffix at its end.
std::string old_path(std::string_view ledger_path, std::string_view why, std::uint32_t n);

/// Whether `text` can name a ledger file: relative, no empty, `.` or `..`
/// component, no control character, and not the journal itself.
bool is_ledger_path(std::string_view text) noexcept;

} // namespace ledger
