// throttle_fixture.hpp -- what the tests of throttles share.
//
//   1. Whatever is drawn follows from seed(), which is printed.

#pragma once

#include "providers/throttle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <random>
#include <utility>
#include <vector>

namespace throttle_fixture {

using namespace providers;
using callers = std::vector<throttle::caller>;
using ms = std::int64_t;

inline constexpr ms minute = 60'000;

inline std::uint64_t seed() {
  static const std::uint64_t s = [] {
    auto drawn = std::random_device{}();
    std::cout << "seed " << drawn << std::endl;
    return drawn;
  }();
  return s;
}

inline ms draw(std::mt19937_64& dice, ms from, ms to) {
  return std::uniform_int_distribution<ms>(from, to)(dice);
}

/// Most of `sizes` within any minute.
inline double busiest_minute(const std::vector<std::pair<ms, double>>& sizes) {
  double sum = 0, most = 0;
  for (std::size_t first = 0, i = 0; i < sizes.size(); ++i) {
    sum += sizes[i].second;
    while (sizes[first].first <= sizes[i].first - minute)
      sum -= sizes[first++].second;
    most = std::max(most, sum);
  }
  return most;
}

} // namespace throttle_fixture
