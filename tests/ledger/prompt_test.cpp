#include "ledger/prompt.hpp"

#include <gtest/gtest.h>

namespace {

using namespace ledger;

TEST(Prompt, NamesThatGitAcceptsNameTasks) {
  for (auto& name :
       std::vector<std::string>{"A", "a-1", "0", "fix_login.v2", "a.lock.b", std::string(128, 'x')})
    EXPECT_EQ(why_no_task_name(name), "") << name;
  for (std::string name :
       {"", ".a", "-a", "_a", "a..b", "a.", "a.lock", "a.LOCK", "a b", "a/b", "a~1", "a:b", "a\nb",
        "\xc3\xa4", "a\xc3\xa4", "a@{b", "a\\b", "..", "a*"})
    EXPECT_NE(why_no_task_name(name).find("rename the prompt's file"), std::string::npos) << name;
  EXPECT_NE(why_no_task_name(std::string(129, 'x')), "");
  EXPECT_NE(why_no_task_name(std::string("a\0b", 3)), "");
}

TEST(Prompt, ReadsFrontMatter) {
  for (std::string end : {"\n", "\r\n"}) {
    auto text = "---" + end + "priority: -3" + end + end + "allow: [.github/**, \"a, b\", 'c']"
                + end + "---" + end + "# Task" + end;
    auto fm = parse_front_matter(text);
    ASSERT_TRUE(fm) << fm.error().detail;
    EXPECT_EQ(fm->priority, -3);
    EXPECT_EQ(fm->allow, (std::vector<std::string>{".github/**", "a, b", "c"}));
  }
  for (auto word : {"implement", "deploy", "both"}) {
    auto fm = parse_front_matter("---\napprove: " + std::string{word} + "\n---\n");
    ASSERT_TRUE(fm) << fm.error().detail;
    EXPECT_EQ(to_string(fm->approve), word);
  }
  EXPECT_EQ(parse_front_matter("\xef\xbb\xbf---\npriority: 4\n---")->priority, 4);
  EXPECT_TRUE(parse_front_matter("---\nallow: []\n---\n")->allow.empty());
  EXPECT_EQ(parse_front_matter("---\ntitle: A: b\npriority: 1\n---\n")->priority, 1);
}

TEST(Prompt, TakesEverythingElseForProse) {
  for (std::string text :
       {"", "# Task\n", "priority: 3\n", "---\npriority: 3\n", "\n---\npriority: 3\n---\n",
        "---\ntitle: x\n---\n", "---\nsome prose\n---\n", "----\npriority: 3\n----\n",
        "---\n priority: 3\n---\n", "---\npriorities: 3\n---\n"}) {
    auto fm = parse_front_matter(text);
    ASSERT_TRUE(fm) << text;
    EXPECT_EQ(fm->priority, 0);
    EXPECT_TRUE(fm->allow.empty());
  }
}

TEST(Prompt, NamesTheLineThatIsWrong) {
  struct row {
    std::string text, line, about;
  };
  for (auto& r : std::vector<row>{
           {"---\npriority: 1\nprose\n---\n", "line 3", "key: value"},
           {"---\npriority: 1\n  - x\n---\n", "line 3", "key: value"},
           {"---\npriority: high\n---\n", "line 2", "whole number"},
           {"---\npriority:\n---\n", "line 2", "whole number"},
           {"---\npriority: 1 # x\n---\n", "line 2", "whole number"},
           {"---\npriority: 99999999999\n---\n", "line 2", "whole number"},
           {"---\npriority: 1\npriority: 2\n---\n", "line 3", "twice"},
           {"---\nallow: .github/**\n---\n", "line 2", "list"},
           {"---\nallow: [a\n---\n", "line 2", "list"},
           {"---\nallow: [a,]\n---\n", "line 2", "list"},
           {"---\nallow: [a,,b]\n---\n", "line 2", "list"},
           {"---\nallow: [\"a]\n---\n", "line 2", "list"},
           {"---\nallow: ['']\n---\n", "line 2", "list"},
           {"---\nallow:\n  - a\n---\n", "line 2", "list"},
           {"---\ndepends_on: A\n---\n", "line 2", "list"},
           {"---\ntitle: x\ndepends_on: [a/b]\n---\n", "line 3", "no name of a task"},
           {"---\napprove: always\n---\n", "line 2", "implement, deploy or both"},
           {"---\napprove:\n---\n", "line 2", "implement, deploy or both"},
           {"---\napprove: [deploy]\n---\n", "line 2", "implement, deploy or both"},
           {"---\napprove: both\napprove: both\n---\n", "line 3", "twice"},
           {"---\npriority: 1\naprove: deploy\n---\n", "line 3", "`approve`"},
           {"---\npriority: 1\nDepends-On: [A]\n---\n", "line 3", "`depends_on`"},
           {"---\r\npriority: 1\r\nprose\r\n---\r\n", "line 3", "key: value"},
       }) {
    SCOPED_TRACE(r.text);
    auto fm = parse_front_matter(r.text);
    ASSERT_FALSE(fm);
    EXPECT_EQ(fm.error().kind, fault::refused);
    EXPECT_NE(fm.error().detail.find(r.line), std::string::npos) << fm.error().detail;
    EXPECT_NE(fm.error().detail.find(r.about), std::string::npos) << fm.error().detail;
  }
}

TEST(Prompt, KnowsTextFromBytes) {
  std::uint32_t bad = 0;
  EXPECT_TRUE(is_text("", &bad));
  EXPECT_TRUE(is_text("a\n\xc3\xa4\xf0\x9f\x98\x80\n", &bad));
  EXPECT_EQ(bad, 0u);
  for (auto& text : {std::string("a\nb\0c\n", 6), std::string("a\nb\xff\n"), std::string("a\n\xc3"),
                     std::string("a\n\xc0\xaf"), std::string("a\n\xed\xa0\x80"),
                     std::string("a\n\xf5\x80\x80\x80")}) {
    bad = 0;
    EXPECT_FALSE(is_text(text, &bad));
    EXPECT_EQ(bad, 2u);
  }
  EXPECT_FALSE(is_text("\xff", nullptr));
}

} // namespace
