#include "cli/config_file.hpp"
#include "ledger/provider_kind.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace std::chrono_literals;
using ledger::key_variable_of;
using ledger::role;

const std::vector<std::string> kinds{"offline",     "gemini",     "anthropic",   "openai",
                                     "openai-chat", "gemini-cli", "claude-code", "codex-cli",
                                     "command",     "replay",     "scripted"};

/// Lines 1 to 8; what follows begins in line 9, in [roles.codex].
const std::string beginning = R"([checks]
test = "make test"
lint = "none"
schema_drift = "none"
[roles]
gemini.provider = "offline"
claude.provider = "offline"
[roles.codex]
)";

ledger::result<ledger::config> parse(const std::string& more) {
  return cli::parse_config(beginning + more, "scheduler.toml", kinds);
}

std::string complaints(const std::string& more) {
  auto c = parse(more);
  return c ? std::string() : c.error().detail;
}

/// A provider `p` that codex plays; its keys begin in line 11.
std::string with_provider(const std::string& keys) {
  return "provider = \"p\"\n[providers.p]\n" + keys;
}

TEST(ConfigProviders, ReadsEveryKeyOfAService) {
  auto c = parse(with_provider(R"(kind = "openai-chat"
model = "qwen3:8b"
base_url = "http://10.0.0.7:8080/api"
api_key_env = "GATEWAY_KEY"
plain_http = true
concurrency = 32
requests_per_minute = 600
tokens_per_minute = 9000000000
max_output_tokens = 4000
timeout = "10m"
idle_timeout = "90s"
longest_wait = "2h"
price = { input = 3, output = 15.5, cached_input = 0.3, cache_write = 3.75 }
)"));
  ASSERT_TRUE(c) << c.error().detail;
  auto& p = c->providers.at("p");
  EXPECT_EQ(p.kind, "openai-chat");
  EXPECT_EQ(p.model, "qwen3:8b");
  EXPECT_EQ(p.base_url, "http://10.0.0.7:8080/api");
  EXPECT_EQ(p.api_key_env, "GATEWAY_KEY");
  EXPECT_TRUE(p.plain_http);
  EXPECT_EQ(p.concurrency, 32u);
  EXPECT_EQ(p.requests_per_minute, 600u);
  EXPECT_EQ(p.tokens_per_minute, 9'000'000'000u);
  EXPECT_EQ(p.max_output_tokens, 4000u);
  EXPECT_EQ(p.timeout, 10min);
  EXPECT_EQ(p.idle_timeout, 90s);
  EXPECT_EQ(p.longest_wait, 2h);
  ASSERT_TRUE(p.price);
  EXPECT_EQ(p.price->input, 3);
  EXPECT_EQ(p.price->output, 15.5);
  EXPECT_EQ(p.price->cached_input, 0.3);
  EXPECT_EQ(p.price->cache_write, 3.75);
  EXPECT_TRUE(p.options.empty());
}

TEST(ConfigProviders, ReadsEveryKeyOfATool) {
  auto c = parse(with_provider(R"(kind = "codex-cli"
model = "m"
base_url = "https://gateway.example"
api_key_env = "CODEX_KEY"
command = ["/opt/codex/bin/codex", "--oss"]
env = { HTTPS_PROXY = "http://proxy:3128", EMPTY = "" }
concurrency = 2
timeout = "1h"
idle_timeout = "5m"
longest_wait = "1h"
price = { input = 0, output = 0 }
)"));
  ASSERT_TRUE(c) << c.error().detail;
  auto& p = c->providers.at("p");
  const std::vector<std::string> command{"/opt/codex/bin/codex", "--oss"};
  EXPECT_EQ(p.command, command);
  const std::map<std::string, std::string> env{{"HTTPS_PROXY", "http://proxy:3128"}, {"EMPTY", ""}};
  EXPECT_EQ(p.env, env);
  ASSERT_TRUE(p.price);
  EXPECT_EQ(p.price->output, 0);
}

TEST(ConfigProviders, ReadsProgramsAndEarlierLedgers) {
  auto c = parse("provider = \"mine\"\nfallback = [\"again\"]\n"
                 "[providers.mine]\nkind = \"command\"\ncommand = [\"ask-me\", \"-q\"]\n"
                 "[providers.again]\nkind = \"replay\"\nledger = \"../old/.ai-stack-trace\"\n");
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->providers.at("mine").command.front(), "ask-me");
  EXPECT_EQ(c->providers.at("again").ledger, "../old/.ai-stack-trace");
  EXPECT_EQ(c->roles.at(role::codex).fallback, std::vector<std::string>{"again"});
}

TEST(ConfigProviders, CachedTokensCostWhatOthersCostUnlessThePriceSaysOtherwise) {
  auto c = parse(with_provider("kind = \"gemini\"\nmodel = \"m\"\n"
                               "price = { input = 1.25, output = 10 }\n"));
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->providers.at("p").price->cached_input, 1.25);
  EXPECT_EQ(c->providers.at("p").price->cache_write, 1.25);
}

TEST(ConfigProviders, ARoleMaySayWhichModelAndTwoRolesMayShareAProvider) {
  auto c = cli::parse_config(R"([checks]
test = "t"
lint = "none"
schema_drift = "none"
[roles.gemini]
provider = "p"
model = "small"
prompts = "docs/prompts/audit"
[roles.claude]
provider = "p"
model = "large"
fallback = ["claude-code", "offline"]
[roles.codex]
provider = "codex-cli"
model = "code"
[providers.p]
kind = "anthropic"
price = { input = 3, output = 15 }
)",
                             "scheduler.toml", kinds);
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->roles.at(role::gemini).model, "small");
  EXPECT_EQ(c->roles.at(role::gemini).prompts, "docs/prompts/audit");
  EXPECT_EQ(c->roles.at(role::claude).model, "large");
  const std::vector<std::string> fallback{"claude-code", "offline"};
  EXPECT_EQ(c->roles.at(role::claude).fallback, fallback);
  EXPECT_EQ(c->roles.at(role::codex).provider, "codex-cli") << "a tool needs no table";
}

TEST(ConfigProviders, AKindOfATestBuildHasEveryKeyAndFurtherOnes) {
  auto c = parse(with_provider("kind = \"scripted\"\nfolder = \"f\"\nconcurrency = 3\n"
                               "price = { input = 1, output = 1 }\n"));
  ASSERT_TRUE(c) << c.error().detail;
  const std::map<std::string, std::string> options{{"folder", "f"}};
  EXPECT_EQ(c->providers.at("p").options, options);
  EXPECT_EQ(c->providers.at("p").concurrency, 3u);
}

struct refusal {
  std::string_view name;
  std::string_view more; ///< From line 9.
  std::string_view want; ///< The whole complaint.
};

void PrintTo(const refusal& r, std::ostream* out) {
  *out << r.name;
}

class provider_refusals : public testing::TestWithParam<refusal> {};

TEST_P(provider_refusals, SayPlaceThingAndRemedyInOneSentence) {
  EXPECT_EQ(complaints(std::string(GetParam().more)),
            "scheduler.toml:" + std::string(GetParam().want));
}

#define P "provider = \"p\"\n[providers.p]\n"
#define HTTP P "kind = \"gemini\"\nmodel = \"m\"\nprice = { input = 1, output = 1 }\n"
#define TOOL P "kind = \"codex-cli\"\n"

INSTANTIATE_TEST_SUITE_P(
    Keys, provider_refusals,
    testing::Values(
        refusal{"of_another_kind", P "kind = \"command\"\ncommand = [\"x\"]\nbase_url = \"u\"\n",
                "13:1: [providers.p] \"base_url\" is no key of kind \"command\", but of "
                "\"gemini\", \"anthropic\", \"openai\", \"openai-chat\", \"gemini-cli\", "
                "\"claude-code\" or \"codex-cli\"; remove it"},
        refusal{"of_no_kind", TOOL "modle = \"x\"\n",
                "12:1: [providers.p] unknown key \"modle\"; did you mean \"model\"? Known here: "
                "\"kind\", \"model\", \"base_url\", \"api_key_env\", \"command\", \"env\", "
                "\"concurrency\", \"timeout\", \"idle_timeout\", \"longest_wait\", \"price\" or "
                "\"max_usd\""},
        refusal{"offline_has_none", P "kind = \"offline\"\nprice = { input = 1 }\n",
                "12:1: [providers.p] \"price\" is no key of kind \"offline\", but of \"gemini\", "
                "\"anthropic\", \"openai\", \"openai-chat\", \"gemini-cli\", \"claude-code\", "
                "\"codex-cli\" or \"command\"; remove it"},
        refusal{"rate_of_a_tool", TOOL "requests_per_minute = 5\n",
                "12:1: [providers.p] \"requests_per_minute\" is no key of kind \"codex-cli\", but "
                "of \"gemini\", \"anthropic\", \"openai\" or \"openai-chat\"; remove it"},
        refusal{"program_of_a_service", HTTP "command = [\"x\"]\n",
                "14:1: [providers.p] \"command\" is no key of kind \"gemini\", but of "
                "\"gemini-cli\", \"claude-code\", \"codex-cli\" or \"command\"; remove it"},
        refusal{"ledger_of_a_tool", TOOL "ledger = \"x\"\n",
                "12:1: [providers.p] \"ledger\" is no key of kind \"codex-cli\", but of "
                "\"replay\"; remove it"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Missing, provider_refusals,
    testing::Values(
        refusal{"price", P "kind = \"gemini\"\nmodel = \"m\"\n",
                "10:12: [providers.p] \"price\" is missing: nobody could say what a call costs; "
                "add price = { input = …, output = … } in US dollars for a million tokens, or 0 "
                "for both where it is free"},
        refusal{"half_a_price", P "kind = \"gemini\"\nmodel = \"m\"\nprice = { input = 1 }\n",
                "13:1: [providers.p.price] \"output\" is missing; add output = US dollars for a "
                "million tokens, or 0 where they are free"},
        refusal{"program", P "kind = \"command\"\n",
                "10:12: [providers.p] \"command\" is missing; add command = [\"program\", "
                "\"argument\", …]"},
        refusal{"ledger", P "kind = \"replay\"\n",
                "10:12: [providers.p] \"ledger\" is missing; add ledger = \"the .ai-stack-trace "
                "of an earlier run\""},
        refusal{"model", P "kind = \"gemini\"\nprice = { input = 1, output = 1 }\n",
                "9:1: [roles.codex] \"p\" has no model; add model = \"the vendor's name of it\" "
                "to [providers.p] or to [roles.codex]"},
        refusal{"model_of_a_fallback",
                "provider = \"offline\"\nfallback = [\"p\"]\n[providers.p]\nkind = \"openai\"\n"
                "price = { input = 1, output = 1 }\n",
                "10:1: [roles.codex] \"p\" has no model; add model = \"the vendor's name of it\" "
                "to [providers.p]"},
        refusal{"table_of_a_service", "provider = \"gemini\"\nmodel = \"m\"\n",
                "9:1: [roles.codex] \"gemini\" cannot be asked without a table of its own; add "
                "[providers.gemini] with kind = \"gemini\", model and price"},
        refusal{"table_of_a_fallback", "provider = \"offline\"\nfallback = [\"replay\"]\n",
                "10:1: [roles.codex] \"replay\" cannot be asked without a table of its own; add "
                "[providers.replay] with kind = \"replay\", ledger"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Roles, provider_refusals,
    testing::Values(
        refusal{"unknown_fallback", "provider = \"offline\"\nfallback = [\"claude-cod\"]\n",
                "10:1: [roles.codex] unknown provider in \"fallback\" \"claude-cod\"; did you mean "
                "\"claude-code\"? Known: \"offline\", \"gemini\", \"anthropic\", \"openai\", "
                "\"openai-chat\", \"gemini-cli\", \"claude-code\", \"codex-cli\", \"command\", "
                "\"replay\" or \"scripted\", or a table [providers.claude-cod] of your own"},
        refusal{"fallback_to_itself", "provider = \"codex-cli\"\nfallback = [\"codex-cli\"]\n",
                "10:1: [roles.codex] \"codex-cli\" of \"fallback\" is the role's own provider; "
                "remove it there"},
        refusal{"fallback_twice",
                "provider = \"codex-cli\"\nfallback = [\"offline\", \"offline\"]\n",
                "10:1: [roles.codex] \"offline\" stands twice in \"fallback\"; remove one"},
        refusal{"fallback_is_no_list", "provider = \"codex-cli\"\nfallback = \"offline\"\n",
                "10:1: [roles.codex] \"fallback\" is a text; write a list of texts, [\"…\", "
                "\"…\"]"},
        refusal{"model_of_nobody", "provider = \"offline\"\nmodel = \"m\"\n",
                "10:1: [roles.codex] \"model\" has no effect: kind \"offline\" has no models; "
                "remove it"},
        refusal{"model_like_an_option", "provider = \"codex-cli\"\nmodel = \"--yolo\"\n",
                "10:1: [roles.codex] \"model\" is no model's name; write it as the vendor does, "
                "without blanks, or remove the key"},
        refusal{"prompts_outside", "provider = \"codex-cli\"\nprompts = \"../p\"\n",
                "10:1: [roles.codex] \"prompts\" is \"../p\"; write a folder below the "
                "repository's root, such as \"docs/prompts\""}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Values, provider_refusals,
    testing::Values(
        refusal{"no_scheme", TOOL "base_url = \"api.example.com\"\n",
                "12:1: [providers.p] \"base_url\" does not begin with https:// or http://; write "
                "the whole address, such as \"https://api.example.com\""},
        refusal{"no_host", TOOL "base_url = \"https:///v1\"\n",
                "12:1: [providers.p] \"base_url\" names no host; write the whole address, such as "
                "\"https://api.example.com\""},
        refusal{"blank_in_url", TOOL "base_url = \"https://a b\"\n",
                "12:1: [providers.p] \"base_url\" holds blanks or control characters; remove them"},
        refusal{"query", TOOL "base_url = \"https://a/v1?key=x\"\n",
                "12:1: [providers.p] \"base_url\" holds a query or a fragment, but paths are added "
                "to it; end it before the \"?\" or \"#\""},
        refusal{"relative_program", TOOL "command = [\"tools/codex\"]\n",
                "12:1: [providers.p] \"command\" begins with a relative path; write an absolute "
                "one, or the name of a program in PATH"},
        refusal{"no_program", TOOL "command = []\n",
                "12:1: [providers.p] \"command\" names no program; write [\"program\", "
                "\"argument\", …]"},
        refusal{"program_as_text", TOOL "command = \"codex\"\n",
                "12:1: [providers.p] \"command\" is a text; write a list of texts, [\"…\", \"…\"]"},
        refusal{"nul_in_program", TOOL "command = [\"a\\u0000\"]\n",
                "12:1: [providers.p] entry 1 of \"command\" holds a NUL character; remove it"},
        refusal{"env_is_no_table", TOOL "env = [\"A=1\"]\n",
                "12:1: [providers.p] \"env\" is a list; write a table"},
        refusal{"env_of_numbers", TOOL "env = { A = 1 }\n",
                "12:9: [providers.p.env] \"A\" is a whole number; write a text in quotes"},
        refusal{"env_name", TOOL "env = { \"A B\" = \"\" }\n",
                "12:9: [providers.p.env] a key of \"env\" is no name of an environment variable; "
                "write names of letters, digits and \"_\""},
        refusal{"no_concurrency", TOOL "concurrency = 0\n",
                "12:1: [providers.p] \"concurrency\" is 0; write a whole number from 1 to 10000"},
        refusal{"idle_timeout", TOOL "idle_timeout = 60\n",
                "12:1: [providers.p] \"idle_timeout\" is a whole number; write a duration such as "
                "\"30s\", \"20m\", \"2h\" or \"500ms\""},
        refusal{"empty_ledger", P "kind = \"replay\"\nledger = \" \"\n",
                "12:1: [providers.p] \"ledger\" is empty; write where the .ai-stack-trace of an "
                "earlier run is"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Money, provider_refusals,
    testing::Values(
        refusal{"negative", TOOL "price = { input = -1, output = 1 }\n",
                "12:11: [providers.p.price] \"input\" is -1; write a number from 0 to 1000000, "
                "such as 2.5"},
        refusal{"no_number", TOOL "price = { input = nan, output = 1 }\n",
                "12:11: [providers.p.price] \"input\" is nan; write a number from 0 to 1000000, "
                "such as 2.5"},
        refusal{"endless", TOOL "price = { input = 1, output = inf }\n",
                "12:22: [providers.p.price] \"output\" is inf; write a number from 0 to 1000000, "
                "such as 2.5"},
        refusal{"text", TOOL "price = { input = 1, output = \"1\" }\n",
                "12:22: [providers.p.price] \"output\" is a text; write a number from 0 to "
                "1000000, such as 2.5"},
        refusal{"no_table", TOOL "price = 3\n",
                "12:1: [providers.p] \"price\" is a whole number; write a table"},
        refusal{"unknown_sort", TOOL "price = { input = 1, output = 1, cached_inputs = 1 }\n",
                "12:34: [providers.p.price] unknown key \"cached_inputs\"; did you mean "
                "\"cached_input\"? Known here: \"input\", \"output\", \"cached_input\" or "
                "\"cache_write\""},
        refusal{"no_budget", "provider = \"offline\"\n[budget]\nrun_usd = 0\n",
                "11:1: [budget] \"run_usd\" is 0; write a number above 0 and up to 1000000, such "
                "as 2.5"},
        refusal{"budget_of_words", "provider = \"offline\"\n[budget]\ntask_usd = \"2\"\n",
                "11:1: [budget] \"task_usd\" is a text; write a number above 0 and up to 1000000, "
                "such as 2.5"},
        refusal{"unknown_budget", "provider = \"offline\"\n[budget]\nrun_eur = 1\n",
                "11:1: [budget] unknown key \"run_eur\"; did you mean \"run_usd\"? Known here: "
                "\"run_usd\" or \"task_usd\""},
        refusal{"tool_that_no_budget_holds", "provider = \"codex-cli\"\n[budget]\nrun_usd = 1\n",
                "9:1: [roles.codex] \"codex-cli\" has no price, and [budget] cannot hold what "
                "nobody can count; add price = { input = …, output = … } to "
                "[providers.codex-cli], or 0 for both where it is paid otherwise"},
        refusal{"tool_that_may_cost_anything",
                "provider = \"codex-cli\"\n[budget]\nrun_usd = 1\n[providers.codex-cli]\n"
                "kind = \"codex-cli\"\nprice = { input = 1, output = 2 }\n",
                "9:1: [roles.codex] nobody knows what a run of \"codex-cli\" will cost, so "
                "[budget] could be overshot; add max_usd = the most that one run may cost to "
                "[providers.codex-cli]: it is put aside before each"},
        refusal{"nothing_to_put_aside",
                "provider = \"codex-cli\"\n[providers.codex-cli]\nkind = \"codex-cli\"\n"
                "max_usd = 0\n",
                "12:1: [providers.codex-cli] \"max_usd\" is 0; write a number above 0 and up to "
                "1000000, such as 2.5"}),
    [](const auto& row) { return std::string(row.param.name); });

#undef TOOL
#undef HTTP
#undef P

TEST(ConfigProviders, NothingThatMayBeASecretIsShown) {
  struct row {
    std::string_view name, line, secret, want;
  };
  for (auto& r : {
           row{"key", "api_key_env = \"sk-proj-9aBxYz12\"", "9aB", "\"api_key_env\" is no name"},
           row{"key of letters and digits", "api_key_env = \"AIzaSyD4x9ZqKw71bTtRr0PpLlMmNn\"",
               "D4x9", "\"api_key_env\" is no name"},
           row{"key with a word before it", "api_key_env = \"gsk_9Zk2Wq81LmPpTtRrXxYyZz00\"",
               "9Zk2", "\"api_key_env\" is no name"},
           row{"key of hex digits", "api_key_env = \"c0ffee00c0ffee00c0ffee00c0ffee00\"", "ffee00c",
               "\"api_key_env\" is no name"},
           row{"password", "base_url = \"https://me:hunter2@host/\"", "hunter2",
               "\"base_url\" holds a name or a password"},
           row{"password in a bad address", "base_url = \"ftp://me:hunter2@host/\"", "hunter2",
               "\"base_url\" does not begin"},
           row{"value of a variable", "env = { MY_TOKEN = \"hunter2\" }", "hunter2",
               "\"MY_TOKEN\" is a secret by its name"},
           row{"key as a variable's name", "env = { \"sk-9aBxYz\" = \"1\" }", "9aB",
               "a key of \"env\" is no name"},
           row{"argument", "command = [\"./a\", \"--key=hunter2\"]", "hunter2", "relative path"},
           row{"model", "model = \"sk 9aBxYz\"", "9aB", "\"model\" is no model's name"},
       }) {
    SCOPED_TRACE(r.name);
    auto why = complaints(with_provider("kind = \"claude-code\"\n" + std::string(r.line) + "\n"));
    EXPECT_NE(why.find(r.want), std::string::npos) << why;
    EXPECT_EQ(why.find(r.secret), std::string::npos) << why;
  }
}

TEST(ConfigProviders, NamesOfVariablesAreNotTakenForSecrets) {
  for (std::string name :
       {"GEMINI_API_KEY", "my_own_gateway_key_2", "_K", "OPENROUTER_KEY_FOR_BOT_7", "gatewayKey"}) {
    auto why =
        complaints(with_provider("kind = \"claude-code\"\napi_key_env = \"" + name + "\"\n"));
    EXPECT_EQ(why, "");
  }
}

TEST(ConfigProviders, ABudgetIsHeldWhereEveryCallHasAPrice) {
  EXPECT_EQ(complaints("provider = \"codex-cli\"\n[budget]\nrun_usd = 1\ntask_usd = 0.25\n"
                       "[providers.codex-cli]\nkind = \"codex-cli\"\n"
                       "price = { input = 0, output = 0 }\n"),
            "");
  EXPECT_EQ(complaints("provider = \"codex-cli\"\n[budget]\nrun_usd = 1\n"
                       "[providers.codex-cli]\nkind = \"codex-cli\"\n"
                       "price = { input = 1, output = 2 }\nmax_usd = 0.5\n"),
            "");
  EXPECT_EQ(complaints("provider = \"offline\"\n[budget]\nrun_usd = 1\n"), "");
}

TEST(ConfigProviders, ProductionIsRefusedWhereOfflineIsAFallback) {
  auto why = complaints("provider = \"codex-cli\"\nfallback = [\"offline\"]\n[deploy]\n"
                        "context = \"production\"\n");
  EXPECT_NE(why.find("[roles.codex] is offline in its fallback"), std::string::npos) << why;
}

TEST(ConfigProviders, KindsThatTheBuildLacksAreNotInThisVersion) {
  auto c = cli::parse_config(beginning
                                 + "provider = \"offline\"\nfallback = [\"gemini\"]\n"
                                   "[providers.p]\nkind = \"anthropic\"\nmodel = \"m\"\n",
                             "scheduler.toml", {"offline"});
  ASSERT_FALSE(c);
  EXPECT_EQ(c.error().detail,
            "scheduler.toml:10:1: [roles.codex] fallback \"gemini\" is not in this version; write "
            "\"offline\" or \"p\"\n"
            "scheduler.toml:12:1: [providers.p] kind \"anthropic\" is not in this version; write "
            "\"offline\"");
}

TEST(ProviderKind, AKeyIsNeverForAHostThatNobodyNamedItFor) {
  EXPECT_EQ(key_variable_of({"anthropic"}), "ANTHROPIC_API_KEY");
  EXPECT_EQ(key_variable_of({"claude-code"}), "") << "its own login";
  EXPECT_EQ(key_variable_of({"offline"}), "");
  EXPECT_EQ(key_variable_of({"scripted"}), "");
  ledger::provider_config p{"openai-chat"};
  EXPECT_EQ(key_variable_of(p), "OPENAI_API_KEY");
  p.base_url = "https://elsewhere.example";
  EXPECT_EQ(key_variable_of(p), "");
  p.api_key_env = "MINE";
  EXPECT_EQ(key_variable_of(p), "MINE");
}

} // namespace
