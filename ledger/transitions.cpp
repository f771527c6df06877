#include "ledger/transitions.hpp"

#include "ledger/approving.hpp"
#include "ledger/detail.hpp"

#include <algorithm>

namespace ledger {

namespace {

using outcome = result<void>;

outcome broken(const record& r, std::string_view why) {
  return record_breaks(r, why);
}

/// The state after a step is left for good: nothing of its attempts remains.
void enter(task_state& s, step at) {
  s.at = at;
  s.ph = phase::ready;
  s.attempt = 1;
  s.complaints.clear();
  recovered(s);
  s.last_fault.clear();
  s.deferrals = 0;
  s.deferred_ms = s.deferred_until_ms = 0;
}

/// A task that waited for a person, or had ended, goes on.
void set_going(task_state& s) {
  s.is = status::running;
  s.reason.clear();
  s.why.clear();
  s.remedy.clear();
}

/// Behind step 4 the candidate's diff lies where the later steps read it.
bool diff_is_in_place(const task_state& s, step to) {
  return to <= step::implement || s.diff_path == path::changes;
}

// -- one function an event, in the order of the enumeration -------------------

outcome on_opened(task_state& s, const record& r) {
  if (s.at != step::ingest)
    return broken(r, "the task is open already");
  s.repo_id = text_at(r.detail, "repo");
  s.base = text_at(r.detail, "base");
  s.base_tree = text_at(r.detail, "base_tree");
  s.branch = text_at(r.detail, "branch");
  s.config_digest = text_at(r.detail, "config_digest");
  s.priority = static_cast<std::int32_t>(number_at(r.detail, "priority"));
  s.allow = texts_at(r.detail, "allow");
  auto wish = approvals_named(text_at(r.detail, "approve"));
  if (!wish)
    return broken(r, "approve names no step");
  s.approve = *wish;
  if (s.base.empty() || s.base_tree.empty() || s.branch.empty())
    return broken(r, "base or branch is missing");
  if (!file_of(s, path::prompt))
    return broken(r, "it brings no prompt");
  s.opened_time = r.time;
  enter(s, step::audit);
  return {};
}

outcome on_resumed(task_state& s, const record&) {
  set_going(s);
  recovered(s); // Nobody waited between two runs.
  if (s.ph == phase::granted || s.ph == phase::asked)
    s.ph = phase::ready;
  return {};
}

outcome on_reconfigured(task_state& s, const record& r) {
  auto back_to = step_named(text_at(r.detail, "back_to"));
  if (!back_to || *back_to == step::ingest)
    return broken(r, "back_to names no step");
  if (*back_to > s.at)
    return broken(r, "back_to lies ahead");
  if (text_at(r.detail, "to").empty())
    return broken(r, "a configuration without digest");
  if (s.human_ok)
    return broken(r, "an approval under the old rules stays");
  set_going(s);
  s.config_digest = text_at(r.detail, "to");
  if (*back_to != s.at)
    return diff_is_in_place(s, *back_to) ? go_back(s, r, *back_to)
                                         : broken(r, "the candidate's diff is not in its place");
  if (s.ph == phase::refused)
    return {}; // A NO stands under any configuration.
  if (ai_is_due(s) && file_of(s, answer_path(s)))
    return broken(r, "an answer to the old rules stays");
  s.ph = phase::ready;
  drop_answer(s);
  return {};
}

outcome on_granted(task_state& s, const record& r) {
  if (s.ph != phase::ready)
    return broken(r, "the step was not due");
  s.ph = phase::granted;
  return {};
}

outcome stand(task_state& s, const record& r, contract c, rare<standing_contract>& slot) {
  auto* file = file_of(s, path_of(c));
  if (!file)
    return broken(r, "a contract without its file");
  slot = standing_contract{r.seq,
                           file->sha256,
                           text_at(r.detail, "text_sha256"),
                           text_at(r.detail, "tree"),
                           text_at(r.detail, "config_digest"),
                           step::ingest,
                           {}};
  return {};
}

outcome on_accepted(task_state& s, const record& r) {
  auto& row = row_of(s.at);
  auto* next = s.at == step::test ? &row : next_row(s.at); // A fix: its checks come next.
  if (s.ph != phase::answered || !next || !has_filed_answer(s))
    return broken(r, "there was no answer to accept");
  if (row.writes_code && (!s.answered->faults.empty() || s.answered->tree.empty()))
    return broken(r, "a change that could not be judged");
  if (row.leave == gate::decided) {
    if (auto ok = stand(s, r, contract::decisions, s.decisions_ok); !ok)
      return ok;
  } else if (row.leave == gate::approved) {
    if (auto ok = stand(s, r, contract::final, s.final_ok); !ok)
      return ok;
  } else if (row.leave == gate::verified) {
    s.verified_tree = s.tree;
  }
  if (row.writes_code) {
    s.tree = s.answered->tree;
    s.diff_path = path::changes;
    s.checked_tree.clear();
    s.verified_tree.clear();
  }
  drop_answer(s);
  s.fixing = false;
  enter(s, next->id);
  return {};
}

outcome on_said_no(task_state& s, const record& r) {
  if (s.ph != phase::answered)
    return broken(r, "there was no answer");
  auto why = text_at(r.detail, "why");
  switch (row_of(s.at).leave) {
    case gate::decided:
      refuse(s, refusal::decide_no, why, "");
      return {};
    case gate::approved:
      refuse(s, refusal::review_no, why, "");
      return {};
    case gate::verified:
      refuse(s, refusal::verify_no, why, "");
      return {};
    default:
      return broken(r, "this step has no verdict");
  }
}

outcome on_rejected(task_state& s, const record& r) {
  if (s.ph != phase::answered)
    return broken(r, "there was no answer to reject");
  if (file_of(s, answer_path(s)) || (row_of(s.at).writes_code && file_of(s, path::changes)))
    return broken(r, "the answer stays in its place");
  for (auto& why : texts_at(r.detail, "reasons"))
    s.complaints.push_back(why);
  for (auto& m : moves_of(r))
    ++s.rejected.edit()[m.from];
  next_attempt(s);
  return {};
}

outcome on_restarted(task_state& s, const record& r) {
  note_restart(s, r);
  s.last_fault = told_fault{text_at(r.detail, "why"), {}};
  ++s.attempt;
  if (s.ph == phase::granted || s.ph == phase::asked)
    s.ph = phase::ready;
  return {};
}

outcome on_checked(task_state& s, const record& r) {
  bool due = s.ph == phase::granted && ((s.at == step::test && !s.fixing) || s.recheck);
  if (!due)
    return broken(r, "no checks were due");
  if (s.tree.empty() || text_at(r.detail, "tree") != s.tree)
    return broken(r, "checks of another tree");
  if (!file_of(s, path::run_log))
    return broken(r, "checks without a log");
  s.checked_tree.clear();
  if (!flag_at(r.detail, "ok")) {
    refuse(s, refusal::checks_red, text_at(r.detail, "why"), text_at(r.detail, "mark"));
    return {};
  }
  s.checked_tree = s.tree;
  if (s.at == step::test)
    enter(s, step::review);
  else
    s.recheck = false;
  return {};
}

/// A change that landed is history: its fix is a change of its own on top of it.
outcome begin_on_what_landed(task_state& s, const record& r) {
  if (!s.out->landed || !is_landed(s))
    return {};
  if (text_at(r.detail, "onto") != s.out->commit || text_at(r.detail, "onto_tree") != s.out->tree)
    return broken(r, "the fix of a change that landed does not begin on it");
  s.base = s.out->commit;
  s.base_tree = s.out->tree;
  return {};
}

outcome on_round_opened(task_state& s, const record& r) {
  if (s.ph != phase::refused || s.at < step::test || s.refused->kind == refusal::provider_refused)
    return broken(r, "nothing was refused that a fix can mend");
  if (file_of(s, path::changes) || file_of(s, path::run_log))
    return broken(r, "the evidence of the round stays in its place");
  s.cause = round_cause{text_at(r.detail, "cause"), text_at(r.detail, "why"), {}};
  for (auto& p : texts_at(r.detail, "evidence")) {
    auto* file = file_of(s, p);
    if (!file)
      return broken(r, "evidence that no record names: " + p);
    s.cause.edit().evidence.push_back(*file);
  }
  if (auto ok = begin_on_what_landed(s, r); !ok)
    return ok;
  // A clash is nobody's failure: each one means that somebody else has landed.
  if (s.refused->kind == refusal::landing_conflict)
    s.round_limit_from = std::max<std::uint32_t>(s.round_limit_from, 1) + 1;
  if (auto ok = go_back(s, r, step::test); !ok)
    return ok;
  s.refused.clear();
  ++s.round;
  s.fixing = true;
  return {};
}

outcome end_as(task_state& s, const record& r, status is) {
  s.is = is;
  s.reason = text_at(r.detail, "reason");
  s.why = text_at(r.detail, "why");
  s.remedy = text_at(r.detail, "remedy");
  // What was found missing or altered is expected no longer.
  for (auto& p : texts_at(r.detail, "gone")) {
    s.files.erase(p);
    if (p == path::decisions_ok)
      s.decisions_ok.reset();
    if (p == path::final_ok)
      s.final_ok.reset();
    if (p == path::human_ok)
      s.human_ok.reset();
  }
  return {};
}

outcome on_awaiting(task_state& s, const record& r) {
  if (s.ph != phase::ready || tree_to_approve(s).empty())
    return broken(r, "no step is due that a person can approve");
  return end_as(s, r, status::waiting);
}

outcome on_approved(task_state& s, const record& r) {
  if (s.is != status::waiting)
    return broken(r, "nobody waited for it");
  auto for_step = step_named(text_at(r.detail, "step"));
  auto* text = file_of(s, text_behind(contract::human, s.at));
  if (for_step != s.at || text_at(r.detail, "tree") != tree_to_approve(s) || !text
      || text_at(r.detail, "text_sha256") != text->sha256)
    return broken(r, "another step, tree or text was approved");
  if (auto ok = stand(s, r, contract::human, s.human_ok); !ok)
    return ok;
  s.human_ok->for_step = s.at;
  set_going(s);
  return {};
}

/// Only before the first fix: a fix that undoes everything is no success.
bool is_without_change(const task_state& s) {
  return s.at == step::test && s.ph == phase::ready && !s.fixing && !s.tree.empty()
         && s.tree == s.base_tree && !has_fixes(s);
}

outcome on_finished(task_state& s, const record& r) {
  auto as = text_at(r.detail, "status");
  if (as == to_string(status::done)) {
    if (s.at != step::deliver || s.ph != phase::granted || !s.out->deployed)
      return broken(r, "done without its receipts");
    return end_as(s, r, status::done);
  }
  if (as != to_string(status::no_change))
    return broken(r, "its status is no end");
  if (!is_without_change(s))
    return broken(r, "the candidate is not the base");
  return end_as(s, r, status::no_change);
}

/// How far the step at hand has come when a person lets it go on. What was
/// paid for is kept: a NO, and an answer that nobody has judged.
phase phase_to_go_on(const task_state& s) {
  if (s.ph == phase::refused && s.refused->kind != refusal::provider_refused)
    return phase::refused;
  return has_filed_answer(s) ? phase::answered : phase::ready;
}

outcome on_retried(task_state& s, const record& r) {
  auto from = step_named(text_at(r.detail, "from"));
  if (!from)
    return broken(r, "from names no step");
  bool goes_on = flag_at(r.detail, "goes_on");
  if (*from > s.at || (goes_on && *from != s.at))
    return broken(r, "from is not the step at hand, or lies ahead of it");
  set_going(s);
  s.round_limit_from = s.round;
  s.restarts_ms.clear();
  s.fallbacks.clear();
  s.same_failure_twice = false;
  s.last_failure.clear();
  s.notes += flag_at(r.detail, "note") ? 1 : 0;
  if (goes_on) { // The step at hand, with what it has.
    auto ph = phase_to_go_on(s);
    if (ph == phase::ready && ai_is_due(s) && file_of(s, answer_path(s)))
      return broken(r, "an answer that cannot be judged stays");
    if (ph != phase::answered)
      drop_answer(s);
    enter(s, s.at);
    s.ph = ph;
    return {};
  }
  if (!diff_is_in_place(s, *from))
    return broken(r, "the candidate's diff is not in its place");
  if (*from == step::ingest)
    ++s.generation;
  return go_back(s, r, *from);
}

} // namespace

result<void> go_back(task_state& s, const record& r, step to) {
  if ((to <= step::decide && s.decisions_ok) || (to <= step::review && s.final_ok)
      || (to <= step::verify && s.human_ok))
    return broken(r, "a contract outlives the step that won it");
  if (!s.out->tree.empty() && s.out->commit.empty())
    s.unsettled = *s.out;
  s.out.clear();
  s.recheck = false;
  s.fixing = false;
  if (to <= step::verify)
    s.verified_tree.clear();
  if (to <= step::test) {
    s.checked_tree.clear();
    s.carried.reset();
  }
  if (to <= step::implement) {
    s.tree.clear();
    s.diff_path.clear();
  }
  drop_answer(s);
  enter(s, to);
  return {};
}

void drop_answer(task_state& s) {
  s.answered.clear();
}

void next_attempt(task_state& s) {
  drop_answer(s);
  ++s.attempt;
  s.ph = phase::ready;
}

void note_restart(task_state& s, const record& r) {
  s.failed_ms = parse_time(r.time).value_or(0);
  s.restarts_ms.edit().push_back(s.failed_ms);
  ++s.failures;
  s.unavailable_ms = 0;
}

void note_outage(task_state& s, const record& r) {
  s.failed_ms = parse_time(r.time).value_or(0);
  ++s.failures;
  if (s.unavailable_ms == 0)
    s.unavailable_ms = s.failed_ms;
}

void recovered(task_state& s) {
  s.failures = 0;
  s.failed_ms = s.unavailable_ms = 0;
}

void refuse(task_state& s, std::string_view kind, std::string why, const std::string& mark) {
  s.ph = phase::refused;
  recovered(s);
  s.refused = refused_step{std::string{kind}, std::move(why)};
  auto full_mark = std::string{kind} + " " + mark;
  s.same_failure_twice = full_mark == s.last_failure->mark && s.tree == s.last_failure->tree;
  s.last_failure = failure_mark{std::move(full_mark), s.tree};
}

tl::unexpected<failure> record_breaks(const record& r, std::string_view why) {
  return fail(fault::corrupt, "record " + std::to_string(r.seq) + " ("
                                  + std::string{to_string(r.what)} + "): " + std::string{why});
}

result<void> carry_on(task_state& s, const record& r) {
  switch (r.what) {
    case event::opened:
      return on_opened(s, r);
    case event::resumed:
      return on_resumed(s, r);
    case event::reconfigured:
      return on_reconfigured(s, r);
    case event::granted:
      return on_granted(s, r);
    case event::asked:
    case event::answered:
    case event::turned:
    case event::failed:
    case event::deferred:
    case event::fell_back:
      return carry_call_on(s, r);
    case event::accepted:
      return on_accepted(s, r);
    case event::said_no:
      return on_said_no(s, r);
    case event::rejected:
    case event::voided:
      return on_rejected(s, r);
    case event::restarted:
      return on_restarted(s, r);
    case event::checked:
      return on_checked(s, r);
    case event::round_opened:
      return on_round_opened(s, r);
    case event::placed:
    case event::landing:
    case event::landed:
      return carry_landing_on(s, r);
    case event::intended:
    case event::committed:
    case event::built:
    case event::deploying:
    case event::deployed:
      return carry_delivery_on(s, r);
    case event::finished:
      return on_finished(s, r);
    case event::stopped:
      return end_as(s, r, status::stopped);
    case event::parked:
      return end_as(s, r, status::parked);
    case event::awaiting:
      return on_awaiting(s, r);
    case event::cancelled:
      return end_as(s, r, status::cancelled);
    case event::approved:
      return on_approved(s, r);
    case event::retried:
      return on_retried(s, r);
  }
  return broken(r, "an unknown event");
}

} // namespace ledger
