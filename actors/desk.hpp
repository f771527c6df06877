// desk.hpp -- what every actor of ours can do at its desk.
//
// A *desk* is the base of the dynamic actors: it does blocking work elsewhere
// and goes on here, and it appends to the ledger.
//
//   1. `then` always runs in the actor's own context, never after its end.
//   2. Work that throws, whatever it throws, comes back as a trouble of source
//      `died` with its text: the request that it was for fails, nobody else.
//   3. An append that fails because the disk did is tried again with back-off,
//      at most five times; while the disk is full, until it is not (L6: new
//      work pauses, nothing is lost, no answer is paid for twice). The record
//      then says so ("ledger_write_failed").
//   4. Nobody sets a time for the LEDGER WRITER: it answers, or it ends, and with
//      it the batch, which the SUPERVISOR sees to.
//   5. No known secret is in the detail of a record that is appended (L8): what
//      came from outside (URLs, usage, names, reasons) is redacted here, once
//      and for all. Names and digests of our own stay as they are: a variable
//      CACHE_KEY may well hold the id of a commit.

#pragma once

#include "actors/protocol.hpp"
#include "actors/services.hpp"
#include "ledger/decide.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace actors {

/// How often work is begun again because a disk is full: for about an hour.
inline constexpr std::uint32_t full_disk_tries = 120;

/// How often an append is tried in all.
inline constexpr std::uint32_t append_tries = 5;

/// A failure of work that was done.
inline tl::unexpected<trouble> of_work(ledger::failure f) {
  return tl::make_unexpected(trouble{trouble::source::work, std::move(f)});
}

/// Runs `work`, which gives a result<T>. Nothing gets out but a value.
template <class Work>
auto attempt(Work& work) -> attempted<typename decltype(work())::value_type> {
  std::string thrown;
  try {
    auto got = work();
    if (!got)
      return of_work(std::move(got.error()));
    if constexpr (std::is_void_v<typename decltype(got)::value_type>)
      return {};
    else
      return std::move(*got);
  } catch (const std::exception& x) {
    thrown = x.what();
  } catch (...) {
    thrown = "an unknown exception";
  }
  return tl::make_unexpected(trouble{
      trouble::source::died, {ledger::fault::unavailable, "its work ended in a bug: " + thrown}});
}

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

  /// Runs `work`, which gives a result<T>, on `where`, then `then` with the
  /// attempted<T> here.
  template <class Work, class Then>
  void elsewhere(providers::executor& where, Work work, Then then,
                 providers::queue_place place = providers::queue_place::next) {
    caf::actor me{this};
    auto all = [me, work = std::optional<Work>{std::move(work)}, then = std::move(then)]() mutable {
      auto got = std::make_shared<decltype(attempt(*work))>(attempt(*work));
      work.reset(); // Whoever goes on may be the only one who has what it held.
      auto back = std::make_shared<std::function<void()>>(
          [then = std::move(then), got]() mutable { then(std::move(*got)); });
      tell_from_outside(me, continuation{std::move(back)});
    };
    where.run(std::move(all), place);
  }

  /// Runs `then` here, with a seat as soon as there is one: at once, if there is.
  void seated(std::function<void(seat)> then) {
    if (!world().room)
      return then(nullptr);
    caf::actor me{this};
    auto later = [me, then](seat s) {
      tell_from_outside(me, continuation{std::make_shared<std::function<void()>>(
                                [then, s = std::move(s)]() mutable { then(std::move(s)); })});
    };
    if (auto s = world().room->take(std::move(later)))
      then(std::move(s));
  }

  /// Runs `then` here after `delay`.
  void later(millis delay, std::function<void()> then) {
    tell_later(this, caf::actor{this}, delay,
               continuation{std::make_shared<std::function<void()>>(std::move(then))});
  }

  /// Appends after the last record of a task's state; see 3 above.
  void append(const state_ptr& after, std::vector<ledger::draft> drafts,
              std::function<void(outcome)> then);

  /// L6: a full disk pauses work and is nobody's failure. If it is why, says so,
  /// runs `again` later and gives true. Not for ever: work may fill the disk
  /// itself.
  bool paused_by_full_disk(const std::string& task, const ledger::failure& fault,
                           std::function<void()> again);

  /// Carries a state on by an outcome's records. Who needs it as it was keeps a
  /// state_ptr of it; else it is changed where it is, so it is never made const. Throws
  /// if the records do not fit: a bug, which kills this actor only.
  static state_ptr advanced(state_ptr s, const outcome& o);

  /// For the SUPERVISOR, which must not die of a single task: runs `f`, and
  /// `otherwise` with the text of what it throws.
  template <class F, class Otherwise>
  static void contained(F&& f, Otherwise&& otherwise) {
    auto work = [&f]() -> ledger::result<void> {
      f();
      return {};
    };
    if (auto ok = attempt(work); !ok)
      otherwise(ok.error().what.detail);
  }

private:
  void redact(ledger::json& detail) const;
  void try_append(ledger::disk::append what, std::function<void(outcome)> then,
                  std::uint32_t failures);

  const services& services_;
  ledger_writer writer_;
  std::uint32_t pauses_ = 0; ///< Because of a full disk, in all.
};

/// A fault for a CAF error: whoever should have answered died.
trouble fault_of(caf::actor_system& system, const caf::error& e, const std::string& who);

} // namespace actors
