#include "actors/supervisor.hpp"

#include "actors/granter.hpp"
#include "actors/granting.hpp"
#include "actors/lander.hpp"
#include "actors/ordering.hpp"
#include "actors/task.hpp"
#include "ledger/admission.hpp"
#include "ledger/drafts.hpp"

#include <set>

namespace actors {

namespace {

using ledger::role;
using ledger::step;

/// How often an order is decided anew because the task moved on meanwhile.
constexpr std::uint32_t order_tries = 1'000;

class supervisor : public granter {
public:
  supervisor(caf::actor_config& c, const services& s, ledger_writer writer,
             router_factories routers, std::vector<batch_item> batch,
             std::function<void(batch_report)> when_over)
      : granter(c, s, std::move(writer))
      , factories_(std::move(routers))
      , when_over_(std::move(when_over)) {
    for (auto& item : batch) {
      if (!item.resting)
        queue_.add({item.task, item.front->priority, item.after});
      else
        idle_.insert(item.task);
      items_[item.task] = std::move(item);
    }
  }

  caf::behavior make_behavior() override {
    return {
        [this](begin&) { start(); },
        [this](grant_request& g) -> caf::result<grant> { return grant_step(g); },
        [this](task_ended& e) {
          if (speaks_for(e.state->task))
            end(e.state);
        },
        [this](task_damaged& d) {
          if (speaks_for(d.task))
            drop(d.task, d.why);
        },
        [this](person_said& p) { take_order(p); },
        [this](ledger_lost& l) { lose(l.why); },
        [](continuation& c) { (*c.then)(); },
    };
  }

  void on_exit() override {
    over_ = true;
    for (auto& [who, router] : routers_)
      end_actor(router);
    routers_.clear();
    if (lander_)
      end_actor(lander_);
    lander_ = nullptr;
    running_.clear();
    arriving_.clear();
    forget_promises(); // One refers to its actor, which would never be freed.
  }

private:
  // -- the batch ---------------------------------------------------------------

  void start() {
    watch(writer(),
          [this](const caf::error& e) { lose("the ledger writer ended: " + words(system(), e)); });
    for (auto& [who, factory] : factories_)
      start_router(who);
    if (world().trunk)
      start_lander();
    admit();
  }

  void start_lander() {
    lander_ = spawn_lander(system(), world(), writer());
    watch(lander_, [this](const caf::error&) {
      if (!over_)
        start_lander();
    });
  }

  void start_router(role who) {
    auto name = who == role::scheduler ? std::string{"the runner"} : std::string{to_string(who)};
    routers_[who] = spawn_router(system(), name, factories_.at(who));
    watch(routers_[who], [this, who](const caf::error&) {
      if (!over_)
        start_router(who);
    });
  }

  void admit() {
    while (!over_ && in_flight_.size() < world().config.limits.tasks_in_flight) {
      auto task = queue_.next();
      if (!task)
        break;
      in_flight_.insert(*task);
      seated([this, task = *task](seat s) { take_up(task, std::move(s)); });
    }
    if (!over_ && in_flight_.empty() && !queue_.has_ready() && orders_ == 0) {
      report_.blocked = queue_.blocked();
      report();
    }
  }

  void take_up(const std::string& task, seat s) {
    auto item = items_.find(task);
    if (over_ || item == items_.end())
      return;
    arriving_[task] = std::move(s);
    load(task, [this, item = item->second](state_ptr found) { open(item, std::move(found)); });
  }

  void report() {
    over_ = true;
    when_over_(std::move(report_));
    quit();
  }

  void lose(const std::string& why) {
    if (over_)
      return;
    report_.lost = why;
    report();
  }

  // -- opening -----------------------------------------------------------------

  /// The state of a task as its records give it. Records that no state fits
  /// take the task out of this batch.
  void load(const std::string& task, std::function<void(state_ptr)> then) {
    ask_however_long(this, writer(), load_request{task})
        .then(
            [this, task, then](outcome& o) {
              if (o.fault)
                return drop(task, o.fault->what.detail);
              // Whatever this task makes us throw is this task's.
              contained(
                  [&] {
                    auto s = ledger::fold(task, *o.records);
                    if (!s)
                      return drop(task, s.error().detail);
                    then(std::make_shared<ledger::task_state>(std::move(*s)));
                  },
                  [&](const std::string& thrown) { drop(task, thrown); });
            },
            [this](const caf::error& e) { lose(words(system(), e)); });
  }

  void open(const batch_item& item, state_ptr s) {
    if (s->terminal())
      return end(s);
    if (s->at == step::ingest)
      return ingest(item, s);
    auto d = s->config_digest == world().config_digest
                 ? ledger::draft_resumed(*s)
                 : ledger::draft_reconfigured(*s, world().config_digest);
    begin_with(s, {std::move(d)});
  }

  /// Finds what the task begins on, then opens it.
  void ingest(const batch_item& item, const state_ptr& s) {
    auto before = item.commits_before;
    for (auto& task : item.after)
      if (auto it = commits_.find(task); it != commits_.end() && !it->second.empty())
        before.push_back(it->second);
    if (!world().trunk && before.empty())
      return ingest_on(item, s, {item.base, item.base_tree});
    elsewhere(
        *world().quick,
        [w = &world(), base = ledger::tip_of_branch{item.base, item.base_tree}, before] {
          return base_for(*w, base, before);
        },
        [this, item, s](const attempted<ledger::tip_of_branch>& base) {
          if (base)
            return ingest_on(item, s, *base);
          auto without = item;
          if (without.front_error->empty())
            without.front_error.edit() =
                "what it begins on cannot be told: " + base.error().what.detail
                + "; with [landing] mode = \"branch\" all of them are on one";
          ingest_on(without, s, {item.base, item.base_tree});
        });
  }

  void ingest_on(const batch_item& item, const state_ptr& s, const ledger::tip_of_branch& base) {
    ledger::opening o;
    o.prompt = item.prompt;
    o.repo_id = world().keys->repo_id();
    o.base = base.commit;
    o.base_tree = base.tree;
    o.config_digest = world().config_digest;
    o.priority = item.front->priority;
    o.allow = item.front->allow;
    o.depends_on = item.front->depends_on;
    o.approve = item.front->approve;
    auto opened = ledger::draft_opened(o, item.task);
    opened.round = s->round;
    std::vector<ledger::draft> drafts{std::move(opened)};
    if (!item.front_error->empty()) {
      ledger::task_state at_audit;
      at_audit.task = item.task;
      at_audit.at = step::audit;
      at_audit.round = s->round;
      drafts.push_back(ledger::draft_parked(at_audit, "front-matter", *item.front_error,
                                            "mend that line of the prompt, then `scheduler retry "
                                                + item.task + " --from ingest`"));
    }
    begin_with(s, std::move(drafts));
  }

  /// Records how this run takes the task up, then lets it go.
  void begin_with(const state_ptr& s, std::vector<ledger::draft> drafts) {
    append(s, std::move(drafts), [this, s](const outcome& o) {
      if (o.fault)
        return not_begun(s->task, *o.fault);
      contained([&] { run(advanced(s, o)); },
                [&](const std::string& thrown) { drop(s->task, thrown); });
    });
  }

  void not_begun(const std::string& task, const trouble& t) {
    switch (t.from) {
      case trouble::source::stale: // A call of a TASK that died has recorded its answer.
        return restart(task, t.what.detail);
      case trouble::source::unwritten:
      case trouble::source::disk_full:
      case trouble::source::lost:
        return lose(t.what.detail);
      case trouble::source::ending:
        return;
      case trouble::source::work:
      case trouble::source::died:
      case trouble::source::tampered:
      case trouble::source::damaged:
      case trouble::source::blocked:
        return drop(task, t.what.detail);
    }
  }

  void run(const state_ptr& s) {
    if (s->at_rest())
      return end(s);
    auto seated = arriving_.extract(s->task);
    auto t = spawn_task(system(), world(), writer(), caf::actor{this}, s,
                        seated ? std::move(seated.mapped()) : nullptr);
    watch(t, [this, task = s->task, who = t.address()](const caf::error& e) {
      auto it = running_.find(task);
      if (!e || it == running_.end() || it->second.address() != who)
        return; // It ended, or was ended.
      running_.erase(it);
      restart(task, words(system(), e));
    });
    running_.insert_or_assign(s->task, t);
  }

  /// Whether what is heard now is told by the TASK at work. One that an order
  /// ended may have spoken before.
  bool speaks_for(const std::string& task) {
    auto it = running_.find(task);
    return it != running_.end()
           && current_sender() == caf::actor_cast<caf::strong_actor_ptr>(it->second);
  }

  /// A TASK died. What it leaves on record decides whether it may go on.
  void restart(const std::string& task, const std::string& why) {
    if (lander_) // It comes again, as its records are then.
      tell(this, lander_, land_leave{task});
    auto delay = ledger::backoff_ms(++deaths_[task]);
    later(millis{delay}, [this, task, why] {
      load(task, [this, why](const state_ptr& s) {
        if (s->at_rest())
          return end(s);
        begin_with(s, {ledger::draft_restarted(*s, "the task's actor died: " + why)});
      });
    });
  }

  void end(const state_ptr& s) {
    running_.erase(s->task);
    report_.ended.push_back(s);
    idle_.insert(s->task);
    if (s->is == ledger::status::done || s->is == ledger::status::no_change) {
      commits_[s->task] = s->branch_commit;
      queue_.done(s->task);
    } else {
      auto reason = s->reason.empty() ? std::string{} : " (" + s->reason + ")";
      queue_.ended(s->task, std::string{to_string(s->is)} + reason);
    }
    leave(s->task);
  }

  /// Takes a task out of this batch that its ledger does not let go on.
  void drop(const std::string& task, const std::string& why) {
    running_.erase(task);
    report_.damaged.emplace_back(task, why);
    items_.erase(task); // For this run.
    queue_.ended(task, "damaged");
    leave(task);
  }

  void leave(const std::string& task) {
    arriving_.erase(task);
    make_room(task);
    in_flight_.erase(task);
    admit();
  }

  /// Nobody waits behind it any more, in the landing's line or for its files.
  void make_room(const std::string& task) {
    if (lander_)
      tell(this, lander_, land_leave{task});
    leave_scope(task);
  }

  // -- a person's orders -------------------------------------------------------

  void take_order(const person_said& said) {
    if (over_)
      return; // The answer says so.
    ++orders_;
    try_order(said, order_tries);
  }

  /// Decides on the records as they are, and again if others came in between.
  void try_order(const person_said& said, std::uint32_t tries_left) {
    ask_however_long(this, writer(), load_request{said.order->task})
        .then(
            [this, said, tries_left](outcome& o) {
              auto& task = said.order->task;
              if (o.fault)
                return close_order(said, tl::make_unexpected(std::move(*o.fault)));
              if (o.records->empty())
                return close_order(said, refused("there is no task " + task + " in the ledger; "
                                                 + "`scheduler status` names all of them"));
              auto s = ledger::fold(task, *o.records);
              if (!s)
                return close_order(said, of_work(std::move(s.error())));
              decide_order(said, std::make_shared<ledger::task_state>(std::move(*s)), tries_left);
            },
            [this](const caf::error& e) { lose(words(system(), e)); });
  }

  void decide_order(const person_said& said, const state_ptr& s, std::uint32_t tries_left) {
    elsewhere(
        *world().quick, [w = &world(), s, o = said.order] { return draft_of_order(*w, *s, *o); },
        [this, said, s, tries_left](attempted<ledger::draft> d) {
          if (!d)
            return close_order(said, tl::make_unexpected(std::move(d.error())));
          append(s, {std::move(*d)}, [this, said, s, tries_left](outcome o) {
            if (o.fault && o.fault->from == trouble::source::stale && tries_left > 0)
              return try_order(said, tries_left - 1);
            if (o.fault)
              return close_order(said, tl::make_unexpected(std::move(*o.fault)));
            contained(
                [&] {
                  auto after = advanced(s, o);
                  auto words = ledger::words_of_order(*after, *said.order, follow_order(after));
                  close_order(said, std::move(words));
                },
                [&](const std::string& thrown) {
                  close_order(said, of_work({ledger::fault::corrupt, thrown}));
                });
          });
        });
  }

  void close_order(const person_said& said, told what) {
    bool lost = !what && what.error().from == trouble::source::lost;
    auto why = lost ? what.error().what.detail : std::string{};
    --orders_;
    said.answer->give(std::move(what));
    if (lost)
      lose(why);
    else
      admit();
  }

  static told refused(std::string why) { return of_work({ledger::fault::refused, std::move(why)}); }

  /// What an order that is on record changes in this run.
  ledger::taken_up follow_order(const state_ptr& s) {
    using ledger::taken_up;
    auto item = items_.find(s->task);
    if (item == items_.end())
      return taken_up::by_next_run;
    if (auto it = running_.find(s->task); it != running_.end()) {
      end_actor(it->second); // What it knows is outdated; so is the work it ordered.
      running_.erase(it);
      report_.left_at_work = true;
      if (world().end_work)
        world().end_work(s->task);
      make_room(s->task); // It comes again, as its records are then.
      contained([&] { s->at_rest() ? end(s) : open(item->second, s); },
                [&](const std::string& thrown) { drop(s->task, thrown); });
    } else if (idle_.erase(s->task) != 0) {
      std::erase_if(report_.ended, [&](auto& e) { return e->task == s->task; });
      if (s->at_rest()) {
        report_.ended.push_back(s);
        idle_.insert(s->task);
      } else {
        queue_.add({s->task, s->priority, {}});
      }
    } // Else it waits for its turn, or is being taken up: its records are read then.
    return taken_up::by_this_run;
  }

  // -- granting ----------------------------------------------------------------

  bool is_at_work(const std::string& task) const override { return running_.count(task) != 0; }

  grant handles_for(step at) const override {
    return {{}, router_of(ledger::row_of(at).by), router_of(role::scheduler), lander_};
  }

  /// Null for steps without an AI, and after the end.
  worker router_of(role who) const {
    auto it = routers_.find(who);
    return it == routers_.end() ? worker{} : it->second;
  }

  router_factories factories_;
  std::function<void(batch_report)> when_over_;
  std::map<std::string, batch_item> items_;
  ledger::admission queue_;
  std::map<std::string, std::string> commits_; ///< Of tasks that are done.
  std::set<std::string> in_flight_;            ///< Admitted, and not ended.
  std::map<std::string, seat> arriving_;       ///< Of those that have no TASK yet.
  std::set<std::string> idle_;                 ///< Of items_: ended, or waiting for a person.
  std::uint32_t orders_ = 0;                   ///< Under way.
  bool over_ = false;
  batch_report report_;
  std::map<role, worker> routers_;
  caf::actor lander_;                         ///< Null without a landing branch.
  std::map<std::string, caf::actor> running_; ///< The TASK of each that has one.
  std::map<std::string, std::uint32_t> deaths_;
};

} // namespace

caf::actor spawn_supervisor(caf::actor_system& system, const services& s, ledger_writer writer,
                            router_factories routers, std::vector<batch_item> batch,
                            std::function<void(batch_report)> when_over) {
  return caf::actor{system.spawn<supervisor>(s, std::move(writer), std::move(routers),
                                             std::move(batch), std::move(when_over))};
}

} // namespace actors
