// Throttles against services that count in three different ways.

#include "tests/providers/throttle_fixture.hpp"

#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <tuple>

namespace {

using namespace throttle_fixture;

// -- services -----------------------------------------------------------------

/// Somebody else's idea of a limit.
class service {
public:
  explicit service(double limit)
      : limit_(limit) {}
  virtual ~service() = default;
  virtual bool take(double size, ms now) = 0;
  virtual double left(ms now) = 0;
  /// When there is more.
  virtual ms reset(ms now) = 0;

protected:
  double limit_;
};

class bucket_service : public service {
public:
  explicit bucket_service(double limit)
      : service(limit)
      , level_(limit) {}
  bool take(double size, ms now) override {
    if (left(now) < size)
      return false;
    level_ -= size;
    return true;
  }
  double left(ms now) override {
    level_ = std::min(limit_, level_ + limit_ / minute * static_cast<double>(now - at_));
    at_ = now;
    return level_;
  }
  ms reset(ms now) override { return 1 + static_cast<ms>((limit_ - left(now)) / limit_ * minute); }

private:
  double level_;
  ms at_ = 0;
};

class fixed_service : public service {
public:
  fixed_service(double limit, ms offset)
      : service(limit)
      , offset_(offset) {}
  bool take(double size, ms now) override {
    if (left(now) < size)
      return false;
    used_ += size;
    return true;
  }
  double left(ms now) override {
    if (auto window = (now + offset_) / minute; window != window_) {
      window_ = window;
      used_ = 0;
    }
    return limit_ - used_;
  }
  ms reset(ms now) override { return minute - (now + offset_) % minute; }

private:
  ms offset_;
  ms window_ = -1;
  double used_ = 0;
};

class sliding_service : public service {
public:
  using service::service;
  bool take(double size, ms now) override {
    if (left(now) < size)
      return false;
    taken_.emplace_back(now, size);
    used_ += size;
    return true;
  }
  double left(ms now) override {
    while (!taken_.empty() && taken_.front().first <= now - minute) {
      used_ -= taken_.front().second;
      taken_.pop_front();
    }
    return limit_ - used_;
  }
  ms reset(ms now) override { return taken_.empty() ? 0 : taken_.front().first + minute - now; }

private:
  std::deque<std::pair<ms, double>> taken_;
  double used_ = 0;
};

std::unique_ptr<service> service_named(const std::string& name, double limit, ms offset) {
  if (name == "bucket")
    return std::make_unique<bucket_service>(limit);
  if (name == "fixed")
    return std::make_unique<fixed_service>(limit, offset);
  return std::make_unique<sliding_service>(limit);
}

// -- simulation ---------------------------------------------------------------

struct outcome {
  double asked = 0, refused = 0; ///< Calls.
  double used = 0;               ///< Requests or tokens that the service gave.
  std::vector<std::pair<ms, double>> admitted;
};

/// What a simulated call is: it reaches the service a little later, and takes
/// its time there.
struct call {
  ms at;
  throttle::caller who;
  bool leaves = false;
  bool answered = false;
  double tokens = 0; ///< What it will really use.
  bool operator>(const call& other) const { return at > other.at; }
};

struct plan {
  std::string service;
  double limit;
  bool counts_tokens = false;
  bool tells = false; ///< Headers on each response.
};

/// Three minutes with always somebody waiting.
class simulation {
public:
  simulation(const plan& p, rate_limits limits, std::uint64_t seed)
      : plan_(p)
      , dice_(seed)
      , service_(service_named(p.service, p.limit, draw(dice_, 0, minute - 1)))
      , throttle_(limits, 0) {}

  outcome run() {
    ms now = 0;
    while (now < 3 * minute) {
      while (throttle_.waiting() < 100)
        arrive();
      for (auto who : throttle_.admit(now))
        set_out(who, now);
      auto next = throttle_.next_ms(now).value_or(std::numeric_limits<ms>::max());
      EXPECT_GT(next, now) << "admit() left somebody behind";
      if (!on_the_way_.empty())
        next = std::min(next, on_the_way_.top().at);
      now = std::max(now, next);
      while (!on_the_way_.empty() && on_the_way_.top().at <= now)
        step(now);
    }
    return out_;
  }

private:
  void arrive() {
    auto tokens = static_cast<std::uint64_t>(draw(dice_, 2'000, 20'000));
    tokens_[next_] = tokens;
    throttle_.arrive(next_++, tokens);
  }

  void set_out(throttle::caller who, ms now) {
    auto estimate = static_cast<double>(tokens_.at(who));
    auto share = static_cast<double>(draw(dice_, 50, 100)) / 100;
    on_the_way_.push({now + draw(dice_, 5, 150), who, false, false, std::floor(estimate * share)});
    out_.asked += 1;
    out_.admitted.emplace_back(now, 1);
  }

  void step(ms now) {
    auto c = on_the_way_.top();
    on_the_way_.pop();
    if (!c.leaves) {
      auto size = plan_.counts_tokens ? c.tokens : 1;
      c.answered = service_->take(size, now);
      out_.refused += c.answered ? 0 : 1;
      out_.used += c.answered ? size : 0;
      c.leaves = true;
      c.at = now + (c.answered ? draw(dice_, 50, 5'000) : 20);
      on_the_way_.push(c);
      return;
    }
    rate_hint hint;
    if (plan_.tells) {
      auto left = static_cast<std::uint64_t>(std::max(0.0, service_->left(now)));
      auto limit = static_cast<std::uint64_t>(plan_.limit);
      (plan_.counts_tokens ? hint.tokens_limit : hint.requests_limit) = limit;
      (plan_.counts_tokens ? hint.tokens_left : hint.requests_left) = left;
      (plan_.counts_tokens ? hint.tokens_reset_ms : hint.requests_reset_ms) = service_->reset(now);
    }
    throttle_.leave(c.who, static_cast<std::uint64_t>(c.answered ? c.tokens : 0), hint, c.answered,
                    now);
  }

  plan plan_;
  std::mt19937_64 dice_;
  std::unique_ptr<service> service_;
  throttle throttle_;
  std::priority_queue<call, std::vector<call>, std::greater<>> on_the_way_;
  std::map<throttle::caller, std::uint64_t> tokens_;
  throttle::caller next_ = 1;
  outcome out_;
};

class Throttle : public ::testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(Throttle, UsesTheRequestsOfAServiceWithoutBeingRefused) {
  auto [name, tells] = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed()));
  for (std::uint64_t i = 0; i < 5; ++i) {
    auto out = simulation({name, 600, false, tells}, {64, 600, 0}, seed() + i).run();
    EXPECT_GE(out.used, 0.97 * 3 * 600);
    EXPECT_LE(out.refused, 0.01 * out.asked);
    EXPECT_LE(busiest_minute(out.admitted), 600 * 1.1);
  }
}

TEST_P(Throttle, UsesTheTokensOfAServiceWithoutBeingRefused) {
  auto [name, tells] = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed()));
  for (std::uint64_t i = 0; i < 5; ++i) {
    auto out = simulation({name, 2e6, true, tells}, {64, 0, 2'000'000}, seed() + i).run();
    EXPECT_GE(out.used, 0.97 * 3 * 2e6);
    EXPECT_LE(out.refused, 0.01 * out.asked);
  }
}

TEST_P(Throttle, LearnsAnUnknownLimitFromHeaders) {
  auto [name, tells] = GetParam();
  if (!tells)
    return;
  auto out = simulation({name, 600, false, true}, {64, 0, 0}, seed()).run();
  EXPECT_LE(out.refused, 0.01 * out.asked);
  EXPECT_GE(out.used, 0.97 * 3 * 600);
}

// Sixteen calls set out before the first answer told the limit, and were not
// counted. A service that looks at every minute counts them: in the first minute
// it got too many, said that nothing was left, and was left alone for a whole
// minute. They count as soon as the limit is known.
TEST(ThrottleService, IsAskedNoMoreThanItsLimitInTheMinuteInWhichItTellsIt) {
  throttle t({16, 0, 0}, 0);
  rate_hint told;
  told.requests_limit = 600;
  std::deque<std::pair<ms, throttle::caller>> away;
  throttle::caller next = 1;
  std::size_t asked = 0;
  for (ms now = 0; now < minute; now += 10) {
    for (; !away.empty() && away.front().first <= now; away.pop_front())
      t.leave(away.front().second, {}, told, true, now);
    while (t.waiting() < 16)
      t.arrive(next++, 0);
    for (auto who : t.admit(now)) {
      away.emplace_back(now + 500, who);
      ++asked;
    }
  }
  EXPECT_LE(asked, 600u);
  EXPECT_GE(asked, 582u);
}

INSTANTIATE_TEST_SUITE_P(Services, Throttle,
                         ::testing::Combine(::testing::Values("bucket", "fixed", "sliding"),
                                            ::testing::Bool()),
                         [](auto& i) {
                           return std::string(std::get<0>(i.param))
                                  + (std::get<1>(i.param) ? "ThatTells" : "");
                         });

} // namespace
