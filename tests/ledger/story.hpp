// story.hpp -- a task's life told in drafts, without a disk.
//
// A *story* gives drafts their place in a chain as the journal does, but in
// memory, and folds them. Tests tell what happened and look at what follows.

#pragma once

#include "ledger/approving.hpp"
#include "ledger/decide.hpp"
#include "ledger/digest.hpp"
#include "ledger/drafts.hpp"
#include "ledger/gate.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace ledger::testing {

inline text_ptr text(std::string s) {
  return std::make_shared<const std::string>(std::move(s));
}

/// A small valid configuration.
inline config small_config() {
  config c;
  for (auto r : {role::gemini, role::claude, role::codex})
    c.roles[r] = {"offline"};
  c.checks.test.command = "true";
  c.checks.lint.command = "true";
  c.checks.schema_drift.command = "true";
  return c;
}

class story {
public:
  static constexpr std::int64_t start_ms = 1'700'000'000'000;

  explicit story(std::string task = "T")
      : key(signing_key::generate()) {
    state.task = std::move(task);
  }

  /// Gives a draft its place. The test fails if the state refuses it.
  void add(const draft& d) {
    auto r = place(d);
    auto next = apply(state, r);
    ASSERT_TRUE(next) << next.error().detail;
    state = *next;
    records.push_back(r);
  }

  /// What apply() says of a draft that should not fit; empty if it fits.
  std::string refusal_of(const draft& d) {
    auto next = apply(state, place(d));
    return next ? std::string{} : next.error().detail;
  }

  record place(const draft& d) {
    record r;
    r.seq = state.seq + 1;
    r.time = format_time(now_ms);
    r.what = d.what;
    r.at = d.at;
    r.round = d.round;
    r.attempt = d.attempt;
    for (auto& f : d.files)
      r.files.push_back({f.path, sha256(*f.content), f.content->size()});
    r.detail = d.detail;
    for (auto& a : d.appends) {
      auto old = file_of(state, a.path);
      auto whole = (old ? appended[old->sha256] : std::string{}) + *a.content;
      json piece{{"path", a.path},
                 {"at", old ? old->bytes : 0},
                 {"sha256", sha256(*a.content)},
                 {"bytes", a.content->size()}};
      r.detail["appended"].push_back(piece);
      r.files.push_back({a.path, sha256(whole), whole.size()});
      appended[sha256(whole)] = whole;
    }
    auto moved = json::array();
    for (auto& m : d.moves)
      moved.push_back({{"from", m.from}, {"to", m.to}, {"sha256", m.sha256}, {"bytes", m.bytes}});
    if (!moved.empty())
      r.detail["moved"] = moved;
    r.prev = records.empty() ? std::string{no_predecessor} : sha256(to_line(records.back()));
    if (d.sign)
      r.sig = key.sign(signed_part(r));
    return r;
  }

  action next() const { return decide(state, conf, now_ms); }

  template <class A>
  bool next_is() const {
    return std::holds_alternative<A>(next());
  }

  // -- chapters ----------------------------------------------------------------

  void open() {
    opening o{text("do it"), "repo", "base0", "tree0", digest_of(conf), 0, {}};
    auto d = draft_opened(o, state.task);
    d.round = state.round;
    add(d);
  }

  /// Grants the step at hand on whatever evidence.
  void grant() {
    gate_decision d;
    d.open = true;
    add(draft_granted(state, d));
  }

  /// Asks and answers, with a candidate tree where code is written.
  void answer(const std::string& says, const std::string& tree = {}) {
    add(draft_asked(state, {"offline", "none", "1", sha256("in"), 0}));
    answering a;
    a.text = text(says);
    a.provider = "offline";
    a.model = "none";
    a.version = "1";
    a.tree = tree;
    if (row_of(state.at).writes_code)
      a.diff = text("diff to " + tree);
    add(draft_answered(state, a));
  }

  void judge_as(judged j, std::vector<std::string> reasons = {}) {
    add(draft_judged(state, {j, std::move(reasons)}));
  }

  /// A whole step that goes well.
  void step_ok(const std::string& tree = {}) {
    grant();
    answer("answer of " + std::string{to_string(state.at)} + " round "
               + std::to_string(state.round),
           tree);
    judge_as(judged::accepted);
  }

  /// The checks of the candidate tree.
  void checks(bool ok, int exit_code = 1) {
    if (state.ph == phase::ready)
      grant();
    checks_outcome c;
    c.tree = state.tree;
    c.ok = ok;
    c.results.push_back({"test", ok, false, ok ? 0 : exit_code, ok ? "exit 0" : "exit 1", 5});
    c.run_log = text("run of round " + std::to_string(state.round));
    add(draft_checked(state, c));
  }

  /// Goes well up to (not including) `end`; the candidate is `tree1`.
  void until(step end) {
    if (state.seq == 0)
      open();
    while (state.at < end)
      if (state.at == step::test)
        checks(true);
      else
        step_ok(row_of(state.at).writes_code ? "tree1" : "");
  }

  /// Step 8 up to the deploy's intent, going well.
  void commit_and_build(const std::string& commit = {}) {
    if (state.ph == phase::ready)
      grant();
    add(draft_intended(state, now_ms / 1000, state.branch_commit));
    add(draft_committed(state, commit.empty() ? "commit-of-" + state.tree : commit));
    add(draft_built(state, true, "", nullptr));
    add(draft_deploying(state));
  }

  /// Step 8 with everything going well.
  void deliver() {
    commit_and_build();
    deploy_outcome d;
    d.ok = true;
    d.deploy_id = state.out->deploy_id;
    d.deploy_url = "file:///x";
    add(draft_deployed(state, d));
    add(draft_finished(state, status::done, conf, now_ms));
  }

  /// The gate of the step at hand leaves it to a person.
  void wait_for_person() {
    auto gate = may_enter(state, honest_evidence());
    ASSERT_EQ(gate.because, closed_because::approval_due) << gate.why;
    add(draft_awaiting(state, gate.why, gate.remedy));
  }

  void approve() {
    auto d = draft_approved(state, std::nullopt, honest_evidence(), {"alice", 1000, now_ms});
    ASSERT_TRUE(d) << d.error().detail;
    add(*d);
  }

  /// A round that a NO of the review opened: a fix is due.
  void fix_due() {
    until(step::review);
    grant();
    answer("no");
    judge_as(judged::said_no, {"wrong"});
    add(draft_round_opened(state));
  }

  /// Does what decide() says, everything going well and every gate looking at
  /// honest evidence, until the task has ended or a person is needed. Counts
  /// who was asked in `asked`.
  action play() {
    for (int i = 0; i < 200 && !::testing::Test::HasFatalFailure(); ++i) {
      if (state.at == step::ingest)
        open();
      auto what = next();
      if (std::holds_alternative<rest>(what) || std::holds_alternative<park>(what)
          || std::holds_alternative<ledger::stop>(what))
        return what;
      perform(what);
    }
    ADD_FAILURE() << "does not come to an end";
    return rest{};
  }

  /// What a gate sees if the disk is as recorded.
  gate_evidence honest_evidence() const {
    gate_evidence e;
    for (auto& f : inputs_at_gate(state))
      e.inputs.push_back({f, f.sha256});
    for (auto c : contracts) {
      if (!contract_of(state, c))
        continue;
      contract_seen seen{contract_text(c, state.task), true, state.repo_id, state.task};
      (c == contract::decisions ? e.decisions : c == contract::final ? e.final : e.human) = seen;
    }
    e.repo_id = state.repo_id;
    e.config_digest = digest_of(conf);
    e.approve = conf.approve;
    return e;
  }

  task_state state;
  std::vector<record> records;
  int asked = 0;
  config conf = small_config();
  std::int64_t now_ms = start_ms;
  signing_key key;
  std::map<std::string, std::string> appended; ///< Contents of files that grow, by digest.

private:
  void perform(const action& what) {
    if (std::holds_alternative<ask_for_grant>(what)) {
      auto gate = may_enter(state, honest_evidence());
      if (gate.because == closed_because::approval_due)
        return wait_for_person();
      ASSERT_TRUE(gate.open) << to_string(state.at) << ": " << gate.why;
      add(draft_granted(state, gate));
    } else if (std::holds_alternative<ask_role>(what)) {
      ++asked;
      answer("again " + std::string{to_string(state.at)} + " " + std::to_string(state.seq),
             row_of(state.at).writes_code ? "tree" + std::to_string(state.round) : "");
    } else if (std::holds_alternative<judge_answer>(what)) {
      judge_as(judged::accepted);
    } else if (std::holds_alternative<run_checks>(what)) {
      checks(true);
    } else if (std::holds_alternative<open_round>(what)) {
      add(draft_round_opened(state));
    } else if (auto* w = std::get_if<wait_until>(&what)) {
      now_ms = w->at_ms;
    } else if (auto* f = std::get_if<finish>(&what)) {
      add(draft_finished(state, f->as, conf, now_ms));
    } else {
      perform_delivery(what);
    }
  }

  void perform_delivery(const action& what) {
    if (std::holds_alternative<write_intent>(what)) {
      add(draft_intended(state, now_ms / 1000, state.branch_commit));
    } else if (std::holds_alternative<make_commit>(what)) {
      add(draft_committed(state, sha256(state.out->message).substr(0, 40)));
    } else if (std::holds_alternative<run_build>(what)) {
      add(draft_built(state, true, "", text("built")));
    } else if (std::holds_alternative<write_request_intent>(what)) {
      add(draft_requesting(state, conf.landing.push, conf.landing.branch));
    } else if (std::holds_alternative<open_request>(what)) {
      add(draft_requested(state, {"7", "https://example.org/pull/7", false}));
    } else if (std::holds_alternative<write_deploy_intent>(what)) {
      add(draft_deploying(state));
    } else {
      ASSERT_TRUE(std::holds_alternative<run_deploy>(what));
      deploy_outcome d;
      d.ok = true;
      d.deploy_id = state.out->deploy_id;
      d.log = text("deployed");
      add(draft_deployed(state, d));
    }
  }
};

} // namespace ledger::testing
