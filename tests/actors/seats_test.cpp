// How many tasks are worked on at once.

#include "actors/seats.hpp"

#include "tests/actors/world.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using namespace actors;
using namespace actors::testing;

TEST(Seats, WhoComesFirstSitsFirst) {
  seats room{2};
  std::vector<int> sat;
  std::vector<seat> taken;
  auto come = [&](int who) {
    auto later = [&, who](seat s) {
      sat.push_back(who);
      taken.push_back(std::move(s));
    };
    if (auto s = room.take(later))
      later(std::move(s));
  };
  for (int who : {1, 2, 3, 4})
    come(who);
  EXPECT_EQ(sat, (std::vector{1, 2}));
  taken[0].reset();
  EXPECT_EQ(sat, (std::vector{1, 2, 3}));
  auto copy = taken[1];
  taken[1].reset();
  EXPECT_EQ(sat.size(), 3u) << "somebody still sits there";
  copy.reset();
  EXPECT_EQ(sat.size(), 4u);
}

TEST(Seats, ThoseOfManyWhoAreGoneGoToTheNextOneByOne) {
  seats room{1};
  auto first = room.take([](const seat&) {});
  int gone = 0;
  for (int i = 0; i < 100'000; ++i) // Deep enough to end a thread if one called the next.
    EXPECT_EQ(room.take([&](const seat&) { ++gone; }), nullptr);
  seat last;
  EXPECT_EQ(room.take([&](seat s) { last = std::move(s); }), nullptr);
  first.reset();
  EXPECT_EQ(gone, 100'000);
  EXPECT_NE(last, nullptr);
}

TEST(Seats, OutliveTheRoom) {
  seat kept;
  {
    seats room{1};
    kept = room.take([](const seat&) {});
  }
  kept.reset();
}

class SeatsOfTasks : public world {
protected:
  /// The first records of the batch, as "T opened".
  std::vector<std::string> told;
  void tell_records() {
    w.on_record = [this](auto& task, auto& r) {
      told.push_back(task + " " + std::string{ledger::to_string(r.what)});
    };
  }
  std::ptrdiff_t place_of(const std::string& what) const {
    return std::find(told.begin(), told.end(), what) - told.begin();
  }
};

TEST_F(SeatsOfTasks, ATaskIsTakenUpWhenTheOneBeforeItHasAskedItsQuestion) {
  tell_records();
  start({"A", "B", "C"});
  run();
  ASSERT_TRUE(report);
  EXPECT_LT(place_of("A granted"), place_of("B opened"));
  EXPECT_LT(place_of("B granted"), place_of("C opened"));
}

TEST_F(SeatsOfTasks, WithoutThemAllAreTakenUpAtOnce) {
  w.room = nullptr;
  tell_records();
  start({"A", "B", "C"});
  run();
  ASSERT_TRUE(report);
  EXPECT_LT(place_of("C opened"), place_of("A granted"));
}

TEST_F(SeatsOfTasks, WhoWaitsForItsScopeKeepsNone) {
  std::vector<std::string> waited;
  w.on_notice = [&](const std::string& s) {
    if (s.find("may change the same files") != s.npos)
      waited.push_back(s);
  };
  start({"A", "B", "C", "D"});
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ended.size(), 4u);
  EXPECT_FALSE(waited.empty()) << "nobody waited, so nothing is shown";
  auto taken = room.take([](const seat&) {});
  EXPECT_NE(taken, nullptr) << "all that were taken came back";
}

} // namespace
