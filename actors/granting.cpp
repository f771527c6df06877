#include "actors/granting.hpp"

#include "actors/commit_of.hpp"
#include "actors/judging.hpp"
#include "ledger/approving.hpp"
#include "ledger/decide.hpp"
#include "ledger/disk/evidence.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/judge.hpp"
#include "ledger/text.hpp"

#include <optional>
#include <string>
#include <vector>

namespace actors {

namespace {

using ledger::draft;
using ledger::result;
using ledger::task_state;

/// A closed gate: back to an earlier step by a signed record, a person's turn, or
/// the end.
draft draft_of_closed_gate(const services& w, const task_state& s,
                           const ledger::gate_decision& gate) {
  if (gate.because == ledger::closed_because::config_changed)
    return ledger::draft_reconfigured(s, w.config_digest);
  if (gate.because == ledger::closed_because::approval_due)
    return ledger::draft_awaiting(s, gate.why, gate.remedy);
  return ledger::draft_stopped(s, ledger::to_string(gate.because), gate.why, gate.remedy,
                               changed_files(w, s));
}

/// The scope's breaches as a person reads them: the first, and how many.
std::string words_of(const std::vector<ledger::breach>& breaches) {
  auto words = ledger::excerpt(breaches.front().path, 400) + " " + breaches.front().why;
  if (breaches.size() > 1)
    words += ", and " + std::to_string(breaches.size() - 1) + " more";
  return words;
}

/// The commit's intent. The branch must be where our own records left it.
result<draft> draft_of_commit_intent(const services& w, const task_state& s) {
  // [scope] may have changed since the candidate was accepted.
  auto breaches = judge_candidate_again(w, s);
  if (!breaches)
    return tl::make_unexpected(breaches.error());
  if (!breaches->empty())
    return ledger::draft_parked(
        s, "out-of-scope",
        "what is to be committed breaks the scope in force: " + words_of(*breaches),
        "mend [scope] if that was not meant, then `scheduler retry " + s.task
            + "`; or `scheduler retry " + s.task + " --from decide` for another change");
  auto tip = w.files->branch_tip(s.branch);
  if (!tip)
    return tl::make_unexpected(tip.error());
  bool ours = tip->empty() || *tip == s.branch_commit;
  if (!ours && s.unsettled) {
    auto once = w.files->commit(commit_of(*s.unsettled));
    ours = once && *once == *tip;
  }
  if (!ours)
    return ledger::draft_parked(
        s, "branch-moved", s.branch + " points at " + *tip + ", which this task did not commit",
        "move or delete that branch, then `scheduler retry " + s.task + "`");
  return ledger::draft_intended(s, w.now_ms() / 1000, *tip);
}

/// The intent of a pull request.
result<draft> draft_of_request_intent(const services& w, const task_state& s) {
  auto target = w.requests->target();
  if (!target)
    return tl::make_unexpected(target.error());
  return ledger::draft_requesting(s, w.config.landing.push, *target);
}

/// What is to be recorded before the act that was asked for, behind an open gate.
result<draft> draft_of_intent(const services& w, const grant_request& g) {
  switch (g.what) {
    case grant_request::purpose::landing_intent:
      return ledger::draft_landing(*g.state, g.move);
    case grant_request::purpose::request_intent:
      return draft_of_request_intent(w, *g.state);
    case grant_request::purpose::deploy_intent:
      return ledger::draft_deploying(*g.state);
    case grant_request::purpose::commit_intent:
    case grant_request::purpose::step:
      break;
  }
  return draft_of_commit_intent(w, *g.state);
}

/// Where step 4 begins if other changes landed since the task was opened; nothing:
/// where it is.
result<std::optional<draft>> draft_of_fresh_base(const services& w, const task_state& s) {
  if (!w.trunk || s.at != ledger::step::implement || !s.tree.empty())
    return std::nullopt;
  auto base = base_for(w, {s.base, s.base_tree}, {});
  if (!base)
    return tl::make_unexpected(base.error());
  if (base->commit == s.base)
    return std::nullopt;
  ledger::placement p;
  p.how = ledger::placing::fresh;
  p.branch = ledger::landing_ref(w.config);
  p.onto = base->commit;
  p.onto_tree = p.tree = base->tree;
  return ledger::draft_placed(s, p);
}

} // namespace

result<std::vector<std::string>> scope_of(const services& w, const task_state& s) {
  auto* file = ledger::file_of(s, ledger::path::decisions);
  if (!file)
    return ledger::fail(ledger::fault::corrupt, s.task + ": no decisions are recorded");
  auto text = ledger::disk::read_recorded(w.folder_of(s.task), file->path, file->sha256);
  if (!text)
    return tl::make_unexpected(text.error());
  auto allowed = ledger::read_allowance(*text);
  if (!allowed)
    return tl::make_unexpected(allowed.error());
  return allowed->allowed;
}

result<ledger::tip_of_branch> base_for(const services& w, ledger::tip_of_branch base,
                                       const std::vector<std::string>& commits_before) {
  if (w.trunk) {
    auto ahead = w.trunk->tip_beyond(base.commit);
    if (!ahead)
      return tl::make_unexpected(ahead.error());
    return ahead->value_or(base);
  }
  if (commits_before.empty())
    return base;
  return w.files->newest(commits_before);
}

result<std::vector<draft>> drafts_of_grant(const services& w, const grant_request& g,
                                           const std::vector<std::string>& waited_for) {
  auto& s = *g.state;
  auto grants = g.what == grant_request::purpose::step;
  if (grants && !s.human_ok) { // That names a base.
    auto fresh = draft_of_fresh_base(w, s);
    if (!fresh)
      return tl::make_unexpected(fresh.error());
    if (*fresh)
      return std::vector{std::move(**fresh)};
  }
  auto folder = w.folder_of(s.task);
  auto seen = ledger::disk::collect_evidence(folder, s, *w.keys, w.config_digest);
  seen.approve = w.config.approve;
  auto gate = ledger::may_enter(s, seen);
  if (!gate.open)
    return std::vector{draft_of_closed_gate(w, s, gate)};
  if (grants) {
    std::vector all{ledger::draft_granted(s, gate, waited_for)};
    // Whoever asks for the intent hears what stands in its way.
    if (ledger::begins_with_commit(s, w.config))
      if (auto intent = draft_of_commit_intent(w, s))
        all.push_back(std::move(*intent));
    return all;
  }
  auto intent = draft_of_intent(w, g);
  if (!intent)
    return tl::make_unexpected(intent.error());
  return ledger::with_what_follows(s, std::move(*intent), w.config, w.now_ms());
}

} // namespace actors
