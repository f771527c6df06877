#include "actors/granter.hpp"

#include "actors/granting.hpp"

#include <utility>
#include <vector>

namespace actors {

using ledger::step;

caf::result<grant> granter::grant_step(const grant_request& g) {
  held_back h{g, make_response_promise<grant>()};
  auto promise = h.promise;
  auto& s = *g.state;
  bool writes = s.at == step::implement || (s.at == step::test && s.fixing);
  // Without a landing branch nothing of a scope is left to wait for behind step 5.
  if (!writes && !world().trunk && s.at > step::test)
    leave_scope(s.task);
  h.waits = writes && g.what == grant_request::purpose::step;
  bool needs = writes || (world().trunk && s.at > step::implement);
  if (!needs || scopes_.holds(s.task) || g.what != grant_request::purpose::step)
    give_grant(h);
  else
    enter_scope(h);
  return promise;
}

/// Who writes code waits until nobody else may change the same files; whoever
/// has written it already only says so.
void granter::enter_scope(const held_back& h) {
  elsewhere(
      *world().quick, [w = &world(), s = h.asked.state] { return scope_of(*w, *s); },
      [this, h](const attempted<std::vector<std::string>>& paths) {
        auto& s = *h.asked.state;
        if (!is_at_work(s.task)) // Ended meanwhile: it would keep them for ever.
          return;
        if (!paths) // The gate will see what is wrong with them.
          return give_grant(h);
        if (!h.waits)
          scopes_.hold(s.task, *paths);
        else if (!scopes_.enter(s.task, *paths, s.priority))
          return hold_back(h);
        give_grant(h);
      });
}

void granter::hold_back(const held_back& h) {
  auto& task = h.asked.state->task;
  held_back_[task] = h;
  held_back_[task].asked.worked_on.reset();
  std::string names;
  for (auto& name : scopes_.waited_for(task))
    names += (names.empty() ? "" : ", ") + name;
  if (world().on_notice)
    world().on_notice(task + " waits for " + names + ": they may change the same files");
}

void granter::leave_scope(const std::string& task) {
  held_back_.erase(task);
  for (auto& next : scopes_.leave(task))
    if (auto it = held_back_.find(next); it != held_back_.end()) {
      auto h = std::move(it->second);
      held_back_.erase(it);
      give_grant(h);
    }
}

void granter::give_grant(const held_back& h) {
  auto before = h.waits ? scopes_.waited_for(h.asked.state->task) : std::vector<std::string>{};
  elsewhere(
      *world().quick,
      [w = &world(), g = h.asked, before] { return drafts_of_grant(*w, g, before); },
      [this, promise = h.promise, s = h.asked.state,
       worked_on = h.asked.worked_on](attempted<std::vector<ledger::draft>> d) mutable {
        if (!d) {
          promise.deliver(grant{{nullptr, d.error()}, {}, {}, {}});
          return;
        }
        append(s, std::move(*d), [this, promise, at = s->at, worked_on](outcome o) mutable {
          auto g = handles_for(at);
          g.result = std::move(o);
          g.result.worked_on = std::move(worked_on);
          promise.deliver(std::move(g));
        });
      });
}

} // namespace actors
