#include "ledger/scope_table.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using namespace ledger;
using Names = std::vector<std::string>;

TEST(Overlap, IsAPathThatCanBeInBoth) {
  EXPECT_TRUE(overlap("src/a.c", "src/a.c"));
  EXPECT_TRUE(overlap("src/**", "src/a.c"));
  EXPECT_TRUE(overlap("src/a.c", "src/**"));
  EXPECT_TRUE(overlap("src/**", "src/deep/**"));
  EXPECT_TRUE(overlap("src/A.c", "SRC/a.c")) << "one file where case does not matter";
  EXPECT_TRUE(overlap("src", "src/a.c")) << "a file where the other wants a folder";
  EXPECT_FALSE(overlap("src/a.c", "src/b.c"));
  EXPECT_FALSE(overlap("src/**", "srcs/a.c"));
  EXPECT_FALSE(overlap("src/ab", "src/a"));
  EXPECT_FALSE(overlap("src/deep/**", "src/a.c"));
}

TEST(ScopeTable, DisjointScopesAreHeldAtTheSameTime) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"src/a.c"}, 0));
  EXPECT_TRUE(t.enter("B", {"src/b.c", "docs/**"}, 0));
  EXPECT_TRUE(t.holds("A") && t.holds("B"));
}

TEST(ScopeTable, OverlappingOnesOneAfterTheOther) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"src/**"}, 0));
  EXPECT_FALSE(t.enter("B", {"src/b.c"}, 0));
  EXPECT_FALSE(t.enter("C", {"docs/x", "src/b.c"}, 0));
  EXPECT_EQ(t.waited_for("C"), (Names{"A", "B"}));
  EXPECT_EQ(t.leave("A"), Names{"B"});
  EXPECT_EQ(t.leave("B"), Names{"C"});
  EXPECT_TRUE(t.holds("C"));
  EXPECT_EQ(t.waited_for("C"), (Names{"A", "B"})) << "for its record";
}

TEST(ScopeTable, ThePriorityGoesFirst) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"x"}, 0));
  EXPECT_FALSE(t.enter("B", {"x"}, 0));
  EXPECT_FALSE(t.enter("C", {"x"}, 9));
  EXPECT_EQ(t.leave("A"), Names{"C"});
}

// One that needs everything would wait for ever if those who need little went by.
TEST(ScopeTable, NobodyPassesAWaitingOneWhoseScopeOverlaps) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"src/a.c"}, 0));
  EXPECT_FALSE(t.enter("Wide", {"src/**"}, 0));
  EXPECT_FALSE(t.enter("B", {"src/b.c"}, 0)) << "it would make Wide wait longer";
  EXPECT_TRUE(t.enter("D", {"docs/x"}, 0));
  EXPECT_EQ(t.leave("A"), Names{"Wide"});
  EXPECT_EQ(t.leave("Wide"), Names{"B"});
}

TEST(ScopeTable, WhoGoesAwayWaitsNoMore) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"x"}, 0));
  EXPECT_FALSE(t.enter("B", {"x", "y"}, 0));
  EXPECT_FALSE(t.enter("C", {"y"}, 0));
  EXPECT_EQ(t.leave("B"), Names{"C"});
}

TEST(ScopeTable, WhoAsksAgainHasOnePlace) {
  scope_table t;
  EXPECT_TRUE(t.enter("A", {"x"}, 0));
  EXPECT_FALSE(t.enter("B", {"x"}, 0));
  EXPECT_FALSE(t.enter("B", {"x"}, 0));
  EXPECT_EQ(t.leave("A"), Names{"B"});
  EXPECT_TRUE(t.enter("B", {"x"}, 0));
}

} // namespace
