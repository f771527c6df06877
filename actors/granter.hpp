// granter.hpp -- the SUPERVISOR's desk for grants.
//
// Reads what lies on disk, asks the gate, records the grant or what follows from
// a closed gate (granting.hpp); before that, whoever writes code waits until its
// scope is free (scope_table.hpp).
//
//   1. A task that waits for its scope is answered when it is free, or never, if
//      the task leaves.
//   2. With a landing branch a scope is held until its task has left: the next
//      one begins on what it landed. Without, only while code is written.
//
// Private to supervisor.cpp.

#pragma once

#include "actors/desk.hpp"
#include "ledger/scope_table.hpp"

#include <map>
#include <string>

namespace actors {

class granter : public desk {
public:
  using desk::desk;

protected:
  caf::result<grant> grant_step(const grant_request& g);
  /// The task is not at work any more.
  void leave_scope(const std::string& task);
  void forget_promises() { held_back_.clear(); }

  virtual bool is_at_work(const std::string& task) const = 0;
  /// Whom a task that has a grant for this step may order.
  virtual grant handles_for(ledger::step at) const = 0;

private:
  struct held_back {
    grant_request asked;
    caf::typed_response_promise<grant> promise;
    bool waits = false; ///< It is about to write code.
  };
  void enter_scope(const held_back& h);
  void hold_back(const held_back& h);
  void give_grant(const held_back& h);

  ledger::scope_table scopes_;
  std::map<std::string, held_back> held_back_; ///< Until their scope is free.
};

} // namespace actors
