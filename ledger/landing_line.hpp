// landing_line.hpp -- who lands next, on what, and what is tried before.
//
// A *line* is the tasks that want to land on one branch, whose last commit is
// the *tip*. The front of the line is a *train*: each of its *cars* is a task
// whose change was combined with the tip and with every car before it. A car
// *stands* if its task was tested, approved and verified on just that tree; it
// *carries* if the approved patch is the same there (landing.review = "patch"),
// and the checks have to say yes; else it is *away*, to go through steps 5 to 7
// on that tree. A *group* is the cars at the front that land in one move.
//
//   1. A group ends with a car whose very tree the checks were green on: the
//      branch moves to tested trees only, and only forward.
//   2. A carried car is covered by a check of its tree, or of a later one of the
//      same group. A red one is divided until the first red tree is known; its
//      task leaves the train, those before it land.
//   3. A task that does not combine is sent to its fix only if it clashes with
//      the tip itself; if with a car before it, it waits for what becomes of
//      that, and others pass.
//   4. Who leaves the train takes the combinations behind it along.
//   5. The same calls give the same orders.
//
// Pure: the landing's actor performs what next() says and tells what came of it.

#pragma once

#include "ledger/config.hpp"
#include "ledger/drafts.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace ledger {

/// A commit and its tree.
struct tip_of_branch {
  std::string commit, tree;
};

class landing_line {
public:
  // -- what is to be done ------------------------------------------------------

  struct nothing {};
  /// Ask where the branch is.
  struct look_at_tip {};
  /// Bring a change, base_tree to tree, onto another tree.
  struct combine {
    std::string task, base_tree, onto_tree, tree;
  };
  /// Run the checks on a tree that holds the changes of `tasks`.
  struct check {
    std::string tree;
    std::vector<std::string> tasks;
  };
  /// Give a waiting task its place. An empty `onto`: a commit of onto_tree is to
  /// be made on `above`, for nobody but this task.
  struct place {
    std::string task;
    placement where;
    std::string above;
  };
  /// Have the waiting tasks record their landing's intent.
  struct aim {
    std::vector<std::string> tasks;
    std::string from, to;
  };
  /// Move the branch, then call moved() or lost_tip().
  struct move {
    std::vector<std::string> tasks;
    std::string from, to;
    std::string tree; ///< Of `to`.
  };
  using order = std::variant<nothing, look_at_tip, combine, check, place, aim, move>;

  /// `longest` cars in a train.
  landing_line(landing_review review, std::size_t longest);

  /// Calls for the next order; again until it is `nothing`.
  order next();

  // -- what happened -----------------------------------------------------------

  /// The task waits at the landing, as its records are.
  void arrive(const task_state& s);
  /// It came further, or went back, and does not wait.
  void note(const task_state& s);
  /// It is not to land, for now.
  void leave(std::string_view task);

  void tip_is(tip_of_branch tip);
  /// The branch is not where it was: all combinations are void.
  void lost_tip();

  /// What combining came to; no tree: it clashes. `untouched`: nobody else changed
  /// a file of the patch.
  struct combination {
    std::optional<std::string> tree;
    bool untouched = false;
  };
  void combined(const combine& asked, const combination& c);
  void checked(std::string_view tree, bool green);
  /// The order to move was carried out.
  void moved(const move& done);

  /// The tasks that wait, in the order of the line.
  std::vector<std::string> waiting() const;
  const tip_of_branch& tip() const noexcept { return tip_; }
  /// Whether somebody may still land on what was found of this tree.
  bool knows(std::string_view tree) const { return verdicts_.find(tree) != verdicts_.end(); }

private:
  struct car {
    std::string task;
    std::int32_t priority = 0;
    // As its records are.
    std::string base, base_tree, tree, commit, aimed_at;
    bool tested = false, placed = false, built = false;
    bool here = false; ///< It waits.
    // As it would land.
    bool linked = false;
    placing how = placing::as_is;
    std::string onto_tree, landing_tree;
    std::string clashes_with; ///< The tree that it cannot be brought onto, or that holds it.
  };

  car* find(std::string_view task);
  std::size_t linked() const;
  std::string end_of_train() const;
  bool is_ready(const car& c) const;
  bool is_green(const car& c) const;
  void unlink_from(std::size_t first);
  void dissolve();
  void take(car& c, const task_state& s);

  std::optional<order> next_of_group();
  std::optional<order> form_group();
  std::optional<order> probe(std::size_t first);
  std::optional<order> link_next();
  order send_away(car& c, placing how, std::string why);

  landing_review review_;
  std::size_t longest_;
  tip_of_branch tip_;
  bool tip_known_ = false, looking_ = false;
  std::vector<car> cars_; ///< The train first.
  std::size_t group_ = 0; ///< How many cars of it land together.
  std::string aim_;       ///< Where the group is to move the branch; empty: not yet.
  bool moving_ = false;
  std::string combining_, checking_;
  std::map<std::string, bool, std::less<>> verdicts_; ///< Of trees that cars may land with.
};

} // namespace ledger
