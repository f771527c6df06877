#include "actors/lander.hpp"

#include "actors/candidate.hpp"
#include "actors/desk.hpp"
#include "ledger/deploy_turns.hpp"
#include "ledger/landing_line.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace actors {

namespace {

using ledger::landing_line;

class lander : public desk {
public:
  lander(caf::actor_config& c, const services& s, ledger_writer writer)
      : desk(c, s, std::move(writer))
      , line_(s.config.landing.review, s.config.landing.train)
      , live_(s.live) {}

  caf::behavior make_behavior() override {
    return {
        [this](land_request& r) -> caf::result<land_reply> { return arrive(r.state); },
        [this](deploy_turn_request& r) -> caf::result<deploy_turn> { return ask_turn(r.state); },
        [this](land_note& n) {
          line_.note(*n.state);
          note_turn(*n.state);
          go_on();
        },
        [this](land_leave& l) {
          waiting_.erase(l.task);
          aimed_.erase(l.task);
          line_.leave(l.task);
          end_turn(l.task);
          go_on();
        },
        [](continuation& c) { (*c.then)(); },
    };
  }

  /// A promise refers to its actor, which would never be freed.
  void on_exit() override {
    waiting_.clear();
    turn_of_.clear();
  }

private:
  struct waiter {
    state_ptr state;
    caf::typed_response_promise<land_reply> promise;
  };

  caf::result<land_reply> arrive(const state_ptr& s) {
    auto promise = make_response_promise<land_reply>();
    waiting_[s->task] = {s, promise};
    bool told_now = aimed_.erase(s->task) != 0;
    if (s->out->landing_to.empty() || told_now) {
      line_.arrive(*s);
      go_on();
      return promise;
    }
    // A run that died may have moved the branch before the receipt was written.
    elsewhere(
        *world().quick,
        [t = world().trunk, s] { return t->holds(s->out->commit, s->out->landing_from); },
        [this, s](const attempted<bool>& held) {
          if (!held)
            return fail(s->task, held.error());
          if (*held)
            return tell_landed(s->task, true);
          if (auto w = waiting_.find(s->task); w != waiting_.end())
            line_.arrive(*w->second.state); // It may have come again meanwhile.
          go_on();
        });
    return promise;
  }

  void go_on() {
    while (true) {
      auto next = line_.next();
      if (std::holds_alternative<landing_line::nothing>(next))
        return;
      std::visit([this](auto& what) { perform(what); }, next);
    }
  }

  // -- one function an order ---------------------------------------------------

  void perform(landing_line::nothing&) {}

  void perform(landing_line::look_at_tip&) {
    elsewhere(
        *world().quick, [t = world().trunk] { return t->tip(); },
        [this](attempted<ledger::tip_of_branch> tip) {
          if (!tip)
            return fail_all(tip.error());
          line_.tip_is(std::move(*tip));
          go_on();
        });
  }

  void perform(landing_line::combine& c) {
    auto known = waiting_.find(c.task);
    if (known == waiting_.end())
      return line_.combined(c, {});
    elsewhere(
        *world().quick,
        [w = &world(), c, s = known->second.state]() -> ledger::result<providers::merged_trees> {
          if (auto ok = ensure_candidate(*w, *s); !ok)
            return tl::make_unexpected(ok.error());
          return w->trunk->combine(c.base_tree, c.onto_tree, c.tree);
        },
        [this, c](const attempted<providers::merged_trees>& m) {
          if (!m) {
            line_.combined(c, {});
            return fail(c.task, m.error());
          }
          landing_line::combination came_of_it;
          if (m->clashes.empty())
            came_of_it.tree = m->tree;
          came_of_it.untouched = m->same_patch;
          line_.combined(c, came_of_it);
          go_on();
        });
  }

  void perform(landing_line::check& c) {
    elsewhere(
        *world().jobs,
        [checks = world().checks, base = line_.tip().commit, tree = c.tree] {
          return checks->run(base, tree);
        },
        [this, c](const attempted<ledger::checks_outcome>& ran) {
          if (!ran)
            return fail_all(ran.error());
          tell_checked(c, ran->ok);
          line_.checked(c.tree, ran->ok);
          logs_[c.tree] = ran->run_log;
          go_on();
        });
  }

  void perform(landing_line::place& p) {
    auto b = std::make_shared<berth>(berth{std::move(p.where), std::move(p.above), {}});
    if (auto log = logs_.find(b->where.tested_tree); log != logs_.end())
      b->where.run_log = log->second;
    for (auto& [task, w] : waiting_)
      if (w.state->tree == b->where.tested_tree)
        b->witness = w.state;
    land_reply r;
    r.what = land_reply::word::place;
    r.where = std::move(b);
    reply(p.task, std::move(r));
  }

  void perform(landing_line::aim& a) {
    for (auto& task : a.tasks) {
      land_reply r;
      r.what = land_reply::word::aim;
      r.move = {ledger::landing_ref(world().config), world().config.landing.push, a.from, a.to};
      aimed_.insert(task);
      reply(task, std::move(r));
    }
  }

  void perform(landing_line::move& m) {
    elsewhere(
        *world().quick, [t = world().trunk, m] { return t->advance(m.from, m.to); },
        [this, m](const attempted<void>& moved) {
          if (!moved)
            return not_moved(moved.error());
          line_.moved(m);
          std::erase_if(logs_, [this](auto& log) { return !line_.knows(log.first); });
          for (auto& task : m.tasks)
            tell_landed(task, false);
          go_on();
        });
  }

  // -- turns to deploy ---------------------------------------------------------

  caf::result<deploy_turn> ask_turn(const state_ptr& s) {
    auto promise = make_response_promise<deploy_turn>();
    turn_of_[s->task] = {s, promise};
    turns_.ask(s->task);
    begin_turn();
    return promise;
  }

  void begin_turn() {
    auto task = turns_.next();
    if (!task)
      return;
    auto known = turn_of_.find(*task);
    if (known == turn_of_.end())
      return end_turn(*task);
    auto s = known->second.state;
    if (!live_)
      return give_turn(s->task, {});
    elsewhere(
        *world().quick,
        [t = world().trunk, s, live = live_->commit] { return t->is_before(s->out->commit, live); },
        [this, s, live = *live_](const attempted<bool>& before) {
          deploy_turn turn;
          if (!before)
            turn.fault = before.error();
          else if (*before)
            turn.live = live.by;
          give_turn(s->task, std::move(turn));
        });
  }

  void give_turn(const std::string& task, deploy_turn turn) {
    auto known = turn_of_.find(task);
    if (known == turn_of_.end() || !turns_.has_turn(task)) // It left, or came again.
      return;
    known->second.promise.deliver(std::move(turn));
    turn_of_.erase(known);
  }

  /// Whatever it recorded after its turn had begun came of that.
  void note_turn(const ledger::task_state& s) {
    if (!turns_.has_turn(s.task) || turn_of_.count(s.task) != 0)
      return;
    if (auto live = ledger::live_with(s))
      live_ = std::move(live);
    end_turn(s.task);
  }

  void end_turn(const std::string& task) {
    turn_of_.erase(task);
    turns_.over(task);
    begin_turn();
  }

  // -- what came of it ---------------------------------------------------------

  void not_moved(const trouble& t) {
    if (t.what.code != providers::trunk_moved_code)
      return fail_all(t);
    notice("landing: " + t.what.detail + "; what waits is combined anew");
    line_.lost_tip();
    go_on();
  }

  void tell_checked(const landing_line::check& c, bool green) {
    if (c.tasks.size() == 1)
      return notice("landing: the checks are " + std::string{green ? "green" : "red"} + " on "
                    + c.tasks.front() + " as it would land");
    notice("landing: one run of the checks for " + std::to_string(c.tasks.size()) + " tasks, "
           + c.tasks.front() + " to " + c.tasks.back() + ": " + (green ? "green" : "red"));
  }

  void tell_landed(const std::string& task, bool adopted) {
    // Who left while the branch moved does not ask, and nobody may wait for it.
    if (waiting_.count(task) != 0 && ledger::deploys_in_turn(world().config))
      turns_.expect(task);
    land_reply r;
    r.what = land_reply::word::landed;
    r.receipt.adopted = adopted;
    r.receipt.pushed = !world().config.landing.push.empty();
    reply(task, std::move(r));
  }

  void fail(const std::string& task, const trouble& t) {
    land_reply r;
    r.fault = t;
    r.fault->what.detail = world().secrets.redact(r.fault->what.detail);
    line_.leave(task);
    reply(task, std::move(r));
    go_on();
  }

  void fail_all(const trouble& t) {
    auto tasks = line_.waiting();
    line_.lost_tip();
    for (auto& task : tasks)
      line_.leave(task);
    for (auto& task : tasks)
      fail(task, t);
  }

  void reply(const std::string& task, land_reply r) {
    auto known = waiting_.find(task);
    if (known == waiting_.end())
      return;
    known->second.promise.deliver(std::move(r));
    waiting_.erase(known);
  }

  void notice(const std::string& sentence) {
    if (world().on_notice)
      world().on_notice(sentence);
  }

  struct turn_taker {
    state_ptr state;
    caf::typed_response_promise<deploy_turn> promise;
  };

  landing_line line_;
  ledger::deploy_turns turns_;
  std::map<std::string, turn_taker> turn_of_; ///< Who asked and was not answered.
  std::optional<ledger::live_deploy> live_;
  std::map<std::string, waiter> waiting_;
  std::set<std::string> aimed_; ///< Told so, and not come again yet.
  std::map<std::string, ledger::text_ptr> logs_;
};

} // namespace

caf::actor spawn_lander(caf::actor_system& system, const services& s, ledger_writer writer) {
  return caf::actor{system.spawn<lander>(s, std::move(writer))};
}

} // namespace actors
