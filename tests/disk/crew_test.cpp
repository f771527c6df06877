#include "ledger/disk/crew.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace ledger::disk {
namespace {

TEST(Crew, DoesEachPieceOnceAndIsDoneWhenItReturns) {
  crew hands(3);
  for (std::size_t count : {0u, 1u, 3u, 4u, 5u, 100u, 1000u}) {
    std::vector<std::atomic<int>> times(count);
    hands.share_out(count, [&](std::size_t i) { ++times[i]; });
    for (auto& t : times)
      EXPECT_EQ(t, 1);
  }
}

// Each of four pieces waits for the other three: one thread alone would hang.
TEST(Crew, WorksOnSeveralPiecesAtOnce) {
  crew hands(3);
  std::latch all(4);
  hands.share_out(4, [&](std::size_t) { all.arrive_and_wait(); });
}

// Who threw in a helper ended the process.
TEST(Crew, WhatIsThrownReachesTheCallerAndTheCrewGoesOn) {
  crew hands(3);
  for (int time = 0; time < 50; ++time) {
    auto fail = [](std::size_t i) {
      if (i % 2 == 1)
        throw std::runtime_error("odd");
    };
    EXPECT_THROW(hands.share_out(40, fail), std::runtime_error);
    std::atomic<int> done = 0;
    hands.share_out(40, [&](std::size_t) { ++done; });
    EXPECT_EQ(done, 40);
  }
}

TEST(Crew, WithoutHelpersTheCallerDoesItInOrder) {
  crew alone(0);
  std::vector<std::size_t> order, expected(50);
  std::iota(expected.begin(), expected.end(), 0u);
  alone.share_out(50, [&](std::size_t i) { order.push_back(i); });
  EXPECT_EQ(order, expected);
}

} // namespace
} // namespace ledger::disk
