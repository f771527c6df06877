#include "tests/fake_server/limiter.hpp"

#include <algorithm>

namespace fake_server {

limiter::limiter(std::uint64_t limit, std::uint64_t burst, window w, std::int64_t minute_ms)
    : limit_(limit)
    , burst_(burst == 0 ? limit : burst)
    , window_(w)
    , minute_ms_(std::max<std::int64_t>(1, minute_ms))
    , level_(static_cast<double>(burst_)) {}

void limiter::advance(std::int64_t now_ms) {
  if (at_ms_ < 0)
    at_ms_ = now_ms;
  switch (window_) {
    case window::bucket:
      level_ = std::min(static_cast<double>(burst_),
                        level_
                            + static_cast<double>(limit_) * static_cast<double>(now_ms - at_ms_)
                                  / static_cast<double>(minute_ms_));
      at_ms_ = now_ms;
      break;
    case window::fixed:
      if (now_ms - at_ms_ >= minute_ms_) {
        at_ms_ += (now_ms - at_ms_) / minute_ms_ * minute_ms_;
        counted_ = 0;
      }
      break;
    case window::sliding:
      for (; !taken_.empty() && taken_.front().first + minute_ms_ <= now_ms; taken_.pop_front())
        counted_ -= taken_.front().second;
      break;
  }
}

std::optional<double> limiter::wait_s(std::uint64_t amount, std::int64_t now_ms) {
  if (limit_ == 0)
    return std::nullopt;
  advance(now_ms);
  auto wanted = std::min(amount, window_ == window::bucket ? burst_ : limit_);
  if (window_ == window::bucket) {
    auto missing = static_cast<double>(wanted) - level_;
    if (missing <= 1e-9)
      return std::nullopt;
    return missing * static_cast<double>(minute_ms_) / static_cast<double>(limit_) / 1000;
  }
  if (counted_ + wanted <= limit_)
    return std::nullopt;
  auto until = at_ms_ + minute_ms_;
  if (window_ == window::sliding) {
    auto left = counted_;
    for (auto& [when, much] : taken_) {
      left -= much;
      until = when + minute_ms_;
      if (left + wanted <= limit_)
        break;
    }
  }
  return static_cast<double>(until - now_ms) / 1000;
}

void limiter::take(std::uint64_t amount, std::int64_t now_ms) {
  if (limit_ == 0)
    return;
  advance(now_ms);
  level_ = std::max(0.0, level_ - static_cast<double>(amount));
  counted_ += amount;
  if (window_ == window::sliding)
    taken_.emplace_back(now_ms, amount);
}

limit_state limiter::state(std::int64_t now_ms) {
  if (limit_ == 0)
    return {};
  advance(now_ms);
  limit_state s;
  s.limit = limit_;
  if (window_ == window::bucket) {
    s.left = static_cast<std::uint64_t>(level_);
    s.reset_s = (static_cast<double>(burst_) - level_) * static_cast<double>(minute_ms_)
                / static_cast<double>(limit_) / 1000;
    return s;
  }
  s.left = limit_ - std::min(limit_, counted_);
  auto until = window_ == window::fixed ? at_ms_ + minute_ms_
               : taken_.empty()         ? now_ms
                                        : taken_.back().first + minute_ms_;
  s.reset_s = static_cast<double>(until - now_ms) / 1000;
  return s;
}

} // namespace fake_server
