// throttle.hpp -- how fast a service may be asked.
//
// A *throttle* belongs to one provider of the configuration, whatever roles it
// plays. A *caller* waits in line until it is *admitted*, and *leaves* when its
// call is over. Limits are a number of calls at a time and, as token buckets,
// requests and tokens a minute; what the service's headers say makes them
// tighter, never wider than the configuration.
//
//   1. Who has *precedence* goes first, and among equals who came first: calls
//      that bring work to its end pass those that begin more of it. Nobody waits
//      for ever, as long as those who have it are finitely many.
//   2. Within any minute at most the limit and a tenth of it are admitted, and
//      when callers wait, at least 97 % of the limit are.
//   3. While the service asked to be left alone nobody is admitted; afterwards
//      one caller at a time, until one of them was answered.
//   4. A call counts with its estimated tokens, and is corrected when it is over.
//   5. No header stops it for ever: a pause that headers bring is a minute at
//      most, and so is a debt of tokens.
//
// Pure: the time is handed in, in milliseconds, and may stand still or jump. A
// jump back counts as no time, a jump ahead as time that passed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace providers {

struct rate_limits {
  std::uint32_t concurrency = 8;
  std::uint32_t requests_per_minute = 0; ///< 0: not limited.
  std::uint64_t tokens_per_minute = 0;   ///< 0: not limited.
};

/// What a service said of its limits, in the headers of a response.
struct rate_hint {
  std::optional<std::uint64_t> requests_limit, requests_left; ///< A minute; now.
  std::optional<std::uint64_t> tokens_limit, tokens_left;
  std::optional<std::int64_t> requests_reset_ms, tokens_reset_ms; ///< From now.
  bool empty() const noexcept {
    return !requests_limit && !requests_left && !tokens_limit && !tokens_left && !requests_reset_ms
           && !tokens_reset_ms;
  }
};

class throttle {
public:
  using caller = std::uint64_t;

  throttle(rate_limits l, std::int64_t now_ms);

  /// Takes a place in line. `tokens`: what the call may use; the highest
  /// `precedence` goes first.
  void arrive(caller who, std::uint64_t tokens, std::uint32_t precedence = 0);
  /// Gives up the place in line, or the call.
  void abandon(caller who, std::int64_t now_ms);
  /// Who may go now, in order; they are under way from then on.
  std::vector<caller> admit(std::int64_t now_ms);
  /// When to call admit() again if nobody leaves before; empty: nobody waits, or
  /// only a leaving can help.
  std::optional<std::int64_t> next_ms(std::int64_t now_ms) const;
  /// The call is over. `used`: tokens in all, if known. `answered`: the service
  /// answered as it should.
  void leave(caller who, std::optional<std::uint64_t> used, const rate_hint& hint, bool answered,
             std::int64_t now_ms);
  /// Leaves the service alone until then (a later time wins).
  void block_until(std::int64_t until_ms);
  /// 0: nobody ever asked for it.
  std::int64_t blocked_until_ms() const noexcept;

  std::size_t waiting() const noexcept { return line_.size(); }
  std::size_t under_way() const noexcept { return away_.size(); }

private:
  /// Time that never runs backwards; everything below is told in it.
  class clock {
  public:
    explicit clock(std::int64_t now_ms)
        : last_ms_(now_ms) {}
    std::int64_t read(std::int64_t now_ms) noexcept;
    std::int64_t lag_ms() const noexcept { return lag_ms_; }

  private:
    std::int64_t last_ms_;
    std::int64_t lag_ms_ = 0; ///< What all the jumps back come to.
  };

  /// A token bucket; without a limit it is always full.
  class bucket {
  public:
    bucket(double configured, std::int64_t now);
    /// What a call of that size counts: no more than a minute's worth.
    double charge(double size) const noexcept;
    bool has(double size, std::int64_t now) const noexcept;
    /// When it has; `now` if it has already.
    std::int64_t when(double size, std::int64_t now) const noexcept;
    void take(double charge, std::int64_t now) noexcept;
    /// A call counted `more` than it should have; negative: less.
    void give_back(double more, std::int64_t now) noexcept;
    /// `under_way`: what counts, too, if there was no limit so far.
    void learn(std::optional<std::uint64_t> limit, std::optional<std::uint64_t> left,
               std::optional<std::int64_t> reset_ms, double under_way, std::int64_t now) noexcept;
    bool limited() const noexcept { return limit_ > 0; }

  private:
    double per_ms() const noexcept;
    double burst() const noexcept;
    double most() const noexcept;
    double level_at(std::int64_t now) const noexcept;
    void set_limit(double limit, std::int64_t now) noexcept;

    double configured_;
    double limit_; ///< A minute; 0: not limited.
    double level_ = 0;
    std::int64_t at_;
    std::optional<std::int64_t> paused_until_;
  };

  struct place {
    caller who;
    std::uint64_t tokens;
  };
  /// Where one stands: the higher precedence, then the earlier arrival.
  struct standing {
    std::uint32_t precedence;
    std::uint64_t number;
    bool operator<(const standing& o) const noexcept {
      return precedence != o.precedence ? precedence > o.precedence : number < o.number;
    }
  };

  bool may_go(std::int64_t now) const noexcept;
  bool probe_away() const noexcept { return probing_ && probe_.has_value(); }

  std::size_t concurrency_;
  mutable clock clock_; ///< Whoever asks for the time tells it.
  bucket requests_, tokens_;
  std::map<standing, place> line_; ///< In the order in which they go.
  std::unordered_map<caller, standing> standing_of_;
  std::uint64_t next_number_ = 0;
  /// Those under way, with what each counts; empty: there was no limit then.
  std::unordered_map<caller, std::optional<double>> away_;
  std::optional<std::int64_t> blocked_until_;
  bool probing_ = false;        ///< See 3 above.
  std::optional<caller> probe_; ///< Who tries, while the others wait.
};

} // namespace providers
