#include "ledger/glob.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using namespace ledger;

TEST(Glob, Matches) {
  struct row {
    std::string pattern, path;
    bool want;
  };
  for (auto& r : std::vector<row>{
           {"a.c", "a.c", true},
           {"a.c", "x/y/a.c", true},
           {"/a.c", "a.c", true},
           {"/a.c", "x/a.c", false},
           {"x/a.c", "y/x/a.c", false},
           {".env*", "a/b/.env.local", true},
           {".env*", ".env", true},
           {".env*", "a.env", false},
           {"*.key", "k/server.key", true},
           {"src/*.c", "src/a.c", true},
           {"src/*.c", "src/x/a.c", false},
           {"src/?.c", "src/a.c", true},
           {"src/?.c", "src/ä.c", true},
           {"src/?.c", "src/ab.c", false},
           {"src/?.c", "src//.c", false},
           {"src/**", "src/a/b/c", true},
           {"src/**", "src", false},
           {"src/**", "srcx/a", false},
           {"src/**/t.c", "src/t.c", true},
           {"src/**/t.c", "src/a/b/t.c", true},
           {"**/t.c", "t.c", true},
           {"**/.env*", "a/.env", true},
           {"**", "a/b", true},
           {"*", "a/b", true},
           {"a**b", "axxb", true},
           {"a/**b", "a/x/b", false},
           {"secrets/", "a/secrets/k", true},
           {"secrets/", "secrets", false},
           {"./src/a.c", "src/a.c", true},
           {"app/[id].tsx", "app/[id].tsx", true},
           {"app/[id].tsx", "app/i.tsx", false},
           {".github/**", ".GITHUB/workflows/ci.yml", true},
           {"SRC/A.c", "src/a.C", true},
           {"", "a", false},
           {"/", "a", false},
           {"a", "", false},
       }) {
    SCOPED_TRACE(r.pattern + " on " + r.path);
    EXPECT_EQ(glob_matches(r.pattern, r.path), r.want);
  }
}

TEST(Glob, ExactMatchingDoesNotFold) {
  EXPECT_TRUE(glob_matches_exactly("src/*.c", "src/a.c"));
  EXPECT_FALSE(glob_matches_exactly("src/*.c", "SRC/a.c"));
}

TEST(Glob, CoveringReachesBelowAMatchingFolder) {
  EXPECT_TRUE(glob_covers("secrets", "a/secrets/deep/key"));
  EXPECT_TRUE(glob_covers("/a", "a/b"));
  EXPECT_FALSE(glob_covers("/a", "b/a"));
  EXPECT_FALSE(glob_covers("secrets", "secretsx/a"));
}

// What follows a colon was cut off as an NTFS stream before anything was
// compared: `a:b.pem` was no `*.pem`, a dated migration no `*.sql`.
TEST(Glob, OneReadingOfANameIsEnough) {
  struct row {
    std::string pattern, path;
    bool want;
  };
  for (auto& r : std::vector<row>{
           {"*.pem", "src/a:b.pem", true},
           {"*.pem",
            "src/a\xef\xbc\x9a"
            "b.pem",
            true},
           {"*.pem", "src/a.pem:stream", true},
           {"*.pem", "src/a.pem. ", true},
           {"db/*.sql", "db/2026-01-01T10:00:00.sql", true},
           {"db/*.sql", "db/2026-01-01T10:00:00.sqlx", false},
           {"a:b", "a:b", true},
           {"a:b", "a", true}, // The pattern's stream may be none, too.
           {"a", "b:a", false},
           {".github/**", ".github::$INDEX_ALLOCATION/x", true},
           {"v1.*", "v1.", true},
           {"v1.*", "v2.", false},
       }) {
    SCOPED_TRACE(r.pattern + " on " + r.path);
    EXPECT_EQ(glob_covers(r.pattern, r.path), r.want);
    EXPECT_EQ(glob_matches(r.pattern, r.path), r.want);
  }
  EXPECT_TRUE(glob_covers("db:x/**", "db:x/a/b"));
}

TEST(Glob, ManyStarsStayCheap) {
  std::string pattern, path;
  for (int i = 0; i < 200; ++i) {
    pattern += "**/*a*a*a*a*/";
    path += "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/";
  }
  EXPECT_FALSE(glob_matches(pattern + "z", path + "b"));
  EXPECT_FALSE(glob_matches(std::string(2000, '*') + "b", std::string(20000, 'a')));
}

TEST(Glob, FoldsSpellingsOfOneName) {
  struct row {
    std::string name, a, b;
  };
  for (auto& r : std::vector<row>{
           {"case", "SRC/File.C", "src/file.c"},
           {"umlaut case", "\xc3\x84.c", "\xc3\xa4.c"},
           {"cyrillic case", "\xd0\x96", "\xd0\xb6"},
           {"NFC and NFD", "caf\xc3\xa9", "cafe\xcc\x81"},
           {"full width", "\xef\xbc\x8e\xef\xbd\x87\xef\xbd\x89\xef\xbd\x94", ".git"},
           {"one dot leader", "\xe2\x80\xa4git", ".git"},
           {"zero width space", ".g\xe2\x80\x8bit", ".git"},
           {"zero width joiner", ".gi\xe2\x80\x8dt", ".git"},
           {"byte order mark", "\xef\xbb\xbf.git", ".git"},
           {"soft hyphen", ".gi\xc2\xadt", ".git"},
           {"kelvin", "\xe2\x84\xaa.c", "k.c"},
           {"long s", "\xc5\xbfrc", "src"},
           {"sharp s",
            "stra\xc3\x9f"
            "e",
            "STRASSE"},
           {"trailing dots and blanks", ".git. . /x", ".git/x"},
           {"stream", ".git::$INDEX_ALLOCATION/x", ".git/x"},
           {"stream in full width", ".git\xef\xbc\x9a$x", ".git"},
           {"full-width slash", "a\xef\xbc\x8f.git", "a/.git"},
       }) {
    SCOPED_TRACE(r.name);
    EXPECT_EQ(folded(r.a), folded(r.b));
    EXPECT_EQ(folded(folded(r.a)), folded(r.a));
  }
  EXPECT_NE(folded("a/b"), folded("ab"));
  EXPECT_NE(folded("e"), folded("\xc3\xa9"));
}

TEST(Glob, KeepsBytesThatAreNoUtf8) {
  EXPECT_EQ(folded("A\xff\xc3/B"), "a\xff\xc3/b");
  EXPECT_NE(folded("\xff"), folded("\xfe"));
  EXPECT_EQ(folded("\xc3\x84\xff\xc3\x84"), "\xc3\xa4\xff\xc3\xa4");
}

TEST(Glob, KnowsRepositoryPaths) {
  for (std::string good :
       {"a", "a/b.c", ".github/x", "a b/c", "app/[id].tsx", "\xc3\xa4", "a.", "-"})
    EXPECT_TRUE(is_repository_path(good)) << good;
  for (std::string bad : {"",
                          "/",
                          "/a",
                          "a/",
                          "a//b",
                          ".",
                          "..",
                          "./a",
                          "a/.",
                          "a/..",
                          "../a",
                          "a/../b",
                          "a\\b",
                          "..\\a",
                          "a\nb",
                          "a\x7f",
                          "...",
                          ". .",
                          ".. ",
                          "\xef\xbc\x8e\xef\xbc\x8e/a",
                          "\xe2\x80\xa5/a",
                          "a/\xe2\x80\x8b",
                          ":x",
                          "a\xef\xbc\x8f..\xef\xbc\x8f"})
    EXPECT_FALSE(is_repository_path(bad)) << bad;
  EXPECT_FALSE(is_repository_path(std::string("a\0b", 3)));
}

} // namespace
