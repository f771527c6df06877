#include "cli/progress.hpp"

#include "cli/near_names.hpp"
#include "cli/printable.hpp"
#include "ledger/record.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace {

using ledger::event;
using ledger::json;
using ledger::record;
using ledger::step;

record make(event what, step at, json detail = json::object()) {
  record r;
  r.seq = 5;
  r.time = "2026-11-22T12:04:31.123Z";
  r.what = what;
  r.at = at;
  r.round = 2;
  r.attempt = 3;
  r.detail = std::move(detail);
  return r;
}

/// The time zone of this process, for as long as it lives.
class zone {
public:
  explicit zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST(Progress, SaysEachEventInAFewWords) {
  auto answered = make(event::answered, step::audit, {{"provider", "offline"}, {"model", "none"}});
  answered.files.push_back({"gemini/audit.md", std::string(64, 'a'), 812});
  auto rejected = make(event::rejected, step::audit, {{"reasons", {"too short", "no path"}}});
  rejected.detail["moved"] = {{{"from", "gemini/audit.md"},
                               {"to", "gemini/old/audit.rejected-1.md"},
                               {"sha256", std::string(64, 'a')},
                               {"bytes", 812}}};
  struct row {
    record r;
    std::string want;
  };
  std::vector<row> rows{
      {answered, "answered by offline/none (gemini/audit.md, 812 bytes)"},
      {make(event::accepted, step::review), "CLAUDE_FINAL_OK: YES"},
      {make(event::accepted, step::verify), "GEMINI_VERIFY_OK: YES"},
      {make(event::accepted, step::plan), "accepted"},
      {make(event::said_no, step::decide, {{"why", "too risky"}}),
       "CLAUDE_DECISIONS_OK: NO: too risky"},
      {rejected, "answer refused: too short; no path; kept as gemini/old/audit.rejected-1.md"},
      {make(event::voided, step::implement, {{"reasons", {"x is protected"}}}),
       "void, out of scope: x is protected"},
      {make(event::failed, step::plan,
            {{"kind", "refused"}, {"code", "no-fix-left"}, {"why", "none left"}}),
       "the attempt failed (refused, no-fix-left): none left"},
      {make(event::asked, step::plan,
            {{"role", "codex"},
             {"provider", "p"},
             {"model", "m"},
             {"input_sha256", "0123456789abcdef"},
             {"usd_reserved", 0.5}}),
       "asking codex (p/m, input 0123456789ab, $0.50 reserved)"},
      {make(
           event::checked, step::test,
           {{"ok", false},
            {"results",
             {{{"name", "test"}, {"ok", false}, {"exit", 1}, {"ended", "exit 1"}, {"took_ms", 340}},
              {{"name", "lint"}, {"ok", true}, {"none", true}}}}}),
       "checks red: test exit 1, 340 ms; lint none"},
      {make(event::round_opened, step::test, {{"cause", "checks-red"}, {"why", "red: test"}}),
       "round 3 because of checks-red: red: test"},
      {make(event::committed, step::deliver,
            {{"commit", "0123456789abcdef"}, {"branch", "refs/heads/ai-gated/A"}}),
       "committed 0123456789ab on refs/heads/ai-gated/A"},
      {make(event::deployed, step::deliver, {{"ok", true}, {"deployed", false}}),
       "nothing to deploy (deploy.kind is none)"},
      {make(event::deployed, step::deliver,
            {{"ok", true}, {"deployed", true}, {"deploy_url", "file:///x"}, {"deploy_id", "d1"}}),
       "deployed: file:///x (d1)"},
      {make(event::deployed, step::deliver, {{"ok", false}, {"ended", "exit 7"}}),
       "the deploy failed: exit 7"},
      {make(event::finished, step::deliver, {{"status", "done"}}), "done"},
      {make(event::parked, step::plan, {{"reason", "tries-used"}, {"why", "thrice no"}}),
       "parked (tries-used): thrice no"},
      {make(event::cancelled, step::plan), "cancelled by a person"},
      {make(event::retried, step::review, {{"from", "plan"}, {"goes_on", false}, {"note", true}}),
       "retried by a person: goes on from step plan, with a note"},
  };
  for (auto& r : rows)
    EXPECT_EQ(cli::event_words(r.r), r.want);
}

TEST(Progress, SaysWhereAPullRequestIs) {
  const struct {
    ledger::record r;
    std::string want;
  } rows[] = {
      {make(event::landing, step::deliver,
            {{"how", "pr"},
             {"contract", "contract/CLAUDE_FINAL_OK"},
             {"branch", "refs/heads/ai-gated/A"},
             {"remote", "origin"},
             {"target", "main"},
             {"from", "fedcba9876543210"},
             {"commit", "0123456789abcdef"}}),
       "about to push commit 0123456789ab as ai-gated/A at origin (contract/CLAUDE_FINAL_OK, "
       "replaces commit fedcba987654), with a pull request for main"},
      {make(event::landed, step::deliver,
            {{"how", "pr"},
             {"branch", "refs/heads/ai-gated/A"},
             {"remote", "origin"},
             {"commit", "0123456789abcdef"},
             {"pr_id", "7"},
             {"pr_url", "https://example.org/pull/7"}}),
       "pull request opened: https://example.org/pull/7 (7), commit 0123456789ab as ai-gated/A at "
       "origin"},
  };
  for (auto& r : rows)
    EXPECT_EQ(cli::event_words(r.r), r.want);
}

TEST(Progress, SaysOnWhichEvidenceAGateOpened) {
  auto words = cli::event_words(
      make(event::granted, step::implement,
           {{"evidence",
             {{"contract", "contract/CLAUDE_DECISIONS_OK"},
              {"record", 12},
              {"text_sha256", "0123456789abcdef"},
              {"files", {{{"path", "codex/plan.md"}, {"sha256", "fedcba9876543210"}}}}}}}));
  EXPECT_EQ(words, "may begin: contract/CLAUDE_DECISIONS_OK (record 12, text 0123456789ab) opened "
                   "the gate; reads codex/plan.md fedcba987654");
}

TEST(Progress, TellsThatTheLedgerCouldNotBeWrittenAtFirst) {
  auto words = cli::event_words(
      make(event::accepted, step::plan, {{"ledger_write_failed", "No space left on device"}}));
  EXPECT_NE(words.find("No space left on device"), std::string::npos);
}

TEST(Progress, SurvivesEveryEventWithoutDetail) {
  for (int e = 0; e <= static_cast<int>(event::retried); ++e)
    EXPECT_FALSE(cli::event_words(make(static_cast<event>(e), step::audit)).empty()) << e;
}

TEST(Progress, LetsNoTextMoveTheCursor) {
  auto words =
      cli::event_words(make(event::said_no, step::decide, {{"why", "a\x1b[2J\nb\xe2\x80\xae"}}));
  EXPECT_EQ(words, "CLAUDE_DECISIONS_OK: NO: a\\x1b[2J\\nb\\u{202e}");
}

TEST(Progress, ALineHasLocalTimeTaskStepAndWords) {
  auto r = make(event::accepted, step::review);
  {
    zone utc("UTC0");
    EXPECT_EQ(cli::progress_line("Fix-Footer", r, false),
              "12:04:31  Fix-Footer  review    CLAUDE_FINAL_OK: YES\n");
  }
  zone india("IST-5:30");
  EXPECT_EQ(cli::progress_line("A", r, false), "17:34:31  A  review    CLAUDE_FINAL_OK: YES\n");
}

TEST(Progress, LeavesOutWhatOnlyExpertsWantUnlessJson) {
  for (auto e : {event::asked, event::granted, event::resumed}) {
    EXPECT_EQ(cli::progress_line("A", make(e, step::plan), false), "");
    EXPECT_NE(cli::progress_line("A", make(e, step::plan), true), "");
  }
}

// "built" and "about to deploy" were said where there was neither.
TEST(Progress, SaysNothingOfABuildOrADeployThatThereIsNot) {
  cli::progress_style neither;
  neither.builds = neither.deploys = false;
  struct row {
    event what;
    json detail;
    bool is_told;
  };
  std::vector<row> rows{{event::built, {{"ok", true}}, false},
                        {event::deploying, json::object(), false},
                        {event::deployed, {{"ok", true}}, false},
                        {event::built, {{"ok", false}}, true},
                        {event::deployed, {{"ok", false}}, true}};
  for (auto& r : rows) {
    auto record = make(r.what, step::deliver, r.detail);
    EXPECT_EQ(!cli::progress_line("A", record, false, neither).empty(), r.is_told);
    EXPECT_NE(cli::progress_line("A", record, false), "") << "where there is one";
    EXPECT_NE(cli::progress_line("A", record, true, neither), "") << "machines get all";
  }
}

TEST(Progress, AJsonLineHasItsKeysInOrder) {
  auto line = cli::progress_line("A", make(event::parked, step::plan, {{"reason", "\xff"}}), true);
  ASSERT_EQ(line.back(), '\n');
  auto j = json::parse(line);
  std::vector<std::string> keys;
  for (auto& [key, value] : j.items())
    keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"time", "task", "event", "step", "round", "attempt",
                                            "text"}));
  EXPECT_EQ(j["time"], "2026-11-22T12:04:31.123Z");
  EXPECT_EQ(j["event"], "parked");
  EXPECT_EQ(j["round"], 2);
  EXPECT_EQ(j["attempt"], 3);
}

TEST(Printable, LinesKeepTheirEndsAndNothingElseThatMovesACursor) {
  EXPECT_EQ(cli::printable_lines("a\tb\n\x1b[2J\r\n"), "a\tb\n\\x1b[2J\\r\n");
  EXPECT_EQ(cli::complaint("git: \x1b[31mno"), "scheduler: git: \\x1b[31mno\n");
}

TEST(Printable, CutsAtCharactersNotBytes) {
  EXPECT_EQ(cli::printable_start("äöü", 2), "äö…");
  EXPECT_EQ(cli::printable_start("äöü", 3), "äöü");
  EXPECT_EQ(cli::printable_start(std::string(1000, 'x'), 3), "xxx…");
  EXPECT_EQ(cli::columns_of("äöü"), 3u);
}

TEST(NearNames, FindsTyposAndBeginnings) {
  std::vector<std::string> known{"Fix-Footer", "Fix-Header", "Add-Menu"};
  EXPECT_EQ(cli::near_names("Fix-Fotoer", known), (std::vector<std::string>{"Fix-Footer"}));
  EXPECT_EQ(cli::near_names("fix-footer", known), (std::vector<std::string>{"Fix-Footer"}));
  EXPECT_EQ(cli::near_names("Fix", known).size(), 2u);
  EXPECT_TRUE(cli::near_names("Other", known).empty());
  EXPECT_TRUE(cli::near_names("ab", {"cd"}).empty()) << "two letters changed are another word";
  EXPECT_EQ(cli::did_you_mean("Fix", known), "; did you mean `Fix-Footer` or `Fix-Header`?");
  EXPECT_EQ(cli::did_you_mean("zzz", known), "");
}

} // namespace
