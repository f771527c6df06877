// slot_choice.hpp -- which slot a checkout gets, and what it waits for.
//
// A slot (workspace.hpp) is a number here. It *holds* the tree that it was made
// last; one that was never made, or is damaged, holds nothing and has to be *made*,
// every file of it, before it can be used.
//
//   1. A slot has one user at a time.
//   2. No more are made at the same time than there are processors for: side by side
//      none of them would be ready sooner, and until then there would be none to use
//      again. One that turns out to be damaged by who has it already is not counted:
//      he makes it anew.
//   3. Who wants one soon waits for one that can be used again, as long as making one
//      took last.
//   4. Where nobody has a slot nobody waits; where somebody has, its end wakes all.
//   5. Of those to use again: one that holds the tree already; else one that holds no
//      base, which somebody will want again; of equals the one used last, whose files
//      are most likely near. One that was damaged comes last.
//
// It decides; the waiting is done by whoever asks. Not thread-safe. Private to
// workspace.cpp.

#pragma once

#include "providers/workspace.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

class slot_choice {
public:
  using clock = std::chrono::steady_clock;

  /// 0 counts as 1: not every system tells how many processors it has.
  slot_choice(std::size_t slots, std::size_t made_at_once);

  /// What somebody wants, since `begun`.
  struct want {
    std::string_view tree, base; ///< Tree that it shall hold; tree of the commit below it.
    slot_wish wish = slot_wish::at_once;
    clock::time_point begun;
  };
  /// A slot; or none, and when to ask again if nothing is given back or made until then
  /// (none: not before).
  struct answer {
    std::optional<std::size_t> slot;
    bool to_be_made = false; ///< Then made() has to be told once it is, or could not be.
    std::optional<clock::time_point> ask_again;
  };
  answer take(const want& w, clock::time_point now);
  /// One that was to be made is, or it is known that it cannot be.
  void made(clock::duration took);
  /// What is not `sound` holds nothing.
  void give_back(std::size_t slot, bool sound);

private:
  std::optional<std::size_t> best_to_use_again(const want& w) const;

  std::vector<std::string> trees_; ///< What each holds; empty: nothing.
  std::vector<std::size_t> free_;  ///< In the order of their last use.
  std::size_t made_at_once_;
  std::size_t being_made_ = 0;
  clock::duration making_took_{}; ///< The last one.
};

} // namespace providers
