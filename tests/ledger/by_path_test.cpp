#include "ledger/by_path.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

struct thing {
  std::string path;
  int value = 0;
  friend bool operator==(const thing&, const thing&) = default;
};

const std::string& path_of(const thing& t) {
  return t.path;
}

using things = ledger::by_path<thing>;

things of(const std::vector<thing>& all) {
  things out;
  for (auto& t : all)
    out.put(t);
  return out;
}

TEST(ByPath, IsReadInTheOrderOfThePathsWhateverCameFirst) {
  auto all = of({{"b", 1}, {"c/d", 2}, {"a", 3}, {"c", 4}, {"c.d", 5}});
  std::vector<std::string> paths;
  for (auto& t : all)
    paths.push_back(t.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"a", "b", "c", "c.d", "c/d"}));
  EXPECT_EQ(all.size(), 5u);
  EXPECT_EQ(all, of({{"c", 4}, {"c.d", 5}, {"a", 3}, {"c/d", 2}, {"b", 1}}));
}

TEST(ByPath, FindsWhatIsThereAndNothingElse) {
  auto all = of({{"a", 1}, {"b", 2}});
  ASSERT_TRUE(all.find("b"));
  EXPECT_EQ(all.find("b")->value, 2);
  for (auto other : {"", "A", "aa", "c"}) {
    EXPECT_EQ(all.find(other), nullptr) << other;
    EXPECT_FALSE(all.contains(other)) << other;
  }
  EXPECT_EQ(things{}.find("a"), nullptr);
  EXPECT_TRUE(things{}.empty());
}

TEST(ByPath, HoldsOneOfEachPathTheLastThatWasPut) {
  auto all = of({{"a", 1}, {"b", 2}, {"a", 3}});
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.find("a")->value, 3);
  EXPECT_NE(all, of({{"a", 1}, {"b", 2}}));
}

TEST(ByPath, ErasesAlsoByThePathOfTheVeryOneThatGoes) {
  auto all = of({{"a", 1}, {"b", 2}, {"c", 3}});
  EXPECT_TRUE(all.erase(all.find("b")->path));
  EXPECT_FALSE(all.erase("b"));
  EXPECT_EQ(all, of({{"a", 1}, {"c", 3}}));
  all.put({"b", 4});
  EXPECT_EQ(all, of({{"a", 1}, {"b", 4}, {"c", 3}}));
}

TEST(ByPath, ACopyStaysAsItWasWhoeverIsWrittenTo) {
  auto all = of({{"a", 1}, {"b", 2}});
  auto copy = all;
  EXPECT_EQ(&*copy.begin(), &*all.begin()) << "nothing was copied yet";
  all.put({"a", 3});
  EXPECT_EQ(copy, of({{"a", 1}, {"b", 2}}));
  copy.erase(copy.begin()->path);
  EXPECT_EQ(all, of({{"a", 3}, {"b", 2}}));
  EXPECT_EQ(copy, of({{"b", 2}}));
}

} // namespace
