// Who gets through when, without any task around.

#include "tests/actors/world.hpp"

#include <optional>

namespace {

using namespace actors;
using namespace actors::testing;

using received = std::shared_ptr<std::optional<permit>>;

/// Asks once, and lives on. A class, because CAF 0.17 refers to null where it
/// starts functions as actors (init_fun_factory.hpp), which UBSan reports.
class one_caller : public caf::event_based_actor {
public:
  one_caller(caf::actor_config& c, turnstile gate, permit_request r, received got)
      : caf::event_based_actor(c)
      , gate_(std::move(gate))
      , request_(std::move(r))
      , got_(std::move(got)) {}

  caf::behavior make_behavior() override {
    ask_however_long(this, gate_, request_).then([got = got_](permit& p) { *got = p; });
    return {[](continuation&) {}};
  }

private:
  turnstile gate_;
  permit_request request_;
  received got_;
};

class Turnstile : public world {
protected:
  void open_with(ledger::budget_config budget) {
    money.purse = ledger::purse{budget};
    gate_keeper = spawn_turnstile(system, w, money);
  }

  /// A call that lasts until its permit is given back.
  received call(const std::string& task, double usd, std::uint32_t precedence,
                const std::string& provider = "fake") {
    auto got = std::make_shared<std::optional<permit>>();
    permit_request r{provider, task, {usd, 0}, precedence};
    spawned.push_back(caf::actor{system.spawn<one_caller>(gate_keeper, r, got)});
    settle();
    return got;
  }

  void end(const received& r, double usd) {
    permit_return back;
    back.ticket = r->value().ticket;
    back.usd = usd;
    back.answered = true;
    tell_from_outside(gate_keeper, back);
    settle();
  }

  static bool is_through(const received& r) { return r->has_value() && (*r)->ticket != 0; }
};

// A small call could always be paid before a larger one that waited, until the
// larger one did not fit any more.
TEST_F(Turnstile, WhoWaitsForMoneyIsNotOvertakenBySmallerCalls) {
  open_with({1.0, std::nullopt});
  auto first = call("A", 0.6, 2);
  ASSERT_TRUE(is_through(first));
  auto large = call("B", 0.5, 12);
  auto small = call("C", 0.1, 2);
  auto free_of_charge = call("D", 0, 2);
  EXPECT_FALSE(large->has_value() || small->has_value());
  EXPECT_TRUE(is_through(free_of_charge)) << "it takes nothing from anybody";
  end(first, 0.2);
  EXPECT_TRUE(is_through(large));
  EXPECT_TRUE(is_through(small));
}

TEST_F(Turnstile, WhoIsFurtherAlongGoesFirst) {
  money.rates["fake"] = {1, 0, 0};
  open_with({});
  auto first = call("A", 0, 2);
  auto audit = call("B", 0, 2);
  auto review = call("C", 0, 12);
  end(first, 0);
  EXPECT_TRUE(is_through(review));
  EXPECT_FALSE(audit->has_value());
  end(review, 0);
  EXPECT_TRUE(is_through(audit));
}

// After a service asked to be left alone one call tries whether it answers again.
// One that ends before it was made says nothing of that.
TEST_F(Turnstile, ACallThatWasNeverMadeIsNoAnswer) {
  money.rates["fake"] = {8, 0, 0};
  money.leave_until_ms["fake"] = now_ms + 1'000;
  open_with({});
  auto a = call("A", 0, 2), b = call("B", 0, 2), c = call("C", 0, 2);
  run(std::chrono::milliseconds(500), 4);
  ASSERT_TRUE(is_through(a));
  EXPECT_FALSE(b->has_value());
  permit_return unused;
  unused.ticket = (*a)->ticket;
  tell_from_outside(gate_keeper, unused);
  settle();
  EXPECT_TRUE(is_through(b)) << "the next one tries";
  EXPECT_FALSE(c->has_value());
}

} // namespace
