// The drafts of step 8: the place in the line, commit, build, landing, deploy.

#include "ledger/digest.hpp"
#include "ledger/drafting.hpp"
#include "ledger/pull_request.hpp"

namespace ledger {

namespace {

constexpr std::string_view to_word(placing how) noexcept {
  switch (how) {
    case placing::as_is:
      return placing_as_is;
    case placing::patch:
      return placing_patch;
    case placing::anew:
      return placing_anew;
    case placing::conflict:
      return placing_conflict;
    case placing::landed:
      return placing_landed;
    case placing::fresh:
      return placing_fresh;
  }
  return {};
}

} // namespace

draft draft_placed(const task_state& s, const placement& p) {
  auto d = start(s, event::placed);
  d.detail = {{"how", to_word(p.how)},    {"branch", p.branch}, {"onto", p.onto},
              {"onto_tree", p.onto_tree}, {"tree", p.tree},     {"behind", p.behind}};
  auto n = s.placements + 1;
  if (p.how == placing::patch) {
    d.detail["approved_tree"] = approved_tree_of(s);
    d.detail["tested_tree"] = p.tested_tree;
    move_away(d, s, path::run_log, "placed", n);
    d.files.push_back({std::string{path::run_log}, p.run_log});
  }
  if (p.how == placing::anew || p.how == placing::conflict) {
    d.detail["why"] = p.why;
    for (auto f : evidence_of_a_round)
      move_away(d, s, f, "placed", n);
    d.files.push_back({std::string{path::changes}, p.diff});
  }
  if (p.how == placing::conflict)
    d.files.push_back({std::string{path::landing_log}, p.landing_log});
  sign(d, s);
  return d;
}

draft draft_landing(const task_state& s, const landing_move& m) {
  auto d = start(s, event::landing);
  d.detail = {{"contract", path_of(contract::final)},
              {"branch", m.branch},
              {"push", m.push},
              {"from", m.from},
              {"to", m.to},
              {"commit", s.out->commit},
              {"tree", s.out->tree}};
  sign(d, s);
  return d;
}

draft draft_landed(const task_state& s, const landing_receipt& l) {
  auto d = start(s, event::landed);
  d.detail = {{"from", s.out->landing_from},
              {"to", s.out->landing_to},
              {"commit", s.out->commit},
              {"tree", s.out->tree},
              {"review", s.carried ? "patch" : "tree"},
              {"approved_tree", approved_tree_of(s)},
              {"tested_tree", s.carried ? s.carried->tested_tree : s.tree},
              {"adopted", l.adopted},
              {"pushed", l.pushed}};
  sign(d, s);
  return d;
}

draft draft_requesting(const task_state& s, std::string_view remote, std::string_view target) {
  auto d = start(s, event::landing);
  d.detail = {{"how", by_pull_request}, {"contract", path_of(contract::final)},
              {"branch", s.branch},     {"remote", remote},
              {"target", target},       {"from", s.request ? s.request->commit : std::string{}},
              {"to", s.out->commit},    {"commit", s.out->commit},
              {"tree", s.out->tree}};
  sign(d, s);
  return d;
}

draft draft_requested(const task_state& s, const request_receipt& p) {
  auto d = start(s, event::landed);
  d.detail = {{"how", by_pull_request},
              {"branch", s.branch},
              {"remote", s.out->request.remote},
              {"target", s.out->request.target},
              {"commit", s.out->commit},
              {"tree", s.out->tree},
              {"pr_id", p.id},
              {"pr_url", p.url},
              {"adopted", p.adopted}};
  sign(d, s);
  return d;
}

draft draft_intended(const task_state& s, std::int64_t now_s, std::string_view replaces) {
  auto d = start(s, event::intended);
  d.detail = {{"contract", path_of(contract::final)}, {"tree", s.tree},  {"parent", s.base},
              {"identity", commit_identity},          {"time_s", now_s}, {"replaces", replaces},
              {"message", commit_message(s)}};
  sign(d, s);
  return d;
}

draft draft_committed(const task_state& s, std::string_view commit) {
  auto d = start(s, event::committed);
  d.detail = {{"commit", commit}, {"branch", s.branch}};
  sign(d, s);
  return d;
}

draft draft_built(const task_state& s, bool ok, std::string_view ended, text_ptr log) {
  auto d = start(s, event::built);
  d.detail = {{"ok", ok}, {"ended", ended}};
  sign(d, s);
  if (file_of(s, path::build_log))
    move_away(d, s, path::build_log, "round", s.round);
  if (log)
    d.files.push_back({std::string{path::build_log}, std::move(log)});
  return d;
}

draft draft_deploying(const task_state& s) {
  auto d = start(s, event::deploying);
  d.detail = {{"contract", path_of(contract::final)},
              {"tree", s.out->tree},
              {"commit", s.out->commit},
              {"deploy_id", deploy_id_for(s.task, s.out->commit)}};
  sign(d, s);
  return d;
}

draft draft_deployed(const task_state& s, const deploy_outcome& o) {
  auto d = start(s, event::deployed);
  d.detail = {{"ok", o.ok},
              {"deployed", o.ok && !o.nothing_to_do},
              {"deploy_id", o.deploy_id},
              {"deploy_url", o.deploy_url},
              {"adopted", o.adopted},
              {"ended", o.ended}};
  if (!o.context.empty())
    d.detail["context"] = o.context;
  if (!o.with.empty())
    d.detail["with"] = o.with;
  sign(d, s);
  if (file_of(s, path::deploy_log))
    move_away(d, s, path::deploy_log, "round", s.round);
  if (o.log)
    d.files.push_back({std::string{path::deploy_log}, o.log});
  return d;
}

std::optional<live_deploy> live_with(const task_state& s) {
  if (!s.out->deployed || !s.out->deployed_with.empty() || s.out->deploy_id.empty())
    return std::nullopt;
  live_deploy live;
  live.commit = s.out->commit;
  live.by.ok = live.by.adopted = true;
  live.by.deploy_id = s.out->deploy_id;
  live.by.deploy_url = s.out->deploy_url;
  live.by.context = s.out->context;
  live.by.with = s.task;
  return live;
}

namespace {

/// What became of the landing: null without one. Who reads it must see when a
/// review was given for another tree, and on which one the checks ran.
json landing_of(const task_state& s, const config& c) {
  if (auto& p = s.out->request; !p.id.empty())
    return {{"mode", to_string(landing_mode::pr)},
            {"branch", short_branch(s)},
            {"remote", p.remote},
            {"target", p.target.empty() ? json(nullptr) : json(p.target)},
            {"commit", p.commit},
            {"prId", p.id},
            {"prUrl", p.url}};
  if (c.landing.mode != landing_mode::branch)
    return nullptr;
  json j{{"mode", to_string(c.landing.mode)},
         {"branch", c.landing.branch},
         {"commit", s.out->commit},
         {"review", s.carried ? "patch" : "tree"},
         {"approvedTree", approved_tree_of(s)},
         {"testedTree", s.carried ? s.carried->tested_tree : s.tree}};
  return j;
}

/// final/status.json (pipeline, step 8; the further keys are the design's).
std::string status_json(const task_state& s, const config& c, std::int64_t now_ms) {
  bool deployed = c.deploy.kind != deploy_kind::none;
  json j;
  j["task"] = s.task;
  j["commitSha"] = s.out->commit;
  j["deployUrl"] = deployed ? json(s.out->deploy_url) : json(nullptr);
  j["deployId"] = deployed ? json(s.out->deploy_id) : json(nullptr);
  j["timestamp"] = format_time(now_ms);
  j["context"] = s.out->context.empty() ? c.deploy.context : s.out->context;
  j["deployed"] = deployed;
  if (!s.out->deployed_with.empty())
    j["deployedWith"] = s.out->deployed_with;
  j["branch"] = s.branch;
  j["base"] = s.base;
  j["tree"] = s.tree;
  j["landing"] = landing_of(s, c);
  j["rounds"] = s.round;
  auto claude = s.played_by->find("claude");
  j["approvedBy"] = claude == s.played_by->end() ? std::string{} : claude->second;
  j["playedBy"] = *s.played_by;
  j["ledgerHead"] = s.head;
  auto deviations = json::array();
  if (c.checks.lint.none())
    deviations.push_back("lint = \"none\"");
  if (c.checks.schema_drift.none())
    deviations.push_back("schema_drift = \"none\"");
  j["deviations"] = std::move(deviations);
  return j.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace

draft draft_finished(const task_state& s, status as, const config& c, std::int64_t now_ms) {
  auto d = start(s, event::finished);
  d.detail = {{"status", to_string(as)}, {"tree", s.tree}, {"commit", s.out->commit}};
  if (as == status::no_change)
    d.detail["why"] = "the change is in the base already: nothing to commit";
  sign(d, s);
  if (as == status::done)
    d.files.push_back({std::string{path::status},
                       std::make_shared<const std::string>(status_json(s, c, now_ms))});
  return d;
}

std::vector<draft> with_what_follows(const task_state& s, draft d, const config& c,
                                     std::int64_t now_ms) {
  std::vector<draft> all;
  auto what = d.what;
  all.push_back(std::move(d));
  if (what == event::committed && has_nothing_to_build(c.deploy))
    all.push_back(draft_built(s, true, "", nullptr));
  if (what == event::deploying && c.deploy.kind == deploy_kind::none) {
    deploy_outcome nothing;
    nothing.ok = nothing.nothing_to_do = true;
    all.push_back(draft_deployed(s, nothing));
    all.push_back(draft_finished(s, status::done, c, now_ms));
  }
  return all;
}

std::string deploy_id_for(std::string_view task, std::string_view commit) {
  return sha256(std::string{task} + "\n" + std::string{commit}).substr(0, 16);
}

std::string commit_message(const task_state& s) {
  auto claude = s.played_by->find("claude");
  auto approved = claude == s.played_by->end() ? std::string{"unknown"} : claude->second;
  return s.task + ": change made and approved through the gated pipeline\n\n"
         + "Audited, decided, planned, implemented, tested, reviewed and verified in "
         + std::to_string(s.round) + (s.round == 1 ? " round" : " rounds")
         + ";\nevery word of it is in the ledger.\n\n" + "AI-Gated-Task: " + s.task + "\n"
         + "AI-Gated-Ledger-Head: " + s.head + "\n" + "AI-Gated-Base: " + s.base + "\n"
         + "AI-Gated-Approved-By: " + approved + "\n";
}

} // namespace ledger
