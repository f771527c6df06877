#include "ledger/admission.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace ledger;
using Names = std::vector<std::string>;

Names all_of(admission& a) {
  Names order;
  while (auto task = a.next())
    order.push_back(*task);
  return order;
}

TEST(Admission, ThePriorityGoesFirstThenTheName) {
  admission a;
  for (auto& [task, priority] :
       std::vector<std::pair<std::string, int>>{{"C", 0}, {"B", 0}, {"Low", -3}, {"High", 7}})
    a.add({task, priority, {}});
  EXPECT_EQ(all_of(a), (Names{"High", "B", "C", "Low"}));
}

TEST(Admission, ATaskBeginsOnlyWhenAllThatItDependsOnAreDone) {
  admission a;
  a.add({"C", 100, {"A", "B", "A"}});
  a.add({"A", 0, {}});
  a.add({"B", 0, {}});
  EXPECT_EQ(all_of(a), (Names{"A", "B"}));
  a.done("A");
  EXPECT_EQ(all_of(a), Names{});
  a.done("B");
  EXPECT_EQ(all_of(a), Names{"C"});
}

TEST(Admission, WhatDoesNotGetDoneBlocksAllThatNeedIt) {
  admission a;
  a.add({"B", 0, {"A"}});
  a.add({"C", 0, {"B"}});
  a.add({"D", 0, {}});
  EXPECT_TRUE(a.has_ready());
  EXPECT_EQ(all_of(a), Names{"D"});
  a.ended("A", "parked (tries-used)");
  auto blocked = a.blocked();
  ASSERT_EQ(blocked.size(), 2u);
  EXPECT_EQ(blocked[0].second, "depends on A, which is parked (tries-used)");
  EXPECT_EQ(blocked[1].second, "depends on B, which waits itself");
}

TEST(Admission, ADependencyThatIsRetriedAndGetsDoneFreesThem) {
  admission a;
  a.add({"B", 0, {"A"}});
  a.ended("A", "parked");
  a.done("A");
  EXPECT_EQ(a.blocked().size(), 0u);
  EXPECT_EQ(all_of(a), Names{"B"});
}

// A stream of urgent tasks would keep an ordinary one waiting for ever.
TEST(Admission, NobodyStarvesWhileUrgentTasksKeepComing) {
  admission a;
  a.add({"ordinary", 0, {}});
  int urgent = 0;
  for (; urgent < 1'000; ++urgent) {
    a.add({"urgent-" + std::to_string(urgent), 5, {}});
    if (a.next() == "ordinary")
      break;
  }
  EXPECT_EQ(urgent, 5 * admission::passes_per_point);
}

TEST(DependencyCycles, AreNamedForEachTaskOnThem) {
  auto found = dependency_cycles({{"A", {"B"}},
                                  {"B", {"C", "X"}},
                                  {"C", {"A"}},
                                  {"D", {"A"}},
                                  {"E", {"E"}},
                                  {"F", {"D", "X"}}});
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found["A"], "A, B, C, A");
  EXPECT_EQ(found["E"], "E, E");
  EXPECT_EQ(found.count("D"), 0u) << "it depends on a cycle and is on none";
}

TEST(DependencyCycles, ADiamondIsNone) {
  EXPECT_TRUE(dependency_cycles({{"D", {"B", "C"}}, {"B", {"A"}}, {"C", {"A"}}}).empty());
}

TEST(DependencyCycles, AChainAsLongAsABatchIsNoTrouble) {
  std::map<std::string, std::vector<std::string>> chain;
  for (int i = 0; i < 100'000; ++i)
    chain["T" + std::to_string(i)] = {"T" + std::to_string(i + 1)};
  EXPECT_TRUE(dependency_cycles(chain).empty());
  chain["T100000"] = {"T0"};
  EXPECT_EQ(dependency_cycles(chain).size(), 100'001u);
}

} // namespace
