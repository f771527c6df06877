#include "providers/trunk.hpp"

#include <fmt/format.h>

#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;

class git_trunk final : public trunk {
public:
  git_trunk(const ledger::config& c, const git& repository, std::string start)
      : git_(repository)
      , ref_(ledger::landing_ref(c))
      , remote_(c.landing.push)
      , update_checkout_(c.landing.update_checkout)
      , start_(std::move(start)) {}

  ledger::result<ledger::tip_of_branch> tip() override {
    if (auto ok = may_move(); !ok)
      return tl::make_unexpected(ok.error());
    auto now = both();
    if (!now)
      return tl::make_unexpected(now.error());
    return with_tree(now->tip.empty() ? start_ : now->tip);
  }

  ledger::result<std::optional<ledger::tip_of_branch>>
  tip_beyond(std::string_view commit) override {
    auto now = both();
    if (!now)
      return tl::make_unexpected(now.error());
    if (now->tip.empty())
      return std::nullopt;
    auto in = git_.is_ancestor(commit, now->tip);
    if (!in)
      return tl::make_unexpected(in.error());
    if (!*in)
      return std::nullopt;
    return with_tree(now->tip);
  }

  ledger::result<bool> holds(std::string_view commit, std::string_view from) override {
    auto now = both();
    if (!now)
      return tl::make_unexpected(now.error());
    if (now->tip.empty() || !git_.has_object(commit))
      return false;
    auto in = git_.is_ancestor(commit, now->tip);
    if (!in || !*in)
      return in;
    if (!remote_.empty() && now->remote != now->tip)
      if (auto ok = git_.push(remote_, ref_, now->tip, now->remote); !ok)
        return tl::make_unexpected(ok.error());
    if (auto ok = bring_up(now->local, now->tip, from); !ok)
      return tl::make_unexpected(ok.error());
    return true;
  }

  ledger::result<void> advance(std::string_view from, std::string_view to) override {
    auto now = both();
    if (!now)
      return tl::make_unexpected(now.error());
    const auto expected = now->tip.empty() ? start_ : now->tip;
    if (expected != from && expected != to)
      return fail(fault::refused,
                  fmt::format("land on {}: it is at {}, not at {}: somebody else moved it", ref_,
                              expected, from),
                  std::string(trunk_moved_code));
    if (!remote_.empty())
      if (auto ok = git_.push(remote_, ref_, to, now->remote); !ok)
        return moved_or(ok.error());
    if (auto ok = bring_up(now->local, to, from); !ok)
      return moved_or(ok.error());
    return {};
  }

  ledger::result<bool> is_before(std::string_view commit, std::string_view later) override {
    return commit == later ? ledger::result<bool>(false) : git_.is_ancestor(commit, later);
  }

  ledger::result<merged_trees> combine(std::string_view base_tree, std::string_view onto_tree,
                                       std::string_view tree) override {
    return git_.merge_trees(base_tree, onto_tree, tree);
  }

  ledger::result<std::string> diff(std::string_view base_tree, std::string_view tree) override {
    return git_.diff(base_tree, tree);
  }

private:
  struct places {
    std::string local, remote, tip; ///< Empty: not there.
  };

  ledger::result<ledger::tip_of_branch> with_tree(const std::string& commit) const {
    auto tree = git_.tree_of(commit);
    if (!tree)
      return tl::make_unexpected(tree.error());
    return ledger::tip_of_branch{commit, *tree};
  }

  static tl::unexpected<ledger::failure> moved_or(ledger::failure f) {
    if (f.code == "ref-moved")
      f.code = trunk_moved_code;
    return tl::make_unexpected(std::move(f));
  }

  ledger::result<void> may_move() const {
    auto folder = git_.checked_out_in(ref_);
    if (!folder)
      return tl::make_unexpected(folder.error());
    if (folder->empty())
      return {};
    if (!update_checkout_)
      return fail(fault::refused,
                  fmt::format("land on {}: it is checked out in {}; switch that folder to another "
                              "branch (`git switch --detach`), or set [landing] update_checkout = "
                              "true to let it follow",
                              ref_, *folder),
                  "ref-checked-out");
    return git_.is_clean(*folder);
  }

  /// Where the branch is, here and there. The tip is the one that is ahead.
  ledger::result<places> both() const {
    auto local = git_.ref(ref_);
    if (!local)
      return tl::make_unexpected(local.error());
    places p;
    p.local = p.tip = local->value_or("");
    if (remote_.empty())
      return p;
    auto remote = git_.remote_tip(remote_, ref_);
    if (!remote)
      return tl::make_unexpected(remote.error());
    p.remote = *remote;
    if (p.remote.empty() || p.remote == p.local)
      return p;
    if (!git_.has_object(p.remote))
      if (auto got = git_.fetch_objects(remote_, ref_); !got)
        return tl::make_unexpected(got.error());
    if (p.local.empty()) {
      p.tip = p.remote;
      return p;
    }
    auto behind = git_.is_ancestor(p.local, p.remote);
    auto ahead = behind ? git_.is_ancestor(p.remote, p.local) : behind;
    if (!ahead)
      return tl::make_unexpected(ahead.error());
    if (!*behind && !*ahead)
      return fail(fault::refused,
                  fmt::format("land on {}: it is at {} here and at {} at {}, and neither holds the "
                              "other; bring them together first",
                              ref_, p.local, p.remote, remote_),
                  "trunk-diverged");
    p.tip = *behind ? p.remote : p.local;
    return p;
  }

  /// Moves the branch here; a checkout of it follows. That was at `before`, also
  /// if a run died after it had moved the branch.
  ledger::result<void> bring_up(const std::string& from, std::string_view to,
                                std::string_view before) const {
    if (from != to)
      if (auto moved =
              update_checkout_ ? git_.move_ref_here(ref_, to, from) : git_.move_ref(ref_, to, from);
          !moved)
        return moved;
    auto folder = git_.checked_out_in(ref_);
    if (!folder)
      return tl::make_unexpected(folder.error());
    if (folder->empty() || !update_checkout_)
      return {};
    return git_.follow(*folder, from == to ? before : from, to);
  }

  git git_;
  std::string ref_, remote_;
  bool update_checkout_;
  std::string start_;
};

} // namespace

std::unique_ptr<trunk> make_trunk(const ledger::config& c, const git& repository,
                                  std::string start) {
  return std::make_unique<git_trunk>(c, repository, std::move(start));
}

} // namespace providers
