// An earlier ledger plays all roles.

#include "tests/program/program_fixture.hpp"

namespace {

using namespace tests;

/// Moves the ledger away and forgets that it was there. Where it lies now.
fs::path put_ledger_away(practice_site& site) {
  auto earlier = site.home() / "earlier";
  fs::rename(site.ledger(), earlier);
  for (auto& b : site.branches())
    site.git({"branch", "-D", "ai-gated/" + b});
  fs::remove(site.top() / ".git" / "scheduler.id");
  fs::remove_all(site.home() / "state"); // Its heads would miss the ledger.
  return earlier;
}

/// A configuration beside the repository: its base stays what it was.
fs::path replaying(const practice_site& site, const fs::path& earlier) {
  auto text = site.site_file("scheduler.toml");
  for (std::size_t at = 0; (at = text.find("\"offline\"", at)) != std::string::npos;)
    text.replace(at, 9, "\"earlier\"");
  auto file = site.home() / "replay.toml";
  write_file(file, text + "\n[providers.earlier]\nkind = \"replay\"\nledger = \"" + earlier.string()
                       + "\"\n");
  return file;
}

struct end_of_task {
  std::string state, reason, tree;
  std::uint32_t round;
};

std::map<std::string, end_of_task> ends(const practice_site& site) {
  std::map<std::string, end_of_task> all;
  for (auto& [task, s] : site.states())
    all[task] = {std::string{to_string(s.is)}, s.reason, s.tree, s.round};
  return all;
}

TEST(replay, AFinishedLedgerGivesTheSameStatesAndTheSameTrees) {
  practice_site site;
  // A plain edit, one whose first diff is red, one that is refused, one without
  // effect, one that runs out of fixes.
  for (auto task :
       {"Hours-Friday", "Gift-Cards", "No-Cookie-Banner", "Footer-Border", "Half-A-List"})
    site.prompt(task,
                read_file(fs::path{SOURCE_ROOT} / "examples/tasks" / (std::string{task} + ".md")));
  site.batch();
  auto first = ends(site);
  ASSERT_EQ(first.size(), 5u);
  auto earlier = put_ledger_away(site);
  auto e = site.batch({"--config", replaying(site, earlier).string()});
  EXPECT_TRUE(has(e.out, "claude was played by earlier/none")) << e.out << e.err;
  auto second = ends(site);
  for (auto& [task, end] : first) {
    EXPECT_EQ(second[task].state, end.state) << task << ": " << site.state(task).why;
    EXPECT_EQ(second[task].reason, end.reason) << task;
    EXPECT_EQ(second[task].tree, end.tree) << task;
    EXPECT_EQ(second[task].round, end.round) << task;
  }
}

// The earlier run had a provider that refused for good, and another that helped.
TEST(replay, ARefusalThatAFallbackMadeGoodIsNotRepeated) {
  if (!has_bubblewrap())
    GTEST_SKIP() << "bubblewrap does not work here";
  practice_site site;
  site.plain_prompt("T");
  auto text = site.site_file("scheduler.toml");
  auto at = text.find("[roles.gemini]");
  ASSERT_NE(at, std::string::npos);
  auto role = text.find("\"offline\"", at);
  text.replace(role, 9, "\"broken\"\nfallback = [\"offline\"]");
  site.env["SHOP_KEY"] = "a-key-that-nobody-takes";
  site.configure(text + R"(
[providers.broken]
kind = "claude-code"
api_key_env = "SHOP_KEY"
command = ["sh", "-c", '''
test "$0" != --version || { echo 1.0; exit; }
cat > /dev/null
echo '{"type":"result","subtype":"success","is_error":true,"result":"Invalid API key"}'
exit 1''']
)");
  site.batch();
  ASSERT_EQ(to_string(site.state("T").is), "done") << site.state("T").why;
  auto earlier = put_ledger_away(site);
  auto e = site.batch({"--config", replaying(site, earlier).string()});
  EXPECT_EQ(to_string(site.state("T").is), "done") << site.state("T").why << e.err;
}

TEST(replay, AnInputThatWasNeverAnsweredIsAnErrorNotAGuess) {
  practice_site site;
  site.plain_prompt("T");
  site.batch();
  auto earlier = put_ledger_away(site);
  site.plain_prompt("T", "Spelt on Sundays.");
  auto e = site.batch({"--config", replaying(site, earlier).string()});
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  EXPECT_EQ(site.state("T").reason, "not-recorded") << site.state("T").why;
}

TEST(replay, ALedgerThatIsNotThereIsSaidBeforeAnythingStarts) {
  practice_site site;
  site.plain_prompt("T");
  auto e = site.batch({"--config", replaying(site, site.home() / "nowhere").string()});
  EXPECT_EQ(e.exit_code, 2);
  EXPECT_TRUE(has(e.err, "nowhere")) << e.err;
}

} // namespace
