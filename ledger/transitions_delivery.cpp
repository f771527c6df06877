// The events of step 8: each intent before its act, each receipt after it.

#include "ledger/detail.hpp"
#include "ledger/transitions.hpp"

namespace ledger {

namespace {

using outcome = result<void>;

outcome on_intended(task_state& s, const record& r) {
  if (!s.out->tree.empty() || s.recheck)
    return record_breaks(r, "no commit was due");
  auto& approved = approved_tree_of(s);
  if (!s.final_ok || s.tree.empty() || s.final_ok->tree != approved || s.checked_tree != s.tree
      || s.verified_tree != approved)
    return record_breaks(r, "the tree was not checked, approved and verified");
  s.displaced_diff.clear();
  auto& out = s.out.edit();
  out.tree = text_at(r.detail, "tree");
  out.parent = text_at(r.detail, "parent");
  out.message = text_at(r.detail, "message");
  out.identity = text_at(r.detail, "identity");
  out.time_s = number_at(r.detail, "time_s");
  out.replaces = text_at(r.detail, "replaces");
  if (out.tree != s.tree || out.parent != s.base)
    return record_breaks(r, "the intent names another tree or parent");
  return {};
}

outcome on_committed(task_state& s, const record& r) {
  auto commit = text_at(r.detail, "commit");
  if (s.out->tree.empty() || !s.out->commit.empty() || commit.empty())
    return record_breaks(r, "a receipt without an intent");
  s.out.edit().commit = s.branch_commit = commit;
  s.unsettled.reset();
  recovered(s);
  return {};
}

outcome on_built(task_state& s, const record& r) {
  if (s.out->commit.empty() || s.out->built)
    return record_breaks(r, "no build was due");
  s.out.edit().built = flag_at(r.detail, "ok");
  recovered(s);
  if (!s.out->built)
    refuse(s, refusal::build_failed, text_at(r.detail, "ended"), "");
  return {};
}

outcome on_deploying(task_state& s, const record& r) {
  auto id = text_at(r.detail, "deploy_id");
  if (!s.out->built || s.out->deployed || !s.out->deploy_id.empty() || id.empty())
    return record_breaks(r, "no deploy was due");
  s.out.edit().deploy_id = id;
  return {};
}

outcome on_deployed(task_state& s, const record& r) {
  if (s.out->deploy_id.empty() || s.out->deployed || s.recheck)
    return record_breaks(r, "a receipt without an intent");
  if (!flag_at(r.detail, "ok")) {
    refuse(s, refusal::deploy_failed, text_at(r.detail, "ended"), "");
    return {};
  }
  auto& out = s.out.edit();
  out.deployed = true;
  out.deploy_id = text_at(r.detail, "deploy_id"); // The service's own; empty: not deployed.
  out.deploy_url = text_at(r.detail, "deploy_url");
  out.context = text_at(r.detail, "context");
  out.deployed_with = text_at(r.detail, "with");
  return {};
}

} // namespace

result<void> carry_delivery_on(task_state& s, const record& r) {
  if (s.at != step::deliver || s.ph != phase::granted)
    return record_breaks(r, "no delivery was granted");
  switch (r.what) {
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
    default:
      return record_breaks(r, "no event of a delivery");
  }
}

} // namespace ledger
