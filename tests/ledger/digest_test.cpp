#include "ledger/digest.hpp"

#include <gtest/gtest.h>

namespace ledger {
namespace {

// The vectors of FIPS 180-4 and RFC 8032.
TEST(Digest, GivesTheStandardsVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, PiecesGiveTheSameAsTheWhole) {
  std::string text(100'000, 'x');
  sha256_stream s;
  for (std::size_t at = 0, n = 1; at < text.size(); at += n, n = n * 3 + 1)
    s.update(std::string_view(text).substr(at, n));
  EXPECT_EQ(s.finish(), sha256(text));
}

TEST(Digest, OfAContentThatGrowsIsKnownInBetween) {
  sha256_stream s;
  EXPECT_EQ(s.so_far(), sha256(""));
  s.update("one");
  auto other = s;
  EXPECT_EQ(s.so_far(), sha256("one"));
  s.update("two");
  EXPECT_EQ(s.so_far(), sha256("onetwo"));
  other.update("three");
  EXPECT_EQ(other.finish(), sha256("onethree"));
}

TEST(SigningKey, SignsAsTheStandardDoes) {
  auto key = signing_key::from_seed_hex(
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->pub(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  EXPECT_EQ(key->sign(""), "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVf"
                           "uIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==");
}

TEST(SigningKey, ItsSeedGivesTheSameKeyAgain) {
  auto key = signing_key::generate();
  auto again = signing_key::from_seed_hex(key.seed_hex());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->pub(), key.pub());
  EXPECT_NE(signing_key::generate().pub(), key.pub());
}

TEST(SigningKey, RefusesASeedOfAnyOtherSpelling) {
  std::string good(64, 'a');
  for (auto& bad : {std::string{}, good + "a", good.substr(1), std::string(64, 'A'),
                    std::string(63, 'a') + "g", std::string(63, 'a') + "\n"})
    EXPECT_EQ(signing_key::from_seed_hex(bad).error().kind, fault::corrupt) << bad;
}

TEST(Verifies, AcceptsOnlyTheVerySignature) {
  auto key = signing_key::generate();
  auto other = signing_key::generate();
  auto sig = key.sign("text");
  EXPECT_TRUE(verifies(key.pub(), "text", sig));
  EXPECT_FALSE(verifies(key.pub(), "texT", sig));
  EXPECT_FALSE(verifies(other.pub(), "text", sig));
  auto changed = sig;
  changed[5] = changed[5] == 'A' ? 'B' : 'A';
  for (auto& bad : {std::string{}, std::string("!"), sig + "A", sig + "\n", " " + sig,
                    sig.substr(0, 84), changed})
    EXPECT_FALSE(verifies(key.pub(), "text", bad)) << bad;
  EXPECT_FALSE(verifies("", "text", sig));
  EXPECT_FALSE(verifies("nonsense", "text", sig));
}

} // namespace
} // namespace ledger
