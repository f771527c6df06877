// limiter.hpp -- a service's rate limits.
//
// A *limiter* lets so much through in a *minute* (which tests may shorten), in
// one of three manners: *bucket* (refills all the time, holds `burst`), *fixed*
// (whole windows, the first begins with the first request) or *sliding* (within
// any minute).
//
//   1. What is refused takes nothing.
//
// Pure: the time is handed in.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace fake_server {

/// What is left of a limit, for headers.
struct limit_state {
  std::uint64_t limit = 0; ///< 0: there is none.
  std::uint64_t left = 0;
  double reset_s = 0; ///< Until it is whole again.
};

enum class window : std::uint8_t { bucket, fixed, sliding };

class limiter {
public:
  /// `limit` 0: everything passes. `burst` 0: the limit.
  limiter(std::uint64_t limit, std::uint64_t burst, window w, std::int64_t minute_ms);

  /// Nothing: it would pass; else in how many seconds it would. A piece that
  /// is larger than the limit passes when nothing else is counted.
  std::optional<double> wait_s(std::uint64_t amount, std::int64_t now_ms);
  void take(std::uint64_t amount, std::int64_t now_ms);
  limit_state state(std::int64_t now_ms);

private:
  void advance(std::int64_t now_ms);

  std::uint64_t limit_, burst_;
  window window_;
  std::int64_t minute_ms_;
  double level_;              ///< Bucket: what it holds.
  std::int64_t at_ms_ = -1;   ///< Bucket: of the level. Fixed: the window's start.
  std::uint64_t counted_ = 0; ///< Fixed, sliding.
  std::deque<std::pair<std::int64_t, std::uint64_t>> taken_; ///< Sliding.
};

} // namespace fake_server
