#include "ledger/transitions.hpp"

#include "ledger/detail.hpp"

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
  s.restarts_ms.clear();
  s.last_fault.clear();
  s.last_fault_why.clear();
  s.last_fault_code.clear();
}

void drop_answer(task_state& s) {
  s.answered_tree.clear();
  s.hidden.clear();
  s.faults.clear();
}

/// An attempt ended without an accepted answer.
void next_attempt(task_state& s) {
  drop_answer(s);
  ++s.attempt;
  s.ph = phase::ready;
}

void note_restart(task_state& s, const record& r) {
  s.restarts_ms.push_back(parse_time(r.time).value_or(0));
}

/// A NO or red: remembers what failed, so that the same failure on the same
/// tree is noticed when it comes again.
void refuse(task_state& s, std::string_view kind, std::string why, const std::string& mark) {
  s.ph = phase::refused;
  s.refusal_kind = kind;
  s.refusal_why = std::move(why);
  auto full_mark = std::string{kind} + " " + mark;
  s.same_failure_twice = full_mark == s.failure_mark && s.tree == s.failure_tree;
  s.failure_mark = std::move(full_mark);
  s.failure_tree = s.tree;
}

/// What was committed under the present candidate is history now.
void reset_delivery(task_state& s) {
  if (!s.out.tree.empty() && s.out.commit.empty())
    s.unsettled = s.out;
  s.out = {};
  s.verified_tree.clear();
  s.recheck = false;
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
  if (s.base.empty() || s.base_tree.empty() || s.branch.empty())
    return broken(r, "base or branch is missing");
  s.opened_time = r.time;
  enter(s, step::audit);
  return {};
}

outcome on_resumed(task_state& s, const record&) {
  if (s.ph == phase::granted || s.ph == phase::asked)
    s.ph = phase::ready;
  return {};
}

outcome on_reconfigured(task_state& s, const record& r) {
  auto back_to = step_named(text_at(r.detail, "back_to"));
  if (!back_to)
    return broken(r, "back_to names no step");
  s.config_digest = text_at(r.detail, "to");
  if (*back_to == s.at) {
    if (s.ph != phase::refused)
      s.ph = phase::ready;
    drop_answer(s);
    return {};
  }
  reset_delivery(s);
  drop_answer(s);
  if (*back_to <= step::implement) {
    s.tree.clear();
    s.diff_path.clear();
  }
  enter(s, *back_to);
  return {};
}

outcome on_granted(task_state& s, const record& r) {
  if (s.ph != phase::ready || r.at != s.at)
    return broken(r, "the step was not due");
  s.ph = phase::granted;
  return {};
}

outcome on_asked(task_state& s, const record& r) {
  if (s.ph != phase::granted || r.at != s.at)
    return broken(r, "the step was not granted");
  s.ph = phase::asked;
  return {};
}

outcome on_answered(task_state& s, const record& r) {
  if (s.ph != phase::asked || r.at != s.at)
    return broken(r, "nobody was asked");
  s.ph = phase::answered;
  s.answered_tree = text_at(r.detail, "tree");
  s.hidden = texts_at(r.detail, "hidden");
  s.faults = texts_at(r.detail, "faults");
  s.usd += real_at(r.detail, "usd");
  s.played_by[std::string{to_string(row_of(r.at).by)}] = text_at(r.detail, "provider") + "/"
                                                         + text_at(r.detail, "model") + "/"
                                                         + text_at(r.detail, "version");
  return {};
}

outcome stand(task_state& s, const record& r, contract c, std::optional<standing_contract>& slot) {
  auto* file = file_of(s, path_of(c));
  if (r.sig.empty() || !file)
    return broken(r, "a contract without file or signature");
  slot = standing_contract{r.seq, file->sha256, text_at(r.detail, "text_sha256"),
                           text_at(r.detail, "tree"), text_at(r.detail, "config_digest")};
  return {};
}

outcome on_accepted(task_state& s, const record& r) {
  if (s.ph != phase::answered || r.at != s.at)
    return broken(r, "there was no answer to accept");
  auto& row = row_of(s.at);
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
    s.tree = s.answered_tree;
    s.diff_path = path::changes;
  }
  drop_answer(s);
  if (s.at == step::test) { // A fix: the same step goes on with its checks.
    s.fixing = false;
    enter(s, step::test);
  } else {
    enter(s, next_row(s.at)->id);
  }
  return {};
}

outcome on_said_no(task_state& s, const record& r) {
  if (s.ph != phase::answered || r.at != s.at)
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
  if (s.ph != phase::answered || r.at != s.at)
    return broken(r, "there was no answer to reject");
  for (auto& why : texts_at(r.detail, "reasons"))
    s.complaints.push_back(why);
  for (auto& m : moves_of(r))
    ++s.rejected[m.from];
  next_attempt(s);
  return {};
}

outcome on_failed(task_state& s, const record& r) {
  if (s.ph != phase::granted && s.ph != phase::asked && s.ph != phase::answered)
    return broken(r, "no attempt was under way");
  s.last_fault = text_at(r.detail, "kind");
  s.last_fault_why = text_at(r.detail, "why");
  s.last_fault_code = text_at(r.detail, "code");
  if (s.last_fault == to_string(fault::refused)) {
    s.ph = phase::refused;
    s.refusal_kind = refusal::provider_refused;
    s.refusal_why = s.last_fault_why;
    return {};
  }
  note_restart(s, r);
  if (s.at == step::deliver && !s.out.deploy_id.empty())
    s.recheck = true; // Pipeline: if deploy fails, re-run the tests.
  // An answer that is filed stays: only what acted on it failed.
  if (s.ph == phase::answered)
    ++s.attempt;
  else
    next_attempt(s);
  return {};
}

outcome on_restarted(task_state& s, const record& r) {
  note_restart(s, r);
  s.last_fault = to_string(fault::unavailable);
  s.last_fault_why = text_at(r.detail, "why");
  ++s.attempt;
  if (s.ph == phase::granted || s.ph == phase::asked)
    s.ph = phase::ready;
  return {};
}

outcome on_checked(task_state& s, const record& r) {
  bool due = s.ph == phase::granted && ((s.at == step::test && !s.fixing) || s.recheck);
  if (!due || r.at != s.at)
    return broken(r, "no checks were due");
  if (text_at(r.detail, "tree") != s.tree)
    return broken(r, "checks of another tree");
  if (!flag_at(r.detail, "ok")) {
    refuse(s, refusal::checks_red, text_at(r.detail, "why"), text_at(r.detail, "mark"));
    return {};
  }
  if (s.at == step::test)
    enter(s, step::review);
  else
    s.recheck = false;
  return {};
}

outcome on_round_opened(task_state& s, const record& r) {
  if (s.ph != phase::refused)
    return broken(r, "nothing was refused");
  s.cause = {text_at(r.detail, "cause"), text_at(r.detail, "why"), {}};
  for (auto& p : texts_at(r.detail, "evidence")) {
    auto* file = file_of(s, p);
    if (!file)
      return broken(r, "evidence that no record names: " + p);
    s.cause.evidence.push_back(*file);
  }
  reset_delivery(s);
  drop_answer(s);
  s.refusal_kind.clear();
  s.refusal_why.clear();
  ++s.round;
  s.fixing = true;
  enter(s, step::test);
  return {};
}

outcome on_intended(task_state& s, const record& r) {
  if (s.at != step::deliver || s.ph != phase::granted || r.sig.empty())
    return broken(r, "no commit was due");
  s.out = {};
  s.out.tree = text_at(r.detail, "tree");
  s.out.parent = text_at(r.detail, "parent");
  s.out.message = text_at(r.detail, "message");
  s.out.identity = text_at(r.detail, "identity");
  s.out.time_s = number_at(r.detail, "time_s");
  s.out.replaces = text_at(r.detail, "replaces");
  if (s.out.tree != s.tree || s.out.parent != s.base)
    return broken(r, "the intent names another tree or parent");
  return {};
}

outcome on_committed(task_state& s, const record& r) {
  if (s.out.tree.empty() || !s.out.commit.empty())
    return broken(r, "a receipt without an intent");
  s.out.commit = s.branch_commit = text_at(r.detail, "commit");
  s.unsettled.reset();
  return {};
}

outcome on_built(task_state& s, const record& r) {
  if (s.out.commit.empty())
    return broken(r, "a build before the commit");
  s.out.built = flag_at(r.detail, "ok");
  if (!s.out.built)
    refuse(s, refusal::build_failed, text_at(r.detail, "ended"), "");
  return {};
}

outcome on_deploying(task_state& s, const record& r) {
  if (!s.out.built || r.sig.empty())
    return broken(r, "no deploy was due");
  s.out.deploy_id = text_at(r.detail, "deploy_id");
  return {};
}

outcome on_deployed(task_state& s, const record& r) {
  if (s.out.deploy_id.empty())
    return broken(r, "a receipt without an intent");
  if (!flag_at(r.detail, "ok")) {
    refuse(s, refusal::deploy_failed, text_at(r.detail, "ended"), "");
    return {};
  }
  s.out.deployed = true;
  s.out.deploy_id = text_at(r.detail, "deploy_id"); // The service's own; empty: not deployed.
  s.out.deploy_url = text_at(r.detail, "deploy_url");
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
  }
  return {};
}

outcome on_finished(task_state& s, const record& r) {
  bool changed = text_at(r.detail, "status") == to_string(status::done);
  if (r.sig.empty() || (changed && !s.out.deployed))
    return broken(r, "done without its receipts");
  return end_as(s, r, changed ? status::done : status::no_change);
}

outcome on_retried(task_state& s, const record& r) {
  auto from = step_named(text_at(r.detail, "from"));
  if (!from)
    return broken(r, "from names no step");
  s.is = status::running;
  s.reason.clear();
  s.why.clear();
  s.remedy.clear();
  s.round_limit_from = s.round;
  s.same_failure_twice = false;
  s.failure_mark.clear();
  s.notes += flag_at(r.detail, "note") ? 1 : 0;
  if (flag_at(r.detail, "goes_on")) { // The step at hand, with what it has.
    bool keep = s.ph == phase::refused && s.refusal_kind != refusal::provider_refused;
    auto ph = keep ? phase::refused : phase::ready;
    enter(s, s.at);
    s.ph = ph;
    drop_answer(s);
    return {};
  }
  reset_delivery(s);
  drop_answer(s);
  s.fixing = false;
  if (*from <= step::implement) {
    s.tree.clear();
    s.diff_path.clear();
  }
  if (*from == step::ingest)
    ++s.generation;
  enter(s, *from);
  return {};
}

} // namespace

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
      return on_asked(s, r);
    case event::answered:
      return on_answered(s, r);
    case event::accepted:
      return on_accepted(s, r);
    case event::said_no:
      return on_said_no(s, r);
    case event::rejected:
    case event::voided:
      return on_rejected(s, r);
    case event::failed:
      return on_failed(s, r);
    case event::restarted:
      return on_restarted(s, r);
    case event::checked:
      return on_checked(s, r);
    case event::round_opened:
      return on_round_opened(s, r);
    case event::intended:
      return on_intended(s, r);
    case event::committed:
      return on_committed(s, r);
    case event::built:
      return on_built(s, r);
    case event::deploying:
      return on_deploying(s, r);
    case event::deployed:
      return on_deployed(s, r);
    case event::finished:
      return on_finished(s, r);
    case event::stopped:
      return end_as(s, r, status::stopped);
    case event::parked:
      return end_as(s, r, status::parked);
    case event::cancelled:
      return end_as(s, r, status::cancelled);
    case event::retried:
      return on_retried(s, r);
  }
  return broken(r, "an unknown event");
}

} // namespace ledger
