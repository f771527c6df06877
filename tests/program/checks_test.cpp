// What checks see, and how long they may take.

#include "tests/program/program_fixture.hpp"

#include <sys/resource.h>

#include <nlohmann/json.hpp>

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

// With the usual soft limit of 1,024 a batch of many tasks ran out of them.
TEST(checks, HaveTheDescriptorsThatTheMachineAllows) {
  practice_site site;
  site.play_scripts("[checks]\ntest = \"test $(ulimit -Sn) -gt 300\"\nlint = \"none\"\n"
                    "schema_drift = \"none\"\n\n[deploy]\nkind = \"none\"\n");
  site.prompt("T", "Change `src/index.html`.\n");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  auto few = before;
  few.rlim_cur = 300;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  auto e = site.batch();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
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

// A red base ended the run before what it had found was told: exit 2 over a
// damaged ledger, and nothing of the prompts that were left out.
TEST(checks, ARedBaseHidesNeitherDamageNorWhatIsLeftOut) {
  practice_site site;
  site.plain_prompt("Hurt");
  ASSERT_EQ(site.batch().exit_code, 0);
  site.commit_file("src/about.html",
                   with(site.site_file("src/about.html"), "hours.html", "nowhere.html"));
  site.plain_prompt("New");
  site.prompt("Bad Name", "text\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 2) << e.err;
  EXPECT_TRUE(has(e.out, "Bad Name.md (bad-name)")) << e.out;
  auto journal = site.file("Hurt", "journal.jsonl");
  write_file(journal, with(read_file(journal), "offline", "0ffline"));
  e = site.batch();
  EXPECT_EQ(e.exit_code, 5) << e.err;
  EXPECT_TRUE(has(e.out, "Hurt is damaged: journal.jsonl")) << e.out;
  EXPECT_TRUE(has(e.err, "red on the base")) << e.err;
  e = site.batch({"--json"});
  auto j = nlohmann::json::parse(e.out);
  EXPECT_EQ(j["exit_code"], 5);
  EXPECT_EQ(j["damaged"][0]["task"], "Hurt");
  EXPECT_TRUE(has(j["error"], "red on the base"));
}

TEST(checks, TheBaseCheckIsToldWhenItRunsAndWhenItIsKept) {
  practice_site site;
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_TRUE(has(e.err, "checking: test")) << e.err;
  site.plain_prompt("U");
  e = site.batch();
  EXPECT_FALSE(has(e.err, "checking: ")) << e.err;
  EXPECT_TRUE(has(e.err, "the checks are green, as an earlier run found")) << e.err;
}

TEST(checks, AFailedTestIsToldWithItsLogAndItsLastLines) {
  practice_site site;
  site.reconfigure("sh tests/run.sh",
                   "if grep -q wrong src/index.html; then echo there it is; false; fi");
  site.plain_prompt("T", "This is wrong.");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  EXPECT_TRUE(has(e.out, "cause: checks-red: red: test (exit 1)")) << e.out;
  EXPECT_TRUE(has(e.out, "| there it is\n")) << e.out;
  EXPECT_TRUE(has(e.out, "/.ai-stack-trace/T/tests/old/run.round-1.log")) << e.out;
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
