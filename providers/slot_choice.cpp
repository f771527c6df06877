#include "providers/slot_choice.hpp"

#include <algorithm>

namespace providers {

slot_choice::slot_choice(std::size_t slots, std::size_t made_at_once)
    : trees_(std::max<std::size_t>(slots, 1))
    , made_at_once_(std::max<std::size_t>(made_at_once, 1)) {
  for (auto n = trees_.size(); n > 0; --n)
    free_.push_back(n - 1);
}

std::optional<std::size_t> slot_choice::best_to_use_again(const want& w) const {
  std::optional<std::size_t> best;
  auto best_rank = 0;
  for (auto i = free_.size(); i > 0; --i) {
    const auto& holds = trees_[free_[i - 1]];
    const auto rank = holds.empty() ? 0 : holds == w.tree ? 3 : holds == w.base ? 1 : 2;
    if (rank > best_rank)
      best = i - 1;
    best_rank = std::max(best_rank, rank);
  }
  return best;
}

slot_choice::answer slot_choice::take(const want& w, clock::time_point now) {
  auto at = best_to_use_again(w);
  const auto to_be_made = !at;
  if (to_be_made) {
    if (free_.empty() || being_made_ >= made_at_once_)
      return {};
    const auto nobody_has_one = free_.size() == trees_.size();
    const auto patience_ends = w.begun + making_took_;
    if (w.wish == slot_wish::soon && !nobody_has_one && now < patience_ends)
      return {{}, false, patience_ends};
    at = free_.size() - 1;
    ++being_made_;
  }
  const auto n = free_[*at];
  free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(*at));
  trees_[n] = w.tree;
  return {n, to_be_made, {}};
}

void slot_choice::made(clock::duration took) {
  --being_made_;
  making_took_ = took;
}

void slot_choice::give_back(std::size_t slot, bool sound) {
  free_.insert(sound ? free_.end() : free_.begin(), slot);
  if (!sound)
    trees_[slot].clear();
}

} // namespace providers
