#include "providers/throttle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace providers {

namespace {

constexpr double minute_ms = 60'000;
constexpr std::int64_t pause_max_ms = 60'000;

/// Pace and burst stay below the limit together. So even a service that looks
/// at every minute there is finds no request too many, and what is left absorbs
/// that calls arrive sooner or later than others, or use less than they count.
constexpr double pace = 0.98;
constexpr double burst_share = 0.015;
/// What corrections may save up, as a share of the limit.
constexpr double most_share = 0.1;

/// Sums of doubles are not exact.
double slack(double size) noexcept {
  return 1e-9 * std::max(1.0, size);
}

} // namespace

// -- clock ---------------------------------------------------------------------

std::int64_t throttle::clock::read(std::int64_t now_ms) noexcept {
  if (now_ms < last_ms_)
    lag_ms_ += last_ms_ - now_ms;
  last_ms_ = now_ms;
  return now_ms + lag_ms_;
}

// -- bucket --------------------------------------------------------------------

throttle::bucket::bucket(double configured, std::int64_t now)
    : configured_(configured)
    , limit_(configured)
    , level_(burst())
    , at_(now) {}

double throttle::bucket::per_ms() const noexcept {
  return limit_ * pace / minute_ms;
}

double throttle::bucket::burst() const noexcept {
  return std::max(1.0, limit_ * burst_share);
}

double throttle::bucket::most() const noexcept {
  return std::max(burst(), limit_ * most_share);
}

double throttle::bucket::level_at(std::int64_t now) const noexcept {
  if (now <= at_ || level_ >= burst())
    return level_; // What was given back may stand above the burst; time adds nothing to it.
  return std::min(burst(), level_ + static_cast<double>(now - at_) * per_ms());
}

double throttle::bucket::charge(double size) const noexcept {
  return std::min(size, limit_);
}

bool throttle::bucket::has(double size, std::int64_t now) const noexcept {
  if (paused_until_ && now < *paused_until_)
    return false;
  // More than the burst never gathers: a big call goes when the bucket is full.
  auto need = std::min(charge(size), burst());
  return !limited() || level_at(now) + slack(need) >= need;
}

std::int64_t throttle::bucket::when(double size, std::int64_t now) const noexcept {
  auto from = std::max(now, paused_until_.value_or(now));
  if (has(size, from))
    return from;
  auto lacking = std::min(charge(size), burst()) - level_at(from);
  auto at = from + static_cast<std::int64_t>(std::max(0.0, std::floor(lacking / per_ms())));
  while (!has(size, at)) // Twice at most: what floor() cut off, and rounding.
    ++at;
  return at;
}

void throttle::bucket::take(double charge, std::int64_t now) noexcept {
  level_ = std::max(level_at(now) - charge, -limit_);
  at_ = now;
}

void throttle::bucket::give_back(double more, std::int64_t now) noexcept {
  auto level = level_at(now);
  level_ =
      more < 0 ? std::max(level + more, -limit_) : std::max(level, std::min(level + more, most()));
  at_ = now;
}

void throttle::bucket::set_limit(double limit, std::int64_t now) noexcept {
  if (limit == limit_)
    return;
  auto level = level_at(now);
  bool first = !limited();
  limit_ = limit;
  level_ = first ? burst() : std::clamp(level, -limit_, burst());
  at_ = now;
}

void throttle::bucket::learn(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> left,
                             std::optional<std::int64_t> reset_ms, double under_way,
                             std::int64_t now) noexcept {
  if (limit && *limit > 0) { // Nobody sells a limit of none.
    auto told = static_cast<double>(*limit);
    bool first = !limited();
    set_limit(configured_ > 0 ? std::min(configured_, told) : told, now);
    if (first) // The service counts them.
      take(under_way, now);
  }
  if (!left)
    return;
  if (limited()) {
    level_ = std::min(level_at(now), static_cast<double>(*left));
    at_ = now;
  }
  if (*left == 0 && reset_ms && *reset_ms > 0)
    paused_until_ = std::max(paused_until_.value_or(now), now + std::min(*reset_ms, pause_max_ms));
}

// -- throttle ------------------------------------------------------------------

throttle::throttle(rate_limits l, std::int64_t now_ms)
    : concurrency_(std::max<std::size_t>(1, l.concurrency))
    , clock_(now_ms)
    , requests_(l.requests_per_minute, now_ms)
    , tokens_(static_cast<double>(l.tokens_per_minute), now_ms) {}

void throttle::arrive(caller who, std::uint64_t tokens, std::uint32_t precedence) {
  standing at{precedence, next_number_};
  if (away_.contains(who) || !standing_of_.emplace(who, at).second)
    return; // It has its place.
  line_.emplace(at, place{who, tokens});
  ++next_number_;
}

void throttle::abandon(caller who, std::int64_t now_ms) {
  clock_.read(now_ms);
  if (auto it = standing_of_.find(who); it != standing_of_.end()) {
    line_.erase(it->second);
    standing_of_.erase(it);
  }
  // What it counted stays counted: the service may have done the work.
  away_.erase(who);
  if (probe_ == who)
    probe_.reset();
}

bool throttle::may_go(std::int64_t now) const noexcept {
  return away_.size() < concurrency_ && !probe_away() && (!blocked_until_ || now >= *blocked_until_)
         && requests_.has(1, now)
         && tokens_.has(static_cast<double>(line_.begin()->second.tokens), now);
}

std::vector<throttle::caller> throttle::admit(std::int64_t now_ms) {
  auto now = clock_.read(now_ms);
  std::vector<caller> out;
  while (!line_.empty() && may_go(now)) {
    auto [who, tokens] = line_.begin()->second;
    auto charge = tokens_.charge(static_cast<double>(tokens));
    requests_.take(1, now);
    tokens_.take(charge, now);
    away_.emplace(who, tokens_.limited() ? std::optional(charge) : std::nullopt);
    standing_of_.erase(who);
    line_.erase(line_.begin());
    if (probing_)
      probe_ = who;
    out.push_back(who);
  }
  return out;
}

std::optional<std::int64_t> throttle::next_ms(std::int64_t now_ms) const {
  auto now = clock_.read(now_ms);
  if (line_.empty() || away_.size() >= concurrency_ || probe_away())
    return std::nullopt;
  auto from = std::max(now, blocked_until_.value_or(now));
  auto size = static_cast<double>(line_.begin()->second.tokens);
  return std::max(requests_.when(1, from), tokens_.when(size, from)) - clock_.lag_ms();
}

void throttle::leave(caller who, std::optional<std::uint64_t> used, const rate_hint& hint,
                     bool answered, std::int64_t now_ms) {
  auto now = clock_.read(now_ms);
  auto under_way = static_cast<double>(away_.size()); // With this one.
  if (auto it = away_.find(who); it != away_.end()) {
    if (used && it->second)
      tokens_.give_back(*it->second - static_cast<double>(*used), now);
    away_.erase(it);
  }
  if (probe_ == who) {
    probe_.reset();
    probing_ = !answered;
  }
  requests_.learn(hint.requests_limit, hint.requests_left, hint.requests_reset_ms, under_way, now);
  // How large those were that set out without a limit nobody noted.
  tokens_.learn(hint.tokens_limit, hint.tokens_left, hint.tokens_reset_ms, 0, now);
}

void throttle::block_until(std::int64_t until_ms) {
  // Far enough for everybody, and no sum with it overflows.
  constexpr auto latest = std::numeric_limits<std::int64_t>::max() / 4;
  auto until = std::min(until_ms, latest) + clock_.lag_ms();
  blocked_until_ = std::max(blocked_until_.value_or(until), until);
  probing_ = true;
  probe_.reset(); // Who is under way set out before this was known.
}

std::int64_t throttle::blocked_until_ms() const noexcept {
  return blocked_until_ ? *blocked_until_ - clock_.lag_ms() : 0;
}

} // namespace providers
