// Reading the blocks of a prompt that ask for a change.

#include "providers/offline/patch.hpp"

#include <gtest/gtest.h>

namespace providers::offline {
namespace {

using names = std::vector<std::string>;

TEST(offline_patch, NamesEveryPathThatGitWouldTouch) {
  struct row {
    const char* name;
    std::string patch;
    names want;
  };
  const std::vector<row> rows{
      {"plain", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n", {"x"}},
      {"with a date", "--- a/x\t2026-01-01\n+++ b/x\t2026-01-01\n@@ -1 +1 @@\n-a\n+b\n", {"x"}},
      {"two without git headers",
       "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n",
       {"x", "y"}},
      {"a removed line that looks like a header",
       "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/fake\n+++ b/fake\n c\n",
       {"x"}},
      {"rename with blanks",
       "diff --git a/a b.txt b/c d.txt\nrename from a b.txt\nrename to c d.txt\n",
       {"a b.txt", "c d.txt"}},
      {"mode of a name with blanks",
       "diff --git a/a b/c b/a b/c\nold mode 100644\nnew mode 100755\n",
       {"a b/c"}},
      {"quoted",
       "diff --git \"a/\\303\\234.md\" \"b/\\303\\234.md\"\n--- \"a/\\303\\234.md\"\n"
       "+++ \"b/\\303\\234.md\"\n@@ -1 +1 @@\n-a\n+b\n",
       {"\303\234.md"}},
      {"empty new file",
       "diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n",
       {"e"}},
      {"binary",
       "diff --git a/b.png b/b.png\nindex 1..2 100644\nGIT binary patch\nliteral 1\nIcmZ\n",
       {"b.png"}},
      {"climbing out", "--- a/../../up\n+++ b/../../up\n@@ -1 +1 @@\n-a\n+b\n", {"../../up"}},
      {"nothing", "just words\n", {}},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    EXPECT_EQ(paths_of(parts_of(r.patch)), r.want);
  }
}

TEST(offline_patch, TellsNewFromDeletedFromMoved) {
  auto parts = parts_of("diff --git a/n b/n\nnew file mode 100644\n"
                        "diff --git a/d b/d\ndeleted file mode 100644\n"
                        "diff --git a/o b/m\nrename from o\nrename to m\n"
                        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n");
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_TRUE(parts[0].adds());
  EXPECT_TRUE(parts[1].deletes());
  EXPECT_TRUE(parts[2].renames());
  EXPECT_FALSE(parts[3].adds() || parts[3].deletes() || parts[3].renames());
}

TEST(offline_patch, TakesDiffAndRevertBlocksOnlyAndInOrder) {
  using enum prompt_block::kind;
  EXPECT_EQ(blocks_in("a\n```diff\n1\n```\n```text\n2\n```\n~~~diff\n3\n~~~\n"
                      "```revert\n  4\n\n```\n"),
            (std::vector<prompt_block>{{diff, "1\n"}, {diff, "3\n"}, {revert, "4"}}));
}

TEST(offline_patch, ACrlfPromptGivesLfAndAnLfPromptKeepsItsCr) {
  EXPECT_EQ(blocks_in("a\r\n```diff\r\n-1\r\n```\r\n").at(0).text, "-1\n");
  EXPECT_EQ(blocks_in("a\nb\n```diff\n-1\r\n+1\n```\n").at(0).text, "-1\r\n+1\n");
}

TEST(offline_patch, FittingGivesCrToHunkLinesOfCrlfFilesOnly) {
  const std::string patch = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
                            "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-b\n+c\n";
  EXPECT_EQ(fitted(patch, [](std::string_view p) { return p == "x"; }),
            "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n"
            "--- a/y\n+++ b/y\n@@ -1 +1 @@\n-b\n+c\n");
}

TEST(offline_patch, EveryCutOfAPatchIsReadWithoutHarm) {
  const std::string patch = "diff --git \"a/\\303\\234\" \"b/x\"\nrename from \"\\3\nrename to x\n"
                            "--- a/x\n+++ b/x\n@@ -1,99999999999999999999 +1 @@\n-a\n\\ No\n";
  for (std::size_t n = 0; n <= patch.size(); ++n)
    EXPECT_LE(parts_of(std::string_view{patch}.substr(0, n)).size(), 2U);
}

} // namespace
} // namespace providers::offline
