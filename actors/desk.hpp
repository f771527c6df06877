// desk.hpp -- what every actor of ours can do at its desk.
//
// A *desk* is the base of the dynamic actors: it does blocking work elsewhere
// and goes on here, and it appends to the ledger.
//
//   1. `then` always runs in the actor's own context, never after its end.
//   2. Work that throws kills the actor whose work it was, with its text.
//   3. An append that fails because the disk did is tried again with back-off,
//      at most five times; while the disk is full, until it is not (L6: new
//      work pauses, nothing is lost, no answer is paid for twice). The record
//      then says so ("ledger_write_failed").

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/decide.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace actors {

/// No request waits longer; deaths are heard long before.
inline constexpr millis longest_wait = std::chrono::hours(24);

/// How often an append is tried in all.
inline constexpr std::uint32_t append_tries = 5;

class desk : public watching<caf::event_based_actor> {
public:
  desk(caf::actor_config& c, const services& s, ledger_writer writer)
      : watching(c)
      , services_(s)
      , writer_(std::move(writer)) {
    this->set_exception_handler([](std::exception_ptr& thrown) { return error_of(thrown); });
  }

protected:
  const services& world() const noexcept { return services_; }
  const ledger_writer& writer() const noexcept { return writer_; }

  /// Runs `work` on `where`, then `then` with its value here.
  template <class Work, class Then>
  void elsewhere(providers::executor& where, Work work, Then then) {
    using value_type = decltype(work());
    caf::actor me{this};
    where.run([me, work = std::move(work), then = std::move(then)]() mutable {
      std::function<void()> back;
      try {
        auto value = std::make_shared<value_type>(work());
        back = [then, value]() mutable { then(std::move(*value)); };
      } catch (const std::exception& x) {
        back = [what = std::string{x.what()}] { throw std::runtime_error(what); };
      }
      tell_from_outside(me, continuation{std::make_shared<std::function<void()>>(std::move(back))});
    });
  }

  /// Runs `then` here after `delay`.
  void later(millis delay, std::function<void()> then) {
    tell_later(this, caf::actor{this}, delay,
               continuation{std::make_shared<std::function<void()>>(std::move(then))});
  }

  /// Appends after record `after_seq` of the task; see 3 above.
  void append(const std::string& task, std::uint64_t after_seq, std::vector<ledger::draft> drafts,
              std::function<void(outcome)> then);

  /// Carries a state on by an outcome's records. Throws if they do not fit: a
  /// bug, which kills this actor only.
  static state_ptr advanced(const state_ptr& s, const outcome& o);

private:
  void try_append(ledger::disk::append what, std::function<void(outcome)> then,
                  std::uint32_t failures);

  const services& services_;
  ledger_writer writer_;
};

/// The code of a fault that means: whoever had the order died.
inline constexpr std::string_view death_code = "died";

/// A fault for a CAF error: whoever should have answered died or fell silent.
ledger::failure fault_of(caf::actor_system& system, const caf::error& e, const std::string& who);

/// The records of both, in order, with the fault of the second.
outcome joined(const outcome& first, const outcome& second);

} // namespace actors
