#include "bench/plot.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bench {
namespace {

std::ptrdiff_t count(const std::string& text, std::string_view part) {
  std::ptrdiff_t n = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++n;
  return n;
}

chart example() {
  return {
      "Cost <of> a task", "tasks", "ms", {{"one & all", {{10, 4}, {100, 2}}}, {"two", {{10, 0}}}}};
}

TEST(Plot, DrawsEachPointOnceAndALineForEachCurve) {
  auto svg = svg_of(example());
  EXPECT_TRUE(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<circle"), 3);
  EXPECT_EQ(count(svg, "<polyline"), 2);
}

TEST(Plot, EscapesWhatItIsTold) {
  auto svg = svg_of(example());
  EXPECT_NE(svg.find("Cost &lt;of> a task"), std::string::npos);
  EXPECT_NE(svg.find("one &amp; all"), std::string::npos);
}

TEST(Plot, TheScaleOfCostHoldsTheHighest) {
  EXPECT_NE(svg_of(example()).find(">5<"), std::string::npos) << "five steps of 1 hold 4";
  auto one = example();
  one.curves[0].points[0].second = 7;
  EXPECT_NE(svg_of(one).find(">10<"), std::string::npos) << "five steps of 2 hold 7";
}

TEST(Plot, TheNumbersStandOnALogarithmicScale) {
  chart c{"t", "n", "c", {{"a", {{10, 1}, {100, 1}, {1000, 1}}}}};
  auto svg = svg_of(c);
  EXPECT_NE(svg.find("cx=\"70.0\""), std::string::npos);
  EXPECT_NE(svg.find("cx=\"385.0\""), std::string::npos) << "half way";
  EXPECT_NE(svg.find("cx=\"700.0\""), std::string::npos);
}

} // namespace
} // namespace bench
