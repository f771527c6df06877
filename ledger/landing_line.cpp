#include "ledger/landing_line.hpp"

#include <algorithm>
#include <utility>

namespace ledger {

landing_line::landing_line(landing_review review, std::size_t longest)
    : review_(review)
    , longest_(std::max<std::size_t>(longest, 1)) {}

// -- what happened -------------------------------------------------------------

void landing_line::take(car& c, const task_state& s) {
  c.priority = s.priority;
  c.base = s.base;
  c.base_tree = s.base_tree;
  if (c.tree != s.tree)
    c.clashes_with.clear();
  c.tree = s.tree;
  c.commit = s.out->commit;
  c.aimed_at = s.out->landing_to;
  c.tested = tested_as_such(s);
  c.placed = s.out->placed;
  c.built = s.out->built;
}

void landing_line::arrive(const task_state& s) {
  auto* known = find(s.task);
  if (known && known->linked
      && (s.base_tree != known->onto_tree || s.tree != known->landing_tree)) {
    // A patch that carries is on its way until it was placed.
    bool as_linked =
        known->how == placing::patch && s.base_tree == known->base_tree && s.tree == known->tree;
    if (!as_linked) {
      leave(s.task);
      known = nullptr;
    }
  }
  if (!known) {
    cars_.emplace_back().task = s.task;
    known = &cars_.back();
  }
  take(*known, s);
  known->here = true;
  if (known->linked && s.tree == known->landing_tree && s.base_tree == known->onto_tree)
    known->how = placing::as_is;
}

void landing_line::note(const task_state& s) {
  auto* known = find(s.task);
  if (!known)
    return;
  bool away = known->linked && known->how == placing::anew;
  bool back = s.at != step::deliver && (!away || s.fixing || s.ph == phase::refused);
  if (s.terminal() || back || s.out->landed)
    return leave(s.task);
  take(*known, s);
}

void landing_line::leave(std::string_view task) {
  auto* known = find(task);
  if (!known)
    return;
  auto at = static_cast<std::size_t>(known - cars_.data());
  if (known->linked) {
    if (at < group_)
      dissolve();
    unlink_from(at);
  }
  cars_.erase(std::find_if(cars_.begin(), cars_.end(), [&](auto& c) { return c.task == task; }));
  if (cars_.empty() && !moving_)
    tip_known_ = false; // Who comes next may come much later.
}

void landing_line::tip_is(tip_of_branch tip) {
  looking_ = false;
  tip_known_ = true;
  if (tip.tree != tip_.tree) {
    dissolve();
    unlink_from(0);
  }
  tip_ = std::move(tip);
}

void landing_line::lost_tip() {
  looking_ = tip_known_ = moving_ = false;
  dissolve();
  unlink_from(0);
}

void landing_line::combined(const combine& asked, const combination& c) {
  combining_.clear();
  auto* known = find(asked.task);
  if (!known || known->linked || !known->here || known->tree != asked.tree
      || known->base_tree != asked.base_tree || end_of_train() != asked.onto_tree)
    return; // It is no more what was asked about.
  if (!c.tree || *c.tree == asked.onto_tree) {
    // Which of both it is, is seen when it meets the tip.
    known->clashes_with = asked.onto_tree;
    return;
  }
  car linked_car = *known;
  linked_car.linked = true;
  linked_car.onto_tree = asked.onto_tree;
  linked_car.landing_tree = *c.tree;
  linked_car.how = review_ == landing_review::patch && c.untouched ? placing::patch : placing::anew;
  auto behind = linked();
  cars_.erase(cars_.begin() + (known - cars_.data()));
  cars_.insert(cars_.begin() + static_cast<std::ptrdiff_t>(behind), std::move(linked_car));
}

void landing_line::checked(std::string_view tree, bool green) {
  checking_.clear();
  verdicts_[std::string{tree}] = green;
}

void landing_line::moved(const move& done) {
  moving_ = false;
  aim_.clear();
  for (auto& task : done.tasks)
    if (auto* c = find(task))
      cars_.erase(cars_.begin() + (c - cars_.data()));
  group_ = 0;
  tip_ = {done.to, done.tree};
  std::erase_if(verdicts_, [this](auto& v) {
    return std::none_of(cars_.begin(), cars_.end(),
                        [&](auto& c) { return c.linked && c.landing_tree == v.first; });
  });
  if (cars_.empty())
    tip_known_ = false;
}

std::vector<std::string> landing_line::waiting() const {
  std::vector<std::string> all;
  for (auto& c : cars_)
    if (c.here)
      all.push_back(c.task);
  return all;
}

// -- what is known -------------------------------------------------------------

landing_line::car* landing_line::find(std::string_view task) {
  auto it = std::find_if(cars_.begin(), cars_.end(), [&](auto& c) { return c.task == task; });
  return it == cars_.end() ? nullptr : &*it;
}

std::size_t landing_line::linked() const {
  return static_cast<std::size_t>(
      std::count_if(cars_.begin(), cars_.end(), [](auto& c) { return c.linked; }));
}

std::string landing_line::end_of_train() const {
  auto n = linked();
  return n == 0 ? tip_.tree : cars_[n - 1].landing_tree;
}

/// It could land if what it lands on were there, and its tree were green.
bool landing_line::is_ready(const car& c) const {
  return c.linked && c.here && c.how != placing::anew;
}

bool landing_line::is_green(const car& c) const {
  if (c.how == placing::as_is && c.tested)
    return true;
  auto verdict = verdicts_.find(c.landing_tree);
  return verdict != verdicts_.end() && verdict->second;
}

/// What lies behind a combination that is void was combined with it.
void landing_line::unlink_from(std::size_t first) {
  for (auto i = first; i < cars_.size(); ++i) {
    cars_[i].linked = false;
    cars_[i].how = placing::as_is;
    cars_[i].clashes_with.clear();
  }
}

void landing_line::dissolve() {
  group_ = 0;
  aim_.clear();
}

// -- what is to be done --------------------------------------------------------

landing_line::order landing_line::next() {
  if (!tip_known_) {
    bool wanted =
        !looking_ && std::any_of(cars_.begin(), cars_.end(), [](auto& c) { return c.here; });
    if (!wanted)
      return nothing{};
    looking_ = true;
    return look_at_tip{};
  }
  if (moving_)
    return nothing{};
  if (auto o = next_of_group())
    return *o;
  if (auto o = form_group())
    return *o;
  if (auto o = link_next())
    return *o;
  // Combining is cheap and checks are not: whoever waits comes along.
  if (combining_.empty())
    if (auto o = probe(group_))
      return *o;
  return nothing{};
}

/// Places the cars of the group one on the other, then has the branch moved.
std::optional<landing_line::order> landing_line::next_of_group() {
  if (group_ == 0)
    return std::nullopt;
  auto parent = tip_.commit;
  std::vector<std::string> before;
  bool all_here = true, all_aimed = true;
  for (std::size_t i = 0; i < group_; ++i) {
    auto& c = cars_[i];
    bool same_trees = c.base_tree == c.onto_tree && c.tree == c.landing_tree;
    bool settled = c.placed && c.base == parent && same_trees;
    if (!settled && !c.here)
      return std::nullopt; // It is on its way.
    if (!settled) {
      c.here = false;
      placement where;
      where.how = same_trees && c.tested ? placing::as_is : placing::patch;
      where.onto = parent;
      where.onto_tree = c.onto_tree;
      where.tree = c.landing_tree;
      where.behind = before;
      if (where.how == placing::patch)
        where.tested_tree = cars_[group_ - 1].landing_tree;
      return order{place{c.task, std::move(where), {}}};
    }
    if (c.commit.empty())
      return std::nullopt;
    parent = c.commit;
    before.push_back(c.task);
    all_here = all_here && c.here && c.built;
    all_aimed = all_aimed && c.aimed_at == aim_;
  }
  if (!all_here)
    return std::nullopt;
  if (aim_.empty() || !all_aimed) {
    aim_ = parent;
    for (std::size_t i = 0; i < group_; ++i)
      cars_[i].here = false;
    return order{aim{before, tip_.commit, parent}};
  }
  moving_ = true;
  return order{move{before, tip_.commit, parent, cars_[group_ - 1].landing_tree}};
}

/// The longest front of the train that ends with a green tree.
std::optional<landing_line::order> landing_line::form_group() {
  if (group_ != 0)
    return std::nullopt;
  std::size_t ready = 0;
  while (ready < cars_.size() && is_ready(cars_[ready]))
    ++ready;
  for (auto n = ready; n > 0; --n)
    if (is_green(cars_[n - 1])) {
      group_ = n;
      return next_of_group();
    }
  return std::nullopt;
}

/// The check that tells most about the ready cars from `first` on, or, if the
/// very first is red, its way back.
std::optional<landing_line::order> landing_line::probe(std::size_t first) {
  if (!checking_.empty())
    return std::nullopt;
  auto end = first;
  auto red = cars_.size();
  for (; end < cars_.size() && is_ready(cars_[end]); ++end) {
    if (is_green(cars_[end]))
      return std::nullopt;
    auto verdict = verdicts_.find(cars_[end].landing_tree);
    if (verdict != verdicts_.end() && !verdict->second)
      red = std::min(red, end);
  }
  if (end == first)
    return std::nullopt;
  if (red == first)
    return first == 0 ? std::optional<order>{send_away(
               cars_[0], placing::anew, "its checks are red together with what landed before")}
                      : std::nullopt;
  auto target = red < end ? (first + red - 1) / 2 : end - 1;
  checking_ = cars_[target].landing_tree;
  check c{checking_, {}};
  for (std::size_t i = 0; i <= target; ++i)
    c.tasks.push_back(cars_[i].task);
  return order{std::move(c)};
}

/// The next of those who wait is combined with the train's end.
std::optional<landing_line::order> landing_line::link_next() {
  auto train = linked();
  // One that has to be gone through again is told where, as soon as it is linked.
  for (std::size_t i = 0; i < train; ++i)
    if (cars_[i].here && cars_[i].how == placing::anew)
      return send_away(cars_[i], placing::anew, "other changes landed before it");
  if (!combining_.empty() || train >= longest_)
    return std::nullopt;
  auto end = end_of_train();
  car* chosen = nullptr;
  for (auto i = train; i < cars_.size(); ++i) {
    auto& c = cars_[i];
    if (!c.here || (train != 0 && c.clashes_with == end))
      continue;
    if (!chosen || c.priority > chosen->priority)
      chosen = &c;
  }
  if (!chosen)
    return std::nullopt;
  if (train == 0 && chosen->clashes_with == end)
    return send_away(*chosen, placing::conflict, "it clashes with what landed since its base");
  if (chosen->base_tree == end) {
    car c = *chosen;
    c.linked = true;
    c.how = placing::as_is;
    c.onto_tree = end;
    c.landing_tree = c.tree;
    cars_.erase(cars_.begin() + (chosen - cars_.data()));
    cars_.insert(cars_.begin() + static_cast<std::ptrdiff_t>(train), std::move(c));
    return next();
  }
  combining_ = chosen->task;
  return order{combine{chosen->task, chosen->base_tree, end, chosen->tree}};
}

/// Sends a task back to steps 5 to 7. Only one that was combined keeps its place.
landing_line::order landing_line::send_away(car& c, placing how, std::string why) {
  auto at = static_cast<std::size_t>(&c - cars_.data());
  bool stays = c.linked && c.how == placing::anew;
  place p;
  p.task = c.task;
  p.where.how = how;
  p.where.onto_tree = c.linked ? c.onto_tree : tip_.tree;
  p.where.tree = c.linked ? c.landing_tree : std::string{};
  p.where.why = std::move(why);
  if (at == 0 || !c.linked)
    p.where.onto = tip_.commit;
  else
    p.above = tip_.commit;
  for (std::size_t i = 0; c.linked && i < at; ++i)
    p.where.behind.push_back(cars_[i].task);
  c.here = false;
  if (!stays)
    leave(p.task);
  return p;
}

} // namespace ledger
