#include "ledger/money.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <iostream>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace {

using namespace ledger;
using verdict = purse::verdict;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double endless = std::numeric_limits<double>::infinity();

/// A record of `what`, with one sum in its detail (none: without), at a second.
record at(int second, event what, double usd = none) {
  record r;
  r.time = format_time(1'700'000'000'000 + second * 1'000);
  r.what = what;
  if (!std::isnan(usd))
    r.detail[what == event::asked ? "usd_reserved" : "usd"] = usd;
  return r;
}

purse with_limits(std::optional<double> run, std::optional<double> task = {}) {
  return purse(budget_config{run, task});
}

// -- price ----------------------------------------------------------------------

TEST(Price, IsForAMillionTokensOfEachSort) {
  token_price p{3, 0.3, 3.75, 15};
  EXPECT_DOUBLE_EQ(cost_usd(p, 1'000'000, 0, 0, 0), 3);
  EXPECT_DOUBLE_EQ(cost_usd(p, 0, 1'000'000, 0, 0), 0.3);
  EXPECT_DOUBLE_EQ(cost_usd(p, 0, 0, 1'000'000, 0), 3.75);
  EXPECT_DOUBLE_EQ(cost_usd(p, 0, 0, 0, 1'000'000), 15);
  EXPECT_DOUBLE_EQ(cost_usd(p, 1'000, 2'000, 3'000, 4'000), 0.003 + 0.0006 + 0.01125 + 0.06);
  EXPECT_DOUBLE_EQ(cost_usd({}, 1'000, 2'000, 3'000, 4'000), 0);
}

// -- records --------------------------------------------------------------------

struct story {
  const char* name;
  std::vector<record> records;
  double spent;
};

TEST(Spent, IsWhatReceiptsSayAndReservationsWithoutOne) {
  using e = event;
  for (auto& s : std::vector<story>{
           {"nothing happened", {}, 0},
           {"an answer costs less than was put aside",
            {at(1, e::asked, 0.5), at(2, e::answered, 0.2)},
            0.2},
           {"or more", {at(1, e::asked, 0.5), at(2, e::answered, 0.7)}, 0.7},
           {"or nothing", {at(1, e::asked, 0.5), at(2, e::answered, 0)}, 0},
           {"turns",
            {at(1, e::asked, 0.5), at(2, e::turned, 0.1), at(3, e::asked, 0.5),
             at(4, e::turned, 0.2), at(5, e::asked, 0.5), at(6, e::answered, 0.3)},
            0.6},
           {"a failure that was billed", {at(1, e::asked, 0.5), at(2, e::failed, 0.1)}, 0.1},
           {"a failure of which nobody knows", {at(1, e::asked, 0.5), at(2, e::failed)}, 0.5},
           {"a wait that costs nothing", {at(1, e::asked, 0.5), at(2, e::deferred, 0)}, 0},
           {"a call under way", {at(1, e::asked, 0.5)}, 0.5},
           {"asked again after a death", {at(1, e::asked, 0.5), at(2, e::asked, 0.4)}, 0.9},
           {"taken up again",
            {at(1, e::asked, 0.5), at(2, e::resumed), at(3, e::asked, 0.5),
             at(4, e::answered, 0.1)},
            0.6},
           {"started again", {at(1, e::asked, 0.5), at(2, e::restarted)}, 0.5},
           {"cancelled", {at(1, e::asked, 0.5), at(2, e::cancelled)}, 0.5},
           {"a sum on a record that is no receipt",
            {at(1, e::asked, 0.5), at(2, e::parked, 0.1)},
            0.5},
           {"a receipt of nobody's call", {at(1, e::answered, 0.2)}, 0.2},
           {"free roles", {at(1, e::asked), at(2, e::answered), at(3, e::asked, 0)}, 0},
           {"a negative receipt", {at(1, e::asked, 0.5), at(2, e::answered, -3)}, 0.5},
           {"an endless receipt", {at(1, e::asked, 0.5), at(2, e::answered, endless)}, 0.5},
       })
    EXPECT_DOUBLE_EQ(spent_usd(s.records), s.spent) << s.name;
}

TEST(Spent, CountsAReceiptThatIsNoNumberAsNone) {
  auto r = at(2, event::answered);
  for (auto& value : {json("0.1"), json(nullptr), json::array({1}), json(true)}) {
    r.detail["usd"] = value;
    EXPECT_DOUBLE_EQ(spent_usd(std::vector{at(1, event::asked, 0.5), r}), 0.5) << value;
  }
  r.detail["usd"] = 1; // A whole number is a number.
  EXPECT_DOUBLE_EQ(spent_usd(std::vector{at(1, event::asked, 5), r}), 1);
  r.detail = json::array();
  EXPECT_DOUBLE_EQ(spent_usd(std::vector{at(1, event::asked, 0.5), r}), 0.5);
}

// -- purse ----------------------------------------------------------------------

TEST(Purse, OfADollarGrantsThreeOfEightTimesThirtyCents) {
  auto p = with_limits(1.0);
  int granted = 0;
  for (int i = 0; i < 8; ++i)
    granted += p.reserve("task-" + std::to_string(i), 0.30) == verdict::granted;
  EXPECT_EQ(granted, 3);
  EXPECT_DOUBLE_EQ(p.reserved(), 0.9);
  EXPECT_DOUBLE_EQ(p.spent(), 0);
}

TEST(Purse, OfADollarHoldsTenTimesTenCents) {
  auto p = with_limits(1.0, 1.0);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(p.reserve("T", 0.1), verdict::granted) << i;
  EXPECT_EQ(p.reserve("T", 0.0001), verdict::run_used);

  // In doubles three times 0.1 is more than 0.3.
  auto cents = with_limits(0.3, 0.3);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(cents.reserve("T", 0.1), verdict::granted) << i;
}

TEST(Purse, GetsBackWhatACallDidNotCost) {
  auto p = with_limits(1.0);
  EXPECT_EQ(p.reserve("A", 0.8), verdict::granted);
  EXPECT_EQ(p.reserve("B", 0.3), verdict::run_used);
  p.settle("A", 0.8, 0.1);
  EXPECT_DOUBLE_EQ(p.spent(), 0.1);
  EXPECT_DOUBLE_EQ(p.reserved(), 0);
  EXPECT_EQ(p.reserve("B", 0.9), verdict::granted);
}

TEST(Purse, CountsACallThatCostMoreThanItsReservation) {
  auto p = with_limits(1.0, 1.0);
  EXPECT_EQ(p.reserve("A", 0.1), verdict::granted);
  p.settle("A", 0.1, 0.95);
  EXPECT_DOUBLE_EQ(p.spent(), 0.95);
  EXPECT_EQ(p.reserve("A", 0.1), verdict::run_used);
  EXPECT_EQ(p.reserve("A", 0.05), verdict::granted);
  p.settle("A", 0.05, 2);
  EXPECT_EQ(p.reserve("A", 0.01), verdict::run_used);
  EXPECT_EQ(p.reserve("A", 0), verdict::granted) << "what is free cannot overshoot";
}

TEST(Purse, HasALimitForEachTaskBesideTheRun) {
  auto p = with_limits(1.0, 0.4);
  EXPECT_EQ(p.reserve("A", 0.3), verdict::granted);
  EXPECT_EQ(p.reserve("A", 0.3), verdict::task_used);
  EXPECT_EQ(p.reserve("B", 0.4), verdict::granted);
  EXPECT_EQ(p.reserve("C", 0.4), verdict::run_used) << "the run's limit is told first";
  p.settle("A", 0.3, 0.4);
  EXPECT_EQ(p.reserve("A", 0.1), verdict::task_used);
  EXPECT_EQ(p.reserve("C", 0.2), verdict::granted);

  auto only_tasks = with_limits({}, 0.5);
  for (auto* task : {"A", "B", "C", "D"})
    EXPECT_EQ(only_tasks.reserve(task, 0.5), verdict::granted);
  EXPECT_EQ(only_tasks.reserve("A", 0.5), verdict::task_used);
}

TEST(Purse, BeginsWithWhatIsSpentAlready) {
  auto p = with_limits(1.0, 2.0);
  p.begin_run(0.5);
  p.begin_task("A", 1.75);
  p.begin_task("B", 0.25);
  EXPECT_DOUBLE_EQ(p.spent(), 0.5);
  EXPECT_EQ(p.reserve("A", 0.3), verdict::task_used) << "its life is longer than this run";
  EXPECT_EQ(p.reserve("B", 0.6), verdict::run_used);
  EXPECT_EQ(p.reserve("A", 0.25), verdict::granted);
}

TEST(Purse, WithoutLimitsGrantsWhateverIsASum) {
  purse p;
  EXPECT_EQ(p.reserve("A", 1e12), verdict::granted);
  EXPECT_EQ(p.reserve("A", 0), verdict::granted);
  for (auto usd : {none, endless, -endless, -0.01})
    EXPECT_NE(p.reserve("A", usd), verdict::granted) << usd;
  EXPECT_DOUBLE_EQ(p.reserved(), 1e12);
}

TEST(Purse, TakesNothingUnclearForLittle) {
  auto p = with_limits(1.0);
  EXPECT_EQ(p.reserve("A", 0.5), verdict::granted);
  p.settle("A", 0.5, none);
  EXPECT_DOUBLE_EQ(p.spent(), 0.5) << "nobody knows: what was put aside is spent";
  p.settle("A", none, 0.25);
  EXPECT_DOUBLE_EQ(p.spent(), 0.75);
  EXPECT_DOUBLE_EQ(p.reserved(), 0);
  p.begin_run(none);
  EXPECT_EQ(p.reserve("A", 0.1), verdict::run_used);

  EXPECT_EQ(with_limits(none).reserve("A", 0.1), verdict::run_used);
  EXPECT_EQ(with_limits(-1.0).reserve("A", 0.1), verdict::run_used);
  EXPECT_EQ(with_limits(0.0).reserve("A", 0.1), verdict::run_used);
  EXPECT_EQ(with_limits(0.0).reserve("A", 0), verdict::granted) << "only what is free";
}

// -- lived through and rebuilt ----------------------------------------------------

/// Tasks that call, are answered, fail and die, with their records.
class history {
public:
  explicit history(std::uint64_t seed)
      : dice_(seed)
      , purse_(with_limits(some(20), some(5))) {}

  void step() {
    auto n = static_cast<std::size_t>(number(0, 4));
    auto& under_way = aside_[n];
    auto& records = records_[n];
    auto task = std::to_string(n);
    ++now_;
    if (!under_way) {
      auto usd = some(1);
      if (purse_.reserve(task, usd) != verdict::granted)
        return;
      records.push_back(at(now_, event::asked, usd));
      under_way = usd;
    } else if (number(0, 4) == 0) { // Died: nobody will ever know.
      purse_.settle(task, *under_way, *under_way);
      if (auto end = number(0, 3))
        records.push_back(at(now_, std::vector{event::resumed, event::restarted,
                                               event::failed}[static_cast<std::size_t>(end - 1)]));
      under_way.reset();
    } else {
      auto usd = number(0, 9) ? std::min(some(1), *under_way) : *under_way + some(1);
      purse_.settle(task, *under_way, usd);
      records.push_back(at(now_,
                           std::vector{event::answered, event::turned, event::failed,
                                       event::deferred}[static_cast<std::size_t>(number(0, 3))],
                           usd));
      under_way.reset();
    }
  }

  /// What another run finds, where everything under way is spent.
  void compare() const {
    purse again(purse_.limits());
    double in_all = 0;
    for (std::size_t n = 0; n < records_.size(); ++n) {
      auto& r = records_[n];
      auto life = spent_usd(r);
      again.begin_task(std::to_string(n), life);
      in_all += life;
    }
    again.begin_run(in_all);
    EXPECT_NEAR(in_all, purse_.spent() + purse_.reserved(), 1e-9);
    EXPECT_NEAR(again.spent(), in_all, 1e-9);
    // The same is granted afterwards: both stand at the same place.
    auto lived = purse_;
    for (std::size_t n = 0; n < records_.size(); ++n)
      for (auto usd : {5.0, 1.0, 0.1, 0.01})
        EXPECT_EQ(again.reserve(std::to_string(n), usd), lived.reserve(std::to_string(n), usd));
  }

private:
  int number(int from, int to) { return std::uniform_int_distribution<int>(from, to)(dice_); }
  double some(double most) { return std::uniform_real_distribution<double>(0, most)(dice_); }

  std::mt19937_64 dice_;
  purse purse_;
  std::array<std::vector<record>, 5> records_;
  std::array<std::optional<double>, 5> aside_;
  int now_ = 0;
};

TEST(PurseProperty, RebuiltFromRecordsEqualsLivedThrough) {
  auto seed = std::random_device{}();
  std::cout << "seed " << seed << std::endl;
  for (unsigned i = 0; i < 300 && !HasFailure(); ++i) {
    SCOPED_TRACE("seed " + std::to_string(seed + i));
    history l(seed + i);
    for (int k = 0; k < 150; ++k) {
      l.step();
      if (k % 30 == 0)
        l.compare();
    }
    l.compare();
  }
}

} // namespace
