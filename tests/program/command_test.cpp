// Any program plays the roles, in the sandbox.

#include "tests/program/program_fixture.hpp"

#include <fmt/format.h>

namespace {

using namespace tests;

/// A model of a few lines of shell: $1 is the step; the prompt is on stdin.
constexpr auto player = R"sh(
cat > /dev/null
verdict=""
case "$1" in
audit)
  for s in "System behavior" "Schema drift" "Normalization gaps" "Broken workflows"; do
    printf '## %s\n\nLooked at `src/about.html`, a page of the site. It has a heading' "$s"
    printf ' and some paragraphs, and links to the other pages. Nothing else was found'
    printf ' there that matters to this task.\n\n'
  done ;;
decide)
  printf '## What changes\n\nA sentence.\n\n## What must not change\n\nThe rest.\n\n'
  printf '## Allowed file paths\n\n- `src/about.html`\n\n## Forbidden changes\n\n- All else.\n\n'
  printf '## Schema changes: NO\n\nNone.\n\n## Target Flow Summary\n\nA reader reads.\n\n'
  verdict="CLAUDE_DECISIONS_OK: YES" ;;
plan) printf '## Files\n\n- `src/about.html` gets a sentence\n\n## Verification\n\nThe tests.\n' ;;
implement)
  EDIT
  printf '## What changed\n\n`src/about.html`\n\n## Why\n\nThe prompt asks for it.\n' ;;
review) printf '## Requested changes\n\nnone\n\n'; verdict="CLAUDE_FINAL_OK: YES" ;;
verify)
  printf '## Consistency\n\nAll fits.\n\n## Remaining risks\n\nNone known.\n\n'
  verdict="GEMINI_VERIFY_OK: YES" ;;
esac
test -z "$verdict" || echo "$verdict"
LAST
)sh";

void play_by_program(practice_site& site, const std::string& edit, const std::string& last = {},
                     const std::string& further = {}) {
  std::string roles;
  for (auto role : {"gemini", "claude", "codex"})
    roles += fmt::format("[roles.{}]\nprovider = \"house\"\n", role);
  auto script = with(with(player, "EDIT", edit), "LAST", last);
  site.configure(roles + "[providers.house]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", '''"
                 + script + "''', \"player\", \"{step}\"]\n" + further
                 + "[checks]\ntest = \"sh tests/run.sh\"\nlint = \"none\"\n"
                   "schema_drift = \"none\"\n[deploy]\nkind = \"none\"\n"
                 + (has_bubblewrap() ? "" : "[sandbox]\naccept_unsandboxed = true\n"));
  site.prompt("T", "Add a sentence to `src/about.html`.\n");
}

constexpr auto append = "echo '<!-- rye -->' >> src/about.html";

TEST(command, AProgramTakesATaskThroughTheWholePipeline) {
  practice_site site;
  play_by_program(site, append);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "done") << s.why;
  EXPECT_TRUE(has(read_file(site.file("T", "codex/changes.diff")), "<!-- rye -->"));
  EXPECT_TRUE(leftovers().empty());
}

TEST(command, WhatItWritesOutsideItsScopeVoidsTheStep) {
  practice_site site;
  play_by_program(site, std::string{append} + "; echo x >> src/menu.html");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(site.state("T").reason, "tries-used") << site.state("T").why;
  EXPECT_TRUE(has(e.err, "void, out of scope")) << e.err;
}

TEST(command, AStepThatOnlyReadsCannotWrite) {
  if (!has_bubblewrap())
    GTEST_SKIP() << "bubblewrap does not work here";
  practice_site site;
  play_by_program(site, append, "test \"$1\" = implement || ! touch src/new.html");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.site_file("src/about.html").find("rye"), std::string::npos);
}

// Neither the user's home, nor the ledger, nor a key that is not its own.
TEST(command, ItSeesNothingOfTheUsers) {
  if (!has_bubblewrap())
    GTEST_SKIP() << "bubblewrap does not work here";
  practice_site site;
  site.env["OTHER_TOKEN"] = "canary-9d1e55aa-not-for-you";
  play_by_program(site, append,
                  "test ! -e " + site.ledger().string() + " && test ! -e " + site.home().string()
                      + "/state && ! env | grep -q canary");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
}

// Committed, so that it lies in every checkout and in git's history.
TEST(command, ItReadsNoSecretFileOfTheRepository) {
  if (!has_bubblewrap())
    GTEST_SKIP() << "bubblewrap does not work here";
  practice_site site;
  site.commit_file(".env", "SITE_TOKEN=canary-5d0c77e1-of-the-site\n");
  play_by_program(site, append,
                  "! grep -r 5d0c\"\"77e1 . && ! git show HEAD:.env 2>&1 | grep 5d0c\"\"77e1");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(to_string(site.state("T").is), "done") << site.state("T").why;
}

// In two writes, on stdout as part of an answer and on stderr as the reason of a
// failure: what a program says is read to its end before anything is made of it.
TEST(command, AKeyThatItPrintsInTwoWritesIsNowhere) {
  constexpr auto left = "house-key-77c01e", right = "4b9d-not-for-print";
  for (bool fails : {false, true}) {
    SCOPED_TRACE(fails);
    practice_site site;
    site.env["HOUSE_KEY"] = std::string{left} + right;
    auto print = std::string{"k=$HOUSE_KEY; printf %s \"${k%4b9d*}\""} + (fails ? " >&2" : "")
                 + "; env printf '%s\\n' \"4b9d${k#*4b9d}\"" + (fails ? " >&2; exit 1" : "");
    play_by_program(site, std::string{append} + "; " + print, "", "api_key_env = \"HOUSE_KEY\"\n");
    auto e = site.batch();
    EXPECT_EQ(e.exit_code, fails ? 1 : 0) << e.out << e.err;
    auto s = site.state("T");
    auto told = fails ? s.why : read_file(site.file("T", "codex/apply.md"));
    EXPECT_TRUE(has(told, fails ? "[key]" : "[redacted]")) << told;
    auto said = site.run({"show", "T", "--diff"});
    for (auto half : {left, right}) {
      for (auto& folder : {site.ledger(), site.home() / "state"})
        for (auto& [path, content] : content_below(folder))
          EXPECT_FALSE(has(content, half)) << path;
      EXPECT_FALSE(has(e.out + e.err + said.out + said.err, half));
    }
  }
}

TEST(command, OneThatHangsIsEndedInTimeAndCostsAnAttempt) {
  practice_site site;
  play_by_program(site, append, "", "idle_timeout = \"300ms\"\n");
  site.reconfigure("cat > /dev/null", "sleep 1000");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(site.state("T").reason, "tries-used") << site.state("T").why;
  EXPECT_TRUE(leftovers().empty());
}

} // namespace
