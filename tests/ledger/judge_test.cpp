#include "ledger/judge.hpp"

#include "tests/ledger/judged_texts.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace {

using namespace judged_texts;

TEST(Judge, Audits) {
  auto only_prose = std::string(500, 'x');
  expect(
      step::audit,
      {{"good", audit_text, judged::accepted, ""},
       {"empty", "", judged::rejected, "*System behavior* is missing"},
       {"no sections", only_prose, judged::rejected, "*Schema drift* is missing"},
       {"empty section", with(audit_text, "- Tabs are not normalized in `src/parser.c`.", "---"),
        judged::rejected, "*Normalization gaps* (line"},
       {"section in a code block", with(audit_text, "## Schema drift", "```\n## Schema drift\n```"),
        judged::rejected, "*Schema drift* is missing"},
       {"none found without a path",
        with(audit_text, "none found; looked at `src/schema.sql`.", "**None** found."),
        judged::rejected, "*Schema drift* finds nothing"},
       {"none found with an invented path", with(audit_text, "src/schema.sql", "src/invented.sql"),
        judged::rejected, "*Schema drift* finds nothing"},
       {"too short", with(audit_text, std::string(400, 'x'), ""), judged::rejected, "400"},
       {"patch", audit_text + "```diff\n+x\n```\n", judged::rejected, "patch"},
       {"recommendations", audit_text + "### Recommendations\n\nDo it.\n", judged::rejected,
        "suggestions"},
       {"bold fix", audit_text + "**Fixes:**\n\nDo it.\n", judged::rejected, "suggestions"},
       {"implementation", audit_text + "# 5. Implementation plan\n\nx\n", judged::rejected,
        "suggestions"},
       {"fixing", audit_text + "## Fixing it\n\nx\n", judged::rejected, "suggestions"},
       {"fixtures", audit_text + "### Fixtures used by the tests\n\nx\n", judged::accepted, ""},
       {"fixed", audit_text + "### Fixed-width fields\n\nx\n", judged::accepted, ""},
       {"implementation-defined", audit_text + "### Implementational limits\n\nx\n",
        judged::accepted, ""},
       {"NUL", audit_text + std::string(1, '\0'), judged::rejected, "NUL"},
       {"not UTF-8", audit_text + "\xff", judged::rejected, "UTF-8"}},
      a_case());
}

TEST(Judge, AnAuditIsAboutThisRepositoryAndThisPrompt) {
  auto c = a_case();
  auto other = audit_text;
  for (auto at = other.find("src/parser.c"); at != other.npos; at = other.find("src/parser.c"))
    other.replace(at, 12, "src/api.c");
  EXPECT_EQ(judge(step::audit, audit_text, c).as, judged::accepted);
  EXPECT_NE(all_of(judge(step::audit, other, c)).find("none of the paths that the prompt names"),
            std::string::npos);
  c.prompt = "Make it better, see src/invented.c";
  EXPECT_EQ(judge(step::audit, other, c).as, judged::accepted) << "only real paths count as named";
  c.prompt = "```diff\n--- /dev/null\n+++ b/README\n@@ -0,0 +1 @@\n+x\n```\n";
  EXPECT_EQ(judge(step::audit, other, c).as, judged::rejected);
  EXPECT_EQ(judge(step::audit, other + "README is to be added.\n", c).as, judged::accepted);
  c.exists_in_base = nullptr;
  EXPECT_EQ(judge(step::audit, audit_text, c).as, judged::rejected) << "unclear means no";
}

TEST(Judge, Decisions) {
  auto d = [](std::string_view from, std::string_view to) { return with(decisions_yes, from, to); };
  auto bad = judged::rejected;
  std::vector<row> rows{
      {"good", decisions_yes, judged::accepted, ""},
      {"bold titles", d("## Schema changes: NO", "**Schema changes: NO**"), judged::accepted, ""},
      {"plain schema line", d("## Schema changes: NO", "Schema changes: YES"), judged::accepted,
       ""},
      {"schema below its heading", d("## Schema changes: NO", "## Schema changes\n\nNO."),
       judged::accepted, ""},
      {"subheadings", d("The parser accepts tabs.", "### Parser\n\nAccepts tabs."),
       judged::accepted, ""},
      {"no verdict", d("CLAUDE_DECISIONS_OK: YES", "**CLAUDE_DECISIONS_OK: YES**"), bad, "verdict"},
      {"section missing", d("## What must not change", "## Nope"), bad, "*What must not change*"},
      {"section empty", d("The public interface.", ""), bad, "*What must not change* (line"},
      {"summary empty but for the verdict", d("Tabs are read as blanks.", ""), bad,
       "*Target Flow Summary*"},
      {"forbidden empty", d("- `tests/golden/**` and `src/api.c` stay\n- No new dependency", ""),
       bad, "*Forbidden changes*"},
      {"schema missing", d("## Schema changes: NO", ""), bad, "schema is missing"},
      {"schema unclear", d("## Schema changes: NO", "## Schema changes: YES|NO"), bad, "exactly"},
      {"schema in lower case", d("## Schema changes: NO", "## Schema changes: yes"), bad,
       "exactly"},
      {"schema with a but", d("## Schema changes: NO", "## Schema changes: NO, but one"), bad,
       "exactly"},
      {"schema twice", d("## Schema changes: NO", "## Schema changes: NO\n\nSchema changes: YES"),
       bad, "both"},
      {"schema only in code", d("## Schema changes: NO", "```\nSchema changes: NO\n```"), bad,
       "schema is missing"},
      {"allowed twice", d("## Forbidden", "## Allowed file paths\n\n- `src/x.c`\n\n## Forbidden"),
       bad, "are several"},
      {"patch", d("The parser accepts tabs.", "```diff\n+x\n```"), bad, "patch"},
      {"nothing allowed", d("- `src/parser.c`\n- `src/new.c` (new)\n- `tests/**`", "none"), bad,
       "no path is left"},
      {"all allowed is forbidden", d("- `tests/golden/**`", "- `src/**`, `tests/**`"), bad,
       "no path is left"},
  };
  expect(step::decide, rows, a_case());
}

TEST(Judge, AllowedBulletsAreOneLiteralPathOrFolder) {
  std::vector<row> rows;
  auto bad = judged::rejected;
  auto allowed = [](std::string_view bullet) {
    return with(decisions_yes, "- `src/new.c` (new)", bullet);
  };
  for (std::string_view bullet : {"- `**`",
                                  "- `*`",
                                  "- `/**`",
                                  "- `src/*`",
                                  "- `src/*.c`",
                                  "- `src/**/x.c`",
                                  "- `**/x.c`",
                                  "- `src/?.c`",
                                  "- `src/`",
                                  "- src/new.c",
                                  "- `src/a.c` and `src/b.c`",
                                  "- not `src/new.c`",
                                  "- `/etc/passwd`",
                                  "- `../x`",
                                  "- `src/../x`",
                                  "- `./src/x`",
                                  "- ` src/new.c`",
                                  "- `src/x.c `",
                                  "- `..`",
                                  "- `../**`",
                                  "- `src\\x.c`",
                                  "- ``",
                                  "- ",
                                  "- `src/\xef\xbc\x8e\xef\xbc\x8e/x`",
                                  "  - `src/nested.c`",
                                  "- **`src/new.c`**",
                                  "- `src/*/**`",
                                  "- `src/**/**`"})
    rows.push_back({"bullet " + std::string(bullet), allowed(bullet), bad, ""});
  for (std::string_view bullet :
       {"- `.git/**`", "- `.gitmodules`", "- `src/.gitattributes`", "- `.env`",
        "- `src/.env.local`", "- `.ai-stack-trace/**`", "- `scheduler.toml`", "- `.github/**`",
        "- `.gitignore`", "- `.GITHUB/x.yml`", "- `tls/server.key`", "- `.git /config`",
        "- `netlify.toml`"})
    rows.push_back({"bullet " + std::string(bullet), allowed(bullet), bad, "protected"});
  expect(step::decide, rows, a_case());
}

TEST(Judge, APromptMayLiftConfiguredProtection) {
  auto c = a_case();
  c.guard = protection_for(scope_config{}, {".github/**"});
  auto text = with(decisions_yes, "- `src/new.c` (new)", "- `.github/workflows/ci.yml`");
  EXPECT_EQ(judge(step::decide, text, c).as, judged::accepted);
  EXPECT_EQ(judge(step::decide, text, a_case()).as, judged::rejected);
}

TEST(Judge, ReadsTheAllowance) {
  auto a = read_allowance(decisions_yes);
  ASSERT_TRUE(a) << a.error().detail;
  EXPECT_EQ(a->allowed, (strings{"src/parser.c", "src/new.c", "tests/**"}));
  EXPECT_EQ(a->forbidden, (strings{"tests/golden/**", "src/api.c"}));
  EXPECT_FALSE(a->schema_changes);
  auto yes = read_allowance(with(decisions_yes, "Schema changes: NO", "Schema changes: YES"));
  EXPECT_TRUE(yes->schema_changes);
  auto bad = read_allowance(with(decisions_yes, "- `tests/**`", "- `t*`"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, fault::refused);
  EXPECT_NE(bad.error().detail.find("t*"), std::string::npos);
}

// A second list of forbidden things, a subheading, a line that is no bullet, a
// folder's slash: none may make less forbidden than the text says.
TEST(Judge, ReadsEveryForbiddenLiteral) {
  auto forbidden = [](std::string_view in_place) {
    return read_allowance(with(decisions_yes, "- No new dependency", in_place)).value();
  };
  for (std::string in_place :
       {"Also `tests/secret.c`.", "### Tests\n\n- `tests/secret.c`", "  - `tests/secret.c`",
        "**More**\n\n* never `tests/secret.c`", "- `./tests/secret.c`", "- `tests/SECRET.c`",
        "```\ntests/secret.c\n```", "```\n- tests/secret.*\n```", "```\n`tests/secret.c`\n```",
        "- `secret.*`", "## Forbidden changes (tests)\n\n- `tests/secret.c`", "- `/tests/secret.c`",
        "- `.//tests/secret.c`", "- `/tests/secret.*`"})
    EXPECT_FALSE(allows(forbidden(in_place), "tests/secret.c")) << in_place;
  EXPECT_FALSE(allows(forbidden("- `tests/deep/`"), "tests/deep/x/y.c"));
  EXPECT_FALSE(allows(forbidden("- `tests/deep`"), "tests/deep/x/y.c"));
  EXPECT_TRUE(allows(forbidden("- no `SELECT *`, no `foo()`"), "tests/a.c"));
}

TEST(Judge, ABoldForbiddenListDoesNotWidenTheAllowedOne) {
  auto text = with(decisions_yes, "## Forbidden changes", "**Forbidden changes**");
  auto a = read_allowance(text);
  ASSERT_TRUE(a) << a.error().detail;
  EXPECT_EQ(a->allowed.size(), 3u);
  EXPECT_FALSE(allows(*a, "src/api.c"));
}

// Bold lines have no rank: a bold title with a bold sub-title forbade nothing.
TEST(Judge, ABoldForbiddenTitleReachesToTheNextKnownTitle) {
  for (std::string list :
       {"**Forbidden changes**\n\n**Files**\n\n- `tests/secret.c`",
        "**Forbidden changes**\n\nNothing else.\n\n**Files**\n\n- `tests/secret.c`",
        "**Forbidden changes**\n\nNothing else.\n\n### Files\n\n- `tests/secret.c`"}) {
    SCOPED_TRACE(list);
    auto text = with(decisions_yes, "## Forbidden changes", list);
    auto a = read_allowance(text);
    ASSERT_TRUE(a) << a.error().detail;
    EXPECT_FALSE(allows(*a, "tests/secret.c"));
    EXPECT_TRUE(allows(*a, "src/parser.c"));
  }
  // What the next known title says is not forbidden.
  auto text = with(decisions_yes, "## Forbidden changes", "**Forbidden changes**");
  text = with(text, "Tabs are read as blanks.", "`src/parser.c` reads tabs as blanks.");
  EXPECT_TRUE(allows(read_allowance(text).value(), "src/parser.c"));
}

TEST(Judge, EveryTruncationOfDecisionsIsNoYes) {
  auto c = a_case();
  auto crlf = decisions_yes;
  for (std::size_t at = 0; (at = crlf.find('\n', at)) != crlf.npos; at += 2)
    crlf.insert(at, 1, '\r');
  for (auto& whole : {decisions_yes, crlf}) {
    auto complete = whole.find("CLAUDE_DECISIONS_OK: YES") + 24;
    for (std::size_t n = 0; n < complete; ++n)
      ASSERT_NE(judge(step::decide, whole.substr(0, n), c).as, judged::accepted) << n;
    for (std::size_t n = complete; n <= whole.size(); ++n)
      ASSERT_EQ(judge(step::decide, whole.substr(0, n), c).as, judged::accepted) << n;
  }
}

TEST(Judge, NoLineCanBeLeftOutOfTheDecisionsSectionsUnnoticed) {
  // Cutting any heading or the verdict out of the middle must not leave a YES.
  auto c = a_case();
  for (std::size_t at = 0; at < decisions_yes.size();) {
    auto end = decisions_yes.find('\n', at) + 1;
    auto gone = decisions_yes.substr(at, end - at);
    if (gone.rfind("## ", 0) == 0 || gone.rfind("CLAUDE", 0) == 0) {
      auto text = decisions_yes.substr(0, at) + decisions_yes.substr(end);
      EXPECT_EQ(judge(step::decide, text, c).as, judged::rejected) << gone;
    }
    at = end;
  }
}

TEST(Judge, AValidNoAlwaysStands) {
  case_file nothing;
  expect(step::decide,
         {{"bare", "CLAUDE_DECISIONS_OK: NO", judged::said_no, "no reason"},
          {"bytes", "\xff\nCLAUDE_DECISIONS_OK: NO\r\n", judged::said_no, "xff"},
          {"patch", "--- a/x\nCLAUDE_DECISIONS_OK: NO", judged::said_no, "a/x"},
          {"full", with(decisions_yes, "OK: YES", "OK: NO"), judged::said_no, "accepts tabs"},
          {"other word", "CLAUDE_FINAL_OK: NO", judged::rejected, "verdict"},
          {"two", "CLAUDE_DECISIONS_OK: YES\nCLAUDE_DECISIONS_OK: NO", judged::rejected,
           "verdict line"}},
         nothing);
  expect(step::review, {{"bare", "CLAUDE_FINAL_OK: NO", judged::said_no, "no reason"}}, nothing);
  expect(step::verify, {{"bare", "GEMINI_VERIFY_OK: NO", judged::said_no, "no reason"}}, nothing);
}

TEST(Judge, ANoIsToldWithItsReasonOnOneLine) {
  case_file nothing;
  expect(step::decide,
         {{"section",
           "## What changes\n\nNothing:\n\n- `.env` is protected\n\n## Other\n\nx\n\n"
           "CLAUDE_DECISIONS_OK: NO\n",
           judged::said_no, "Nothing: - `.env` is protected"},
          {"prose", "It would delete the archive.\n\nCLAUDE_DECISIONS_OK: NO\n", judged::said_no,
           "It would delete the archive."}},
         nothing);
  expect(step::review,
         {{"section", "## Requested changes\n\n1. Put the menu back.\n\nCLAUDE_FINAL_OK: NO\n",
           judged::said_no, "1. Put the menu back."}},
         nothing);
}

TEST(Judge, Plans) {
  auto p = [](std::string_view to) { return with(plan_text, "- `tests/tabs.c`: new", to); };
  auto bad = judged::rejected;
  expect(step::plan,
         {{"good", plan_text, judged::accepted, ""},
          {"empty", "", bad, "*Files* is missing"},
          {"no files", "## Files\n\nnone\n\n## Verification\n\nmake\n", bad, "names no file"},
          {"files in code", with(plan_text, "## Files", "```\n## Files\n```"), bad, "missing"},
          {"no verification", with(plan_text, "make test", ""), bad, "*Verification*"},
          {"not allowed", p("- `src/other.c`"), bad, "do not allow"},
          {"forbidden", p("- `tests/golden/a.c`"), bad, "do not allow"},
          {"forbidden in capitals", p("- `tests/GOLDEN/a.c`"), bad, "do not allow"},
          {"allowed in capitals", p("- `SRC/parser.c`"), bad, "do not allow"},
          {"protected", p("- `tests/.env`"), bad, "protected"},
          {"protected by configuration", p("- `tests/.gitignore`"), bad, "protected"},
          {"folder", p("- `tests/**`"), bad, "exact file"},
          {"glob", p("- `tests/*.c`"), bad, "exact file"},
          {"no literal", p("- tests/tabs.c"), bad, "exact file"},
          {"climbs", p("- `tests/../src/x.c`"), bad, "exact file"},
          {"schema", p("- `tests/x.sql`"), bad, "schema"},
          {"two lists", plan_text + "## Files\n\n- `src/parser.c`\n", bad, "2 sections"},
          {"patch", plan_text + "@@ -1 +1 @@\n", bad, "patch"},
          {"NUL", plan_text + std::string(1, '\0'), bad, "NUL"}},
         a_case());
  auto c = a_case();
  c.decisions = "";
  EXPECT_EQ(judge(step::plan, plan_text, c).as, bad) << "no decisions, no plan";
}

TEST(Judge, ReadsThePlansFiles) {
  EXPECT_EQ(planned_files(plan_text), (strings{"src/parser.c", "tests/tabs.c"}));
  EXPECT_EQ(planned_files("no such section\n- `a`"), strings{});
}

TEST(Judge, ImplementationsKeepToThePlan) {
  auto judged_as = [](const case_file& c, std::string_view text) {
    return judge(step::implement, text, c);
  };
  auto c = a_case();
  EXPECT_EQ(judged_as(c, apply_text).as, judged::accepted);
  EXPECT_EQ(judged_as(c, "## What changed\n\nx\n").as, judged::rejected);
  EXPECT_EQ(judged_as(c, "").as, judged::rejected);

  auto outside = c;
  outside.changes.push_back(changed("src/new.c"));
  EXPECT_EQ(judged_as(outside, apply_text).as, judged::voided) << "allowed, but not planned";
  EXPECT_EQ(judged_as(outside, "").as, judged::voided) << "a breach goes before bad text";
  EXPECT_EQ(judged_as(outside, apply_text + "## Files\n\n- `src/new.c`\n").as, judged::voided)
      << "apply.md cannot widen the plan";

  auto faulty = c;
  faulty.faults = {"The diff holds a secret in line 3."};
  EXPECT_EQ(judged_as(faulty, apply_text).reasons, faulty.faults);
  EXPECT_EQ(judged_as(faulty, apply_text).as, judged::voided);

  auto hidden = c;
  hidden.hidden = {".env"};
  EXPECT_EQ(judged_as(hidden, apply_text).as, judged::voided);

  auto blind = c;
  blind.decisions = "CLAUDE_DECISIONS_OK: YES";
  EXPECT_EQ(judged_as(blind, apply_text).as, judged::voided);

  auto case_twin = c;
  case_twin.changes = {changed("tests/tabs.c")};
  case_twin.changes[0].old_mode = "000000";
  case_twin.changes[0].kind = 'A';
  EXPECT_EQ(judged_as(case_twin, apply_text).as, judged::accepted);
  case_twin.base_paths = {"tests/Tabs.c"};
  EXPECT_EQ(judged_as(case_twin, apply_text).as, judged::voided);

  auto unplanned = c;
  unplanned.plan = "";
  EXPECT_EQ(judged_as(unplanned, apply_text).as, judged::voided);
  unplanned.changes.clear();
  EXPECT_EQ(judged_as(unplanned, apply_text).as, judged::accepted)
      << "an empty diff breaks nothing";
}

TEST(Judge, SchemaFilesNeedTheDecision) {
  auto c = a_case();
  c.plan = with(plan_text, "tests/tabs.c", "tests/x.sql");
  c.changes = {changed("tests/x.sql")};
  EXPECT_EQ(judge(step::implement, apply_text, c).as, judged::voided);
  c.decisions = with(decisions_yes, "Schema changes: NO", "Schema changes: YES");
  EXPECT_EQ(judge(step::implement, apply_text, c).as, judged::accepted);
}

TEST(Judge, FixesMayNameFurtherAllowedFiles) {
  auto c = a_case();
  c.changes.push_back(changed("src/new.c"));
  auto names = [](std::string_view bullets) {
    return apply_text + "\n## Files\n\n" + std::string(bullets) + "\n";
  };
  EXPECT_EQ(judge(step::test, apply_text, c).as, judged::voided);
  EXPECT_EQ(judge(step::test, names("- `src/new.c`"), c).as, judged::accepted);
  EXPECT_EQ(judge(step::test, names("- `src/new.c`\n- `src/api.c`"), c).as, judged::rejected);
  EXPECT_EQ(judge(step::test, names("- `src/new.c`\n- everything"), c).as, judged::rejected);
  EXPECT_EQ(judge(step::test, "## Files\n\n- `src/new.c`\n", c).as, judged::rejected);
  c.earlier_fixes = {names("- `src/new.c`")};
  EXPECT_EQ(judge(step::test, apply_text, c).as, judged::accepted);
  EXPECT_EQ(judge(step::implement, apply_text, c).as, judged::voided) << "no fix before the first";

  auto greedy = a_case();
  greedy.changes.push_back(changed("src/api.c"));
  EXPECT_EQ(judge(step::test, names("- `src/api.c`"), greedy).as, judged::voided);
}

// A [scope] that changed after the answer was accepted bound nothing.
TEST(Judge, ACandidateIsJudgedAgainByTheScopeOfToday) {
  auto c = a_case();
  c.changes = {changed("src/parser.c"), changed("tests/fixed.c")};
  c.earlier_fixes = {"## Files\n\n- `tests/fixed.c`\n"};
  auto now = judge_candidate(c);
  ASSERT_TRUE(now) << now.error().detail;
  EXPECT_TRUE(now->empty());

  auto paths = [](const case_file& f) {
    strings out;
    auto all = judge_candidate(f);
    EXPECT_TRUE(all);
    for (auto& b : *all)
      out.push_back(b.path);
    return out;
  };
  auto stricter = c;
  stricter.guard.globs.push_back("src/parser.*");
  EXPECT_EQ(paths(stricter), strings{"src/parser.c"});
  auto schema = c;
  schema.schema_globs = {"tests/**"};
  EXPECT_EQ(paths(schema), strings{"tests/fixed.c"});
  auto without_fix = c;
  without_fix.earlier_fixes.clear();
  EXPECT_EQ(paths(without_fix), strings{"tests/fixed.c"});
  auto unreadable = c;
  unreadable.decisions.clear();
  EXPECT_FALSE(judge_candidate(unreadable)) << "unclear means no";
}

TEST(Judge, PostImplementAudits) {
  auto r = [](std::string_view to) { return with(review_yes, "\nnone\n", to); };
  auto no = judged::said_no;
  expect(
      step::review,
      {{"good", review_yes, judged::accepted, ""},
       {"bullet", r("\n- None.\n"), judged::accepted, ""},
       {"rule before the verdict", r("\nNONE\n\n---\n"), judged::accepted, ""},
       {"CRLF", "## Requested changes\r\n\r\nnone\r\n\r\nCLAUDE_FINAL_OK: YES\r\n",
        judged::accepted, ""},
       {"a request", r("\n- Rename it.\n"), no, "Requested changes"},
       {"none and a request", r("\nnone\n- but rename it\n"), no, "Requested changes"},
       {"none, with a but", r("\nnone, but rename it\n"), no, "Requested changes"},
       {"twice none", r("\nnone\nnone\n"), no, "Requested changes"},
       {"none in code", r("\n```\nnone\n```\n"), no, "Requested changes"},
       {"quoted none", r("\n> none\n"), no, "Requested changes"},
       {"a request in a subsection", r("\nnone\n\n### Details\n\nRename it.\n"), no, "Requested"},
       {"a second section", r("\nnone\n\n## Requested changes\n\n- rename it\n"), no, "Requested"},
       {"missing", "fine\n\nCLAUDE_FINAL_OK: YES", judged::rejected, "*Requested changes*"},
       {"empty", r(""), judged::rejected, "*Requested changes*"},
       {"in code", "```\n## Requested changes\nnone\n```\nCLAUDE_FINAL_OK: YES", judged::rejected,
        "*Requested changes*"},
       {"bold verdict", with(review_yes, "CLAUDE_FINAL_OK: YES", "**CLAUDE_FINAL_OK: YES**"),
        judged::rejected, "verdict"}},
      a_case());
}

TEST(Judge, FinalVerifications) {
  expect(
      step::verify,
      {{"good", verify_yes, judged::accepted, ""},
       {"risks are no NO", with(verify_yes, "None known.", "Many."), judged::accepted, ""},
       {"no consistency", with(verify_yes, "Consistent.", ""), judged::rejected, "*Consistency*"},
       {"no risks", with(verify_yes, "None known.", ""), judged::rejected, "*Remaining risks*"},
       {"patch", "--- a/x\n" + verify_yes, judged::rejected, "patch"},
       {"no verdict", with(verify_yes, "GEMINI_VERIFY_OK: YES", ""), judged::rejected, "verdict"}},
      a_case());
}

TEST(Judge, StepsWithoutAnAiHaveNoAnswer) {
  EXPECT_EQ(judge(step::ingest, "x", a_case()).as, judged::rejected);
  EXPECT_EQ(judge(step::deliver, "x", a_case()).as, judged::rejected);
}

TEST(Judge, NamesPaths) {
  EXPECT_EQ(paths_named("Change src/a.c, (lib/b.c:12) and `app/[id]/page.tsx`; see ./README.md.\n"
                        "src/a.c again, https://x.example/y, docs/ and .env, 'q.txt' \"r.txt\"\n"),
            (strings{"app/[id]/page.tsx", "src/a.c", "lib/b.c", "app", "README.md", "docs", "q.txt",
                     "r.txt"}));
  EXPECT_EQ(paths_named("../x /etc/passwd a//b .. ... / word"), strings{});
}

TEST(Judge, HostileAnswersGiveShortPrintableReasons) {
  auto c = a_case();
  std::string many = decisions_yes, bytes;
  for (int i = 0; i < 20000; ++i)
    bytes += "- \xff`\x01\n";
  many = with(decisions_yes, "- `src/new.c` (new)\n", bytes);
  for (auto s : {step::audit, step::decide, step::plan, step::implement, step::test, step::review,
                 step::verify})
    for (auto& text :
         {many, std::string(1 << 20, 'x'), std::string(1 << 20, '\n'), std::string(1 << 20, '`'),
          std::string(1 << 20, '\0'), std::string(1 << 20, '\xff')}) {
      c.changes = {changed("\xff\n" + std::string(5000, 'p'))};
      auto j = judge(s, text, c);
      EXPECT_TRUE(j.as == judged::rejected || j.as == judged::voided);
      EXPECT_LE(j.reasons.size(), 22u);
      for (auto& reason : j.reasons) {
        EXPECT_LT(reason.size(), 1500u);
        EXPECT_NO_THROW(nlohmann::json(reason).dump()) << "a reason must fit into the journal";
      }
    }
}

} // namespace
