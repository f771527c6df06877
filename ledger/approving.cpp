#include "ledger/approving.hpp"

#include "ledger/drafting.hpp"

#include <memory>

namespace ledger {

namespace {

std::string named(step s) {
  return std::string{to_string(s)};
}

/// Where the task stands instead of waiting.
std::string elsewhere(const task_state& s) {
  if (s.terminal())
    return s.task + " is " + std::string{to_string(s.is)} + " at step " + named(s.at)
           + ": it does not wait for an approval"
           + (s.is == status::done || s.is == status::no_change
                  ? std::string{}
                  : "; `scheduler retry " + s.task + "` takes it up again");
  auto after = s.human_ok && s.human_ok->for_step == s.at
                   ? ": it has its approval already"
                   : ": it does not wait for an approval (yet); approve it when `scheduler "
                     "status` says that it waits";
  return s.task + " is at step " + named(s.at) + after;
}

/// What the gate says against it, were a person's word there.
result<void> nothing_else_closes(const task_state& s, const gate_evidence& seen) {
  auto gate = may_enter(s, seen);
  if (gate.open || gate.because == closed_because::approval_due)
    return {};
  bool hurt = gate.because == closed_because::contract_forged
              || gate.because == closed_because::file_missing
              || gate.because == closed_because::file_altered;
  return fail(hurt ? fault::corrupt : fault::refused,
              s.task + " cannot be approved (" + std::string{to_string(gate.because)}
                  + "): " + gate.why + (gate.remedy.empty() ? "" : "; " + gate.remedy),
              std::string{to_string(gate.because)});
}

} // namespace

std::string tree_to_approve(const task_state& s) {
  return s.at == step::implement ? s.base_tree : s.at == step::deliver ? s.tree : std::string{};
}

bool wants_approval(const task_state& s, const approvals& configured) {
  return wants_at(both(s.approve, configured), s.at);
}

bool is_approved(const task_state& s) noexcept {
  return s.human_ok && s.human_ok->for_step == s.at;
}

bool covers(const standing_contract& human_ok, std::string_view tree) noexcept {
  return human_ok.tree == tree || (!tree.empty() && human_ok.carried_to == tree);
}

bool still_waits(const task_state& s, const approvals& configured) {
  return s.is == status::waiting && wants_approval(s, configured) && !is_approved(s);
}

waiting_words words_of_waiting(const task_state& s, const approvals& configured) {
  bool code = s.at == step::implement;
  auto key = std::string{code ? "implement" : "deploy"};
  auto wish = wants_at(s.approve, s.at)
                  ? "approve: " + std::string{to_string(s.approve)} + " in the prompt"
                  : std::string{};
  if (wants_at(configured, s.at))
    wish += (wish.empty() ? "" : " and ") + ("[approve] " + key + " = true in the configuration");
  auto see = code ? "`scheduler show " + s.task + "` and read codex/plan.md"
                  : "`scheduler show " + s.task + " --diff`";
  return {"a person is to approve "
              + std::string{code ? "the plan before any code is written"
                                 : "the change before it is committed"}
              + (wish.empty() ? "" : " (" + wish + ")"),
          "look at it with " + see + ", then `scheduler approve " + s.task
              + "`; for something else `scheduler retry " + s.task + " --from "
              + (code ? "plan" : "implement") + " --note FILE`, to end it `scheduler cancel "
              + s.task + "`"};
}

draft draft_awaiting(const task_state& s, std::string_view why, std::string_view remedy) {
  auto d = start(s, event::awaiting);
  d.detail = {
      {"reason", approval_reason}, {"step", to_string(s.at)}, {"why", why}, {"remedy", remedy}};
  return d;
}

result<draft> draft_approved(const task_state& s, std::optional<step> at, const gate_evidence& seen,
                             const approver& by) {
  if (s.is != status::waiting)
    return fail(fault::refused, elsewhere(s), "not-waiting");
  if (at && *at != s.at)
    return fail(fault::refused,
                s.task + " waits at step " + named(s.at) + ", not at " + named(*at)
                    + ": nothing is approved in advance",
                "not-waiting");
  if (auto ok = nothing_else_closes(s, seen); !ok)
    return tl::make_unexpected(ok.error());
  auto* text = file_of(s, text_behind(contract::human, s.at));
  if (!text) // No gate opens without it either.
    return fail(fault::corrupt, s.task + ": what is to be approved was never recorded");
  auto d = start(s, event::approved);
  move_file(d, s, path::human_ok, "superseded", s.round);
  d.files.push_back({std::string{path::human_ok},
                     std::make_shared<const std::string>(contract_text(contract::human, s.task))});
  d.detail = {{"contract", to_string(contract::human)},
              {"step", to_string(s.at)},
              {"tree", tree_to_approve(s)},
              {"text_sha256", text->sha256},
              {"user", by.user},
              {"uid", by.uid},
              {"time", format_time(by.time_ms)}};
  sign(d, s);
  return d;
}

} // namespace ledger
