// Secrets never reach the ledger or a log (L8).

#include "tests/program/program_fixture.hpp"

namespace {

using namespace tests;

constexpr auto canary = "canary-4f1c9b7e-do-not-tell";

TEST(secrets, AValueThatACheckPrintsIsNowhere) {
  practice_site site;
  // In two writes: a secret may be split across reads.
  site.commit_file("tell.sh", "echo \"before\"\nprintf 'canary-4f1c9b7e'\nprintf '%s\\n' "
                              "'-do-not-tell'\necho \"after\"\n");
  site.reconfigure("sh tests/run.sh", "sh tell.sh && sh tests/run.sh");
  site.env["FOO_TOKEN"] = canary;
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  auto log = read_file(site.file("T", "tests/run.log"));
  EXPECT_TRUE(has(log, "before")) << log;
  EXPECT_TRUE(has(log, "after")) << log;
  auto written = content_below(site.ledger());
  EXPECT_GE(written.size(), 20u);
  for (auto& [path, content] : written)
    EXPECT_FALSE(has(content, canary)) << path;
  for (auto command : {"status", "show T", "verify"}) {
    auto said =
        command == std::string{"show T"} ? site.run({"show", "T", "--diff"}) : site.run({command});
    EXPECT_FALSE(has(said.out + said.err, canary)) << command;
  }
  EXPECT_FALSE(has(e.out + e.err, canary));
}

// The URL that a deploy command prints went into the journal, the database and
// status.json as it was.
TEST(secrets, AValueThatADeployPrintsIsNowhere) {
  practice_site site;
  site.env["SITE_DEPLOY"] = canary;
  site.reconfigure("directory = \"../deployed\"", "token_env = \"SITE_DEPLOY\"\ncommand = \". "
                                                      + (site.home() / "deploy.sh").string()
                                                      + "\"");
  site.reconfigure("kind = \"directory\"", "kind = \"command\"");
  write_file(site.home() / "deploy.sh",
             "test $SCHEDULER_ACTION = deploy || exit 3\n"
             "echo \"to $SITE_DEPLOY\" >&2\n"
             "echo \"{\\\"deploy_id\\\": \\\"$SITE_DEPLOY-1\\\", "
             "\\\"deploy_url\\\": \\\"https://u:$SITE_DEPLOY@host/\\\"}\"\n");
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_EQ(site.state("T").out->deploy_url, "https://u:[redacted]@host/");
  EXPECT_TRUE(has(read_file(site.file("T", "final/status.json")), "u:[redacted]@host"));
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, canary)) << path;
  EXPECT_FALSE(has(e.out + e.err + site.run({"status", "--json"}).out, canary));
}

TEST(secrets, WithoutTheVariableTheSameTextIsNoSecret) {
  practice_site site;
  site.commit_file("tell.sh", "echo " + std::string{canary} + "\n");
  site.reconfigure("sh tests/run.sh", "sh tell.sh && sh tests/run.sh");
  site.plain_prompt("T");
  EXPECT_EQ(site.batch().exit_code, 0);
  EXPECT_TRUE(has(read_file(site.file("T", "tests/run.log")), canary));
}

TEST(secrets, APromptThatHoldsOneIsLeftOut) {
  practice_site site;
  site.env["FOO_TOKEN"] = canary;
  site.prompt("Leak", "The key is\nthis: " + std::string{canary} + "\n");
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_TRUE(has(e.out, "holds-secret")) << e.out;
  EXPECT_TRUE(has(e.out, "line 2")) << e.out;
  EXPECT_FALSE(has(e.out + e.err, canary));
  EXPECT_EQ(site.states().count("Leak"), 0u);
  EXPECT_EQ(to_string(site.state("T").is), "done");
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, canary)) << path;
}

TEST(secrets, AnAnswerIsFiledWithoutIt) {
  practice_site site;
  site.play_scripts("[checks]\ntest = \"true\"\nlint = \"none\"\nschema_drift = \"none\"\n");
  site.env["FOO_TOKEN"] = canary;
  site.prompt("T", "Change `src/index.html`.\n");
  auto audit = ledger::testing::good_answer(ledger::step::audit, "src/index.html");
  site.script("T/audit", with(audit, "plain HTML", "plain (" + std::string{canary} + ") HTML"));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  EXPECT_TRUE(has(read_file(site.file("T", "gemini/audit.md")), "It is plain ("));
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, canary)) << path;
}

TEST(secrets, ADiffThatHoldsOneIsVoid) {
  practice_site site;
  site.play_scripts("[checks]\ntest = \"true\"\nlint = \"none\"\nschema_drift = \"none\"\n");
  site.env["FOO_TOKEN"] = canary;
  site.prompt("T", "Change `src/index.html`.\n");
  site.script("T/implement",
              ledger::testing::good_answer(ledger::step::implement, "src/index.html"),
              "echo '<!-- " + std::string{canary} + " -->' >>src/index.html\n");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_EQ(to_string(s.is), "parked") << s.why;
  EXPECT_TRUE(has(s.why, "secret")) << s.why;
  EXPECT_EQ(site.branches(), words{});
  for (auto& [path, content] : content_below(site.ledger()))
    EXPECT_FALSE(has(content, canary)) << path;
}

} // namespace
