#include "ledger/money.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace ledger {

namespace {

/// Less than anybody bills: sums of doubles are not exact.
constexpr double tolerance = 1e-9;

bool is_sum(double usd) noexcept {
  return std::isfinite(usd) && usd >= 0;
}

std::optional<double> sum_at(const json& detail, const char* key) {
  if (!detail.is_object())
    return {};
  auto it = detail.find(key);
  if (it == detail.end() || !it->is_number())
    return {};
  auto usd = it->get<double>();
  return is_sum(usd) ? std::optional(usd) : std::nullopt;
}

/// What a call did cost, if the record says so.
std::optional<double> receipt_of(const record& r) {
  switch (r.what) {
    case event::answered:
    case event::turned:
    case event::failed:
    case event::deferred:
      return sum_at(r.detail, "usd");
    default:
      return {};
  }
}

/// What is spent already cannot be unclear: then nothing more may be.
double known(double usd) noexcept {
  return is_sum(usd) ? usd : std::numeric_limits<double>::infinity();
}

bool fits(double sum, const std::optional<double>& limit) noexcept {
  return !limit || sum <= *limit + tolerance; // Not so for a limit that is no number.
}

} // namespace

double spent_usd(std::span<const record> records) {
  double spent = 0;
  double reserved = 0; // Of the `asked` just before.
  for (auto& r : records) {
    if (auto usd = receipt_of(r)) {
      spent += *usd;
      reserved = 0;
      continue;
    }
    spent += std::exchange(reserved, 0);
    if (r.what == event::asked)
      reserved = sum_at(r.detail, "usd_reserved").value_or(0);
  }
  return spent + reserved;
}

bool costs_something(const token_price& price) noexcept {
  return price.input > 0 || price.cached_input > 0 || price.cache_write > 0 || price.output > 0;
}

double cost_usd(const token_price& price, std::uint64_t input, std::uint64_t cached,
                std::uint64_t written, std::uint64_t output) {
  auto of = [](std::uint64_t tokens, double usd) { return static_cast<double>(tokens) * usd; };
  return (of(input, price.input) + of(cached, price.cached_input) + of(written, price.cache_write)
          + of(output, price.output))
         / 1e6;
}

void purse::begin_run(double spent) {
  spent_ += known(spent);
}

void purse::begin_task(const std::string& task, double in_its_life) {
  of_task_[task] += known(in_its_life);
}

purse::verdict purse::reserve(const std::string& task, double usd) {
  if (!is_sum(usd))
    return verdict::run_used;
  auto& of_task = of_task_[task];
  if (usd > 0 && !fits(spent_ + reserved_ + usd, limits_.run_usd))
    return verdict::run_used;
  if (usd > 0 && !fits(of_task + usd, limits_.task_usd))
    return verdict::task_used;
  reserved_ += usd;
  of_task += usd;
  return verdict::granted;
}

void purse::settle(const std::string& task, double reserved, double spent) {
  auto aside = is_sum(reserved) ? std::min(reserved, reserved_) : 0;
  auto cost = is_sum(spent) ? spent : aside; // Nobody knows better.
  reserved_ -= aside;
  spent_ += cost;
  auto& of_task = of_task_[task];
  of_task = std::max(0.0, of_task - aside) + cost;
}

} // namespace ledger
