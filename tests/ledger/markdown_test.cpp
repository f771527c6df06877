#include "ledger/markdown.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ledger;
using strings = std::vector<std::string>;

strings titles_of(std::string_view text) {
  strings out;
  for (auto& s : sections_of(text))
    out.push_back(s.title);
  return out;
}

TEST(Markdown, SplitsLinesAndDropsOneCarriageReturn) {
  auto lines = lines_of("a\r\n\nb\r\r\nlast");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, "a");
  EXPECT_EQ(lines[1].text, "");
  EXPECT_EQ(lines[2].text, "b\r");
  EXPECT_EQ(lines[3].text, "last");
  EXPECT_EQ(lines[3].number, 4u);
  EXPECT_TRUE(lines_of("").empty());
}

TEST(Markdown, KnowsWhatIsInsideAFence) {
  struct row {
    std::string name, text;
    bool last_inside;
  };
  for (auto& r : std::vector<row>{
           {"after a closed block", "```\nx\n```\nlast", false},
           {"in an open block", "```\nlast", true},
           {"tilde does not close back ticks", "```\n~~~\nlast", true},
           {"a shorter run does not close", "````\n```\nlast", true},
           {"a longer run closes", "```\n`````\nlast", false},
           {"a run with a word does not close", "```\n```c\nlast", true},
           {"three spaces still open", "   ```\nlast", true},
           {"four spaces are indented code", "    ```\nlast", false},
           {"a tab is indented code", "\t```\nlast", false},
           {"a span is no fence", "```x```\nlast", false},
           {"two back ticks are no fence", "``\nlast", false},
           {"closing run with blanks behind", "```\n```  \nlast", false},
           {"with CRLF", "```\r\nx\r\n```\r\nlast", false},
       }) {
    SCOPED_TRACE(r.name);
    EXPECT_EQ(lines_of(r.text).back().in_fence, r.last_inside);
  }
}

TEST(Markdown, FindsSectionsByHeadingAndBoldLine) {
  EXPECT_EQ(
      titles_of("intro\n# One\ntext\n##   **Two:** ##\n\n**Three**\n__Four__:\n### 2. Five\n"),
      (strings{"One", "Two", "Three", "Four", "Five"}));
  EXPECT_EQ(titles_of("#no\n####### seven\n    # code\n**a** and **b**\n****\n"), strings{});
  EXPECT_EQ(titles_of("```\n# in code\n```\n# out\n"), strings{"out"});
}

TEST(Markdown, GivesEachSectionItsBodyAndLevel) {
  auto all = sections_of("# A\r\nbody a\r\n\r\n## B\nb1\nb2\n**C**\n");
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].body, "body a\r\n\r\n");
  EXPECT_EQ(all[1].body, "b1\nb2\n");
  EXPECT_EQ(all[2].body, "");
  EXPECT_EQ(all[0].level, 1u);
  EXPECT_EQ(all[1].level, 2u);
  EXPECT_EQ(all[2].level, 7u);
  EXPECT_EQ(all[1].line, 4u);
  EXPECT_EQ(sections_of("# Only").front().body, "");
}

TEST(Markdown, FindsTitlesByWholeWordsAndAnyCase) {
  auto all = sections_of("# Filesystem\n# FILES (new)\n# Files\n");
  ASSERT_NE(find_section(all, "Files"), nullptr);
  EXPECT_EQ(find_section(all, "Files")->title, "FILES (new)");
  EXPECT_EQ(find_section(all, "File"), nullptr);
  EXPECT_EQ(find_section(all, "Files (new) and more"), nullptr);
}

TEST(Markdown, ReadsBulletsOutsideFencesOnly) {
  auto body =
      "- one\n* two\n+ three\n-four\n  - nested\n```\n- code\n```\n- - -\n* * *\n---\n1. n\n";
  auto bullets = bullets_of(body);
  ASSERT_EQ(bullets.size(), 3u);
  EXPECT_EQ(bullets[0].text, "one");
  EXPECT_EQ(bullets[2].text, "three");
  EXPECT_EQ(bullets[2].line, 3u);
  EXPECT_EQ(bullet_literals("- `a` and `b`\n- none\n* ``c`d``\n"), (strings{"a", "c`d"}));
}

TEST(Markdown, ReadsCodeSpans) {
  EXPECT_EQ(code_spans("`a` x ``b`` `` `c` `` `open"), (strings{"a", "b", "`c`"}));
  EXPECT_EQ(code_spans("``a`"), strings{});
  EXPECT_EQ(code_spans(""), strings{});
}

TEST(Markdown, ReadsFencedBlocks) {
  auto blocks = fenced_blocks("x\n```Diff extra\n+a\n\n```\n~~~\nopen");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0].info, "diff");
  EXPECT_EQ(blocks[0].content, "+a\n\n");
  EXPECT_EQ(blocks[0].line, 2u);
  EXPECT_EQ(blocks[1].content, "open\n");
}

TEST(Markdown, KnowsAPatchWhenItSeesOne) {
  for (std::string text :
       {"diff --git a/x b/x\n", "x\n@@ -1 +1 @@\n", "--- a/x\n", "*** Begin Patch\n",
        "```diff\n+x\n```", "~~~ PATCH\n", "> ```diff\n", "      --- a/x\n", "1.\n    ```diff\n"})
    EXPECT_TRUE(holds_patch(text)) << text;
  for (std::string text : {"", "a diff --git a/x", "--- b/x\n", "```c\nint x;\n```", "@@ x"})
    EXPECT_FALSE(holds_patch(text)) << text;
}

TEST(Markdown, SurvivesHostileText) {
  std::string ticks, nul("- `a\0b`\n", 8);
  for (std::size_t n = 1; n < 1200; ++n)
    ticks += std::string(n, '`') + ' ';
  EXPECT_TRUE(code_spans(ticks).empty());
  EXPECT_EQ(bullet_literals(nul), strings{std::string("a\0b", 3)});
  std::string many(1 << 20, '#'), bytes(1 << 20, '\xff');
  EXPECT_TRUE(sections_of(many).empty());
  EXPECT_EQ(lines_of(bytes).size(), 1u);
  std::string fences;
  for (int i = 0; i < 100001; ++i)
    fences += "```\n";
  EXPECT_EQ(fenced_blocks(fences).size(), 50001u);
}

} // namespace
