#include "actors/supervisor.hpp"

#include "actors/desk.hpp"
#include "actors/granting.hpp"
#include "actors/lander.hpp"
#include "actors/task.hpp"
#include "ledger/drafts.hpp"

#include <algorithm>
#include <deque>
#include <set>

namespace actors {

namespace {

using ledger::role;
using ledger::step;

class supervisor : public desk {
public:
  supervisor(caf::actor_config& c, const services& s, ledger_writer writer,
             router_factories routers, std::vector<batch_item> batch,
             std::function<void(batch_report)> when_over)
      : desk(c, s, std::move(writer))
      , factories_(std::move(routers))
      , when_over_(std::move(when_over)) {
    std::stable_sort(batch.begin(), batch.end(), [](auto& a, auto& b) {
      return a.front.priority != b.front.priority ? a.front.priority > b.front.priority
                                                  : a.task < b.task;
    });
    queue_.assign(batch.begin(), batch.end());
  }

  caf::behavior make_behavior() override {
    return {
        [this](begin&) { start(); },
        [this](grant_request& g) -> caf::result<grant> { return grant_step(g); },
        [this](task_ended& e) { end(e.state); },
        [this](task_damaged& d) { drop(d.task, d.why); },
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
    while (!over_ && in_flight_ < world().config.limits.tasks_in_flight && !queue_.empty()) {
      auto item = std::move(queue_.front());
      queue_.pop_front();
      ++in_flight_;
      load(item.task, [this, item](state_ptr s) { open(item, std::move(s)); });
    }
    if (!over_ && in_flight_ == 0 && queue_.empty())
      report();
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
    ask(this, writer(), longest_wait, load_request{task})
        .then(
            [this, task, then](outcome& o) {
              // Whatever this task makes us throw is this task's.
              contained(
                  [&] {
                    auto s = ledger::fold(task, *o.records);
                    if (!s)
                      return drop(task, s.error().detail);
                    then(std::make_shared<const ledger::task_state>(std::move(*s)));
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

  void ingest(const batch_item& item, const state_ptr& s) {
    ledger::opening o;
    o.prompt = item.prompt;
    o.repo_id = world().keys->repo_id();
    o.base = item.base;
    o.base_tree = item.base_tree;
    o.config_digest = world().config_digest;
    o.priority = item.front.priority;
    o.allow = item.front.allow;
    auto opened = ledger::draft_opened(o, item.task);
    opened.round = s->round;
    std::vector<ledger::draft> drafts{std::move(opened)};
    if (!item.front_error.empty()) {
      ledger::task_state at_audit;
      at_audit.task = item.task;
      at_audit.at = step::audit;
      at_audit.round = s->round;
      drafts.push_back(ledger::draft_parked(at_audit, "front-matter", item.front_error,
                                            "mend that line of the prompt, then `scheduler retry "
                                                + item.task + " --from ingest`"));
    }
    begin_with(s, std::move(drafts));
  }

  /// Records how this run takes the task up, then lets it go.
  void begin_with(const state_ptr& s, std::vector<ledger::draft> drafts) {
    append(s->task, s->seq, std::move(drafts), [this, s](const outcome& o) {
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
    if (s->terminal())
      return end(s);
    auto t = spawn_task(system(), world(), writer(), caf::actor{this}, s);
    watch(t, [this, task = s->task](const caf::error& e) {
      if (e && running_.erase(task) != 0)
        restart(task, words(system(), e));
    });
    running_.insert(s->task);
  }

  /// A TASK died. What it leaves on record decides whether it may go on.
  void restart(const std::string& task, const std::string& why) {
    if (lander_) // It comes again, as its records are then.
      tell(this, lander_, land_leave{task});
    auto delay = ledger::backoff_ms(++deaths_[task]);
    later(millis{delay}, [this, task, why] {
      load(task, [this, why](const state_ptr& s) {
        if (s->terminal())
          return end(s);
        begin_with(s, {ledger::draft_restarted(*s, "the task's actor died: " + why)});
      });
    });
  }

  void end(const state_ptr& s) {
    running_.erase(s->task);
    report_.ended.push_back(s);
    leave(s->task);
  }

  /// Takes a task out of this batch that its ledger does not let go on.
  void drop(const std::string& task, const std::string& why) {
    running_.erase(task);
    report_.damaged.emplace_back(task, why);
    leave(task);
  }

  void leave(const std::string& task) {
    if (lander_)
      tell(this, lander_, land_leave{task});
    --in_flight_;
    admit();
  }

  // -- granting ----------------------------------------------------------------

  caf::result<grant> grant_step(const grant_request& g) {
    auto promise = make_response_promise<grant>();
    elsewhere(
        *world().quick, [w = &world(), g] { return draft_of_grant(*w, g); },
        [this, promise, s = g.state](attempted<ledger::draft> d) mutable {
          if (!d) {
            promise.deliver(grant{{nullptr, d.error()}, {}, {}, {}});
            return;
          }
          append(s->task, s->seq, {std::move(*d)}, [this, promise, s](outcome o) mutable {
            promise.deliver(grant{std::move(o), router_of(ledger::row_of(s->at).by),
                                  router_of(role::scheduler), lander_});
          });
        });
    return promise;
  }

  /// Null for steps without an AI, and after the end.
  worker router_of(role who) const {
    auto it = routers_.find(who);
    return it == routers_.end() ? worker{} : it->second;
  }

  router_factories factories_;
  std::function<void(batch_report)> when_over_;
  std::deque<batch_item> queue_;
  std::size_t in_flight_ = 0;
  bool over_ = false;
  batch_report report_;
  std::map<role, worker> routers_;
  caf::actor lander_; ///< Null without a landing branch.
  std::set<std::string> running_;
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
