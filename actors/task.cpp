#include "actors/task.hpp"

#include "actors/desk.hpp"
#include "actors/judging.hpp"
#include "ledger/drafts.hpp"

#include <algorithm>

namespace actors {

namespace {

using ledger::phase;

class task : public desk {
public:
  task(caf::actor_config& c, const services& s, ledger_writer writer, caf::actor supervisor,
       state_ptr state)
      : desk(c, s, std::move(writer))
      , supervisor_(std::move(supervisor))
      , state_(std::move(state)) {}

  caf::behavior make_behavior() override {
    return {
        [this](begin&) { go_on(); },
        [](continuation& c) { (*c.then)(); },
    };
  }

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
  void perform(ledger::run_deploy&) { order(runner_, work_order::kind::deploy); }

  void perform(ledger::judge_answer&) {
    elsewhere(
        *world().quick, [w = &world(), s = state_] { return judge_filed_answer(*w, *s); },
        [this](ledger::result<ledger::judgement> j) {
          if (j)
            record(ledger::draft_judged(*state_, *j));
          else
            take_fault(j.error());
        });
  }

  void perform(ledger::open_round&) { record(ledger::draft_round_opened(*state_)); }

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

  void ask_supervisor(grant_request::purpose what) {
    ask(this, supervisor_, longest_wait, grant_request{state_, what})
        .then(
            [this](grant& g) {
              role_ = g.role;
              runner_ = g.runner;
              take(std::move(g.result));
            },
            [this](const caf::error& e) {
              take({nullptr, fault_of(system(), e, "the supervisor")});
            });
  }

  /// Orders work of a router. A router that dies leaves its promises open, so
  /// it is watched as long as the order is.
  void order(const worker& whom, work_order::kind what) {
    auto id = ++last_order_;
    open_order_ = id;
    auto once = [this, id](outcome o) {
      if (open_order_ != id)
        return;
      open_order_ = 0;
      take(std::move(o));
    };
    watch(whom, [this, once](const caf::error& e) {
      once({nullptr, fault_of(system(), e, "the router")});
    });
    ask(this, whom, longest_wait, work_order{state_, what})
        .then(once, [this, once](const caf::error& e) {
          once({nullptr, fault_of(system(), e, "the router")});
        });
  }

  void record(ledger::draft d) {
    append(state_->task, state_->seq, {std::move(d)}, [this](outcome o) { take(std::move(o)); });
  }

  // -- what came back ----------------------------------------------------------

  void take(outcome o) {
    state_ = advanced(state_, o);
    if (o.fault)
      take_fault(*o.fault);
    else
      go_on();
  }

  void take_fault(const ledger::failure& f) {
    if (f.kind == ledger::fault::lost) {
      tell(this, supervisor_, ledger_lost{f.detail});
      quit();
    } else if (f.code == "stale") {
      // Somebody else carried this task on: begin again from the records.
      throw std::runtime_error(state_->task + ": " + f.detail);
    } else if (f.code == death_code) {
      // Whoever died may have recorded something before.
      reload([this, f] { record_fault(f); });
    } else {
      record_fault(f);
    }
  }

  void reload(std::function<void()> then) {
    ask(this, writer(), longest_wait, load_request{state_->task})
        .then(
            [this, then](outcome& o) {
              auto fresh = std::make_shared<ledger::task_state>();
              fresh->task = state_->task;
              state_ = advanced(fresh, o);
              then();
            },
            [this](const caf::error& e) {
              tell(this, supervisor_, ledger_lost{words(system(), e)});
              quit();
            });
  }

  /// A fault ends the attempt at hand; a tampered file ends the task.
  void record_fault(const ledger::failure& f) {
    bool judging = state_->ph == phase::answered;
    if (f.code == "tampered" || (judging && f.kind == ledger::fault::corrupt))
      elsewhere(
          *world().quick, [w = &world(), s = state_] { return changed_files(*w, *s); },
          [this, f](const std::vector<std::string>& gone) {
            record(ledger::draft_stopped(*state_, "file-altered", f.detail,
                                         "`scheduler verify " + state_->task + "` names all of it",
                                         gone));
          });
    else if (judging || state_->ph == phase::granted || state_->ph == phase::asked)
      record(ledger::draft_failed(*state_, f));
    else
      record(ledger::draft_restarted(*state_, f.detail));
  }

  caf::actor supervisor_;
  state_ptr state_;
  worker role_, runner_;
  std::uint64_t last_order_ = 0, open_order_ = 0;
};

} // namespace

caf::actor spawn_task(caf::actor_system& system, const services& s, ledger_writer writer,
                      caf::actor supervisor, state_ptr state) {
  caf::actor t{system.spawn<task>(s, std::move(writer), std::move(supervisor), std::move(state))};
  tell_from_outside(t, begin{});
  return t;
}

} // namespace actors
