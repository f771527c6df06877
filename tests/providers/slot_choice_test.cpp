#include "providers/slot_choice.hpp"

#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;
using providers::slot_choice;
using providers::slot_wish;

/// A clock that stands still unless told.
struct SlotChoice : testing::Test {
  slot_choice::clock::time_point now{1h};

  static slot_choice::want soon(slot_choice::clock::time_point begun) {
    return {"tree", "base", slot_wish::soon, begun};
  }
  static slot_choice::want at_once(std::string_view tree = "tree") {
    return {tree, "base", slot_wish::at_once, {}};
  }
};

TEST_F(SlotChoice, MakesOneWhereThereIsNone) {
  slot_choice c(3, 1);
  const auto a = c.take(soon(now), now);
  EXPECT_EQ(a.slot, 0U);
  EXPECT_TRUE(a.to_be_made);
}

// Sixteen tasks that came to their checks together had sixteen slots made side by
// side: each was ready when all were, and nearly all checks could have been run in two.
TEST_F(SlotChoice, MakesNoMoreAtTheSameTimeThanItMay) {
  slot_choice c(8, 2);
  ASSERT_TRUE(c.take(at_once(), now).slot);
  ASSERT_TRUE(c.take(at_once(), now).slot);
  const auto third = c.take(at_once(), now);
  EXPECT_FALSE(third.slot);
  EXPECT_FALSE(third.ask_again) << "nothing to wait for but that one is made";
  c.made(1s);
  const auto again = c.take(at_once(), now);
  EXPECT_EQ(again.slot, 2U);
  EXPECT_TRUE(again.to_be_made);
}

TEST_F(SlotChoice, WhoWantsOneSoonWaitsAsLongAsMakingOneTook) {
  slot_choice c(3, 2);
  ASSERT_TRUE(c.take(soon(now), now).slot);
  c.made(5s);
  const auto begun = now;
  const auto first = c.take(soon(begun), now);
  EXPECT_FALSE(first.slot);
  EXPECT_EQ(first.ask_again, begun + 5s);
  const auto patience_ended = c.take(soon(begun), begun + 5s);
  EXPECT_EQ(patience_ended.slot, 1U);
  EXPECT_TRUE(patience_ended.to_be_made);
}

TEST_F(SlotChoice, WhoWantsOneAtOnceDoesNotWait) {
  slot_choice c(3, 2);
  ASSERT_TRUE(c.take(at_once(), now).slot);
  c.made(5s);
  EXPECT_EQ(c.take(at_once(), now).slot, 1U);
}

// How long it takes is not known before the first one is made: who came while it was
// did not wait at all.
TEST_F(SlotChoice, WhoCameBeforeTheFirstWasMadeWaitsForItToo) {
  slot_choice c(3, 1);
  const auto first = c.take(soon(now), now);
  const auto begun = now + 1s;
  EXPECT_FALSE(c.take(soon(begun), begun).slot);
  c.made(5s);
  EXPECT_FALSE(c.take(soon(begun), now + 5s).slot);
  c.give_back(*first.slot, true);
  const auto used_again = c.take(soon(begun), now + 5s);
  EXPECT_EQ(used_again.slot, first.slot);
  EXPECT_FALSE(used_again.to_be_made);
}

TEST_F(SlotChoice, NobodyWaitsWhereNobodyHasOne) {
  slot_choice c(3, 1);
  const auto only = c.take(soon(now), now);
  c.made(5s);
  c.give_back(*only.slot, false); // Damaged: none can be used again.
  const auto next = c.take(soon(now), now);
  EXPECT_TRUE(next.slot);
  EXPECT_TRUE(next.to_be_made);
}

TEST_F(SlotChoice, AllInUseIsAWaitForOneThatIsGivenBack) {
  slot_choice c(1, 4);
  const auto only = c.take(at_once(), now);
  c.made(5s);
  const auto none = c.take(at_once(), now + 1h);
  EXPECT_FALSE(none.slot);
  EXPECT_FALSE(none.ask_again);
  c.give_back(*only.slot, true);
  EXPECT_EQ(c.take(at_once(), now).slot, only.slot);
}

struct SlotChoiceOfThree : SlotChoice {
  slot_choice choice{3, 3};

  /// Has them hold these, and gives them back in this order.
  void hold(const std::vector<std::string_view>& trees) {
    std::vector<std::size_t> slots;
    for (const auto tree : trees) {
      slots.push_back(*choice.take(at_once(tree), now).slot);
      choice.made(1s);
    }
    for (const auto slot : slots)
      choice.give_back(slot, true);
  }
};

TEST_F(SlotChoiceOfThree, UsesTheOneThatHoldsTheTreeAlready) {
  hold({"other", "tree", "base"});
  EXPECT_EQ(choice.take(at_once(), now).slot, 1U);
}

TEST_F(SlotChoiceOfThree, LeavesABaseToWhoeverWantsItNext) {
  hold({"other", "base", "base"});
  EXPECT_EQ(choice.take(at_once(), now).slot, 0U);
}

TEST_F(SlotChoiceOfThree, UsesTheLastOfEquals) {
  hold({"other", "other", "base"});
  EXPECT_EQ(choice.take(at_once(), now).slot, 1U);
}

TEST_F(SlotChoiceOfThree, UsesOneAgainBeforeItMakesAnother) {
  hold({"base"});
  const auto a = choice.take(at_once(), now);
  EXPECT_EQ(a.slot, 0U);
  EXPECT_FALSE(a.to_be_made);
}

TEST_F(SlotChoiceOfThree, TriesADamagedOneLast) {
  hold({"tree", "other"});
  const auto damaged = choice.take(at_once(), now);
  choice.give_back(*damaged.slot, false);
  EXPECT_EQ(choice.take(at_once(), now).slot, 1U);
  EXPECT_EQ(choice.take(at_once(), now).slot, 2U);
  choice.made(1s);
  EXPECT_EQ(choice.take(at_once(), now).slot, damaged.slot);
}

} // namespace
