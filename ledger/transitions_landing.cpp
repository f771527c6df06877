// The events of a landing: the place in the line, the intent, the receipt; and
// the intent and receipt of a pull request.

#include "ledger/detail.hpp"
#include "ledger/drafts.hpp"
#include "ledger/transitions.hpp"

#include <algorithm>
#include <utility>

namespace ledger {

namespace {

using outcome = result<void>;

/// A new base under the same candidate, or under the same patch: what was won
/// stands, and step 8 goes on.
outcome keep_what_was_won(task_state& s, const record& r, bool same_trees) {
  auto tree = text_at(r.detail, "tree");
  auto onto_tree = text_at(r.detail, "onto_tree");
  if (same_trees && (tree != s.tree || onto_tree != s.base_tree))
    return record_breaks(r, "a place on other trees than were tested and approved");
  if (!same_trees) {
    auto approved = text_at(r.detail, "approved_tree");
    auto tested = text_at(r.detail, "tested_tree");
    if (approved != approved_tree_of(s) || tested.empty())
      return record_breaks(r, "a review of another tree is carried over");
    if (!file_of(s, path::run_log) || s.diff_path != path::changes)
      return record_breaks(r, "a patch without its diff, or without the log of its checks");
    s.carried = carried_review{approved, tested};
    if (s.human_ok && s.human_ok->for_step == step::deliver)
      s.human_ok->carried_to = tree;
    s.checked_tree = tree;
  }
  if (!s.out->tree.empty() && s.out->commit.empty())
    s.unsettled = *s.out;
  s.out.clear();
  s.out.edit().placed = true;
  s.base = text_at(r.detail, "onto");
  s.base_tree = onto_tree;
  s.tree = tree;
  return {};
}

/// Another candidate: steps 5 to 7 again, behind a fix if it does not combine.
outcome begin_anew(task_state& s, const record& r, bool conflict) {
  if (file_of(s, path::run_log) || file_of(s, path::post_audit) || !file_of(s, path::changes))
    return record_breaks(r, "the evidence of the former candidate stays in its place");
  if (conflict && !file_of(s, path::landing_log))
    return record_breaks(r, "a conflict without its log");
  auto former = s.diff_path; // Its file has left with this very record.
  if (auto ok = go_back(s, r, step::test); !ok)
    return ok;
  s.base = text_at(r.detail, "onto");
  s.base_tree = text_at(r.detail, "onto_tree");
  s.tree = text_at(r.detail, "tree");
  s.diff_path = path::changes;
  if (conflict) {
    s.displaced_diff = former;
    refuse(s, refusal::landing_conflict, text_at(r.detail, "why"), s.base);
  }
  return {};
}

/// The branch holds it since before something sent it back.
outcome take_up_what_landed(task_state& s, const record& r) {
  if (!is_landed(s) || text_at(r.detail, "onto") != s.base || text_at(r.detail, "tree") != s.tree)
    return record_breaks(r, "the landing branch does not hold it");
  delivery out;
  out.placed = out.landed = true;
  out.tree = s.tree;
  out.parent = s.base;
  out.commit = s.landed->commit;
  s.out = std::move(out);
  return {};
}

/// Nothing is made yet that the former base could matter to.
outcome begin_fresh(task_state& s, const record& r) {
  if (s.at != step::implement || s.ph != phase::ready || !s.tree.empty())
    return record_breaks(r, "something is made on the former base already");
  if (text_at(r.detail, "onto").empty() || text_at(r.detail, "onto_tree").empty())
    return record_breaks(r, "a place without its base");
  ++s.placements;
  s.base = text_at(r.detail, "onto");
  s.base_tree = text_at(r.detail, "onto_tree");
  return {};
}

outcome on_placed(task_state& s, const record& r) {
  if (s.recheck || s.out->landed || s.out->deployed || !s.out->deploy_id.empty())
    return record_breaks(r, "no place on the landing branch was due");
  for (auto* key : {"branch", "onto", "onto_tree", "tree"})
    if (text_at(r.detail, key).empty())
      return record_breaks(r, "a place without " + std::string{key});
  ++s.placements;
  auto how = text_at(r.detail, "how");
  if (how == placing_as_is || how == placing_patch)
    return keep_what_was_won(s, r, how == placing_as_is);
  if (how == placing_anew || how == placing_conflict)
    return begin_anew(s, r, how == placing_conflict);
  if (how == placing_landed)
    return take_up_what_landed(s, r);
  return record_breaks(r, "an unknown kind of place");
}

outcome on_landing(task_state& s, const record& r) {
  if (!s.out->placed || s.out->commit.empty() || !s.out->built || s.out->landed || s.recheck
      || s.out->deployed || !s.out->deploy_id.empty())
    return record_breaks(r, "no landing was due");
  if (text_at(r.detail, "commit") != s.out->commit || text_at(r.detail, "to").empty())
    return record_breaks(r, "the intent names another commit, or no end");
  s.out.edit().landing_from = text_at(r.detail, "from");
  s.out.edit().landing_to = text_at(r.detail, "to");
  return {};
}

outcome on_landed(task_state& s, const record& r) {
  if (s.out->landing_to.empty() || s.out->landed || text_at(r.detail, "commit") != s.out->commit)
    return record_breaks(r, "a receipt without an intent");
  s.out.edit().landed = true;
  s.landed = landed_commit{s.out->commit, s.out->tree, s.base};
  recovered(s);
  return {};
}

/// A pull request stands beside the landing branch: it places nothing, and no
/// branch holds the change because of it.
outcome on_requesting(task_state& s, const record& r) {
  if (!s.out->built || s.out->landed || !s.out->request.id.empty() || s.recheck || s.out->deployed
      || !s.out->deploy_id.empty())
    return record_breaks(r, "no pull request was due");
  pull_request p{text_at(r.detail, "commit"),
                 text_at(r.detail, "remote"),
                 text_at(r.detail, "target"),
                 {},
                 {}};
  if (p.commit != s.out->commit || p.remote.empty())
    return record_breaks(r, "the intent names another commit, or no remote");
  if (std::find(s.pushed->begin(), s.pushed->end(), p.commit) == s.pushed->end())
    s.pushed.edit().push_back(p.commit);
  s.out.edit().request = std::move(p);
  return {};
}

outcome on_requested(task_state& s, const record& r) {
  auto& p = s.out.edit().request;
  if (p.commit.empty() || !p.id.empty() || text_at(r.detail, "commit") != p.commit)
    return record_breaks(r, "a receipt without an intent");
  p.id = text_at(r.detail, "pr_id");
  p.url = text_at(r.detail, "pr_url");
  if (p.id.empty() || p.url.empty())
    return record_breaks(r, "a receipt without the pull request");
  s.request = p;
  recovered(s);
  return {};
}

} // namespace

result<void> carry_landing_on(task_state& s, const record& r) {
  if (r.what == event::placed && text_at(r.detail, "how") == placing_fresh)
    return begin_fresh(s, r);
  if (s.at != step::deliver || s.ph != phase::granted)
    return record_breaks(r, "no delivery was granted");
  bool is_request = text_at(r.detail, "how") == by_pull_request;
  switch (r.what) {
    case event::placed:
      return on_placed(s, r);
    case event::landing:
      return is_request ? on_requesting(s, r) : on_landing(s, r);
    case event::landed:
      return is_request ? on_requested(s, r) : on_landed(s, r);
    default:
      return record_breaks(r, "no event of a landing");
  }
}

} // namespace ledger
