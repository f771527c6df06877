#include "ledger/text.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ledger;

TEST(Text, ExcerptsArePrintableAndShort) {
  EXPECT_EQ(excerpt("plain \xc3\xa4"), "`plain \xc3\xa4`");
  EXPECT_EQ(excerpt("a\n\x01\x7f\xff"), "`a\\x0a\\x01\\x7f\\xff`");
  EXPECT_EQ(excerpt("\xc2\x9b"
                    "1m"),
            "`\\xc2\\x9b1m`")
      << "a C1 control drives terminals";
  EXPECT_EQ(excerpt("a\xe2\x80\xae\xe2\x80\x8b"), "`a\\xe2\\x80\\xae\\xe2\\x80\\x8b`");
  EXPECT_EQ(excerpt(std::string(50, 'x'), 10), "`xxxxxxxxxx…`");
  EXPECT_TRUE(is_utf8(excerpt("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 4)));
}

TEST(Text, KnowsUtf8) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\xf0\x9f\x98\x80"));
  for (std::string bad : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "a\x80"})
    EXPECT_FALSE(is_utf8(bad));
  EXPECT_EQ(utf8_length("\xc3\xa4x"), 2u);
  EXPECT_EQ(lowered_ascii("A\xc3\x84Z"), "a\xc3\x84z");
}

} // namespace
