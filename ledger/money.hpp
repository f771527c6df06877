// money.hpp -- what calls cost, and what may still be spent.
//
// A *price* is US dollars for a million tokens of each sort. A *reservation* is
// the most that a call can cost, on record before the call begins (L1); its
// *receipt* is the record that says what the call did cost. A *purse* holds
// what a run may spend.
//
//   1. Spent and reserved together never exceed a limit: calls that run at the
//      same time cannot overshoot.
//   2. A reservation without a receipt counts as spent: nobody knows better.
//   3. What is spent is a function of the records alone; a purse is rebuilt from
//      them.
//   4. A sum that is negative or no number is never put aside. A call that costs
//      nothing is always granted: it cannot overshoot.
//
// Pure.

#pragma once

#include "ledger/record.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ledger {

/// US dollars for a million tokens.
struct token_price {
  double input = 0;
  double cached_input = 0; ///< Read from the vendor's cache.
  double cache_write = 0;
  double output = 0;
};

/// Whether anything of it is not free.
bool costs_something(const token_price& price) noexcept;

/// What a call costs, each token counted once (see providers/conversation.hpp).
double cost_usd(const token_price& price, std::uint64_t input, std::uint64_t cached,
                std::uint64_t written, std::uint64_t output);

struct budget_config {
  std::optional<double> run_usd;  ///< All tasks, from the start of the run.
  std::optional<double> task_usd; ///< One task, in its life.
};

/// What the records of a task say was spent, with reservations that have no
/// receipt. A reservation is `usd_reserved` of an `asked`; its receipt is the
/// very next record, if that is an `answered`, `turned`, `failed` or `deferred`
/// that says `usd`.
double spent_usd(std::span<const record> records);

class purse {
public:
  purse() = default;
  explicit purse(budget_config limits)
      : limits_(limits) {}

  // What is spent already; before the first reservation.
  void begin_run(double spent);
  void begin_task(const std::string& task, double in_its_life);

  enum class verdict : std::uint8_t { granted, run_used, task_used };
  /// Puts `usd` aside for a call of `task`, or says which limit forbids it.
  verdict reserve(const std::string& task, double usd);
  /// The call is over: what was put aside, and what it did cost.
  void settle(const std::string& task, double reserved, double spent);

  double spent() const noexcept { return spent_; }
  double reserved() const noexcept { return reserved_; }
  const budget_config& limits() const noexcept { return limits_; }

private:
  budget_config limits_;
  double spent_ = 0, reserved_ = 0;
  std::map<std::string, double> of_task_; ///< Spent and reserved, in its life.
};

} // namespace ledger
