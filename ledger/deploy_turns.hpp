// deploy_turns.hpp -- who deploys next, where the last deploy is what is live.
//
// With a landing branch and context "production" each deploy shows the branch as
// it was with its task's commit. A *turn* is the leave to deploy; turns go in the
// order in which the commits landed.
//
//   1. One at a time: a later state is never overtaken by an earlier one.
//   2. Whoever landed is waited for until it deployed, failed, or left; one that
//      failed stands in line again, behind the others, if it asks again.
//   3. What is *live* is what was deployed last. A commit that this holds already
//      is not deployed: it would take away what came after it.
//
// Pure; 3 is the landing's actor's, which can ask git.

#pragma once

#include "ledger/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Whether deploys have turns.
bool deploys_in_turn(const config& c) noexcept;

class deploy_turns {
public:
  /// It landed, and will ask.
  void expect(std::string_view task);
  void ask(std::string_view task);
  /// Its turn is over, or never comes.
  void over(std::string_view task);
  /// Whose turn begins now.
  std::optional<std::string> next();
  bool has_turn(std::string_view task) const noexcept { return at_work_ == task; }

private:
  struct place {
    std::string task;
    bool asked = false;
  };
  place& place_of(std::string_view task);

  std::vector<place> line_;
  std::string at_work_; ///< Empty: nobody.
};

} // namespace ledger
