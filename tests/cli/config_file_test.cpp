#include "cli/config_file.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ledger::role;

const std::vector<std::string> kinds{"offline", "scripted"};

const std::string roles = R"([roles.gemini]
provider = "offline"
[roles.claude]
provider = "offline"
[roles.codex]
provider = "offline"
)";

const std::string checks = R"([checks]
test = "make test"
lint = "none"
schema_drift = "none"
)";

ledger::result<ledger::config> parse(const std::string& text) {
  return cli::parse_config(text, "scheduler.toml", kinds);
}

/// The complaints about `text`; empty: there are none.
std::string complaints(const std::string& text) {
  auto c = parse(text);
  return c ? std::string() : c.error().detail;
}

/// `[checks]` and `[roles]` stand first (line 1 to 10), so `more` begins in
/// line 11.
std::string complete_with(const std::string& more) {
  return checks + roles + more;
}

void expect_same(const ledger::config& a, const ledger::config& b) {
  EXPECT_EQ(a.repo.base, b.repo.base);
  EXPECT_EQ(a.repo.prompts, b.repo.prompts);
  EXPECT_EQ(a.repo.worktrees, b.repo.worktrees);
  EXPECT_EQ(a.checks.timeout, b.checks.timeout);
  EXPECT_EQ(a.checks.network, b.checks.network);
  EXPECT_EQ(a.scope.protected_globs, b.scope.protected_globs);
  EXPECT_EQ(a.scope.schema_globs, b.scope.schema_globs);
  EXPECT_EQ(a.scope.secret_globs, b.scope.secret_globs);
  EXPECT_EQ(a.limits.tasks_in_flight, b.limits.tasks_in_flight);
  EXPECT_EQ(a.limits.checks_at_once, b.limits.checks_at_once);
  EXPECT_EQ(a.limits.tries, b.limits.tries);
  EXPECT_EQ(a.limits.fix_rounds, b.limits.fix_rounds);
  EXPECT_EQ(a.limits.patience, b.limits.patience);
  EXPECT_EQ(a.limits.restart_intensity, b.limits.restart_intensity);
  EXPECT_EQ(a.limits.restart_period, b.limits.restart_period);
  EXPECT_EQ(a.limits.turns, b.limits.turns);
  EXPECT_EQ(a.limits.conversation_bytes, b.limits.conversation_bytes);
  EXPECT_EQ(a.limits.conversation_time, b.limits.conversation_time);
  EXPECT_EQ(a.budget.run_usd, b.budget.run_usd);
  EXPECT_EQ(a.budget.task_usd, b.budget.task_usd);
  EXPECT_EQ(a.sandbox.kind, b.sandbox.kind);
  EXPECT_EQ(a.sandbox.read_only, b.sandbox.read_only);
  EXPECT_EQ(a.sandbox.accept_unsandboxed, b.sandbox.accept_unsandboxed);
  EXPECT_EQ(a.deploy.kind, b.deploy.kind);
  EXPECT_EQ(a.deploy.build, b.deploy.build);
  EXPECT_EQ(a.deploy.publish, b.deploy.publish);
  EXPECT_EQ(a.deploy.directory, b.deploy.directory);
  EXPECT_EQ(a.deploy.command, b.deploy.command);
  EXPECT_EQ(a.deploy.token_env, b.deploy.token_env);
  EXPECT_EQ(a.deploy.build_network, b.deploy.build_network);
  EXPECT_EQ(a.deploy.context, b.deploy.context);
  EXPECT_EQ(a.deploy.site_id_env, b.deploy.site_id_env);
  EXPECT_EQ(a.deploy.timeout, b.deploy.timeout);
}

const std::string every_key = R"(
[repo]
base = "main"
prompts = "prompts"
worktrees = "/var/tmp/trees"
[roles.gemini]
provider = "offline"
[roles.claude]
provider = "mine"
[roles.codex]
provider = "scripted"
[providers.mine]
kind = "scripted"
folder = "answers"
delay_ms = 5
loud = true
[checks]
setup = "make deps"
test = { command = "make test", fail_on = "FAIL|panic" }
lint = "make lint"
schema_drift = { command = "none" }
timeout = "90s"
network = true
[scope]
protected = ["a/**"]
schema = ["db/*.sql"]
secrets = []
[limits]
tasks_in_flight = 1
checks_at_once = 2
tries = 4
fix_rounds = 0
patience = "3m"
restarts = { intensity = 7, period = "500ms" }
turns = 8
conversation_bytes = 500000000
conversation_time = "9m"
[budget]
run_usd = 20
task_usd = 0.5
[sandbox]
kind = "none"
read_only = ["~/.nvm", "/srv/tools"]
accept_unsandboxed = true
[deploy]
kind = "command"
build = "make site"
publish = "out/site"
command = "tools/deploy"
token_env = "DEPLOY_TOKEN"
build_network = true
context = "branch-deploy"
timeout = "7m"
)";

TEST(config_file, ReadsEveryKeyOfThisVersion) {
  auto c = parse(every_key);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->roles.at(role::gemini).provider, "offline");
  EXPECT_EQ(c->roles.at(role::claude).provider, "mine");
  EXPECT_EQ(c->roles.at(role::codex).provider, "scripted");
  EXPECT_EQ(c->roles.size(), 3u);
  ASSERT_EQ(c->providers.count("mine"), 1u);
  EXPECT_EQ(c->providers.at("mine").kind, "scripted");
  const std::map<std::string, std::string> options{
      {"folder", "answers"}, {"delay_ms", "5"}, {"loud", "true"}};
  EXPECT_EQ(c->providers.at("mine").options, options);
  EXPECT_EQ(c->checks.setup.command, "make deps");
  EXPECT_EQ(c->checks.test.command, "make test");
  EXPECT_EQ(c->checks.test.fail_on, "FAIL|panic");
  EXPECT_EQ(c->checks.lint.command, "make lint");
  EXPECT_TRUE(c->checks.schema_drift.none());

  ledger::config want;
  want.repo = {"main", "prompts", "/var/tmp/trees"};
  want.checks.timeout = 90s;
  want.checks.network = true;
  want.scope = {{"a/**"}, {"db/*.sql"}, {}};
  want.limits = {1, 2, 4, 0, 7, 500ms, 3min, 8, 500'000'000, 9min};
  want.budget = {20.0, 0.5};
  want.sandbox = {ledger::sandbox_kind::none, {"~/.nvm", "/srv/tools"}, true};
  want.deploy.kind = ledger::deploy_kind::command;
  want.deploy.build = "make site";
  want.deploy.publish = "out/site";
  want.deploy.command = "tools/deploy";
  want.deploy.token_env = "DEPLOY_TOKEN";
  want.deploy.build_network = true;
  want.deploy.context = "branch-deploy";
  want.deploy.timeout = std::chrono::minutes(7);
  expect_same(*c, want);
}

TEST(config_file, LeavesDefaultsWhereTheFileIsSilent) {
  auto c = parse(complete_with(""));
  ASSERT_TRUE(c) << c.error().detail;
  expect_same(*c, ledger::config{});
  EXPECT_TRUE(c->checks.setup.command.empty());
  EXPECT_TRUE(c->providers.empty());
}

TEST(config_file, PublishesToAFolder) {
  auto c = parse(complete_with("[deploy]\nkind = \"directory\"\ndirectory = \"../out\"\n"));
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->deploy.kind, ledger::deploy_kind::directory);
  EXPECT_EQ(c->deploy.directory, "../out");
}

TEST(config_file, DeploysToNetlifyByEitherWay) {
  for (auto& [name, kind] : {std::pair{"netlify", ledger::deploy_kind::netlify},
                             std::pair{"netlify-api", ledger::deploy_kind::netlify_api}}) {
    auto c = parse(complete_with(std::string("[deploy]\nkind = \"") + name
                                 + "\"\nsite_id_env = \"SITE\"\ntoken_env = \"TOKEN\"\n"));
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->deploy.kind, kind);
    EXPECT_EQ(c->deploy.site_id_env, "SITE");
    EXPECT_EQ(c->deploy.token_env, "TOKEN");
    EXPECT_FALSE(c->deploy.timeout);
  }
}

TEST(config_file, ReadsDurationsInEveryUnit) {
  struct row {
    std::string_view text;
    std::chrono::milliseconds want;
  };
  for (auto& r : {row{"500ms", 500ms}, row{"30s", 30s}, row{"20m", 20min}, row{"2h", 2h},
                  row{"168h", 168h}, row{"1ms", 1ms}}) {
    SCOPED_TRACE(r.text);
    auto c = parse(checks + "timeout = \"" + std::string(r.text) + "\"\n" + roles);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->checks.timeout, r.want);
  }
  for (std::string_view bad : {"", "20", "m", "-1s", "1.5h", "20 m", "20M", "0s", "169h", "1d",
                               "99999999999999999999s", "9223372036854775807h", "2h30m"}) {
    SCOPED_TRACE(bad);
    auto why = complaints(checks + "timeout = \"" + std::string(bad) + "\"\n" + roles);
    EXPECT_NE(why.find("scheduler.toml:5:1: [checks] \"timeout\""), std::string::npos) << why;
  }
}

struct refusal {
  std::string_view name;
  std::string_view more; ///< Appended to a complete file, from line 11.
  std::vector<std::string_view> want;
};

void PrintTo(const refusal& r, std::ostream* out) {
  *out << r.name;
}

class refusals : public testing::TestWithParam<refusal> {};

TEST_P(refusals, NameThePlaceTheThingAndTheRemedy) {
  auto c = parse(complete_with(std::string(GetParam().more)));
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().kind, ledger::fault::refused);
  EXPECT_EQ(c.error().code, "config");
  for (auto part : GetParam().want)
    EXPECT_NE(c.error().detail.find(part), std::string::npos)
        << "wanted: " << part << "\ngot: " << c.error().detail;
  EXPECT_EQ(c.error().detail.find('\n'), std::string::npos) << c.error().detail;
}

constexpr std::string_view later = "not in this version";

INSTANTIATE_TEST_SUITE_P(
    UnknownKeys, refusals,
    testing::Values(
        refusal{
            "section", "[limit]\n", {"scheduler.toml:11:2: unknown key \"limit\"", "\"limits\""}},
        refusal{"top", "[repo]\nbasis = \"x\"\n", {":12:1: [repo]", "\"basis\"", "mean \"base\"?"}},
        refusal{"limits", "[limits]\n  fix_round = 3\n", {":12:3:", "mean \"fix_rounds\"?"}},
        refusal{
            "nested", "[limits]\nrestarts = { periods = \"1s\" }\n", {":12:14:", "\"period\"?"}},
        refusal{"sandbox", "[sandbox]\nkinds = \"none\"\n", {":12:1:", "mean \"kind\"?"}},
        refusal{"deploy", "[deploy]\ncontxt = \"x\"\n", {":12:1:", "mean \"context\"?"}},
        refusal{"approve", "[approve]\ndeliver = true\n", {":12:1:", "\"deliver\""}},
        refusal{"approve_word", "[approve]\ndeploy = \"yes\"\n", {":12:", "\"deploy\""}},
        refusal{"scope", "[scope]\nsecret = []\n", {":12:1:", "mean \"secrets\"?"}},
        refusal{"role", "[roles.geminy]\nprovider = \"offline\"\n", {":11:8:", "mean \"gemini\"?"}},
        refusal{"offline_option",
                "[providers.x]\nkind = \"offline\"\nfolder = \"y\"\n",
                {":13:1: [providers.x] unknown key \"folder\""}}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    NotInThisVersion, refusals,
    testing::Values(
        refusal{"hooks", "[hooks]\non_done = \"x\"\n", {":11:2:", "\"hooks\"", later}},
        refusal{"kind", "[providers.x]\nkind = \"anthropic\"\n", {":12:1:", "anthropic", later}}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    WrongTypes, refusals,
    testing::Values(
        refusal{"text", "[repo]\nbase = 3\n", {":12:1: [repo] \"base\" is a whole number", "text"}},
        refusal{"count", "[limits]\ntries = \"3\"\n", {":12:1:", "is a text", "from 1 to 100"}},
        refusal{"fraction", "[limits]\ntries = 3.0\n", {":12:1:", "fraction", "whole number"}},
        refusal{"flag", "[deploy]\nbuild_network = 1\n", {":12:1:", "true or false"}},
        refusal{"duration", "[limits]\nrestarts.period = 60\n", {":12:10:", "duration such as"}},
        refusal{"list", "[scope]\nschema = \"db\"\n", {":12:1:", "a list of texts"}},
        refusal{"entry", "[scope]\nschema = [\"db\", 1]\n", {":12:1:", "entry 2 of \"schema\""}},
        refusal{"table", "[limits]\nrestarts = 3\n", {":12:1:", "a table"}},
        refusal{"provider", "[providers]\nx = \"offline\"\n", {":12:1:", "a table"}},
        refusal{"option",
                "[providers.x]\nkind = \"scripted\"\nlist = []\n",
                {":13:1: [providers.x] \"list\" is a list"}},
        refusal{"date", "[repo]\nbase = 2026-01-01\n", {":12:1:", "a date or time"}}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    ValuesOutOfRange, refusals,
    testing::Values(
        refusal{"no_tries", "[limits]\ntries = 0\n", {":12:1:", "is 0", "from 1 to 100"}},
        refusal{"negative", "[limits]\nfix_rounds = -1\n", {":12:1:", "is -1"}},
        refusal{"huge", "[limits]\ntasks_in_flight = 4294967297\n", {":12:1:", "4294967297"}},
        refusal{"option_as_base", "[repo]\nbase = \"--all\"\n", {":12:1:", "no revision"}},
        refusal{"relative_worktrees", "[repo]\nworktrees = \"w\"\n", {":12:1:", "not absolute"}},
        refusal{"no_prompts", "[repo]\nprompts = \"\"\n", {":12:1:", "\"prompts\" is empty"}},
        refusal{"sandbox", "[sandbox]\nkind = \"bwarp\"\n", {":12:1:", "mean \"bwrap\"?"}},
        refusal{"relative_read_only",
                "[sandbox]\nread_only = [\"/ok\", \"tools\"]\n",
                {":12:1:", "\"tools\"", "not absolute"}},
        refusal{"deploy", "[deploy]\nkind = \"directroy\"\n", {":12:1:", "mean \"directory\"?"}},
        refusal{"netlify", "[deploy]\nkind = \"netlify-ap\"\n", {":12:1:", "mean \"netlify-api\""}},
        refusal{"site_id", "[deploy]\nsite_id = \"x\"\n", {":12:1:", "mean \"site_id_env\"?"}},
        refusal{"site_value",
                "[deploy]\nkind = \"netlify-api\"\nsite_id_env = \"a-b\"\n",
                {":13:1:", "variable's name"}},
        refusal{"deploy_timeout", "[deploy]\ntimeout = \"8d\"\n", {":12:1:", "\"timeout\""}},
        refusal{"context", "[deploy]\ncontext = \"prod\"\n", {":12:1:", "mean \"production\"?"}},
        refusal{"absolute_glob", "[scope]\nprotected = [\"/a\"]\n", {":12:1:", "relative"}},
        refusal{"folder_glob", "[scope]\nprotected = [\"a/\"]\n", {":12:1:", "folder/**"}},
        refusal{"negated_glob", "[scope]\nprotected = [\"!a\"]\n", {":12:1:", "\"!\""}},
        refusal{"climbing_glob", "[scope]\nprotected = [\"a/../b\"]\n", {":12:1:", "\"..\""}},
        refusal{"empty_glob", "[scope]\nschema = [\"\"]\n", {":12:1:", "is empty"}},
        refusal{"publish", "[deploy]\npublish = \"../x\"\n", {":12:1:", "\"publish\""}},
        refusal{"unknown_kind", "[providers.x]\nkind = \"ofline\"\n", {"mean \"offline\"?"}},
        refusal{"no_kind", "[providers.x]\n", {":11:12: [providers.x] \"kind\" is missing"}},
        refusal{"nul", "[repo]\nbase = \"a\\u0000b\"\n", {":12:1:", "NUL"}}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    DeploysThatAreIncomplete, refusals,
    testing::Values(
        refusal{"no_directory", "[deploy]\nkind = \"directory\"\n", {":12:1:", "needs directory"}},
        refusal{"blank_directory",
                "[deploy]\nkind = \"directory\"\ndirectory = \" \"\n",
                {":12:1:", "needs directory"}},
        refusal{"no_command", "[deploy]\nkind = \"command\"\n", {":12:1:", "needs command"}},
        refusal{"no_kind", "[deploy]\ndirectory = \"x\"\n", {":12:1:", "add kind = \"directory\""}},
        refusal{"site_without_kind",
                "[deploy]\nsite_id_env = \"S\"\n",
                {":12:1:", "add kind = \"netlify\""}},
        refusal{"site_of_a_folder",
                "[deploy]\nkind = \"directory\"\ndirectory = \"x\"\nsite_id_env = \"S\"\n",
                {":14:1:", "has no sites"}},
        refusal{"into_git",
                "[deploy]\nkind = \"directory\"\ndirectory = \"./.git/x\"\n",
                {":13:1:", "nothing may be published"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(config_file, RefusesProductionWhileAnyRoleIsOffline) {
  auto with_codex = [](const std::string& provider, const std::string& kind) {
    return checks + "[roles]\ngemini.provider = \"scripted\"\nclaude.provider = \"scripted\"\n"
           + "codex.provider = \"" + provider + "\"\n[providers.mine]\nkind = \"" + kind
           + "\"\n[deploy]\ncontext = \"production\"\n";
  };
  auto models = complaints(with_codex("mine", "scripted"));
  EXPECT_EQ(models, "");
  for (auto& text : {with_codex("offline", "scripted"), with_codex("mine", "offline")}) {
    auto why = complaints(text);
    EXPECT_NE(why.find("scheduler.toml:12:1: [deploy] context \"production\""), std::string::npos)
        << why;
    EXPECT_NE(why.find("[roles.codex]"), std::string::npos) << why;
    EXPECT_EQ(why.find("[roles.gemini]"), std::string::npos) << why;
  }
}

TEST(config_file, NeverShowsATokenThatWasWrittenInPlaceOfItsVariable) {
  auto why = complaints(complete_with("[deploy]\nkind = \"none\"\ntoken_env = \"nfp-9aB/3xYz\"\n"));
  EXPECT_NE(why.find(":13:1: [deploy] \"token_env\""), std::string::npos) << why;
  EXPECT_EQ(why.find("9aB"), std::string::npos) << why;
}

TEST(config_file, WantsAnAnswerForEachCheck) {
  auto why = complaints(roles + "[checks]\n");
  EXPECT_NE(why.find("scheduler.toml:7:2: [checks] \"test\" is missing"), std::string::npos) << why;
  EXPECT_NE(why.find("\"lint\" is missing"), std::string::npos) << why;
  EXPECT_NE(why.find("schema_drift = \"none\" to do without"), std::string::npos) << why;
  auto without_section = complaints(roles);
  EXPECT_NE(without_section.find("scheduler.toml: [checks] \"test\" is missing"), std::string::npos)
      << without_section;
}

TEST(config_file, RefusesChecksThatCouldNotFail) {
  struct row {
    std::string_view name, line, want;
  };
  for (auto& r : {
           row{"no test", "test = \"none\"", "\"test\" may not be \"none\""},
           row{"no test in a table", "test = { command = \"none\" }", "may not be \"none\""},
           row{"empty", "test = \" \"", "\"test\" is empty"},
           row{"number", "test = 1", "\"test\" is a whole number"},
           row{"no command", "test = { fail_on = \"x\" }", "\"command\" is missing"},
           row{"empty command", "test = { command = \"\" }", "\"command\" is empty"},
           row{"bad regex", "test = { command = \"t\", fail_on = \"(\" }", "regular expression"},
           row{"empty regex", "test = { command = \"t\", fail_on = \"\" }", "\"fail_on\" is empty"},
           row{"unknown key", "test = { command = \"t\", failon = \"x\" }", "mean \"fail_on\"?"},
           row{"setup none", "test = \"t\"\nsetup = \"none\"", "\"setup\" may not be \"none\""},
       }) {
    SCOPED_TRACE(r.name);
    auto why = complaints("[checks]\n" + std::string(r.line)
                          + "\nlint = \"none\"\nschema_drift = \"none\"\n" + roles);
    EXPECT_NE(why.find(r.want), std::string::npos) << why;
    EXPECT_EQ(why.rfind("scheduler.toml:", 0), 0u) << why;
  }
}

TEST(config_file, RefusesAPatternForTheOutputOfNoCommand) {
  auto why = complaints("[checks]\ntest = \"t\"\nschema_drift = \"none\"\n"
                        "lint = { command = \"none\", fail_on = \"x\" }\n"
                        + roles);
  EXPECT_NE(why.find("scheduler.toml:4:28: [checks.lint] \"fail_on\" has no output"),
            std::string::npos)
      << why;
}

TEST(config_file, NamesTheRoleThatNobodyPlays) {
  auto why = complaints(checks + "[roles.gemini]\nprovider = \"offline\"\n[roles.codex]\n");
  EXPECT_NE(why.find("\"claude\" is missing: nobody plays it; add [roles.claude]"),
            std::string::npos)
      << why;
  EXPECT_NE(why.find("scheduler.toml:7:8: [roles.codex] \"provider\" is missing"),
            std::string::npos)
      << why;
  EXPECT_EQ(why.find("gemini"), std::string::npos) << why;
}

TEST(config_file, TellsAnUnknownProviderFromOneOfALaterVersion) {
  auto with = [](const std::string& provider) {
    return complaints(checks + "[roles]\ngemini.provider = \"" + provider
                      + "\"\nclaude.provider = \"offline\"\ncodex.provider = \"offline\"\n");
  };
  EXPECT_NE(with("gemini-cli")
                .find(":6:8: [roles.gemini] provider \"gemini-cli\" is not in this "
                      "version"),
            std::string::npos)
      << with("gemini-cli");
  EXPECT_NE(with("offlin").find("unknown provider \"offlin\"; did you mean \"offline\"?"),
            std::string::npos)
      << with("offlin");
}

TEST(config_file, ReportsAllErrorsInTheOrderOfTheFile) {
  auto why = complaints("[deploy]\nkind = \"netlfy\"\n" + roles
                        + "[checks]\ntset = \"x\"\ntimeout = 3\n[limits]\ntries = 0\n[bugdet]\n");
  std::vector<std::string> places;
  for (std::size_t at = 0; at < why.size();) {
    auto end = std::min(why.find('\n', at), why.size());
    auto line = why.substr(at, end - at);
    places.push_back(line.substr(0, line.find(": ")));
    at = end + 1;
  }
  const std::vector<std::string> want{
      "scheduler.toml:2:1",  "scheduler.toml:9:2",  "scheduler.toml:9:2",  "scheduler.toml:9:2",
      "scheduler.toml:10:1", "scheduler.toml:11:1", "scheduler.toml:13:1", "scheduler.toml:14:2"};
  EXPECT_EQ(places, want) << why;
}

TEST(config_file, RefusesWhatIsNotToml) {
  auto why = complaints("[checks]\ntest = \"unclosed\n");
  EXPECT_EQ(why.rfind("scheduler.toml:2:", 0), 0u) << why;
  EXPECT_NE(complaints("a = 1\na = 2\n").find("scheduler.toml:2:"), std::string::npos);
  EXPECT_FALSE(complaints(std::string("\xff\xfe", 2)).empty());
  EXPECT_FALSE(complaints(std::string(3000, '[')).empty());
  EXPECT_NE(complaints("#" + std::string(cli::max_config_bytes, 'x')).find("bytes long"),
            std::string::npos);
}

// "For all possible truncations": none may crash, and none that lacks a role
// may pass.
TEST(config_file, SurvivesEveryTruncation) {
  auto whole = cli::example_config();
  auto last_role = whole.find("[checks]");
  ASSERT_NE(last_role, std::string::npos);
  for (std::size_t n = 0; n < whole.size(); n += 3) {
    auto c = parse(whole.substr(0, n));
    EXPECT_TRUE(c || !c.error().detail.empty()) << n;
    EXPECT_FALSE(c && n < last_role) << n;
  }
}

// "docker" got `did you mean "none"?`: the shortest word is near to all.
TEST(config_file, SuggestsOnlyWhatIsNearlySpeltSoAndNeverToGoWithoutASandbox) {
  for (std::string kind : {"docker", "non", "nono"}) {
    auto said = complaints(complete_with("[sandbox]\nkind = \"" + kind + "\"\n"));
    EXPECT_EQ(said.find("did you mean"), std::string::npos) << said;
    EXPECT_NE(said.find("Known: \"bwrap\" or \"none\""), std::string::npos) << said;
  }
}

TEST(config_file, TheExampleParsesAndItsCommentsTellTheDefaults) {
  auto text = cli::example_config();
  auto c = parse(text);
  ASSERT_TRUE(c) << c.error().detail;
  expect_same(*c, ledger::config{});

  // A line "# key = value" is a default that was commented out.
  std::string opened;
  std::size_t defaults = 0;
  for (std::size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    auto line = text.substr(at, end - at);
    bool is_default = line.rfind("# ", 0) == 0 && line.size() > 2 && line[2] != ' '
                      && line.substr(0, line.find(" = ")).find(' ', 2) == std::string::npos
                      && line.find(" = ") != std::string::npos;
    if (is_default) {
      line.erase(0, 2);
      ++defaults;
    }
    // "# setup" has no default; it shows a use.
    opened += line.rfind("setup", 0) == 0 ? "\n" : line + "\n";
    at = end + 1;
  }
  EXPECT_EQ(defaults, 29u);
  auto d = parse(opened);
  ASSERT_TRUE(d) << d.error().detail << "\n" << opened;
  expect_same(*d, ledger::config{});
}

} // namespace
