#include "ledger/gate.hpp"

#include "ledger/approving.hpp"

#include <algorithm>

namespace ledger {

namespace {

gate_decision closed(closed_because because, std::string why, std::string remedy) {
  gate_decision d;
  d.because = because;
  d.why = std::move(why);
  d.remedy = std::move(remedy);
  return d;
}

gate_decision open_gate() {
  gate_decision d;
  d.open = true;
  return d;
}

std::string retry_from(const task_state& s, step from) {
  return "`scheduler retry " + s.task + " --from " + std::string{to_string(from)} + "`";
}

/// The step that writes a contract, where a person may begin again.
step writer_of(contract c) {
  return c == contract::decisions ? step::decide : step::review;
}

/// How a contract that is lost is won again.
std::string won_again(const task_state& s, contract c) {
  if (c == contract::human)
    return "`scheduler retry " + s.task + "`; it will wait for `scheduler approve " + s.task
           + "` again";
  return retry_from(s, c == contract::decisions ? step::decide : step::test);
}

/// A contract's own file: there, exact, and the recorded one.
gate_decision contract_file(const task_state& s, contract c, const contract_seen& seen) {
  auto name = "contract/" + std::string{to_string(c)};
  auto again = won_again(s, c);
  if (!seen.bytes)
    return closed(closed_because::contract_missing, name + " is missing",
                  "if it was removed by mistake, let it be won again: " + again);
  auto* standing = contract_of(s, c);
  if (!standing)
    return closed(closed_because::contract_forged, name + " lies there, but no record wrote it",
                  "find out who wrote it, remove it, then " + again);
  if (*seen.bytes != contract_text(c, s.task))
    return closed(closed_because::contract_forged,
                  name + " does not hold the bytes that were written",
                  "find out who changed it, then " + again);
  if (!seen.signature_ok || seen.signed_repo_id != s.repo_id || seen.signed_task != s.task)
    return closed(closed_because::contract_forged,
                  name + ": the record behind it is not signed for this task by a trusted key",
                  "`scheduler verify " + s.task + "` tells more; then " + again);
  return open_gate();
}

/// What a contract names must be what is there now (L4).
gate_decision contract_terms(const task_state& s, contract c, const gate_evidence& e) {
  auto& standing = *contract_of(s, c);
  auto name = std::string{to_string(c)};
  auto text = text_behind(c);
  auto* file = file_of(s, text);
  if (!file || file->sha256 != standing.text_sha256)
    return closed(closed_because::file_altered,
                  name + " was given for another text than " + std::string{text},
                  retry_from(s, writer_of(c)));
  if (c == contract::final && standing.tree != approved_tree_of(s))
    return closed(closed_because::tree_changed,
                  name + " was given for tree " + standing.tree + ", not for "
                      + approved_tree_of(s),
                  retry_from(s, step::test));
  // Once code is written under the decisions, a changed configuration revokes
  // the final contract instead (L5), by a signed `reconfigured` record.
  bool exact = c == contract::final || s.at <= step::implement;
  if (e.config_digest != s.config_digest || (exact && standing.config_digest != e.config_digest))
    return closed(closed_because::config_changed,
                  "the configuration changed after " + name + " was given",
                  retry_from(s, writer_of(c)));
  return open_gate();
}

/// The same for an approval, at the one step that it opens.
gate_decision approval_terms(const task_state& s, const gate_evidence& e) {
  auto& standing = *contract_of(s, contract::human);
  if (standing.for_step != s.at)
    return open_gate(); // It has done its work, and opens nothing here.
  auto again = won_again(s, contract::human);
  if (!covers(standing, tree_to_approve(s)))
    return closed(
        closed_because::tree_changed,
        "HUMAN_OK was given for tree " + standing.tree + ", not for " + tree_to_approve(s), again);
  auto text = text_behind(contract::human, s.at);
  auto* file = file_of(s, text);
  if (!file || file->sha256 != standing.text_sha256)
    return closed(closed_because::file_altered,
                  "HUMAN_OK was given for another text than " + std::string{text}, again);
  if (standing.config_digest != e.config_digest)
    return closed(closed_because::config_changed,
                  "the configuration changed after HUMAN_OK was given", again);
  return open_gate();
}

gate_decision contract_opens(const task_state& s, contract c, const gate_evidence& e) {
  auto file = contract_file(s, c, seen_of(e, c));
  if (!file.open)
    return file;
  return c == contract::human ? approval_terms(s, e) : contract_terms(s, c, e);
}

/// Every contract that an earlier step won must stand as it was written, whether
/// this step needs it or not: one that is gone or altered is noticed at the next
/// gate, not at the last. No other may lie there.
gate_decision contracts_hold(const task_state& s, const gate_evidence& e) {
  for (auto c : contracts) {
    bool won = c != contract::human && s.at > writer_of(c); // A person may never be wanted.
    bool due = won || row_of(s.at).needs == c || contract_of(s, c);
    auto& seen = seen_of(e, c);
    auto d = due ? contract_opens(s, c, e) : open_gate();
    if (d.open && !due && seen.bytes)
      d = contract_file(s, c, seen);
    if (!d.open)
      return d;
  }
  return open_gate();
}

/// What is delivered is, tree for tree, what was green, and what was verified.
gate_decision tree_holds(const task_state& s) {
  auto back = retry_from(s, step::test);
  if (s.at > step::test && (s.tree.empty() || s.checked_tree != s.tree))
    return closed(closed_because::tree_changed, "the checks were not green on this tree", back);
  if (s.at > step::verify && s.verified_tree != approved_tree_of(s))
    return closed(closed_because::tree_changed, "Gemini did not verify this tree", back);
  return open_gate();
}

/// Every input was looked at, and is what was recorded.
gate_decision inputs_hold(const task_state& s, const gate_evidence& e) {
  auto again = "`scheduler verify " + s.task + "` names all of it; find out who changed it, then "
               + retry_from(s, step::ingest);
  for (auto& need : inputs_at_gate(s))
    if (std::none_of(e.inputs.begin(), e.inputs.end(),
                     [&](const file_seen& f) { return f.expected == need; }))
      return closed(closed_because::file_missing, need.path + " was not looked at", again);
  for (auto& f : e.inputs) {
    if (f.found_sha256 == f.expected.sha256)
      continue;
    bool gone = f.found_sha256.empty();
    return closed(gone ? closed_because::file_missing : closed_because::file_altered,
                  f.expected.path + (gone ? " is missing" : " is not what was recorded"), again);
  }
  return open_gate();
}

/// Every fixed input of the row must be a recorded file.
bool all_inputs_recorded(const task_state& s) {
  auto& row = row_of(s.at);
  return std::all_of(row.reads.begin(), row.reads.end(), [&](std::string_view p) {
    return p.empty() || p == path::any_fix || file_of(s, p);
  });
}

} // namespace

std::string_view to_string(closed_because b) noexcept {
  switch (b) {
    case closed_because::contract_missing:
      return "contract-missing";
    case closed_because::contract_forged:
      return "contract-forged";
    case closed_because::file_missing:
      return "file-missing";
    case closed_because::file_altered:
      return "file-altered";
    case closed_because::config_changed:
      return "config-changed";
    case closed_because::tree_changed:
      return "tree-changed";
    case closed_because::approval_due:
      return approval_reason;
    case closed_because::not_due:
      return "not-due";
  }
  return "unknown";
}

const contract_seen& seen_of(const gate_evidence& e, contract c) noexcept {
  return c == contract::decisions ? e.decisions : c == contract::final ? e.final : e.human;
}

std::string contract_text(contract c, std::string_view task) {
  return std::string{to_string(c)} + ":" + std::string{task} + "\n";
}

std::vector<file_ref> inputs_at_gate(const task_state& s) {
  auto inputs = inputs_of(s, s.at);
  if (s.at == step::test && s.fixing)
    inputs.insert(inputs.end(), s.cause->evidence.begin(), s.cause->evidence.end());
  return inputs;
}

gate_decision may_enter(const task_state& s, const gate_evidence& e) {
  auto& row = row_of(s.at);
  if (s.terminal() || s.at == step::ingest || e.repo_id != s.repo_id)
    return closed(closed_because::not_due, "no step of this task in this repository is due", "");
  if (auto c = contracts_hold(s, e); !c.open)
    return c;
  if (!all_inputs_recorded(s))
    return closed(closed_because::file_missing, "an input of this step was never recorded",
                  retry_from(s, step::ingest));
  if (auto in = inputs_hold(s, e); !in.open)
    return in;
  if (auto tree = tree_holds(s); !tree.open)
    return tree;
  if (wants_approval(s, e.approve) && !is_approved(s)) {
    auto words = words_of_waiting(s, e.approve);
    return closed(closed_because::approval_due, words.why, words.remedy);
  }
  auto d = open_gate();
  if (is_approved(s))
    d.evidence["approved"] = {{"record", s.human_ok->seq}, {"tree", s.human_ok->tree}};
  if (row.needs != contract::none) {
    auto& standing = *contract_of(s, row.needs);
    d.evidence["contract"] = path_of(row.needs);
    d.evidence["record"] = standing.seq;
    d.evidence["text_sha256"] = standing.text_sha256;
    if (!standing.tree.empty())
      d.evidence["tree"] = standing.tree;
  }
  auto files = json::array();
  for (auto& f : e.inputs)
    files.push_back({{"path", f.expected.path}, {"sha256", f.expected.sha256}});
  if (!files.empty())
    d.evidence["files"] = std::move(files);
  return d;
}

} // namespace ledger
