#include "ledger/rare.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace ledger {
namespace {

struct entry {
  std::string text;
  int number = 0;
};

TEST(Rare, ACopyHasAValueOfItsOwn) {
  rare<entry> one = entry{"a", 1};
  auto copy = one;
  copy->text = "b";
  EXPECT_EQ(one->text, "a");
  one = std::nullopt;
  EXPECT_EQ(one, std::nullopt);
  EXPECT_EQ(copy->text, "b");
  auto taken = std::move(copy);
  EXPECT_EQ(taken->text, "b");
}

TEST(Rare, TakesAPointersRoomWhereThereIsNone) {
  EXPECT_EQ(sizeof(rare<entry>), sizeof(void*));
  EXPECT_EQ(sizeof(sparse<entry>), sizeof(void*));
}

TEST(Sparse, ReadsAsNothingUntilSomebodyWrites) {
  sparse<entry> one;
  EXPECT_EQ(one->text, "");
  EXPECT_EQ(one->number, 0);
  one.edit().number = 3;
  EXPECT_EQ(one->number, 3);
  EXPECT_EQ(one->text, "");
  one.clear();
  EXPECT_EQ(one->number, 0);
}

TEST(Sparse, WritingToOneChangesNoOther) {
  sparse<entry> one, other;
  one.edit().text = "a";
  EXPECT_EQ(other->text, "") << "what all of them read as was written to";
  other = one;
  one.edit().text = "b";
  EXPECT_EQ(other->text, "a");
}

TEST(Sparse, MadeOfNothingItReadsAsNothing) {
  sparse<std::string> empty = std::string{}, full = std::string{"x"};
  EXPECT_EQ(*empty, "");
  EXPECT_EQ(*full, "x");
  full = std::string{};
  EXPECT_EQ(*full, "");
}

} // namespace
} // namespace ledger
