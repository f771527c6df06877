#include "ledger/paths.hpp"

#include <gtest/gtest.h>

namespace ledger {
namespace {

TEST(OldPath, KeepsTheFolderAndTheExtension) {
  struct row {
    std::string_view path, why;
    std::uint32_t n;
    std::string_view want;
  };
  for (auto& r : {row{path::audit, "rejected", 1, "gemini/old/audit.rejected-1.md"},
                  row{path::final_ok, "round", 2, "contract/old/CLAUDE_FINAL_OK.round-2"},
                  row{"codex/fix-3.md", "rejected", 12, "codex/old/fix-3.rejected-12.md"},
                  row{"plain", "round", 1, "old/plain.round-1"},
                  row{"x/.hidden", "round", 1, "x/old/.hidden.round-1"},
                  row{"x/a.b.md", "round", 1, "x/old/a.b.round-1.md"}})
    EXPECT_EQ(old_path(r.path, r.why, r.n), r.want) << r.path;
}

TEST(LedgerPath, IsRelativeAndStaysInItsFolder) {
  for (std::string_view good : {"inputs/prompt.md", "a", "contract/CLAUDE_FINAL_OK", "a/b/..c"})
    EXPECT_TRUE(is_ledger_path(good)) << good;
  for (std::string_view bad :
       {"", "/a", "a/", "a//b", "../a", "a/..", "a/./b", ".", "..", "a\nb", "journal.jsonl"})
    EXPECT_FALSE(is_ledger_path(bad)) << bad;
  EXPECT_FALSE(is_ledger_path(std::string(256, 'x')));
  EXPECT_FALSE(is_ledger_path(std::string_view("a\0b", 3)));
}

} // namespace
} // namespace ledger
