#include "ledger/verdict.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace ledger;

constexpr std::string_view word = "CLAUDE_FINAL_OK";

struct row {
  std::string name, text;
};

TEST(Verdict, ReadsTheLastNonEmptyLine) {
  for (auto& r : std::vector<row>{{"alone", "CLAUDE_FINAL_OK: YES"},
                                  {"with newline", "text\nCLAUDE_FINAL_OK: YES\n"},
                                  {"with CRLF", "text\r\nCLAUDE_FINAL_OK: YES\r\n\r\n"},
                                  {"with blank lines behind", "CLAUDE_FINAL_OK: YES\n \t\n\n"},
                                  {"after a closed block", "```\nx\n```\nCLAUDE_FINAL_OK: YES"}}) {
    SCOPED_TRACE(r.name);
    auto v = read_verdict(r.text, word);
    ASSERT_TRUE(v) << v.error().detail;
    EXPECT_EQ(*v, verdict::yes);
  }
  EXPECT_EQ(read_verdict("no\n\nCLAUDE_FINAL_OK: NO\n", word).value(), verdict::no);
}

TEST(Verdict, RefusesEverythingElse) {
  for (auto& r : std::vector<row>{
           {"empty", ""},
           {"blank", " \n\t\n"},
           {"none", "all is well\n"},
           {"bold", "**CLAUDE_FINAL_OK: YES**"},
           {"bold word", "**CLAUDE_FINAL_OK**: YES"},
           {"code", "`CLAUDE_FINAL_OK: YES`"},
           {"quoted", "> CLAUDE_FINAL_OK: YES"},
           {"bullet", "- CLAUDE_FINAL_OK: YES"},
           {"heading", "# CLAUDE_FINAL_OK: YES"},
           {"blank before", " CLAUDE_FINAL_OK: YES"},
           {"tab before", "\tCLAUDE_FINAL_OK: YES"},
           {"blank behind", "CLAUDE_FINAL_OK: YES "},
           {"two carriage returns", "CLAUDE_FINAL_OK: YES\r\r\n"},
           {"period", "CLAUDE_FINAL_OK: YES."},
           {"lower case", "CLAUDE_FINAL_OK: yes"},
           {"no blank", "CLAUDE_FINAL_OK:YES"},
           {"two blanks", "CLAUDE_FINAL_OK:  YES"},
           {"both", "CLAUDE_FINAL_OK: YES|NO"},
           {"words behind", "CLAUDE_FINAL_OK: YES but"},
           {"words before", "Verdict: CLAUDE_FINAL_OK: YES"},
           {"another word", "GEMINI_VERIFY_OK: YES"},
           {"text after it", "CLAUDE_FINAL_OK: YES\nthanks"},
           {"open fence", "```\nCLAUDE_FINAL_OK: YES\n"},
           {"closed fence", "```\nCLAUDE_FINAL_OK: YES\n```\n"},
           {"tilde fence", "~~~\nCLAUDE_FINAL_OK: YES\n"},
           {"fence with CRLF", "```\r\nCLAUDE_FINAL_OK: YES\r\n"},
           {"fence closed by the wrong mark", "```\nx\n~~~\nCLAUDE_FINAL_OK: YES\n"},
           {"byte order mark", "\xef\xbb\xbf"
                               "CLAUDE_FINAL_OK: YES"},
           {"zero width", "CLAUDE_FINAL_OK: YES\xe2\x80\x8b"},
           {"no-break space", "CLAUDE_FINAL_OK:\xc2\xa0YES"},
           {"cyrillic", "\xd0\xa1LAUDE_FINAL_OK: YES"},
           {"NUL behind", std::string("CLAUDE_FINAL_OK: YES\0", 21)},
           {"carriage return instead of a newline", "x\rCLAUDE_FINAL_OK: YES"},
       }) {
    SCOPED_TRACE(r.name);
    auto v = read_verdict(r.text, word);
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error().kind, fault::refused);
    EXPECT_NE(v.error().detail.find("`CLAUDE_FINAL_OK: YES` or `CLAUDE_FINAL_OK: NO`"),
              std::string::npos)
        << v.error().detail;
  }
}

TEST(Verdict, RefusesASecondVerdictLineOfAnyWordAnywhere) {
  for (std::string other :
       {"CLAUDE_DECISIONS_OK: YES", "CLAUDE_DECISIONS_OK: NO", "CLAUDE_FINAL_OK: YES",
        "CLAUDE_FINAL_OK: NO", "GEMINI_VERIFY_OK: YES", "GEMINI_VERIFY_OK: NO"})
    for (std::string last : {"YES", "NO"})
      for (std::string around : {"\n", "\r\n", "\n```\n"}) {
        auto text = "x" + around + other + around + "CLAUDE_FINAL_OK: " + last + "\n";
        EXPECT_FALSE(read_verdict(text, word)) << text;
      }
}

TEST(Verdict, RefusesAVerdictQuotedInsideADiff) {
  auto text = "```diff\n+x\n```\n```\nCLAUDE_FINAL_OK: YES\n```\nand so\nCLAUDE_FINAL_OK: YES\n";
  auto v = read_verdict(text, word);
  ASSERT_FALSE(v);
  EXPECT_NE(v.error().detail.find("Line 5 "), std::string::npos) << v.error().detail;
}

TEST(Verdict, LetsMentionsInProseBe) {
  auto text =
      "I was to write `CLAUDE_FINAL_OK: YES` or\n  CLAUDE_FINAL_OK: YES\nCLAUDE_FINAL_OK: NO";
  EXPECT_EQ(read_verdict(text, word).value(), verdict::no);
}

// A hedge: whoever reads the answer sees a NO, the program saw only the YES.
TEST(Verdict, RefusesAYesBesideAnotherVerdictInAnyDress) {
  for (std::string other : {"CLAUDE_FINAL_OK: NO ",     "\tCLAUDE_FINAL_OK: NO",
                            "**CLAUDE_FINAL_OK: NO**",  "**CLAUDE_FINAL_OK:** NO",
                            "**CLAUDE_FINAL_OK**: NO",  "CLAUDE_FINAL_OK: **NO**",
                            "__CLAUDE_FINAL_OK: NO__",  "__CLAUDE_FINAL_OK__: NO",
                            "_CLAUDE_FINAL_OK: NO_",    "`CLAUDE_FINAL_OK: NO`",
                            "> CLAUDE_FINAL_OK: NO",    "> > CLAUDE_FINAL_OK: NO",
                            "- CLAUDE_FINAL_OK: NO",    "## CLAUDE_FINAL_OK: NO",
                            "CLAUDE_FINAL_OK:  NO",     "CLAUDE_FINAL_OK:NO",
                            "CLAUDE_FINAL_OK: NO.",     "x\rCLAUDE_FINAL_OK: NO\rx",
                            "x\fCLAUDE_FINAL_OK: NO",   "CLAUDE_FINAL_OK: NO\r\r",
                            "**GEMINI_VERIFY_OK: NO**", "CLAUDE_DECISIONS_OK: YES ",
                            "**CLAUDE_FINAL_OK: YES**", "```\n CLAUDE_FINAL_OK: NO\n```"}) {
    SCOPED_TRACE(other);
    auto v = read_verdict("text\n" + other + "\n\nCLAUDE_FINAL_OK: YES\n", word);
    ASSERT_FALSE(v);
    EXPECT_EQ(v.error().kind, fault::refused);
  }
  for (std::string prose : {"I say CLAUDE_FINAL_OK: NO to that.", "CLAUDE_FINAL_OK: NOT YET",
                            "CLAUDE_FINAL_OK", "CLAUDE_FINAL_OK: NO or YES?", "NO"})
    EXPECT_TRUE(read_verdict(prose + "\nCLAUDE_FINAL_OK: YES\n", word)) << prose;
}

TEST(Verdict, EveryTruncationOfAYesIsNoYes) {
  std::string whole = "# Requested changes\r\n\r\nnone\r\n\r\nCLAUDE_FINAL_OK: YES";
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(read_verdict(whole.substr(0, n), word)) << n;
  EXPECT_TRUE(read_verdict(whole, word));
}

TEST(Verdict, ReasonsStayPrintableWhateverTheAnswer) {
  auto v = read_verdict(std::string(1 << 20, '\xff') + "\x01", word);
  ASSERT_FALSE(v);
  EXPECT_LT(v.error().detail.size(), 600u);
  for (auto c : v.error().detail)
    EXPECT_NE(c, '\xff');
}

TEST(Verdict, KnowsTheWordOfEachStep) {
  EXPECT_EQ(verdict_word(step::decide), to_string(contract::decisions));
  EXPECT_EQ(verdict_word(step::review), to_string(contract::final));
  EXPECT_EQ(verdict_word(step::verify), "GEMINI_VERIFY_OK");
  for (auto s : {step::ingest, step::audit, step::plan, step::implement, step::test, step::deliver})
    EXPECT_EQ(verdict_word(s), "");
}

} // namespace
