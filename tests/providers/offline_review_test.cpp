// The audit's findings, and what the offline reviewers say of a candidate.

#include "providers/offline/survey.hpp"
#include "tests/support/offline_desk.hpp"

#include <gtest/gtest.h>

namespace tests {
namespace {

using ledger::judged;
using ledger::step;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(offline_audit, FindsWhatIsReallyThere) {
  offline_desk desk{{{"index.html", "<a href=\"gone.html\">x</a> <a href='#top'>y</a>\n"
                                    "<a href=\"https://example.org/x\">z</a>\n"},
                     {"mixed.txt", "a\r\nb\n"},
                     {"open.txt", "no end"},
                     {"blank.css", "a \nb\n"},
                     {"Read.txt", "x\n"},
                     {"read.txt", "x\n"},
                     {"guide.md", "[bad](nowhere.md)\n```\n[quoted](never.md)\n```\n"},
                     {"package.json", "{\"scripts\": {\"test\": \"node tools/check.js\"}}\n"},
                     {"schema/rows.json", "{1}\n"}}};
  auto text = desk.ask(step::audit,
                       {{"inputs/prompt.md", "See `index.html` and `not/there.css`.\n"
                                                 + block(edit("schema/rows.json", "{1}", "{2}"))}})
                  .value();
  for (auto* part :
       {"`index.html` line 1 links to `gone.html`", "`guide.md` line 1 links to `nowhere.md`",
        "`mixed.txt` mixes line endings: 1 LF, 1 CRLF", "`open.txt` has no newline at its end",
        "`blank.css` has trailing blanks in 1 line, first in line 1",
        "`read.txt` differs from Read.txt by letter case",
        "`package.json` runs `tools/check.js`, which does not exist",
        "the check test runs `test.sh`, which does not exist",
        "the prompt's diff changes `schema/rows.json`", "`index.html` exists",
        "`not/there.css` does not exist"})
    EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
  for (auto* part : {"example.org", "never.md", "#top"})
    EXPECT_FALSE(holds(text, part)) << part << "\n" << text;
}

TEST(offline_audit, SaysWhatItLeftUnread) {
  small_repository repository{{{"a.txt", "a\n"}, {"b.txt", "b\n"}, {"c.txt", "much longer\n"}}};
  providers::offline::survey_limits limits;
  limits.files = 1;
  auto few = providers::offline::survey_of(*repository.git, repository.base_tree, limits);
  ASSERT_TRUE(few);
  EXPECT_EQ(few->read, 1U);
  EXPECT_EQ(few->left_out, 2U);
  limits = {};
  limits.bytes_a_file = 4;
  auto small = providers::offline::survey_of(*repository.git, repository.base_tree, limits);
  ASSERT_TRUE(small);
  EXPECT_EQ(small->left_out, 1U);
}

struct offline_review : ::testing::Test {
  offline_desk desk{{{"index.html", "<a href=\"page.html\">page</a>\n"},
                     {"page.html", "<p>page</p>\n"},
                     {"other.html", "<p>other</p>\n"},
                     {"schema/rows.json", "{1}\n"}}};
  std::string prompt = block(edit("page.html", "<p>page</p>", "<p>new</p>"));
  std::string decisions = desk.decisions(prompt);
  std::string diff;

  /// Makes the candidate what `change` does to a worktree of the base.
  template <class Change>
  void candidate(Change change) {
    auto worktree = desk.repository.worktree();
    change(worktree);
    desk.request.tree = desk.repository.tree_of_worktree(worktree);
    diff = desk.repository.git->diff(desk.repository.base_tree, desk.request.tree).value();
  }
  void asked_for() {
    candidate([](const fs::path& at) { write_file(at / "page.html", "<p>new</p>\n"); });
  }
  std::string review(const std::string& log = green_log) {
    return desk
        .ask(step::review, {{"claude/decisions.md", decisions},
                            {"codex/apply.md", "done"},
                            {"codex/changes.diff", diff},
                            {"tests/run.log", log}})
        .value();
  }
  std::string verify(const std::string& audit, const std::string& log = green_log) {
    return desk
        .ask(step::verify, {{"claude/post-implement-audit.md", audit}, {"tests/run.log", log}})
        .value();
  }
  void expect_no(const std::string& text, const std::string& reason) {
    EXPECT_TRUE(ends_with(text, "OK: NO")) << text;
    EXPECT_TRUE(holds(text, "1. ")) << text;
    EXPECT_TRUE(holds(text, reason)) << text;
  }
};

TEST_F(offline_review, SaysYesToWhatWasDecided) {
  asked_for();
  auto text = review();
  EXPECT_TRUE(ends_with(text, "CLAUDE_FINAL_OK: YES")) << text;
}

TEST_F(offline_review, SaysNoUnlessTheLogEndsGreen) {
  asked_for();
  expect_no(review(red_log), "green");
  expect_no(review(""), "green");
  expect_no(review("result: GREEN\ntest: killed\n"), "green");
  expect_no(review("== test: t\n  x\nexit: 1\nresult: FAIL (exit 1)\n\nresult: GREEN\n"), "green");
}

TEST_F(offline_review, RepeatsEachCheckAndBelievesNoOutputOfOne) {
  asked_for();
  auto log = "checks of tree " + desk.request.tree
             + "\n\n== test: sh t\n  result: FAIL (quoted)\nexit: 0\ntime: 3 ms\nresult: PASS\n\n"
               "result: GREEN\n";
  auto text = review(log);
  EXPECT_TRUE(ends_with(text, "CLAUDE_FINAL_OK: YES")) << text;
  EXPECT_TRUE(holds(text, "- `test: sh t`: PASS")) << text;
  EXPECT_FALSE(holds(text, "quoted")) << text;
}

TEST_F(offline_review, SaysNoToALogOfAnotherTree) {
  asked_for();
  expect_no(review("checks of tree 123\n\nresult: GREEN\n"), "is about tree 123");
}

TEST_F(offline_review, SaysNoToAFileThatNobodyAllowed) {
  candidate([](const fs::path& at) {
    write_file(at / "page.html", "<p>new</p>\n");
    write_file(at / "stray.txt", "x\n");
  });
  expect_no(review(), "`stray.txt`; the decisions do not allow it");
}

TEST_F(offline_review, SaysNoToADeletionThatNobodyDecided) {
  candidate([](const fs::path& at) { fs::remove(at / "page.html"); });
  expect_no(review(), "`page.html`; no decision deletes it");
}

TEST_F(offline_review, SaysNoToASchemaChangeWithoutItsWord) {
  decisions = desk.decisions(block(edit("schema/rows.json", "{1}", "{2}")));
  auto at = decisions.find("Schema changes: YES");
  ASSERT_NE(at, std::string::npos);
  decisions.replace(at, 19, "Schema changes: NO");
  candidate([](const fs::path& w) { write_file(w / "schema/rows.json", "{2}\n"); });
  expect_no(review(), "Schema changes: NO");
}

TEST_F(offline_review, SaysNoToASymlink) {
  candidate([](const fs::path& at) {
    fs::remove(at / "page.html");
    fs::create_symlink("other.html", at / "page.html");
  });
  expect_no(review(), "mode 120000");
}

TEST_F(offline_review, SaysNoIfTheRecordedDiffIsAboutOtherFiles) {
  asked_for();
  diff = edit("other.html", "a", "b");
  expect_no(review(), "changes.diff");
  diff.clear();
  expect_no(review(), "changes.diff");
}

TEST_F(offline_review, SaysNoIfTheDecisionsCannotBeRead) {
  asked_for();
  decisions = "whatever\n";
  expect_no(review(), "Decide anew");
}

TEST_F(offline_review, VerificationSaysYesWhenAllFits) {
  asked_for();
  auto text = verify(review());
  EXPECT_TRUE(ends_with(text, "GEMINI_VERIFY_OK: YES")) << text;
  EXPECT_TRUE(holds(text, "none found")) << text;
}

TEST_F(offline_review, VerificationSaysNoWhenThingsContradict) {
  asked_for();
  auto audit = review();
  expect_no(verify(audit, red_log), "result: GREEN");
  expect_no(verify(review(red_log)), "does not end with a YES");
  candidate([](const fs::path& at) { write_file(at / "page.html", "<p>newer</p>\n"); });
  expect_no(verify(audit), "does not name the tree");
  candidate([](const fs::path& at) { write_file(at / "other.html", "<p>x</p>\n"); });
  expect_no(verify(audit), "The audit is about `page.html`");
  desk.request.tree = desk.repository.base_tree;
  expect_no(verify(audit), "does not differ from the base");
}

TEST_F(offline_review, DanglingLinksAndLostFormAreRisksNotANo) {
  prompt = block(deletion("page.html", "<p>page</p>") + addition("new.html", "x"));
  decisions = desk.decisions(prompt);
  candidate([](const fs::path& at) {
    fs::remove(at / "page.html");
    write_file(at / "new.html", "<a href=\"nowhere.html\">x</a>");
  });
  auto text = verify(review());
  EXPECT_TRUE(ends_with(text, "GEMINI_VERIFY_OK: YES")) << text;
  for (auto* part : {"`index.html` line 1 links to `page.html`",
                     "`new.html` line 1 links to `nowhere.html`", "`new.html` has no newline"})
    EXPECT_TRUE(holds(text, part)) << part << "\n" << text;
}

} // namespace
} // namespace tests
