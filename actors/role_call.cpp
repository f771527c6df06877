#include "actors/role_call.hpp"

#include "actors/calling.hpp"
#include "actors/desk.hpp"
#include "ledger/decide.hpp"
#include "ledger/digest.hpp"
#include "ledger/drafts.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <optional>

namespace actors {

namespace {

using providers::answer;
using providers::call_failure;
using said = tl::expected<answer, call_failure>;

/// The tools that a turn called, as people read it.
ledger::json names_of(const std::vector<providers::tool_call>& calls) {
  auto names = ledger::json::array();
  for (auto& c : calls)
    names.push_back(ledger::excerpt(c.name, 60));
  return names;
}

class role_call : public desk {
public:
  role_call(caf::actor_config& c, const services& s, ledger_writer writer, turnstile gate,
            ledger::role r)
      : desk(c, s, std::move(writer))
      , gate_(std::move(gate))
      , role_(r) {}

  caf::behavior make_behavior() override {
    return {
        [this](work_order& order) -> caf::result<outcome> {
          state_ = std::move(order.state);
          seat_ = std::move(order.worked_on);
          promise_ = make_response_promise<outcome>();
          player_ = &player_of(*state_);
          read();
          return promise_;
        },
        [](continuation& c) { (*c.then)(); },
    };
  }

  /// A promise refers to its actor, which would never be freed.
  void on_exit() override {
    promise_ = {};
    seat_.reset();
  }

private:
  // -- before anybody is asked -------------------------------------------------

  void read() {
    elsewhere(
        *world().quick, [w = &world(), s = state_] { return read_case(*w, *s); },
        [this](attempted<call_case> c) {
          if (!c)
            return finish(c.error());
          case_ = std::move(*c);
          asked_ = player_->who->who();
          take_up_conversation();
        });
  }

  /// Invariant 3.
  void take_up_conversation() {
    auto who = asked_.provider + "/" + asked_.model + "/" + asked_.version;
    bool same = state_->asked_of == who && state_->asked_input == case_.input_sha256;
    anew_ = state_->turns > 0 && !same;
    if (state_->turns == 0 || anew_)
      return ask_permit();
    conversation().turns = std::move(case_.turns);
    furnish_then([this] { use_tools(); });
  }

  void furnish_then(std::function<void()> then) {
    if (is_furnished_)
      return then();
    seat_.reset(); // Others may have to give a checkout back first.
    elsewhere(
        *world().quick,
        [w = &world(), s = state_, r = case_.request, in = player_->who->works_in_checkout()] {
          return furnish(*w, *s, *r, in);
        },
        [this, then](attempted<workplace> at) {
          if (!at) {
            auto again = [this, then] { furnish_then(then); };
            if (!paused_by_full_disk(state_->task, at.error().what, again))
              finish(at.error());
            return;
          }
          place_ = std::make_shared<workplace>(std::move(*at));
          is_furnished_ = true;
          then();
        },
        providers::queue_place::last); // Others are about to give a checkout back.
  }

  // -- one exchange ------------------------------------------------------------

  void ask_permit() {
    seat_.reset();
    if (auto why = ledger::why_conversation_ends(*state_, world().config.limits);
        !why.empty() && !anew_)
      return record_failure({call_failure::kind::spoiled, "conversation-too-long",
                             asked_.provider + ": " + why + "; the answer must come sooner"});
    bound_ = player_->who->bound(conversation());
    ask_however_long(
        this, gate_,
        permit_request{player_->name, state_->task, bound_, ledger::precedence_of(*state_)})
        .then(
            [this](permit& p) {
              ticket_ = p.ticket;
              if (p.ticket == 0)
                return record_failure({call_failure::kind::refused, p.code, p.why});
              furnish_then([this] { record_question(); });
            },
            [this](const caf::error& e) { finish(fault_of(system(), e, "the turnstile")); });
  }

  void record_question() {
    ledger::asking a{asked_.provider,    asked_.model, asked_.version,
                     case_.input_sha256, bound_.usd,   anew_};
    append(state_, {ledger::draft_asked(*state_, a)}, [this](outcome o) {
      if (!take_records(std::move(o)))
        return;
      anew_ = false;
      ask_provider();
    });
  }

  void ask_provider() {
    asked_ms_ = world().now_ms();
    caf::actor me{this};
    player_->who->ask(case_.request, [me, this](said a) {
      auto kept = std::make_shared<said>(std::move(a));
      tell_from_outside(me, continuation{std::make_shared<std::function<void()>>(
                                [this, kept] { take_word(std::move(*kept)); })});
    });
  }

  void take_word(said a) {
    if (!a)
      return take_failure(std::move(a.error()));
    if (a->used.all() > 0)
      a->usage.update(providers::usage_of(a->used));
    else if (a->usd == 0)
      a->usd = bound_.usd; // It did not say what it used: what was put aside is spent.
    give_back(a->usd, a->used, a->hint, true, 0);
    if (a->calls.empty())
      take_answer(std::move(*a));
    else
      take_turn(std::move(*a));
  }

  void give_back(double usd, const providers::tokens& used, const providers::rate_hint& hint,
                 bool answered, std::int64_t leave_until_ms) {
    permit_return back;
    back.ticket = std::exchange(ticket_, 0);
    back.usd = usd;
    if (used.all() > 0 || leave_until_ms != 0) // Whoever is sent away has used nothing.
      back.used = used.all();
    back.hint = hint;
    back.answered = answered;
    back.leave_until_ms = leave_until_ms;
    if (back.ticket != 0)
      tell(this, gate_, back);
  }

  // -- a turn ------------------------------------------------------------------

  void take_turn(answer a) {
    providers::turn t;
    t.raw = std::move(a.raw);
    t.text = std::move(a.text);
    t.calls = std::move(a.calls);
    t.used = a.used;
    t = redacted(world(), std::move(t));
    auto& turns = conversation().turns;
    auto before = turns.empty() ? std::vector<providers::tool_result>{} : turns.back().results;
    auto line = providers::line_of(t, before, request_sha256()).dump() + "\n";
    ledger::turning turning{std::make_shared<const std::string>(std::move(line)), names_of(t.calls),
                            took_ms(), a.usd, std::move(a.usage)};
    turns.push_back(std::move(t));
    append(state_, {ledger::draft_turned(*state_, turning)}, [this](outcome o) {
      if (take_records(std::move(o)))
        sit_down_then([this] { use_tools(); });
    });
  }

  /// Of the exchange at hand: its input, and all that was said in it before.
  std::string request_sha256() const {
    auto* file = ledger::file_of(*state_, ledger::turns_path(ledger::answer_path(*state_)));
    return ledger::sha256(case_.input_sha256 + " " + (file ? file->sha256 : std::string{}));
  }

  /// Of the exchange at hand, with the tools that ran before it.
  std::int64_t took_ms() { return world().now_ms() - asked_ms_ + std::exchange(tools_ms_, 0); }

  void use_tools() {
    elsewhere(
        *world().quick,
        [w = &world(), s = state_, r = case_.request, at = place_] {
          return run_tools(*w, *s, *at, r->turns.back());
        },
        [this, began_ms = world().now_ms()](attempted<void> ok) {
          tools_ms_ += world().now_ms() - began_ms;
          if (!ok)
            return finish(ok.error());
          ask_permit();
        });
  }

  // -- the answer --------------------------------------------------------------

  void take_answer(answer a) {
    auto filing = std::make_shared<ledger::answering>();
    filing->text = std::make_shared<const std::string>(world().secrets.redact(std::move(a.text)));
    // Who was asked, not who would be asked now: a provider may have moved on.
    filing->provider = asked_.provider;
    filing->model = asked_.model;
    filing->version = asked_.version;
    filing->took_ms = took_ms();
    filing->usd = a.usd;
    filing->usage = std::move(a.usage);
    if (!place_->checkout)
      return file_answer(*filing);
    if (!ledger::row_of(state_->at).writes_code)
      return look_after_reader(filing);
    elsewhere(
        *world().quick,
        [w = &world(), s = state_, from = place_, filing] {
          return take_tree(*w, *s, *from, *filing);
        },
        [this, filing](attempted<void> ok) {
          if (!ok)
            return finish(ok.error());
          file_answer(*filing);
        });
  }

  /// A role that only reads must have left its checkout as it was.
  void look_after_reader(const std::shared_ptr<ledger::answering>& filing) {
    elsewhere(
        *world().quick, [s = state_, at = place_] { return is_untouched(*s, *at); },
        [this, filing](attempted<bool> untouched) {
          if (!untouched)
            return finish(untouched.error());
          if (*untouched)
            return file_answer(*filing);
          call_failure f{call_failure::kind::spoiled, "wrote-in-a-reading-step",
                         "files were changed in a step that changes none; leave them as they are"};
          f.usd = filing->usd;
          record_failure(f);
        });
  }

  void file_answer(const ledger::answering& filing) {
    append(state_, {ledger::draft_answered(*state_, filing)}, [this](outcome o) {
      if (!take_records(std::move(o)))
        return;
      place_.reset(); // Nobody is to wait for a seat with a checkout.
      sit_down_then([this] { finish(); });
    });
  }

  /// What was said is on record, so that a kill loses nothing that was paid for;
  /// what follows from it waits until there is a seat.
  void sit_down_then(std::function<void()> then) {
    seated([this, then = std::move(then)](seat s) {
      seat_ = std::move(s);
      then();
    });
  }

  // -- no answer ---------------------------------------------------------------

  void take_failure(call_failure f) {
    f.why = world().secrets.redact(std::move(f.why));
    if (f.usd == 0 && f.may_be_billed)
      f.usd = bound_.usd; // Nobody knows how much: what was put aside is spent.
    std::int64_t until_ms = 0;
    if (f.is == call_failure::kind::wait)
      until_ms = world().now_ms()
                 + ledger::deferral_ms(f.wait, state_->deferrals, player_->who->longest_wait(),
                                       state_->head);
    give_back(f.usd, f.used, f.hint, false, until_ms);
    if (until_ms != 0)
      record(ledger::draft_deferred(*state_, told(f), until_ms));
    else
      record_failure(f);
  }

  ledger::failed_call told(const call_failure& f) const {
    ledger::failed_call failed;
    failed.kind = f.is == call_failure::kind::spoiled   ? ledger::spoiled_kind
                  : f.is == call_failure::kind::refused ? to_string(ledger::fault::refused)
                                                        : to_string(ledger::fault::unavailable);
    failed.provider = asked_.provider;
    failed.code = f.code;
    failed.why = f.why;
    failed.usd = f.usd;
    if (f.used.all() > 0)
      failed.usage = providers::usage_of(f.used);
    return failed;
  }

  void record_failure(const call_failure& f) {
    record(ledger::draft_call_failed(*state_, told(f)));
  }

  void record(ledger::draft d) {
    append(state_, {std::move(d)}, [this](outcome o) {
      if (take_records(std::move(o)))
        finish();
    });
  }

  // -- the end -----------------------------------------------------------------

  /// False: they could not be written, and the call is over.
  bool take_records(outcome o) {
    state_ = advanced(std::move(state_), o);
    if (!o.fault)
      return true;
    end(std::move(o.fault));
    return false;
  }

  void finish(trouble t) {
    t.what.detail = world().secrets.redact(std::move(t.what.detail));
    end(std::move(t));
  }

  void finish() { end(std::nullopt); }

  void end(std::optional<trouble> fault) {
    give_back(0, {}, {}, false, 0); // Of a call that never began.
    promise_.deliver(outcome{nullptr, std::move(fault), std::move(state_), std::move(seat_)});
    quit();
  }

  const providers::player& player_of(const ledger::task_state& s) const {
    auto& all = world().players.at(role_);
    auto name = ledger::provider_of(s, world().config, role_);
    auto it = std::find_if(all.begin(), all.end(), [&](auto& p) { return p.name == name; });
    return it == all.end() ? all.front() : *it;
  }

  providers::request& conversation() { return *case_.request; }

  turnstile gate_;
  ledger::role role_;
  state_ptr state_;
  seat seat_;
  caf::typed_response_promise<outcome> promise_;
  const providers::player* player_ = nullptr;
  call_case case_;
  std::shared_ptr<workplace> place_;
  bool is_furnished_ = false;
  bool anew_ = false; ///< The recorded turns are for somebody else.
  providers::identity asked_;
  providers::call_bound bound_;
  std::uint64_t ticket_ = 0;
  std::int64_t asked_ms_ = 0, tools_ms_ = 0;
};

} // namespace

child_factory role_calls(const services& s, ledger_writer writer, turnstile gate, ledger::role r) {
  return [&s, writer, gate, r](caf::actor_system& system) {
    return caf::actor{system.spawn<role_call>(s, writer, gate, r)};
  };
}

} // namespace actors
