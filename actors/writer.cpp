#include "actors/writer.hpp"

#include "ledger/disk/files.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace actors {

namespace {

/// The one place where the journal's words become ours.
trouble trouble_of(const ledger::failure& f) {
  using enum trouble::source;
  if (f.kind == ledger::fault::lost)
    return {lost, f};
  if (f.kind == ledger::fault::unavailable)
    return {f.code == ledger::disk::disk_full_code ? disk_full : unwritten, f};
  if (f.code == "stale")
    return {stale, f};
  if (f.code == "tampered")
    return {tampered, f};
  return {f.code == "damaged" ? damaged : blocked, f};
}

/// Of a task that is known, and so has records.
trouble unreadable(const std::string& task) {
  return {trouble::source::damaged,
          {ledger::fault::unavailable,
           task + ": its records cannot be read; `scheduler verify " + task + "` says why"}};
}

/// Most appends that one group takes: bounds the time that anyone waits.
constexpr std::size_t max_group = 1024;

/// If the last group had many appends, the next one is gathered for as long as the disk
/// took to make that durable: so no disk is waited for more than twice as long as it
/// must be, and where a sync is cheap all work on meanwhile. Whoever waits alone shall
/// not wait for others.
constexpr std::chrono::microseconds longest_gather{10'000};
constexpr std::size_t many_appends = 4;

/// How often a folder that cannot follow is looked at again, and after how many
/// times that is a failure. A full disk is waited for.
constexpr millis late_pause{500};
constexpr std::uint32_t late_tries = 20;

class writer_actor : public ledger_writer::base {
public:
  writer_actor(caf::actor_config& c, ledger::disk::journal& j, const services& s, bool gathers)
      : ledger_writer::base(c)
      , journal_(j)
      , services_(s)
      , gathers_(gathers) {
    set_exception_handler([](std::exception_ptr& thrown) { return error_of(thrown); });
  }

  behavior_type make_behavior() override {
    return {
        [this](append_request& a) -> caf::result<outcome> {
          auto promise = make_response_promise<outcome>();
          waiting_.push_back(std::move(a.what));
          promises_.push_back(promise);
          if (waiting_.size() == 1)
            flush_soon();
          return promise;
        },
        [this](load_request& l) -> caf::result<outcome> {
          auto* found = journal_.records_of(l.task);
          if (found && found->empty())
            return outcome{nullptr, unreadable(l.task)};
          return outcome{found ? std::make_shared<const std::vector<ledger::record>>(*found)
                               : std::make_shared<const std::vector<ledger::record>>(),
                         std::nullopt};
        },
        [this](close_request&) -> caf::result<outcome> {
          write_group();
          outcome o;
          bool open = pass([&] {
            if (auto ok = journal_.close(); !ok)
              o.fault = trouble_of(ok.error());
          });
          if (!open)
            o.fault = trouble{trouble::source::ending,
                              {ledger::fault::unavailable, "close the ledger: the run is ending"}};
          return o;
        },
        [this](flush&) {
          write_group();
          answer_late();
        },
    };
  }

  /// Promises refer to their actor, which would never be freed.
  void on_exit() override {
    promises_.clear();
    late_.clear();
  }

private:
  /// Sleeps instead of setting a timer: it has a thread of its own, and a timer is two
  /// more threads to wake. What comes meanwhile stands in the mailbox before the word to
  /// write.
  void flush_soon() {
    if (gather_.count() > 0)
      std::this_thread::sleep_for(gather_);
    tell(this, ledger_writer{this}, flush{});
  }

  /// Behind a shut gate what waits is kept for ever: a promise that is thrown
  /// away would be an answer.
  void write_group() {
    while (!waiting_.empty() && pass([this] { write_first(); })) {
    }
  }

  void write_first() {
    auto n = std::min(waiting_.size(), max_group);
    std::vector<const ledger::disk::append*> group;
    for (std::size_t i = 0; i < n; ++i)
      group.push_back(waiting_[i].get());
    auto results = journal_.append_group(group);
    gather_ = gathers_ && n >= many_appends ? std::min(journal_.commit_took(), longest_gather)
                                            : std::chrono::microseconds{0};
    for (std::size_t i = 0; i < n; ++i)
      answer(promises_[i], waiting_[i]->task, results[i]);
    auto count = static_cast<std::ptrdiff_t>(n);
    waiting_.erase(waiting_.begin(), waiting_.begin() + count);
    promises_.erase(promises_.begin(), promises_.begin() + count);
    tell_trouble();
  }

  /// A folder that does not follow its records, or a checkpoint that fails: told
  /// once as long as it is the same. Nobody's append has failed.
  void tell_trouble() {
    auto* t = journal_.trouble();
    auto now = t ? services_.secrets.redact(t->detail) : std::string{};
    if (now != told_trouble_ && !now.empty() && services_.on_notice)
      services_.on_notice("the ledger is safe, but its folders lag: " + now);
    told_trouble_ = std::move(now);
  }

  template <class Write>
  bool pass(Write write) {
    if (services_.gate)
      return services_.gate->pass(write);
    write();
    return true;
  }

  void answer(caf::typed_response_promise<outcome>& promise, const std::string& task,
              const ledger::result<ledger::disk::appended>& r) {
    if (!r) {
      promise.deliver(outcome{nullptr, trouble_of(r.error())});
      return;
    }
    if (services_.on_record)
      for (auto& one : **r)
        services_.on_record(task, one);
    if (!journal_.lags(task)) {
      promise.deliver(outcome{*r, std::nullopt});
      return;
    }
    if (late_.empty())
      look_again();
    late_.push_back({promise, task, *r});
  }

  /// Durable, but not in the folder yet. Whoever acted on it would look there
  /// and find a contract without its record.
  struct late_answer {
    caf::typed_response_promise<outcome> promise;
    std::string task;
    ledger::disk::appended records;
    std::uint32_t tries = 0;
  };

  void look_again() { tell_later(this, ledger_writer{this}, late_pause, flush{}); }

  void answer_late() {
    if (late_.empty() || !pass([this] { journal_.catch_up(); }))
      return;
    tell_trouble();
    auto* why = journal_.trouble();
    std::vector<late_answer> left;
    for (auto& l : late_) {
      if (!journal_.lags(l.task))
        l.promise.deliver(outcome{l.records, std::nullopt});
      else if (why && why->code != ledger::disk::disk_full_code && ++l.tries >= late_tries)
        l.promise.deliver(outcome{l.records, trouble{trouble::source::lost, *why}});
      else
        left.push_back(std::move(l));
    }
    late_ = std::move(left);
    if (!late_.empty())
      look_again();
  }

  ledger::disk::journal& journal_;
  const services& services_;
  bool gathers_;
  std::chrono::microseconds gather_{0}; ///< How long the next group is gathered.
  std::vector<std::shared_ptr<const ledger::disk::append>> waiting_;
  std::vector<caf::typed_response_promise<outcome>> promises_;
  std::string told_trouble_;
  std::vector<late_answer> late_;
};

} // namespace

void configure(caf::actor_system_config& config) {
#if CAF_MAJOR_VERSION >= 1
  static_cast<void>(config);
  caf::init_global_meta_objects<caf::id_block::scheduler_protocol>();
  caf::core::init_global_meta_objects();
#else
  // Nobody reads CAF's own log; ours is the ledger.
  config.set("logger.verbosity", caf::atom("quiet"));
  // Stealing workers look for work all the time; ours mostly wait for a disk.
  config.set("scheduler.policy", caf::atom("sharing"));
#endif
}

ledger_writer spawn_writer(caf::actor_system& system, ledger::disk::journal& journal,
                           const services& s, bool detached) {
  if (detached)
    return system.spawn<writer_actor, caf::detached>(journal, s, true);
  return system.spawn<writer_actor>(journal, s, false);
}

} // namespace actors
