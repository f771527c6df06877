// trunk.hpp -- the branch that finished tasks land on, here and at a remote.
//
// The *trunk* is `landing.branch`. With `landing.push` it is the remote's branch
// of that name, and the one here follows; what is ahead of the other is the tip.
//
//   1. It moves forward only, from the commit that the caller knows; somebody
//      else's move is an error ("trunk-moved"), never undone.
//   2. The remote first, then here: after a kill between the two the branch here
//      is brought up, so advance() may be called again with the same commits.
//   3. A trunk that is checked out is refused, unless landing.update_checkout; then
//      that folder has to be clean, and follows.
//   4. A trunk that does not exist yet begins at the batch's base.
//
// `trunk` is a seam. All functions block.

#pragma once

#include "ledger/config.hpp"
#include "ledger/landing_line.hpp"
#include "providers/git.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace providers {

inline constexpr std::string_view trunk_moved_code = "trunk-moved";

class trunk {
public:
  virtual ~trunk() = default;
  /// Where the next task lands. Errors: refused (checked out, or here and remote
  /// have gone apart: with the remedy), unavailable.
  virtual ledger::result<ledger::tip_of_branch> tip() = 0;
  /// Where the next task lands if that holds `commit`; nothing: it does not. Moves
  /// nothing, here or at the remote. Errors: as tip(), but for a checkout.
  virtual ledger::result<std::optional<ledger::tip_of_branch>>
  tip_beyond(std::string_view commit) = 0;
  /// Whether it holds a commit, here and at the remote. The rest of a move that was
  /// interrupted is done; `from` is where that began.
  virtual ledger::result<bool> holds(std::string_view commit, std::string_view from) = 0;
  /// Moves it. Errors: refused, code trunk_moved_code.
  virtual ledger::result<void> advance(std::string_view from, std::string_view to) = 0;
  /// Whether `later` holds `commit`, and is not it.
  virtual ledger::result<bool> is_before(std::string_view commit, std::string_view later) = 0;
  /// Brings the change from base_tree to tree onto another tree.
  virtual ledger::result<merged_trees>
  combine(std::string_view base_tree, std::string_view onto_tree, std::string_view tree) = 0;
  /// base_tree to tree, as changes.diff has it.
  virtual ledger::result<std::string> diff(std::string_view base_tree, std::string_view tree) = 0;
};

/// `start` is the commit of a trunk that is not there yet.
std::unique_ptr<trunk> make_trunk(const ledger::config& c, const git& repository,
                                  std::string start);

} // namespace providers
