#include "tests/providers/throttle_fixture.hpp"

#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

namespace {

using namespace throttle_fixture;

// -- limits -------------------------------------------------------------------

/// Admits for `length`, everybody leaving at once with `hint`; who goes when.
std::vector<std::pair<ms, double>> admitted_in(throttle& t, ms from, ms length,
                                               const rate_hint& hint = {}, double each = 1) {
  static throttle::caller next = 1'000'000;
  std::vector<std::pair<ms, double>> out;
  auto now = from;
  while (now < from + length) {
    while (t.waiting() < 5)
      t.arrive(next++, static_cast<std::uint64_t>(each));
    for (auto who : t.admit(now)) {
      out.emplace_back(now, each);
      t.leave(who, static_cast<std::uint64_t>(each), hint, true, now);
    }
    now = t.next_ms(now).value_or(now); // Nobody waits: the next ones arrive at once.
  }
  return out;
}

TEST(ThrottleLimits, HoldWithinAnyMinuteAndAreUsed) {
  for (std::uint32_t limit : {1u, 2u, 3u, 7u, 10u, 50u, 66u, 67u, 100u, 600u, 5'000u}) {
    throttle t({8, limit, 0}, 1'000);
    admitted_in(t, 1'000, 1);
    auto all = admitted_in(t, 5 * minute, 60 * minute);
    EXPECT_LE(busiest_minute(all), std::floor(limit * 1.1)) << limit;
    EXPECT_GE(static_cast<double>(all.size()), 0.97 * 60 * limit - 1) << limit;
  }
}

TEST(ThrottleLimits, NoMoreThanSoManyAtATime) {
  throttle t({2, 0, 0}, 0);
  for (throttle::caller c : {1u, 2u, 3u})
    t.arrive(c, 5);
  EXPECT_EQ(t.admit(0), (callers{1, 2}));
  EXPECT_EQ(t.under_way(), 2u);
  EXPECT_EQ(t.next_ms(0), std::nullopt) << "only a leaving can help";
  t.leave(2, 5, {}, true, 10);
  EXPECT_EQ(t.next_ms(10), 10);
  EXPECT_EQ(t.admit(10), (callers{3}));
  EXPECT_EQ(t.next_ms(10), std::nullopt) << "nobody waits";
}

TEST(ThrottleLimits, WhoIsFurtherAlongPassesWhoOnlyBegins) {
  throttle t{{1, 0, 0}, 0};
  t.arrive(1, 10, 2);
  t.arrive(2, 10, 2);
  t.arrive(3, 10, 12);
  t.arrive(4, 10, 13);
  callers order;
  for (int i = 0; i < 4; ++i) {
    auto next = t.admit(i);
    ASSERT_EQ(next.size(), 1u);
    order.push_back(next.front());
    t.leave(next.front(), 10, {}, true, i);
  }
  EXPECT_EQ(order, (callers{4, 3, 1, 2}));
}

TEST(ThrottleLimits, ABigEstimateAtTheHeadIsNotPassedByLittleOnes) {
  throttle t({64, 0, 60'000}, 0);
  t.arrive(1, 800);
  EXPECT_EQ(t.admit(0), (callers{1}));
  t.arrive(2, 50'000); // Far more than ever gathers in the bucket.
  t.arrive(3, 1);
  EXPECT_TRUE(t.admit(1).empty());
  auto at = t.next_ms(1);
  ASSERT_TRUE(at);
  EXPECT_LT(*at, 1'500) << "when the bucket is full, which does not take long";
  EXPECT_TRUE(t.admit(*at - 2).empty());
  EXPECT_EQ(t.admit(*at), (callers{2}));
  EXPECT_GT(*t.next_ms(*at), *at + 45'000) << "and counts in full";
  t.leave(2, 1'000, {}, true, *at + 1'000);
  EXPECT_EQ(t.admit(*at + 1'000), (callers{3})) << "until it is known to have been little";
}

TEST(ThrottleLimits, ACallThatCountsMoreThanAMinuteCountsAsOne) {
  throttle t({64, 0, 1'000}, 0);
  t.arrive(1, 1'000'000'000);
  t.arrive(2, 1);
  EXPECT_EQ(t.admit(0), (callers{1}));
  t.leave(1, 2'000'000'000, {}, true, 10);
  ASSERT_TRUE(t.next_ms(10));
  EXPECT_LE(*t.next_ms(10), 10 + 62'000);
}

TEST(ThrottleLimits, WhatACallUsedBeyondItsEstimateIsCounted) {
  throttle t({64, 0, 60'000}, 0);
  t.arrive(1, 100);
  t.arrive(2, 900);
  EXPECT_EQ(t.admit(0), (callers{1}));
  EXPECT_LE(*t.next_ms(0), 105);
  t.leave(1, 30'000, {}, true, 50);
  EXPECT_GT(*t.next_ms(50), 29'000);
}

// -- what headers say -----------------------------------------------------------

rate_hint requests(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> left,
                   std::optional<ms> reset) {
  rate_hint h;
  h.requests_limit = limit;
  h.requests_left = left;
  h.requests_reset_ms = reset;
  return h;
}

TEST(ThrottleHeaders, TellALimitThatTheConfigurationDoesNot) {
  throttle t({8, 0, 0}, 0);
  t.arrive(1, 0);
  EXPECT_EQ(t.admit(0), (callers{1}));
  t.leave(1, {}, requests(60, 0, 10'000), true, 100);
  t.arrive(2, 0);
  t.arrive(3, 0);
  EXPECT_EQ(t.next_ms(100), 10'100);
  EXPECT_TRUE(t.admit(10'099).empty());
  EXPECT_EQ(t.admit(10'100), (callers{2}));
  EXPECT_NEAR(static_cast<double>(*t.next_ms(10'100)), 11'120, 3) << "60 a minute";
  t.abandon(3, 10'100);
  EXPECT_LE(busiest_minute(admitted_in(t, 11'000, 10 * minute)), 60);
}

TEST(ThrottleHeaders, TightenTheConfiguration) {
  throttle t({8, 600, 0}, 0);
  t.arrive(1, 0);
  t.admit(0);
  t.leave(1, {}, requests(100, {}, {}), true, 0);
  auto all = admitted_in(t, 0, 30 * minute);
  EXPECT_LE(busiest_minute(all), 100);
  EXPECT_GE(all.size(), 30u * 97);
}

TEST(ThrottleHeaders, NeverWidenTheConfiguration) {
  throttle t({8, 100, 0}, 0);
  auto all = admitted_in(t, 0, 10 * minute,
                         requests(std::numeric_limits<std::uint64_t>::max(), 1'000'000, 1));
  EXPECT_LE(busiest_minute(all), 100);
}

TEST(ThrottleHeaders, MayTakeBackWhatTheySaid) {
  throttle t({8, 0, 0}, 0);
  t.arrive(1, 0);
  t.admit(0);
  t.leave(1, {}, requests(10, {}, {}), true, 0);
  auto all = admitted_in(t, 0, minute, requests(1'000, {}, {}));
  EXPECT_GE(all.size(), 800u);
  EXPECT_LE(busiest_minute(all), 1'000);
}

TEST(ThrottleHeaders, TellThatLittleIsLeft) {
  throttle t({64, 0, 6'000'000}, 0);
  t.arrive(1, 10);
  t.admit(0);
  rate_hint h;
  h.tokens_left = 100;
  t.leave(1, 10, h, true, 0);
  t.arrive(2, 50'000);
  EXPECT_GT(*t.next_ms(0), 400);
}

TEST(ThrottleHeaders, ThatLieStopNothingForEver) {
  constexpr auto huge = std::numeric_limits<std::uint64_t>::max();
  constexpr auto ever = std::numeric_limits<ms>::max();
  struct row {
    const char* name;
    rate_hint hint;
    ms wait_max;
  };
  rate_hint tokens;
  tokens.tokens_limit = 1;
  tokens.tokens_left = 0;
  tokens.tokens_reset_ms = ever;
  for (auto& r : std::vector<row>{
           {"a limit of none", requests(0, {}, {}), 200},
           {"a limit of none, none left", requests(0, 0, {}), 200},
           {"more left than the limit", requests(600, 10'000, 5), 200},
           {"huge numbers", requests(huge, huge, ever), 200},
           {"a reset in the past", requests(600, 0, -5'000), 200},
           {"a reset long before all time", requests(600, 0, std::numeric_limits<ms>::min()), 200},
           {"none left for ever", requests(600, 0, ever), minute},
           {"a limit of one token", tokens, 62'000}}) {
    SCOPED_TRACE(r.name);
    for (std::uint32_t configured : {0u, 600u}) {
      throttle t({8, configured, 0}, 0);
      t.arrive(1, 1'000);
      t.arrive(2, 1'000);
      ASSERT_EQ(t.admit(0).front(), 1u);
      t.leave(1, 1'000, r.hint, true, 0);
      t.abandon(2, 0);
      t.arrive(3, 1'000);
      auto at = t.next_ms(0);
      ASSERT_TRUE(at);
      EXPECT_LE(*at, r.wait_max);
      EXPECT_EQ(t.admit(*at), (callers{3}));
    }
  }
}

TEST(ThrottleHeaders, ChargeNothingForCallsThatSetOutBeforeTheLimitWasKnown) {
  throttle t({8, 0, 0}, 0);
  t.arrive(1, 40'000);
  t.arrive(2, 40'000);
  EXPECT_EQ(t.admit(0).size(), 2u);
  rate_hint h;
  h.tokens_limit = 60'000;
  t.leave(1, 30'000, h, true, 0);
  auto before = [&] {
    throttle copy = t;
    copy.arrive(3, 900);
    copy.arrive(4, 900);
    return std::pair(copy.admit(0).size(), copy.next_ms(0));
  };
  auto expected = before();
  t.leave(2, 10, {}, true, 0);
  EXPECT_EQ(before(), expected) << "what it did not take, it does not bring back";
}

// -- blocks ---------------------------------------------------------------------

TEST(ThrottleBlock, IsFollowedByOneProbeAndThenByAll) {
  throttle t({64, 0, 0}, 0);
  for (throttle::caller c = 1; c <= 5; ++c)
    t.arrive(c, 0);
  t.block_until(5'000);
  EXPECT_EQ(t.blocked_until_ms(), 5'000);
  t.block_until(3'000);
  EXPECT_EQ(t.blocked_until_ms(), 5'000) << "a later time wins";
  EXPECT_TRUE(t.admit(4'999).empty());
  EXPECT_EQ(t.next_ms(4'999), 5'000);
  EXPECT_EQ(t.admit(5'000), (callers{1}));
  EXPECT_TRUE(t.admit(6'000).empty());
  EXPECT_EQ(t.next_ms(6'000), std::nullopt);
  t.leave(1, {}, {}, true, 7'000);
  EXPECT_EQ(t.admit(7'000), (callers{2, 3, 4, 5}));
}

TEST(ThrottleBlock, IsRenewedByAProbeThatIsRefused) {
  for (bool leaves_first : {false, true}) {
    throttle t({64, 0, 0}, 0);
    for (throttle::caller c = 1; c <= 4; ++c)
      t.arrive(c, 0);
    t.block_until(1'000);
    EXPECT_EQ(t.admit(1'000), (callers{1}));
    if (leaves_first)
      t.leave(1, {}, {}, false, 1'100);
    t.block_until(9'000);
    if (!leaves_first)
      t.leave(1, {}, {}, false, 1'100);
    EXPECT_TRUE(t.admit(8'999).empty());
    EXPECT_EQ(t.admit(9'000), (callers{2}));
    t.leave(2, {}, {}, false, 9'100); // An outage of another kind.
    EXPECT_EQ(t.admit(9'100), (callers{3})) << "still one at a time";
    EXPECT_TRUE(t.admit(9'200).empty());
    t.leave(3, {}, {}, true, 9'300);
    EXPECT_EQ(t.admit(9'300), (callers{4}));
  }
}

TEST(ThrottleBlock, IsNotLiftedByACallThatSetOutBefore) {
  throttle t({64, 0, 0}, 0);
  t.arrive(1, 0);
  EXPECT_EQ(t.admit(0), (callers{1}));
  for (throttle::caller c = 2; c <= 4; ++c)
    t.arrive(c, 0);
  t.block_until(1'000);
  t.leave(1, {}, {}, true, 500);
  EXPECT_EQ(t.admit(1'000), (callers{2}));
  t.block_until(2'000); // Another straggler was refused; the probe does not know.
  t.leave(2, {}, {}, true, 1'500);
  EXPECT_EQ(t.admit(2'000), (callers{3}));
  EXPECT_TRUE(t.admit(2'000).empty());
}

TEST(ThrottleBlock, LastsAsLongAsItWasAskedFor) {
  throttle t({64, 600, 0}, 0);
  t.arrive(1, 0);
  t.block_until(24 * 60 * minute);
  EXPECT_TRUE(t.admit(23 * 60 * minute).empty());
  EXPECT_EQ(t.next_ms(23 * 60 * minute), 24 * 60 * minute);
  t.block_until(std::numeric_limits<ms>::max());
  ASSERT_TRUE(t.next_ms(0));
}

// -- giving up ------------------------------------------------------------------

TEST(ThrottleAbandon, FreesAPlaceInLineAndOneUnderWay) {
  throttle t({1, 0, 0}, 0);
  for (throttle::caller c = 1; c <= 4; ++c)
    t.arrive(c, 0);
  EXPECT_EQ(t.admit(0), (callers{1}));
  t.abandon(2, 0);
  t.abandon(1, 0);
  EXPECT_EQ(t.under_way(), 0u);
  EXPECT_EQ(t.waiting(), 2u);
  EXPECT_EQ(t.admit(0), (callers{3}));
  t.abandon(99, 0); // A stranger changes nothing.
  t.leave(1, {}, {}, true, 0);
  EXPECT_EQ(t.under_way(), 1u);
  EXPECT_TRUE(t.admit(0).empty());
}

TEST(ThrottleAbandon, FreesTheProbe) {
  throttle t({64, 0, 0}, 0);
  for (throttle::caller c = 1; c <= 3; ++c)
    t.arrive(c, 0);
  t.block_until(1'000);
  EXPECT_EQ(t.admit(1'000), (callers{1}));
  t.abandon(1, 1'500);
  EXPECT_EQ(t.admit(1'500), (callers{2})) << "nobody knows yet";
  EXPECT_TRUE(t.admit(1'500).empty());
}

TEST(ThrottleAbandon, LetsACallerComeAgain) {
  throttle t({1, 0, 0}, 0);
  t.arrive(1, 0);
  t.arrive(1, 0); // Has its place.
  EXPECT_EQ(t.waiting(), 1u);
  t.admit(0);
  t.leave(1, {}, {}, false, 0);
  t.arrive(1, 0);
  EXPECT_EQ(t.admit(0), (callers{1}));
}

// -- time -----------------------------------------------------------------------

TEST(ThrottleTime, ThatJumpsBackNeitherFreezesNorFloods) {
  throttle t({64, 600, 0}, 100 * minute);
  auto before = admitted_in(t, 100 * minute, 5'000);
  auto after = admitted_in(t, minute, minute);
  EXPECT_GE(after.size(), 580u);
  EXPECT_LE(after.size(), 600u);

  t.block_until(2 * minute + 30'000);
  t.arrive(1, 0);
  EXPECT_TRUE(t.admit(2 * minute).empty());
  EXPECT_EQ(t.next_ms(0), 30'000) << "the rest of the block is waited for, not more";
  EXPECT_EQ(t.blocked_until_ms(), 30'000);
  EXPECT_TRUE(t.admit(29'999).empty());
  EXPECT_EQ(t.admit(30'000).size(), 1u);
}

TEST(ThrottleTime, ThatJumpsAheadDoesNotFlood) {
  throttle t({64, 600, 0}, 0);
  admitted_in(t, 0, 1'000);
  auto later = admitted_in(t, 1'000 * minute, 1);
  EXPECT_LE(later.size(), 10u);
}

TEST(ThrottleTime, ThatStandsStillAdmitsABurstOnly) {
  throttle t({64, 600, 0}, 0);
  for (throttle::caller c = 0; c < 1'000; ++c)
    t.arrive(c, 0);
  std::size_t all = 0;
  for (int i = 0; i < 100; ++i)
    all += t.admit(0).size();
  EXPECT_LE(all, 10u);
}

// -- whatever happens -------------------------------------------------------------

/// A throttle to which anything happens.
class mischief {
public:
  explicit mischief(std::uint64_t seed)
      : dice_(seed)
      , t_(limits(), 0) {}

  void step() {
    switch (draw(dice_, 0, 9)) {
      case 0:
      case 1:
      case 2:
        t_.arrive(next_,
                  static_cast<std::uint64_t>(draw(dice_, 0, 1) ? 10 : draw(dice_, 0, 90'000)));
        line_.push_back(next_++);
        break;
      case 3:
        give_up(line_);
        break;
      case 4:
        give_up(away_);
        break;
      case 5:
      case 6:
        leave();
        break;
      case 7:
        if (draw(dice_, 0, 3) == 0)
          t_.block_until(now_ + draw(dice_, -1'000, 100'000));
        break;
      default:
        now_ += draw(dice_, 0, 9) ? draw(dice_, 0, 3'000) : -draw(dice_, 0, 1'000'000);
    }
    look_ahead();
    admit();
  }

private:
  rate_limits limits() {
    auto some = [&](ms most) { return draw(dice_, 0, 2) ? draw(dice_, 1, most) : 0; };
    return {static_cast<std::uint32_t>(draw(dice_, 1, 10)), static_cast<std::uint32_t>(some(1'000)),
            static_cast<std::uint64_t>(some(1'000'000))};
  }

  std::optional<throttle::caller> pick(callers& from) {
    if (from.empty())
      return {};
    auto at = from.begin() + draw(dice_, 0, static_cast<ms>(from.size()) - 1);
    auto who = *at;
    from.erase(at);
    return who;
  }

  void give_up(callers& from) {
    if (auto who = pick(from))
      t_.abandon(*who, now_);
  }

  void leave() {
    auto number = [&]() -> std::optional<std::uint64_t> {
      if (draw(dice_, 0, 3))
        return {};
      return static_cast<std::uint64_t>(draw(dice_, 0, 1) ? draw(dice_, 0, 3)
                                                          : draw(dice_, 0, 1'000'000));
    };
    rate_hint h{number(), number(), number(), number(), {}, {}};
    if (draw(dice_, 0, 1))
      h.requests_reset_ms = draw(dice_, -100, 100'000);
    if (draw(dice_, 0, 1))
      h.tokens_reset_ms = draw(dice_, -100, 100'000);
    if (auto who = pick(away_))
      t_.leave(*who, number(), h, draw(dice_, 0, 3) != 0, now_);
  }

  /// What next_ms() promises.
  void look_ahead() {
    auto at = t_.next_ms(now_);
    auto copy = t_;
    if (!at) {
      EXPECT_TRUE(copy.admit(now_ + 500 * minute).empty());
      return;
    }
    ASSERT_GE(*at, now_);
    if (*at > now_ + 1) {
      EXPECT_TRUE(throttle(t_).admit(*at - 2).empty()) << "could have been earlier";
    }
    EXPECT_FALSE(copy.admit(*at).empty());
  }

  void admit() {
    for (auto who : t_.admit(now_)) {
      ASSERT_FALSE(line_.empty());
      EXPECT_EQ(who, line_.front()) << "first come, first served";
      line_.erase(line_.begin());
      away_.push_back(who);
    }
    EXPECT_EQ(t_.waiting(), line_.size());
    EXPECT_EQ(t_.under_way(), away_.size());
    EXPECT_LE(away_.size(), 10u);
  }

  std::mt19937_64 dice_;
  throttle t_;
  ms now_ = 0;
  throttle::caller next_ = 1;
  callers line_, away_;
};

TEST(ThrottleProperty, NextIsNeverPastAndAlwaysAdmitsSomebody) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed() + i));
    mischief m(seed() + i);
    for (int k = 0; k < 300 && !HasFailure(); ++k)
      m.step();
    ASSERT_FALSE(HasFailure());
  }
}

TEST(ThrottleCrowd, OfAHundredThousandCostsNoMoreThanThoseWhoGo) {
  constexpr throttle::caller crowd = 100'000;
  throttle t({4, 0, 0}, 0);
  for (throttle::caller c = 0; c < crowd; ++c)
    t.arrive(c, 1);
  for (throttle::caller c = 50'000; c < crowd; c += 2)
    t.abandon(c, 0);
  auto begin = std::chrono::steady_clock::now();
  std::size_t gone = 0;
  while (t.waiting() + t.under_way() > 0) {
    t.next_ms(0);
    for (auto who : t.admit(0)) {
      ++gone;
      t.leave(who, 1, {}, true, 0);
    }
  }
  EXPECT_EQ(gone, 75'000u);
  // Looking at everybody each time would be 10^9 looks.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

} // namespace
