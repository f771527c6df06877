#include "ledger/redact.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace ledger;
using strings = std::vector<std::string>;

TEST(Redact, ReplacesEveryOccurrence) {
  redactor r({"sk-1234567890", "token-abcdefgh"});
  EXPECT_EQ(r.redact("a sk-1234567890 b\ntoken-abcdefgh sk-1234567890"),
            "a [redacted] b\n[redacted] [redacted]");
  EXPECT_EQ(r.redact("nothing here"), "nothing here");
  EXPECT_EQ(r.redact(""), "");
}

// Output that is too long loses its middle; what was left of a token on both
// sides of the cut was no secret that anybody knew.
TEST(Redact, LeavesNoHalfOfASecretBesideACut) {
  const std::string secret = "QZJ0WVKXYU7H"; // None of its bytes is elsewhere.
  redactor r({secret, "another-longer-secret"});
  EXPECT_EQ(r.longest(), 21u);
  const auto text = "...." + secret + secret + "." + secret + "........................" + secret;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    SCOPED_TRACE(cut);
    auto head = r.redact_before_cut(text.substr(0, cut));
    auto tail = r.redact_after_cut(text.substr(cut));
    EXPECT_EQ(head.find_first_of(secret), head.npos) << head;
    EXPECT_EQ(tail.find_first_of(secret), tail.npos) << tail;
  }
  EXPECT_EQ(r.redact_before_cut(secret + std::string(21, '.')), "[redacted].");
  EXPECT_EQ(r.redact_after_cut(std::string(21, '.') + secret), ".[redacted]");
  EXPECT_EQ(redactor().redact_before_cut("text") + redactor().redact_after_cut("text"), "texttext");
}

TEST(Redact, TakesOneMore) {
  redactor r;
  r.add("too-short");
  EXPECT_TRUE(r.empty());
  r.add("twelve-bytes");
  r.add("twelve-bytes-and-more");
  r.add("twelve-bytes");
  EXPECT_EQ(r.redact("twelve-bytes-and-more twelve-bytes"), "[redacted] [redacted]");
  EXPECT_EQ(r.longest(), 21u);
}

TEST(Redact, DropsShortValues) {
  EXPECT_TRUE(redactor({"", "short", "elevenbytes"}).empty());
  EXPECT_FALSE(redactor({"twelve-bytes"}).empty());
  EXPECT_EQ(redactor({"elevenbytes"}).redact("elevenbytes"), "elevenbytes");
  EXPECT_TRUE(redactor().empty());
}

TEST(Redact, LeavesNoPieceOfOverlappingSecrets) {
  redactor r({"abcdefghijklmnop", "mnopqrstuvwxyz", "efghijklmnop", "abcdefghijklmnopqrst"});
  EXPECT_EQ(r.redact("<abcdefghijklmnopqrstuvwxyz>"), "<[redacted]>");
  EXPECT_EQ(r.redact("<abcdefghijklmnopqrstX>"), "<[redacted]X>") << "longest first";
  EXPECT_EQ(redactor({"aaaaaaaaaaaa"}).redact(std::string(1000, 'a') + "b"), "[redacted]b");
  EXPECT_EQ(redactor({"abababababab"}).redact("xabababababababay"), "x[redacted]ay");
}

TEST(Redact, KeepsItsPromiseForSecretsThatHoldTheMark) {
  for (std::string secret :
       {"x[redacted]y", "[redacted]zz", "redacted][redacted", "zz[redacted]"}) {
    redactor r({secret, "0123456789ab"});
    for (std::string text :
         {"x0123456789aby", "0123456789abzz", "0123456789ab0123456789abzzzz", "zzzz0123456789ab"}) {
      auto out = r.redact(text);
      EXPECT_EQ(out.find(secret), std::string::npos) << secret << " in " << out;
      EXPECT_EQ(r.redact(out), out);
    }
  }
}

TEST(Redact, RandomTextNeverKeepsASecretAndIsStable) {
  std::mt19937 random(7);
  auto letters = [&](std::size_t n) {
    std::string s;
    for (std::size_t i = 0; i < n; ++i)
      s += "ab"[random() % 2];
    return s;
  };
  for (int round = 0; round < 300; ++round) {
    strings secrets{letters(12), letters(13), letters(14), std::string(12, 'a')};
    redactor r(secrets);
    auto text = letters(400) + secrets[0] + secrets[1].substr(3) + letters(400);
    auto once = r.redact(text);
    for (auto& s : secrets)
      EXPECT_EQ(once.find(s), std::string::npos);
    EXPECT_EQ(r.redact(once), once);
    EXPECT_EQ(redactor({secrets.rbegin(), secrets.rend()}).redact(text), once);
  }
}

TEST(Redact, StaysFastOnHostileText) {
  redactor r({std::string(4000, 'a') + "b", std::string(4000, 'a')});
  EXPECT_EQ(r.redact(std::string(4 << 20, 'a')), "[redacted]");
}

TEST(Redact, NamesTheLine) {
  redactor r({"sk-1234567890", "two\nlines-secret"});
  EXPECT_EQ(r.line_of_secret("a\nb\nx sk-1234567890"), 3u);
  EXPECT_EQ(r.line_of_secret("a\ntwo\nlines-secret\nsk-1234567890"), 2u);
  EXPECT_EQ(r.line_of_secret("sk-123456789"), 0u);
}

TEST(Redact, KnowsVariablesThatHoldSecrets) {
  for (std::string name : {"OPENAI_API_KEY", "GH_TOKEN", "AWS_SECRET", "PGPASSWORD",
                           "MY_PASSWORD_2", "gh_token", "NETLIFY"})
    EXPECT_TRUE(names_secret(name, {"NETLIFY"})) << name;
  for (std::string name : {"PATH", "KEYBOARD", "TOKENS_PER_MINUTE", "MONKEY", "NETLIFY2"})
    EXPECT_FALSE(names_secret(name, {"NETLIFY"})) << name;
}

TEST(Redact, ReadsSecretFiles) {
  EXPECT_EQ(
      secrets_in("# comment\n\nexport API=\"abc def\"\r\nB = plain # note\nc: 'yaml value'\n"
                 "\"json\": \"quoted, value\",\njust a line\n-----BEGIN KEY-----\nTWFuTWFu==\n"
                 "-----END KEY-----\nURL=https://u:p@h/x?a=b\nhttps://u:p@host\n"),
      (strings{"abc def", "plain # note", "plain", "yaml value", "quoted, value", "just a line",
               "TWFuTWFu==", "https://u:p@h/x?a=b", "https://u:p@host"}));
  EXPECT_TRUE(secrets_in("").empty());
}

} // namespace
