// step_table.hpp -- the pipeline, as data.
//
// A task walks the rows of one table from top to bottom. A *row* names who
// does the step, what it reads, which *contract* must lie on disk before it
// may begin, which file its answer becomes, and which *gate* must open before
// the next row may start. Nothing else in the program knows the order of the
// steps: to add a step, add a number and a row here, and a gate in gate.cpp if
// no present one fits. Steps and their inputs: pipeline, steps 0 to 8.
//
// Invariants, checked by the compiler at the foot of this file:
//   1. A step has exactly one row, and its number is the place of that row.
//   2. Every row that may change code requires CLAUDE_DECISIONS_OK.
//   3. `deliver` is last, requires CLAUDE_FINAL_OK, and the contract is won in
//      an earlier row.
//
// Pure: no clock, no disk, no actor.

#pragma once

#include "ledger/paths.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ledger {

/// The steps in the order of their rows, so that `<` means "comes before". On
/// disk stand only their names, which are for ever; a new step takes its place
/// and the numbers behind it move on.
enum class step : std::uint8_t {
  ingest = 0,
  audit = 1,
  decide = 2,
  plan = 3,
  implement = 4,
  test = 5,
  review = 6,
  verify = 7,
  deliver = 8,
};

/// Who does the work of a step. `scheduler` is this program itself.
enum class role : std::uint8_t { scheduler, gemini, claude, codex };

/// A file whose presence opens a gate (pipeline, global invariant 7). `human` is
/// won by a person (approving.hpp), and needed only where one is wanted.
enum class contract : std::uint8_t { none, decisions, final, human };

/// Those that there are, in the order in which a gate looks at them.
inline constexpr std::array contracts{contract::decisions, contract::final, contract::human};

/// What must hold before a row is left. gate.cpp and judge.cpp decide each
/// from recorded evidence alone, so every decision can be repeated years later.
enum class gate : std::uint8_t {
  recorded,    ///< The prompt is in the ledger.
  well_formed, ///< The validator of the answer is content.
  decided,     ///< CLAUDE_DECISIONS_OK: YES, and its contract is written.
  in_scope,    ///< Every changed path is allowed on every route.
  green,       ///< Every check passed on a clean checkout of the candidate tree.
  approved,    ///< CLAUDE_FINAL_OK: YES, and its contract is written.
  verified,    ///< GEMINI_VERIFY_OK: YES.
  delivered,   ///< Commit and deploy have their receipts.
};

/// Most files that a row may list as inputs.
inline constexpr std::size_t max_reads = 6;

struct step_row {
  step id;
  std::string_view name; ///< As people and the journal see it.
  role by;
  contract needs;                                ///< Must lie on disk before the step begins.
  std::array<std::string_view, max_reads> reads; ///< Ledger files; `*` stands for any round.
  std::string_view answer;                       ///< The AI's file; empty if no AI answers.
  bool writes_code;                              ///< May change the agent's worktree.
  gate leave;
};

// In step `test` the AI speaks only when a fix is due; `fix-*` is numbered.
inline constexpr std::array step_table{
    step_row{
        step::ingest, "ingest", role::scheduler, contract::none, {}, {}, false, gate::recorded},
    step_row{step::audit,
             "audit",
             role::gemini,
             contract::none,
             {path::prompt},
             path::audit,
             false,
             gate::well_formed},
    step_row{step::decide,
             "decide",
             role::claude,
             contract::none,
             {path::prompt, path::audit},
             path::decisions,
             false,
             gate::decided},
    step_row{step::plan,
             "plan",
             role::codex,
             contract::none,
             {path::prompt, path::audit, path::decisions},
             path::plan,
             false,
             gate::well_formed},
    step_row{step::implement,
             "implement",
             role::codex,
             contract::decisions,
             {path::prompt, path::audit, path::decisions, path::plan},
             path::apply,
             true,
             gate::in_scope},
    step_row{step::test,
             "test",
             role::codex,
             contract::decisions,
             {path::prompt, path::decisions, path::plan, path::apply, path::any_fix},
             path::any_fix,
             true,
             gate::green},
    step_row{step::review,
             "review",
             role::claude,
             contract::none,
             {path::decisions, path::apply, path::any_fix, path::run_log, path::changes},
             path::post_audit,
             false,
             gate::approved},
    step_row{step::verify,
             "verify",
             role::gemini,
             contract::none,
             {path::post_audit, path::run_log},
             path::final_verify,
             false,
             gate::verified},
    step_row{
        step::deliver, "deliver", role::scheduler, contract::final, {}, {}, false, gate::delivered},
};

/// The row of `s`. Every enumerator has one (invariant 1).
constexpr const step_row& row_of(step s) noexcept {
  for (auto& row : step_table)
    if (row.id == s)
      return row;
  return step_table.front(); // Unreachable by invariant 1.
}

/// The row after that of `s`, or null after the last.
constexpr const step_row* next_row(step s) noexcept {
  auto* row = &row_of(s);
  return row == &step_table.back() ? nullptr : row + 1;
}

constexpr std::string_view to_string(step s) noexcept {
  return row_of(s).name;
}

/// The step that people call `name`, or nothing: the journal was written by
/// another version, or a person mistyped. Callers never guess.
constexpr std::optional<step> step_named(std::string_view name) noexcept {
  for (auto& row : step_table)
    if (row.name == name)
      return row.id;
  return std::nullopt;
}

constexpr std::string_view to_string(role r) noexcept {
  switch (r) {
    case role::gemini:
      return "gemini";
    case role::claude:
      return "claude";
    case role::codex:
      return "codex";
    case role::scheduler:
      break;
  }
  return "scheduler";
}

/// The name of a contract's file, which is also the word of its verdict line.
constexpr std::string_view to_string(contract c) noexcept {
  switch (c) {
    case contract::decisions:
      return "CLAUDE_DECISIONS_OK";
    case contract::final:
      return "CLAUDE_FINAL_OK";
    case contract::human:
      return "HUMAN_OK";
    case contract::none:
      break;
  }
  return "";
}

/// Where a contract's file lies below the task's folder.
constexpr std::string_view path_of(contract c) noexcept {
  return c == contract::decisions ? path::decisions_ok
         : c == contract::final   ? path::final_ok
         : c == contract::human   ? path::human_ok
                                  : std::string_view{};
}

constexpr bool is_contract_path(std::string_view ledger_path) noexcept {
  for (auto c : contracts)
    if (ledger_path == path_of(c))
      return true;
  return false;
}

static_assert(
    [] {
      for (std::size_t i = 0; i < step_table.size(); ++i)
        if (static_cast<std::size_t>(step_table[i].id) != i)
          return false;
      return true;
    }(),
    "invariant 1");
static_assert(
    [] {
      for (auto& row : step_table)
        if (row.writes_code && row.needs != contract::decisions)
          return false;
      return true;
    }(),
    "invariant 2");
static_assert(step_table.back().id == step::deliver && step_table.back().needs == contract::final
                  && row_of(step::review).leave == gate::approved
                  && &row_of(step::review) < &step_table.back(),
              "invariant 3");

} // namespace ledger
