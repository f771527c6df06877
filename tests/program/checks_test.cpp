// What checks see, and how long they may take.

#include "tests/program/program_fixture.hpp"

namespace {

using namespace tests;

constexpr auto one_check = R"([checks]
test = "%"
lint = "none"
schema_drift = "none"
timeout = "3s"

[limits]
fix_rounds = 2

[deploy]
kind = "none"
)";

/// Red once the page says "By a script", unless there is a proof.
constexpr auto wants_a_proof =
    "! grep -q 'By a script' src/index.html || test -f dist/proof || test -f src/proof.txt";

std::string decisions_for(const std::string& file) {
  return with(ledger::testing::good_answer(ledger::step::decide, "src/index.html"),
              "- `src/index.html`\n", "- `src/index.html`\n- `" + file + "`\n");
}

std::string plan_for(const std::string& file) {
  return with(ledger::testing::good_answer(ledger::step::plan, "src/index.html"),
              "- `src/index.html`\n", "- `src/index.html`\n- `" + file + "`\n");
}

TEST(checks, AnIgnoredFileOfTheAgentsMakesNothingGreen) {
  practice_site site;
  site.play_scripts(with(one_check, "%", wants_a_proof));
  ASSERT_TRUE(has(site.site_file(".gitignore"), "dist/"));
  site.prompt("Cheat", "Change `src/index.html`.\n");
  site.prompt("Honest", "Change `src/index.html`.\n");
  auto answer = ledger::testing::good_answer(ledger::step::implement, "src/index.html");
  auto page = "printf '\\n' >>src/index.html\nsed -i 's/1987/1988/' src/index.html\n"
              "sed -i 's/<h1>/<h1>By a script: /' src/index.html\n";
  auto ignored = std::string{page} + "mkdir -p dist && : >dist/proof\n";
  site.script("Cheat/implement", answer, ignored);
  site.script("Cheat/test", answer, ignored);
  site.script("Honest/decide", decisions_for("src/proof.txt"));
  site.script("Honest/plan", plan_for("src/proof.txt"));
  site.script("Honest/implement", answer, std::string{page} + ": >src/proof.txt\n");

  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  auto cheat = site.state("Cheat");
  EXPECT_EQ(to_string(cheat.is), "parked") << cheat.why;
  EXPECT_EQ(cheat.reason, "fix-rounds-used") << cheat.why;
  EXPECT_EQ(cheat.round, 3u);
  EXPECT_TRUE(has(read_file(site.file("Cheat", "tests/run.log")), "RED"));
  EXPECT_EQ(site.branches(), words{"Honest"});
  auto honest = site.state("Honest");
  EXPECT_EQ(to_string(honest.is), "done") << honest.why;
}

TEST(checks, OneThatHangsIsEndedAndTold) {
  practice_site site;
  site.reconfigure("sh tests/run.sh", "if grep -q slow src/index.html; then sleep 600; fi");
  site.reconfigure("timeout = \"2m\"", "timeout = \"3s\"");
  site.plain_prompt("Slow", "This is slow.");
  site.plain_prompt("Swift", "This is swift.");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  EXPECT_LT(e.took, std::chrono::seconds(120));
  EXPECT_EQ(leftovers(), words{});
  EXPECT_EQ(to_string(site.state("Swift").is), "done");
  auto slow = site.state("Slow");
  EXPECT_EQ(to_string(slow.is), "parked");
  EXPECT_EQ(slow.reason, "no-fix-left") << slow.why;
  auto show = site.run({"show", "Slow"});
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_TRUE(has(show.out, "timed out after 3 s")) << show.out;
}

TEST(checks, ARedBaseOpensNothing) {
  practice_site site;
  site.commit_file("src/about.html",
                   with(site.site_file("src/about.html"), "hours.html", "nowhere.html"));
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.err;
  EXPECT_TRUE(has(e.err, "red on the base")) << e.err;
  EXPECT_TRUE(has(e.err, "--allow-red-base")) << e.err;
  EXPECT_FALSE(fs::exists(site.ledger() / "T"));
  EXPECT_EQ(site.calls(), words{});
}

TEST(checks, ARedBaseMayBeBegunWithButNotDelivered) {
  practice_site site;
  auto good = site.site_file("src/about.html");
  site.commit_file("src/about.html", with(good, "hours.html", "nowhere.html"));
  site.plain_prompt("Elsewhere");
  site.prompt("Mend", block(site.diff({{"src/about.html", good}})));
  auto e = site.batch({"--allow-red-base"});
  EXPECT_EQ(e.exit_code, 1) << e.err;
  EXPECT_EQ(to_string(site.state("Mend").is), "done");
  auto elsewhere = site.state("Elsewhere");
  EXPECT_EQ(to_string(elsewhere.is), "parked") << elsewhere.why;
  EXPECT_EQ(site.branches(), words{"Mend"});
}

} // namespace
