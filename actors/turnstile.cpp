#include "actors/turnstile.hpp"

#include "ledger/decide.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

namespace actors {

namespace {

using ticket = std::uint64_t;

constexpr auto never = std::numeric_limits<std::int64_t>::max();

class turnstile_actor : public watching<turnstile::base> {
public:
  turnstile_actor(caf::actor_config& c, const services& s, till t)
      : watching(c)
      , services_(s)
      , purse_(std::move(t.purse)) {
    set_exception_handler([](std::exception_ptr& thrown) { return error_of(thrown); });
    auto now_ms = services_.now_ms();
    for (auto& [provider, limits] : t.rates)
      throttles_.emplace(provider, providers::throttle{limits, now_ms});
    for (auto& [provider, until_ms] : t.leave_until_ms)
      if (auto it = throttles_.find(provider); it != throttles_.end())
        it->second.block_until(until_ms);
  }

  behavior_type make_behavior() override {
    return {
        [this](permit_request& r) -> caf::result<permit> {
          // A promise takes the sender with it.
          auto caller = caf::actor_cast<caf::actor>(current_sender());
          auto promise = make_response_promise<permit>();
          arrive(std::move(r), caller, promise);
          return promise;
        },
        [this](permit_return& r) { take_back(r); },
        [this](look_again&) {
          wakes_at_ms_ = never;
          let_through();
        },
    };
  }

  /// Promises refer to their actor, which would never be freed.
  void on_exit() override { calls_.clear(); }

private:
  struct call {
    permit_request request;
    caf::typed_response_promise<permit> promise;
    caf::actor_addr caller;
    bool under_way = false;
  };

  /// Who waits for money; in the order in which it is given.
  struct admission {
    std::uint32_t precedence;
    ticket id;
    bool operator<(const admission& o) const noexcept {
      return precedence != o.precedence ? precedence > o.precedence : id < o.id;
    }
  };

  providers::throttle* throttle_of(const std::string& provider) {
    auto it = throttles_.find(provider);
    return it == throttles_.end() ? nullptr : &it->second;
  }

  void arrive(permit_request r, const caf::actor& caller,
              const caf::typed_response_promise<permit>& promise) {
    auto id = ++last_;
    auto* throttle = throttle_of(r.provider);
    auto tokens = r.bound.tokens;
    auto precedence = r.precedence;
    calls_.emplace(id, call{std::move(r), promise, caller.address(), false});
    of_caller_[caller.address()] = id;
    watch(caller, [this, who = caller.address()](const caf::error&) { bury(who); });
    if (throttle)
      throttle->arrive(id, tokens, precedence);
    else
      admitted_.insert({precedence, id});
    let_through();
  }

  /// Admits whom the providers have room for, then pays for them.
  void let_through() {
    auto now_ms = services_.now_ms();
    for (auto& [provider, throttle] : throttles_)
      for (auto id : throttle.admit(now_ms))
        if (auto it = calls_.find(id); it != calls_.end()) // Else its caller died meanwhile.
          admitted_.insert({it->second.request.precedence, id});
    // Who waits for money is not overtaken by smaller calls.
    bool awaited = false;
    for (auto& who : std::exchange(admitted_, {}))
      if ((awaited && costs(who.id)) || !pay(who.id)) {
        admitted_.insert(who);
        awaited = true;
      }
    wake_later(now_ms);
  }

  bool costs(ticket id) const {
    auto it = calls_.find(id);
    return it != calls_.end() && it->second.request.bound.usd > 0;
  }

  /// False: the money may come back, so the call waits.
  bool pay(ticket id) {
    auto it = calls_.find(id);
    if (it == calls_.end())
      return true; // Its caller died meanwhile.
    auto& c = it->second;
    auto& b = c.request.bound;
    auto said = purse_.reserve(c.request.task, b.usd);
    if (said == ledger::purse::verdict::granted) {
      c.under_way = true;
      answer(c, permit{id, {}, {}});
      return true;
    }
    auto& limits = purse_.limits();
    bool of_run = said == ledger::purse::verdict::run_used;
    bool may_fit = of_run && purse_.reserved() > 0 && limits.run_usd
                   && purse_.spent() + b.usd <= *limits.run_usd;
    if (may_fit)
      return false;
    answer(c, refusal(c, of_run));
    leave_throttle(id, c, std::uint64_t{0}, {}, false);
    calls_.erase(it);
    return true;
  }

  permit refusal(const call& c, bool of_run) const {
    auto& limits = purse_.limits();
    auto limit = of_run ? limits.run_usd : limits.task_usd;
    permit p;
    p.code = of_run ? ledger::run_budget_code : ledger::task_budget_code;
    p.why = fmt::format("a call of {} can cost ${:.4f}, more than is left of budget.{} = {:.2f}",
                        c.request.provider, c.request.bound.usd, of_run ? "run_usd" : "task_usd",
                        limit.value_or(0));
    if (of_run)
      p.why += fmt::format(" (spent: ${:.4f})", purse_.spent());
    return p;
  }

  static void answer(call& c, permit p) {
    c.promise.deliver(std::move(p));
    c.promise = {}; // It refers to the actor that asked.
  }

  void leave_throttle(ticket id, const call& c, std::optional<std::uint64_t> used,
                      const providers::rate_hint& hint, bool answered) {
    if (auto* throttle = throttle_of(c.request.provider))
      throttle->leave(id, used, hint, answered, services_.now_ms());
  }

  void take_back(const permit_return& r) {
    auto it = calls_.find(r.ticket);
    if (it == calls_.end() || !it->second.under_way)
      return;
    auto& c = it->second;
    purse_.settle(c.request.task, c.request.bound.usd, r.usd);
    leave_throttle(r.ticket, c, r.used, r.hint, r.answered);
    if (auto* throttle = throttle_of(c.request.provider); throttle && r.leave_until_ms != 0)
      throttle->block_until(r.leave_until_ms);
    calls_.erase(it);
    let_through();
  }

  /// Whoever asked has ended. As a rule its call is over and its permit back.
  void bury(const caf::actor_addr& who) {
    auto mine = of_caller_.find(who);
    if (mine == of_caller_.end())
      return;
    auto it = calls_.find(mine->second);
    of_caller_.erase(mine);
    if (it == calls_.end())
      return;
    auto& [id, c] = *it;
    if (c.under_way)
      purse_.settle(c.request.task, c.request.bound.usd, c.request.bound.usd);
    if (auto* throttle = throttle_of(c.request.provider))
      throttle->abandon(id, services_.now_ms());
    calls_.erase(it);
    let_through();
  }

  /// For the next admission, of whichever provider.
  void wake_later(std::int64_t now_ms) {
    std::optional<std::int64_t> next;
    for (auto& [provider, throttle] : throttles_)
      if (auto at = throttle.next_ms(now_ms); at && (!next || *at < *next))
        next = at;
    if (!next || *next >= wakes_at_ms_)
      return;
    wakes_at_ms_ = *next;
    tell_later(this, turnstile{this}, millis{std::max<std::int64_t>(*next - now_ms, 1)},
               look_again{});
  }

  const services& services_;
  ledger::purse purse_;
  std::map<std::string, providers::throttle> throttles_;
  std::map<ticket, call> calls_;
  std::set<admission> admitted_; ///< There is room for them, and no money yet.
  ticket last_ = 0;
  std::map<caf::actor_addr, ticket> of_caller_; ///< The latest of each.
  std::int64_t wakes_at_ms_ = never;            ///< The earliest look_again under way.
};

} // namespace

turnstile spawn_turnstile(caf::actor_system& system, const services& s, till t) {
  return system.spawn<turnstile_actor>(s, std::move(t));
}

} // namespace actors
