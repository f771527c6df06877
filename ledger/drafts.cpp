#include "ledger/drafts.hpp"

#include "ledger/detail.hpp"
#include "ledger/drafting.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace ledger {

draft start(const task_state& s, event what) {
  draft d;
  d.what = what;
  d.at = s.at;
  d.round = s.round;
  d.attempt = s.attempt;
  return d;
}

void sign(draft& d, const task_state& s) {
  d.sign = true;
  json terms{
      {"repo", s.repo_id}, {"task", s.task}, {"base", s.base}, {"config_digest", s.config_digest}};
  terms.update(d.detail);
  d.detail = std::move(terms);
}

void move_file(draft& d, const task_state& s, std::string_view p, std::string_view why,
               std::uint32_t n) {
  auto* f = file_of(s, p);
  if (!f)
    return;
  auto to = old_path(p, why, n);
  for (std::uint32_t k = 2; s.files.contains(to); ++k)
    to = old_path(p, std::string{why} + "-" + std::to_string(n) + "." + "again", k);
  d.moves.push_back({f->path, to, f->sha256, f->bytes});
}

void move_away(draft& d, const task_state& s, std::string_view p, std::string_view why,
               std::uint32_t n) {
  move_file(d, s, p, why, n);
  if (auto conversation = turns_path(p); !conversation.empty())
    move_file(d, s, conversation, why, n);
}

namespace {

/// Where a file of this round went by the draft's moves.
std::string moved_to(const draft& d, std::string_view from) {
  for (auto& m : d.moves)
    if (m.from == from)
      return m.to;
  return {};
}

struct produced {
  step by;
  std::string_view path;
};

/// Which step writes which file: what a retry from a step takes away.
constexpr std::array produced_files{
    produced{step::ingest, path::prompt},       produced{step::audit, path::audit},
    produced{step::decide, path::decisions},    produced{step::decide, path::decisions_ok},
    produced{step::plan, path::plan},           produced{step::implement, path::apply},
    produced{step::implement, path::changes},   produced{step::test, path::run_log},
    produced{step::review, path::post_audit},   produced{step::review, path::final_ok},
    produced{step::verify, path::final_verify}, produced{step::verify, path::human_ok},
    produced{step::deliver, path::landing_log}, produced{step::deliver, path::build_log},
    produced{step::deliver, path::deploy_log},  produced{step::deliver, path::status},
};

void move_from_step(draft& d, const task_state& s, step from, std::string_view why,
                    std::uint32_t n) {
  for (auto& p : produced_files)
    if (p.by >= from)
      move_away(d, s, p.path, why, n);
  if (from <= step::implement)
    for (std::uint32_t k = 1; k < s.round; ++k)
      move_away(d, s, fix_path(k), why, n);
  if (from == step::ingest)
    for (std::uint32_t k = 1; k <= s.notes; ++k)
      move_away(d, s, note_path(k), why, n);
}

std::string joined(const std::vector<std::string>& lines, std::string_view between) {
  std::string all;
  for (auto& l : lines)
    all += (all.empty() ? "" : std::string{between}) + l;
  return all;
}

draft ending(const task_state& s, event what, std::string_view reason, std::string_view why,
             std::string_view remedy) {
  auto d = start(s, what);
  d.detail = {{"reason", reason}, {"why", why}, {"remedy", remedy}};
  return d;
}

/// Moves an answer that nobody judged to old/, with its diff.
void move_answer_away(draft& d, const task_state& s, std::string_view why) {
  if (!ai_is_due(s))
    return; // What lies there was accepted.
  move_away(d, s, answer_path(s), why, s.round);
  if (row_of(s.at).writes_code)
    move_away(d, s, path::changes, why, s.round);
}

} // namespace

draft draft_opened(const opening& o, const std::string& task) {
  draft d;
  d.what = event::opened;
  d.sign = true;
  d.files.push_back({std::string{path::prompt}, o.prompt});
  d.detail = {{"repo", o.repo_id},
              {"task", task},
              {"base", o.base},
              {"base_tree", o.base_tree},
              {"branch", std::string{branch_prefix} + task},
              {"config_digest", o.config_digest},
              {"priority", o.priority},
              {"allow", o.allow}};
  if (!o.depends_on.empty())
    d.detail["depends_on"] = o.depends_on;
  if (auto approve = to_string(o.approve); !approve.empty())
    d.detail["approve"] = approve;
  return d;
}

draft draft_resumed(const task_state& s) {
  return start(s, event::resumed);
}

draft draft_reconfigured(const task_state& s, std::string_view new_digest) {
  auto d = start(s, event::reconfigured);
  auto back_to = s.at;
  if (s.ph == phase::refused)
    back_to = s.at; // A NO stands under any configuration.
  else if (s.at > step::decide && s.at <= step::implement)
    back_to = step::decide; // The decisions named the old rules.
  else if (s.at > step::test)
    back_to = step::test; // L5: steps 5 to 7 run again.
  d.detail = {{"from", s.config_digest}, {"to", new_digest}, {"back_to", to_string(back_to)}};
  if (back_to != s.at)
    move_from_step(d, s, back_to, "reconfigured", s.round);
  else if (s.ph != phase::refused)
    move_answer_away(d, s, "reconfigured");
  if (back_to == s.at)
    move_file(d, s, path::human_ok, "reconfigured", s.round);
  sign(d, s);
  return d;
}

draft draft_granted(const task_state& s, const gate_decision& open,
                    const std::vector<std::string>& waited_for) {
  auto d = start(s, event::granted);
  d.detail = {{"evidence", open.evidence}};
  if (!waited_for.empty())
    d.detail["waited_for"] = waited_for;
  return d;
}

draft draft_judged(const task_state& s, const judgement& j) {
  auto d = start(s, event::accepted);
  auto& row = row_of(s.at);
  switch (j.as) {
    case judged::said_no:
      d.what = event::said_no;
      d.detail = {{"why", joined(j.reasons, "; ")}};
      sign(d, s);
      return d;
    case judged::rejected:
    case judged::voided: {
      d.what = j.as == judged::rejected ? event::rejected : event::voided;
      d.detail = {{"reasons", j.reasons}};
      auto p = answer_path(s);
      auto it = s.rejected->find(p);
      auto n = (it == s.rejected->end() ? 0 : it->second) + 1;
      move_away(d, s, p, "rejected", n);
      if (row.writes_code)
        move_away(d, s, path::changes, "rejected", n);
      sign(d, s);
      return d;
    }
    case judged::accepted:
      break;
  }
  auto won = row.leave == gate::decided    ? contract::decisions
             : row.leave == gate::approved ? contract::final
                                           : contract::none;
  if (won != contract::none) {
    d.files.push_back({std::string{path_of(won)},
                       std::make_shared<const std::string>(contract_text(won, s.task))});
    auto* text = file_of(s, row.answer);
    d.detail = {{"contract", to_string(won)}, {"text_sha256", text ? text->sha256 : std::string{}}};
  }
  if (won == contract::final)
    d.detail["tree"] = s.tree;
  sign(d, s);
  return d;
}

draft draft_failed(const task_state& s, const failure& f) {
  auto d = start(s, event::failed);
  d.detail = {{"kind", to_string(f.kind)}, {"why", f.detail}, {"code", f.code}};
  return d;
}

draft draft_died(const task_state& s, std::string_view why) {
  auto d = start(s, event::failed);
  d.detail = {{"kind", died_kind}, {"why", why}, {"code", ""}};
  return d;
}

draft draft_restarted(const task_state& s, std::string_view why) {
  auto d = start(s, event::restarted);
  d.detail = {{"why", why}};
  return d;
}

draft draft_checked(const task_state& s, const checks_outcome& c) {
  auto d = start(s, event::checked);
  if (file_of(s, path::run_log)) // A recheck before a retried deploy.
    move_away(d, s, path::run_log, "round", s.round);
  d.files.push_back({std::string{path::run_log}, c.run_log});
  auto results = json::array();
  std::string mark;
  std::vector<std::string> red;
  for (auto& r : c.results) {
    results.push_back({{"name", r.name},
                       {"ok", r.ok},
                       {"none", r.none},
                       {"exit", r.exit_code},
                       {"ended", r.ended},
                       {"took_ms", r.took_ms}});
    if (!r.ok) {
      mark += r.name + "=" + std::to_string(r.exit_code) + " ";
      red.push_back(r.name + " (" + r.ended + ")");
    }
  }
  d.detail = {{"tree", c.tree}, {"ok", c.ok}, {"results", std::move(results)}};
  if (!c.ok) {
    d.detail["why"] = "red: " + joined(red, ", ");
    d.detail["mark"] = mark;
  }
  sign(d, s);
  return d;
}

draft draft_round_opened(const task_state& s) {
  auto d = start(s, event::round_opened);
  for (auto p : evidence_of_a_round)
    move_away(d, s, p, "round", s.round);
  // What the fix has to answer to, the most telling first.
  std::vector<std::string_view> order;
  if (s.refused->kind == refusal::review_no)
    order = {path::post_audit, path::run_log};
  else if (s.refused->kind == refusal::verify_no)
    order = {path::final_verify, path::post_audit, path::run_log};
  else if (s.refused->kind == refusal::build_failed)
    order = {path::build_log};
  else if (s.refused->kind == refusal::deploy_failed)
    order = {path::deploy_log};
  else if (s.refused->kind == refusal::landing_conflict)
    order = {path::landing_log};
  else
    order = {path::run_log};
  order.push_back(path::changes);
  std::vector<std::string> evidence;
  for (auto p : order)
    if (auto to = moved_to(d, p); !to.empty())
      evidence.push_back(to);
  if (s.refused->kind == refusal::landing_conflict && file_of(s, *s.displaced_diff))
    evidence.push_back(*s.displaced_diff);
  d.detail = {{"cause", s.refused->kind}, {"why", s.refused->why}, {"evidence", evidence}};
  if (s.out->landed && is_landed(s)) { // Its fix is a change of its own on top of it.
    d.detail["onto"] = s.out->commit;
    d.detail["onto_tree"] = s.out->tree;
  }
  sign(d, s);
  return d;
}

draft draft_stopped(const task_state& s, std::string_view reason, std::string_view why,
                    std::string_view remedy, const std::vector<std::string>& gone) {
  auto d = ending(s, event::stopped, reason, why, remedy);
  if (!gone.empty())
    d.detail["gone"] = gone;
  return d;
}

draft draft_parked(const task_state& s, std::string_view reason, std::string_view why,
                   std::string_view remedy) {
  return ending(s, event::parked, reason, why, remedy);
}

draft draft_cancelled(const task_state& s) {
  return ending(s, event::cancelled, "cancelled", "cancelled by a person",
                "`scheduler retry " + s.task + "` takes it up again");
}

namespace {

/// Where a retry goes on.
struct resumption {
  step from;
  bool goes_on; ///< With what the step at hand has.
};

resumption resumption_of(const task_state& s, std::optional<step> from) {
  // A fix that was paid for is judged before the candidate is tried without it.
  if (from)
    return {*from, *from == step::test && s.at == step::test && has_filed_answer(s)};
  // A valid NO stands: only a new decision can follow it.
  if (s.refused->kind == refusal::decide_no && s.ph == phase::refused)
    return {step::decide, false};
  // A lost contract can only be won again.
  if (!s.decisions_ok && s.at > step::decide)
    return {step::decide, false};
  if (!s.final_ok && s.at > step::review)
    return {step::test, false};
  return {s.at, true};
}

/// A round moved the candidate's diff to old/. Without the fix that was due the
/// candidate is what it was, and the later steps read its diff in its place.
result<void> move_diff_back(draft& d, const task_state& s) {
  if (s.diff_path == path::changes)
    return {};
  auto* f = file_of(s, s.diff_path);
  if (!f)
    return fail(fault::refused, s.task + ": the diff of its candidate is lost; `scheduler retry "
                                    + s.task + " --from implement` makes another");
  d.moves.push_back({f->path, std::string{path::changes}, f->sha256, f->bytes});
  return {};
}

} // namespace

result<draft> draft_retried(const task_state& s, std::optional<step> from, text_ptr note) {
  if (!from && (s.is == status::done || s.is == status::no_change))
    return fail(fault::refused, s.task + " is " + std::string{to_string(s.is)}
                                    + ": name a step to begin from, e.g. --from ingest");
  if (from && *from > s.at)
    return fail(fault::refused, s.task + " stands at step " + std::string{to_string(s.at)}
                                    + ": it cannot skip to " + std::string{to_string(*from)});
  auto [at, goes_on] = resumption_of(s, from);
  if (note && at == step::ingest)
    return fail(fault::refused, "a note goes with the task as it is; with --from ingest change the "
                                "prompt instead");
  auto d = start(s, event::retried);
  d.detail = {{"from", to_string(at)}, {"goes_on", goes_on}};
  if (goes_on) {
    if (!has_filed_answer(s))
      move_answer_away(d, s, "retried");
  } else {
    bool anew = at == step::ingest;
    move_from_step(d, s, at, anew ? "generation" : "retried", anew ? s.generation : s.round);
    if (at > step::implement)
      if (auto ok = move_diff_back(d, s); !ok)
        return tl::make_unexpected(ok.error());
  }
  if (note) {
    d.files.push_back({note_path(s.notes + 1), note});
    d.detail["note"] = true;
  }
  sign(d, s);
  return d;
}

} // namespace ledger
