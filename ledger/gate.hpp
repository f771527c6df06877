// gate.hpp -- may a step begin?
//
// *Evidence* is what was read from disk a moment ago, beside what the records
// promise. may_enter compares the two and is the only code that opens a gate;
// the supervisor alone calls it (pipeline: "missing contract file: STOP").
//
//   1. Unclear means closed.
//   2. A contract opens a gate only if its bytes are exact, a signed record of
//      this repository and task stands behind it, and that record names the
//      very text (and tree) and the configuration digest (L4).
//   3. A file counts only if its digest is the recorded one (L2), and only if it
//      was looked at: what inputs_at_gate names and the evidence lacks closes.
//   4. A contract that was won must be as it was written at every later gate, not
//      only where it is needed; one that was not won may not lie there.
//   5. Where a person is wanted, nothing begins before HUMAN_OK stands for exactly
//      this step and tree (approving.hpp); an approval that stands must hold like
//      the other contracts.
//   6. Behind step 5 the tree must be the one of the last green checks, behind
//      step 7 also the one that Gemini verified. (Where a signed `placed` record
//      carried a review over to a combined tree, that record names both.)
//
// Pure.

#pragma once

#include "ledger/state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace ledger {

/// One ledger file as found on disk.
struct file_seen {
  file_ref expected;
  std::string found_sha256; ///< Empty: not there.
};

/// A contract's file as found on disk, and what the record behind it says.
struct contract_seen {
  std::optional<std::string> bytes; ///< Nothing: the file is not there.
  bool signature_ok = false;        ///< The standing record's signature, checked.
  std::string signed_repo_id, signed_task;
};

struct gate_evidence {
  std::vector<file_seen> inputs;
  contract_seen decisions, final, human;
  std::string repo_id;
  std::string config_digest; ///< Of the configuration in force.
  approvals approve;         ///< Of the configuration in force.
};

/// What was seen of contract `c`.
const contract_seen& seen_of(const gate_evidence& e, contract c) noexcept;

enum class closed_because : std::uint8_t {
  contract_missing, ///< State `stopped`, exit 3.
  contract_forged,  ///< State `stopped`, exit 5.
  file_missing,     ///< A recorded file is gone: stopped, exit 5.
  file_altered,     ///< A recorded file differs: stopped, exit 5.
  config_changed,   ///< The contract names another configuration.
  tree_changed,     ///< The contract names another tree.
  approval_due,     ///< A person is wanted, and nobody approved: state `waiting`.
  not_due,          ///< The state does not call for this step.
};

/// The stable word of a reason, as it becomes the state's reason.
std::string_view to_string(closed_because b) noexcept;

struct gate_decision {
  bool open = false;
  closed_because because = closed_because::not_due; ///< If closed.
  std::string why;                                  ///< If closed.
  std::string remedy;                               ///< If closed.
  json evidence = json::object();                   ///< If open: what it opened on, for the record.
};

/// The files that must be as recorded when the step at hand begins: its inputs,
/// and what a fix that is due has to answer to.
std::vector<file_ref> inputs_at_gate(const task_state& s);

/// Whether the step at which `s` stands may begin.
gate_decision may_enter(const task_state& s, const gate_evidence& e);

/// The exact bytes of a contract's file: `NAME:<TASK>` and a newline.
std::string contract_text(contract c, std::string_view task);

} // namespace ledger
