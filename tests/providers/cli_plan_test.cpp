#include "providers/cli/tool.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>

namespace {

using namespace providers::cli;
using ledger::step;
using strings = std::vector<std::string>;

constexpr const char* canary = "canary-key-4711";

providers::request request_of(step at) {
  providers::request r;
  r.task = "Fix-Footer";
  r.at = at;
  return r;
}

cli_settings settings_of(const char* key = canary) {
  cli_settings s;
  s.name = "mine";
  s.model = "m-1";
  s.api_key = key;
  s.api_key_env = "MY_KEY";
  s.full_prompt = [](const providers::request& r) { return "do " + r.task; };
  return s;
}

const places caged{"/workspace", "/tmp/home", true};
const places bare{"/w", "/h", false};

std::string line_of(const strings& words) {
  std::string all;
  for (const auto& w : words)
    all += (all.empty() ? "" : " ") + (w.empty() ? "''" : w);
  return all;
}

struct golden {
  const char* name;
  const tool* t;
  step at;
  const places* where;
  const char* base_url;
  const char* argv;
};

const golden goldens[] = {
    {"CodexReads", &codex_tool, step::plan, &caged, "",
     "codex exec --json -o /tmp/home/last-message.txt -C /workspace -s danger-full-access "
     "--skip-git-repo-check --ephemeral -m m-1 -c shell_environment_policy.inherit=\"core\" -c "
     "check_for_update_on_startup=false -c analytics.enabled=false -c "
     "cli_auth_credentials_store=\"file\" -"},
    {"CodexWrites", &codex_tool, step::implement, &caged, "",
     "codex exec --json -o /tmp/home/last-message.txt -C /workspace -s danger-full-access "
     "--skip-git-repo-check --ephemeral -m m-1 -c shell_environment_policy.inherit=\"core\" -c "
     "check_for_update_on_startup=false -c analytics.enabled=false -c "
     "cli_auth_credentials_store=\"file\" -"},
    {"CodexReadsWithoutASandbox", &codex_tool, step::plan, &bare, "",
     "codex exec --json -o /h/last-message.txt -C /w -s read-only --skip-git-repo-check "
     "--ephemeral -m m-1 -c shell_environment_policy.inherit=\"core\" -c "
     "check_for_update_on_startup=false -c analytics.enabled=false -c "
     "cli_auth_credentials_store=\"file\" -"},
    {"CodexFixesWithoutASandbox", &codex_tool, step::test, &bare, "",
     "codex exec --json -o /h/last-message.txt -C /w -s workspace-write --skip-git-repo-check "
     "--ephemeral -m m-1 -c shell_environment_policy.inherit=\"core\" -c "
     "check_for_update_on_startup=false -c analytics.enabled=false -c "
     "cli_auth_credentials_store=\"file\" -c sandbox_workspace_write.exclude_slash_tmp=true -c "
     "sandbox_workspace_write.exclude_tmpdir_env_var=true -"},
    {"CodexAsksAnotherService", &codex_tool, step::plan, &caged, "http://127.0.0.1:1/v1",
     "codex exec --json -o /tmp/home/last-message.txt -C /workspace -s danger-full-access "
     "--skip-git-repo-check --ephemeral -m m-1 -c shell_environment_policy.inherit=\"core\" -c "
     "check_for_update_on_startup=false -c analytics.enabled=false -c "
     "cli_auth_credentials_store=\"file\" -c model_provider=\"scheduler\" -c "
     "model_providers.scheduler={name=\"scheduler\",base_url=\"http://127.0.0.1:1/"
     "v1\",wire_api=\"responses\",env_key=\"SCHEDULER_API_KEY\",request_max_retries=1,stream_max_"
     "retries=1} -"},
    {"ClaudeReads", &claude_tool, step::review, &caged, "",
     "claude -p --output-format stream-json --verbose --strict-mcp-config --setting-sources '' "
     "--tools Read,Grep,Glob --permission-mode dontAsk --max-turns 9 --max-budget-usd 1.5000 "
     "--model m-1"},
    {"ClaudeWrites", &claude_tool, step::implement, &caged, "",
     "claude -p --output-format stream-json --verbose --strict-mcp-config --setting-sources '' "
     "--tools Read,Grep,Glob,Edit,Write,Bash --allowedTools Read,Grep,Glob,Edit,Write,Bash "
     "--permission-mode acceptEdits --max-turns 9 --max-budget-usd 1.5000 --model m-1"},
    {"GeminiReads", &gemini_tool, step::audit, &caged, "",
     "gemini -m m-1 -p Do what the text above says. --output-format json --approval-mode default"},
    {"GeminiWrites", &gemini_tool, step::implement, &caged, "",
     "gemini -m m-1 -p Do what the text above says. --output-format json --approval-mode yolo"},
};

class CliPlan : public ::testing::TestWithParam<golden> {};

TEST_P(CliPlan, HasTheseArgumentsAndThePromptOnStdin) {
  const auto& g = GetParam();
  auto s = settings_of();
  s.base_url = g.base_url;
  s.max_turns = 9;
  s.max_usd = 1.5;
  const auto p = g.t->prepare(request_of(g.at), s, *g.where);
  EXPECT_EQ(line_of(p.argv), g.argv);
  EXPECT_EQ(p.stdin_text, "do Fix-Footer");
  EXPECT_EQ(line_of(p.argv).find(canary), std::string::npos);
  for (const auto& [path, content] : p.seeds)
    EXPECT_EQ(content.find(canary), std::string::npos) << path;
}

INSTANTIATE_TEST_SUITE_P(All, CliPlan, ::testing::ValuesIn(goldens),
                         [](const auto& i) { return std::string(i.param.name); });

using variables = std::map<std::string, std::string>;

TEST(CliPlan, GivesEachToolItsKeyUnderTheToolsName) {
  const auto s = settings_of();
  EXPECT_EQ(codex_tool.prepare(request_of(step::plan), s, caged).env,
            (variables{{"CODEX_API_KEY", canary}}));
  EXPECT_EQ(claude_tool.prepare(request_of(step::review), s, caged).env,
            (variables{{"ANTHROPIC_API_KEY", canary},
                       {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
                       {"CLAUDE_CODE_MAX_RETRIES", "1"},
                       {"DISABLE_AUTOUPDATER", "1"},
                       {"DISABLE_ERROR_REPORTING", "1"},
                       {"DISABLE_TELEMETRY", "1"}}));
  EXPECT_EQ(gemini_tool.prepare(request_of(step::audit), s, caged).env,
            (variables{{"GEMINI_API_KEY", canary},
                       {"GEMINI_CLI_NO_RELAUNCH", "true"},
                       {"GEMINI_CLI_SYSTEM_SETTINGS_PATH", "/tmp/home/.gemini/settings.json"},
                       {"GEMINI_CLI_TRUST_WORKSPACE", "true"},
                       {"GOOGLE_GEMINI_BASE_URL", "https://generativelanguage.googleapis.com"}}));
}

TEST(CliPlan, GivesTheAddressOfAnotherService) {
  auto s = settings_of();
  s.base_url = "http://127.0.0.1:9";
  EXPECT_EQ(codex_tool.prepare(request_of(step::plan), s, caged).env,
            (variables{{"SCHEDULER_API_KEY", canary}}));
  EXPECT_EQ(claude_tool.prepare(request_of(step::plan), s, caged).env["ANTHROPIC_BASE_URL"],
            s.base_url);
  EXPECT_EQ(gemini_tool.prepare(request_of(step::plan), s, caged).env["GOOGLE_GEMINI_BASE_URL"],
            s.base_url);
}

TEST(CliPlan, WithoutAKeyGivesNone) {
  const auto s = settings_of("");
  for (const auto* t : {&codex_tool, &claude_tool, &gemini_tool})
    for (const auto& [name, value] : t->prepare(request_of(step::plan), s, caged).env)
      EXPECT_EQ(name.find("KEY"), std::string::npos) << name;
  const auto p = gemini_tool.prepare(request_of(step::plan), s, caged);
  EXPECT_NE(p.seeds.at(".gemini/settings.json").find("\"oauth-personal\""), std::string::npos);
}

TEST(CliPlan, ACommandGetsItsPlaceholders) {
  auto s = settings_of();
  s.command = {"prog",   "--in={prompt_file}", "{answer_file}", "{step}/{task}", "{model}",
               "{other}"};
  auto p = command_tool.prepare(request_of(step::audit), s, caged);
  EXPECT_EQ(line_of(p.argv), "prog --in=/tmp/home/prompt.md /tmp/home/answer.md audit/Fix-Footer "
                             "m-1 {other}");
  EXPECT_EQ(p.seeds.at("prompt.md"), "do Fix-Footer");
  EXPECT_EQ(p.stdin_text, "");
  EXPECT_EQ(p.answer_file, "answer.md");
  EXPECT_EQ(p.env, (variables{{"MY_KEY", canary}}));

  s.command = {"prog"};
  p = command_tool.prepare(request_of(step::audit), s, caged);
  EXPECT_EQ(p.stdin_text, "do Fix-Footer");
  EXPECT_EQ(p.answer_file, "");
  EXPECT_TRUE(p.seeds.empty());
}

TEST(CliPlan, APlaceholdersValueIsNotFilledAgain) {
  auto s = settings_of();
  s.model = "{task}";
  s.command = {"prog", "{model}"};
  EXPECT_EQ(line_of(command_tool.prepare(request_of(step::audit), s, caged).argv), "prog {task}");
}

TEST(CliPlan, ALongPromptIsNoArgument) {
  auto s = settings_of();
  s.full_prompt = [](const providers::request&) { return std::string(300'000, 'p'); };
  s.command = {"prog", "{prompt_file}"};
  for (const auto* t : {&codex_tool, &claude_tool, &gemini_tool, &command_tool})
    for (const auto& word : t->prepare(request_of(step::implement), s, caged).argv)
      EXPECT_LT(word.size(), 1000u);
}

TEST(CliPlan, AnAddressWithQuotesStaysOneTomlString) {
  auto s = settings_of();
  s.base_url = "http://x/\",env_key=\"HOME";
  const auto line = line_of(codex_tool.prepare(request_of(step::plan), s, caged).argv);
  EXPECT_NE(line.find(R"(base_url="http://x/\",env_key=\"HOME")"), std::string::npos) << line;
}

} // namespace
