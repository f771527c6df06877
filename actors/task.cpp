#include "actors/task.hpp"

#include "actors/desk.hpp"
#include "actors/judging.hpp"
#include "ledger/deploy_turns.hpp"
#include "ledger/drafts.hpp"

#include <algorithm>

namespace actors {

namespace {

using ledger::phase;

class task : public desk {
public:
  task(caf::actor_config& c, const services& s, ledger_writer writer, caf::actor supervisor,
       state_ptr state, seat worked_on)
      : desk(c, s, std::move(writer))
      , supervisor_(std::move(supervisor))
      , name_(state->task)
      , state_(std::move(state))
      , seat_(std::move(worked_on)) {}

  caf::behavior make_behavior() override {
    return {
        [this](begin&) { go_on(); },
        [](continuation& c) { (*c.then)(); },
    };
  }

  void on_exit() override { seat_.reset(); }

private:
  void go_on() {
    auto next = ledger::decide(*state_, world().config, world().now_ms());
    std::visit([this](auto& what) { perform(what); }, next);
  }

  // -- one function an action --------------------------------------------------

  void perform(ledger::rest&) {
    tell(this, supervisor_, task_ended{state_});
    quit();
  }

  void perform(ledger::wait_until& w) {
    seat_.reset();
    auto delay = std::max<std::int64_t>(w.at_ms - world().now_ms(), 1);
    later(millis{delay}, [this] { go_on(); });
  }

  void perform(ledger::ask_for_grant&) { ask_supervisor(grant_request::purpose::step); }
  void perform(ledger::write_intent&) { ask_supervisor(grant_request::purpose::commit_intent); }
  void perform(ledger::write_deploy_intent&) {
    ask_supervisor(grant_request::purpose::deploy_intent);
  }

  void perform(ledger::ask_role&) { order(role_, work_order::kind::answer); }
  void perform(ledger::run_checks&) { order(runner_, work_order::kind::check); }
  void perform(ledger::make_commit&) { order(runner_, work_order::kind::commit); }
  void perform(ledger::run_build&) { order(runner_, work_order::kind::build); }

  void perform(ledger::write_request_intent&) {
    ask_supervisor(grant_request::purpose::request_intent);
  }
  void perform(ledger::open_request&) { order(runner_, work_order::kind::request); }

  void perform(ledger::run_deploy&) {
    if (!lander_ || !ledger::deploys_in_turn(world().config))
      return order(runner_, work_order::kind::deploy);
    ask_lander<deploy_turn>(deploy_turn_request{state_}, [this](const deploy_turn& turn) {
      if (turn.fault)
        return take_fault(*turn.fault);
      if (turn.live)
        return record(ledger::draft_deployed(*state_, *turn.live));
      order(runner_, work_order::kind::deploy);
    });
  }

  void perform(ledger::take_up_landed&) {
    ledger::placement p;
    p.how = ledger::placing::landed;
    p.branch = ledger::landing_ref(world().config);
    p.onto = state_->base;
    p.onto_tree = state_->base_tree;
    p.tree = state_->tree;
    record(ledger::draft_placed(*state_, p));
  }

  void perform(ledger::stand_in_line&) {
    ask_lander<land_reply>(land_request{state_}, [this](const land_reply& r) { take_place(r); });
  }

  void perform(ledger::judge_answer&) {
    elsewhere(
        *world().quick, [w = &world(), s = state_] { return judge_filed_answer(*w, *s); },
        [this](attempted<ledger::judgement> j) {
          if (j)
            record(ledger::draft_judged(*state_, *j));
          else
            take_fault(j.error());
        });
  }

  void perform(ledger::open_round&) { record(ledger::draft_round_opened(*state_)); }

  void perform(ledger::fall_back& f) { record(ledger::draft_fell_back(*state_, f.from, f.to)); }

  void perform(ledger::finish& f) {
    record(ledger::draft_finished(*state_, f.as, world().config, world().now_ms()));
  }

  void perform(ledger::stop& e) {
    record(ledger::draft_stopped(*state_, e.reason, e.why, e.remedy));
  }

  void perform(ledger::park& e) {
    record(ledger::draft_parked(*state_, e.reason, e.why, e.remedy));
  }

  // -- asking others -----------------------------------------------------------

  void ask_supervisor(grant_request::purpose what, ledger::landing_move move = {}) {
    ask_however_long(this, supervisor_,
                     grant_request{state_, what, std::move(move), std::move(seat_)})
        .then(
            [this](grant& g) {
              role_ = g.role;
              runner_ = g.runner;
              lander_ = g.lander;
              take(std::move(g.result));
            },
            [this](const caf::error& e) {
              take({nullptr, fault_of(system(), e, "the supervisor")});
            });
  }

  /// Only the first answer to the order at hand is taken: whoever has it is watched
  /// as well, because one that dies leaves its promises open.
  std::uint64_t new_order() { return open_order_ = ++last_order_; }
  bool is_first_answer(std::uint64_t order) {
    if (open_order_ != order)
      return false;
    open_order_ = 0;
    return true;
  }

  /// Orders work of a router. The state goes with the order, and comes back.
  void order(const worker& whom, work_order::kind what, std::shared_ptr<const berth> where = {}) {
    auto seated = std::move(seat_); // Others than an AI's call wait for processes.
    if (what != work_order::kind::answer)
      seated.reset();
    auto id = new_order();
    auto lost = [this, id](const caf::error& e) {
      if (is_first_answer(id))
        take({nullptr, fault_of(system(), e, "the router")});
    };
    watch(whom, lost);
    ask_however_long(this, whom,
                     work_order{std::move(state_), what, std::move(where), std::move(seated)})
        .then(
            [this, id](outcome& o) {
              if (is_first_answer(id))
                take(std::move(o));
            },
            lost);
  }

  /// Asks the LANDER; who dies leaves its promises open.
  template <class Reply, class Request>
  void ask_lander(Request what, std::function<void(const Reply&)> then) {
    seat_.reset();
    auto id = new_order();
    auto lost = [this, id, then](const caf::error& e) {
      Reply r;
      r.fault = fault_of(system(), e, "the lander");
      if (is_first_answer(id))
        then(r);
    };
    watch(lander_, lost);
    ask_however_long(this, lander_, std::move(what))
        .then(
            [this, id, then](const Reply& r) {
              if (is_first_answer(id))
                then(r);
            },
            lost);
  }

  void take_place(const land_reply& r) {
    if (r.fault)
      return take_fault(*r.fault);
    switch (r.what) {
      case land_reply::word::place:
        return order(runner_, work_order::kind::place, r.where);
      case land_reply::word::aim:
        return ask_supervisor(grant_request::purpose::landing_intent, r.move);
      case land_reply::word::landed:
        return record(ledger::draft_landed(*state_, r.receipt));
    }
  }

  void record(ledger::draft d) {
    append(state_, {std::move(d)}, [this](outcome o) { take(std::move(o)); });
  }

  // -- what came back ----------------------------------------------------------

  void take(outcome o) {
    if (o.worked_on)
      seat_ = std::move(o.worked_on);
    if (o.state)
      state_ = std::move(o.state);
    else if (state_)
      state_ = advanced(std::move(state_), o);
    if (!state_) // It went with an order to somebody who died.
      return take_fault(o.fault.value());
    // Whether it stands in the line, only the LANDER knows.
    if (lander_ && state_->at >= ledger::step::test)
      tell(this, lander_, land_note{state_});
    if (o.fault)
      take_fault(*o.fault);
    else
      go_on();
  }

  void take_fault(const trouble& t) {
    switch (t.from) {
      case trouble::source::work:
        return record_fault(t.what);
      case trouble::source::died:
        // Whoever died may have recorded something before.
        return reload([this, t] { record_death(t.what); });
      case trouble::source::stale:
        // Somebody else carried this task on: begin again from the records.
        throw std::runtime_error(name_ + ": " + t.what.detail);
      case trouble::source::tampered:
        return ends_here_ ? leave_damaged(t.what) : stop_as_altered(t.what);
      case trouble::source::damaged:
        return leave_damaged(t.what);
      case trouble::source::blocked:
        return ends_here_ ? leave_damaged(t.what) : park_unwritten(t.what);
      case trouble::source::unwritten:
      case trouble::source::disk_full:
        return ends_here_ ? lose(t.what.detail) : park_unwritten(t.what);
      case trouble::source::lost:
        return lose(t.what.detail);
      case trouble::source::ending:
        return;
    }
  }

  void lose(const std::string& why) {
    tell(this, supervisor_, ledger_lost{why});
    quit();
  }

  void leave_damaged(const ledger::failure& f) {
    tell(this, supervisor_, task_damaged{name_, f.detail});
    quit();
  }

  void reload(std::function<void()> then) {
    ask_however_long(this, writer(), load_request{name_})
        .then(
            [this, then](outcome& o) {
              if (o.fault)
                return leave_damaged(o.fault->what);
              auto fresh = std::make_shared<ledger::task_state>();
              fresh->task = name_;
              state_ = advanced(fresh, o);
              then();
            },
            [this](const caf::error& e) { lose(words(system(), e)); });
  }

  // -- what is recorded of it --------------------------------------------------

  /// A fault ends the attempt at hand; an altered file ends the task.
  void record_fault(const ledger::failure& f) {
    bool judging = state_->ph == phase::answered;
    if (judging && f.kind == ledger::fault::corrupt)
      stop_as_altered(f);
    else if (judging || state_->ph == phase::granted || state_->ph == phase::asked
             || (state_->ph == phase::ready && f.kind == ledger::fault::unavailable))
      record(ledger::draft_failed(*state_, f));
    else
      record(ledger::draft_restarted(*state_, f.detail));
  }

  void record_death(const ledger::failure& f) {
    if (state_->at_rest()) // Whoever died had ended the task before.
      go_on();
    else if (state_->ph == phase::refused)
      record(ledger::draft_restarted(*state_, f.detail));
    else
      record(ledger::draft_died(*state_, f.detail));
  }

  void stop_as_altered(const ledger::failure& f) {
    elsewhere(
        *world().quick,
        [w = &world(), s = state_] {
          return ledger::result<std::vector<std::string>>{changed_files(*w, *s)};
        },
        [this, f](const attempted<std::vector<std::string>>& gone) {
          if (!gone)
            return take_fault(gone.error());
          end_with(ledger::draft_stopped(*state_, "file-altered", f.detail,
                                         "`scheduler verify " + name_ + "` names all of it",
                                         *gone));
        });
  }

  /// The files of one record cannot be put; a record without any may.
  void park_unwritten(const ledger::failure& f) {
    end_with(
        ledger::draft_parked(*state_, "ledger-unwritable", f.detail,
                             "mend what stands in the way, then `scheduler retry " + name_ + "`"));
  }

  /// Records the end that a failed append makes necessary.
  void end_with(ledger::draft d) {
    ends_here_ = true;
    record(std::move(d));
  }

  caf::actor supervisor_;
  std::string name_;
  state_ptr state_; ///< Null while an order has it.
  seat seat_;       ///< While it is worked on here.
  worker role_, runner_;
  caf::actor lander_; ///< Null without a landing branch.
  std::uint64_t last_order_ = 0, open_order_ = 0;
  bool ends_here_ = false; ///< See invariant 1.
};

} // namespace

caf::actor spawn_task(caf::actor_system& system, const services& s, ledger_writer writer,
                      caf::actor supervisor, state_ptr state, seat worked_on) {
  caf::actor t{system.spawn<task>(s, std::move(writer), std::move(supervisor), std::move(state),
                                  std::move(worked_on))};
  tell_from_outside(t, begin{});
  return t;
}

} // namespace actors
