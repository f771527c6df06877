#include "providers/cli/cli_provider.hpp"

#include "providers/sandbox.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"

#include <gtest/gtest.h>

#include <future>
#include <optional>

namespace {

using namespace std::chrono_literals;
using namespace providers::cli;
using ledger::sandbox_kind;
using ledger::step;
using providers::answer;
using providers::call_failure;
using kind = call_failure::kind;
using outcome = tl::expected<answer, call_failure>;
namespace fs = std::filesystem;

constexpr const char* canary = "canary-key-4711";
constexpr const char* login = R"({"tokens":{"access_token":"old-token"}})";

/// Stand-ins for the tools in PATH, a home with secrets, a worktree.
class CliRun : public ::testing::Test {
protected:
  CliRun() {
    fs::copy(FAKE_TOOLS, bin, fs::copy_options::recursive);
    fs::create_directories(worktree);
    test::write_file(home / ".ssh/id_ed25519", "private");
    test::write_file(home / ".local/state/scheduler/keys/repo", "seed");
    test::write_file(home / ".codex/auth.json", login);
    test::write_file(home / ".codex/history.jsonl", "what the user said");
    test::write_file(root.path() / "repo/.ai-stack-trace/Fix/inputs/prompt.md", "a ledger");
    s.name = "mine";
    s.model = "m-1";
    s.api_key = canary;
    s.api_key_env = "MY_KEY";
    s.timeout = 120s;
    s.full_prompt = [](const providers::request& r) { return "do \"" + r.task + "\"\nplease"; };
  }

  void SetUp() override {
    if (auto works = providers::sandbox_works(children, sandbox_kind::bwrap); !works)
      GTEST_SKIP() << "no user namespaces here: " << works.error().detail;
  }

  std::unique_ptr<providers::provider> make_one(const char* of_kind) {
    auto made = make(of_kind, children, s);
    EXPECT_TRUE(made) << made.error().detail;
    return made ? std::move(*made) : nullptr;
  }

  std::future<outcome> begin(providers::provider& p, step at) const {
    auto r = std::make_shared<providers::request>();
    r->task = "Fix-Footer";
    r->at = at;
    r->worktree = worktree.string();
    auto promise = std::make_shared<std::promise<outcome>>();
    auto future = promise->get_future();
    p.ask(r, [promise](outcome o) { promise->set_value(std::move(o)); });
    return future;
  }

  outcome ask(const char* of_kind, step at, const std::string& fake = {}) {
    s.env["FAKE"] = fake;
    auto p = make_one(of_kind);
    if (!p)
      return tl::make_unexpected(call_failure());
    return begin(*p, at).get();
  }

  std::string text(const char* of_kind, step at, const std::string& fake = {}) {
    auto a = ask(of_kind, at, fake);
    return a ? a->text : a.error().code + ": " + a.error().why;
  }

  /// Whether nobody writes to the log any more.
  void expect_silence() {
    const auto size = fs::file_size(worktree / "log");
    providers::child_spec wait; // Time to write, if somebody is alive.
    wait.argv = {"/bin/sh", "-c", "sleep 0.3"};
    children.run(std::move(wait));
    EXPECT_EQ(fs::file_size(worktree / "log"), size);
  }

  test::scratch root;
  fs::path bin = root.path() / "bin", home = root.path() / "user", worktree = root.path() / "slot";
  test::variable path{"PATH", bin.string() + ":/usr/bin:/bin"};
  test::variable user{"HOME", home.string()};
  test::variable state{"XDG_STATE_HOME", (home / ".local/state").string()};
  test::variable token{"SCHEDULER_TEST_TOKEN", "do-not-leak-this"};
  providers::processes children;
  cli_settings s;
};

constexpr const char* vendors[] = {"codex-cli", "claude-code", "gemini-cli"};

TEST_F(CliRun, EachToolAnswersAndSaysWhoItIs) {
  const char* versions[] = {"0.169.0", "2.1.197", "0.61.0"};
  for (int i = 0; i < 3; ++i) {
    SCOPED_TRACE(vendors[i]);
    auto p = make_one(vendors[i]);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->who().provider, "mine") << "as the configuration names it: of a kind there may "
                                            "be two";
    EXPECT_EQ(p->who().model, "m-1");
    EXPECT_EQ(p->who().version, std::string(vendors[i]) + " " + versions[i]);
    auto a = begin(*p, step::audit).get();
    ASSERT_TRUE(a) << a.error().why;
    EXPECT_EQ(a->text, "an answer");
    EXPECT_GT(a->used.output, 0u);
    ASSERT_TRUE(a->usage["arguments"].is_array());
    EXPECT_GT(a->usage["arguments"].size(), 5u);
    EXPECT_EQ(a->usage.dump().find(canary), std::string::npos);
  }
}

TEST_F(CliRun, ThePromptArrivesWhole) {
  const std::string big(300'000, 'p');
  s.full_prompt = [&](const providers::request&) { return "do \"it\"\n" + big; };
  for (const auto* of_kind : vendors)
    EXPECT_TRUE(text(of_kind, step::audit, "echo-prompt") == "do \"it\"\n" + big) << of_kind;
}

TEST_F(CliRun, SeesExactlyTheseVariables) {
  EXPECT_EQ(text("codex-cli", step::audit, "env"), "CODEX_API_KEY FAKE HOME LANG PATH TERM TZ ");
  EXPECT_EQ(text("claude-code", step::audit, "env"),
            "ANTHROPIC_API_KEY CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC CLAUDE_CODE_MAX_RETRIES "
            "DISABLE_AUTOUPDATER DISABLE_ERROR_REPORTING DISABLE_TELEMETRY FAKE HOME LANG PATH "
            "TERM TZ ");
  EXPECT_EQ(text("gemini-cli", step::audit, "env"),
            "FAKE GEMINI_API_KEY GEMINI_CLI_NO_RELAUNCH GEMINI_CLI_SYSTEM_SETTINGS_PATH "
            "GEMINI_CLI_TRUST_WORKSPACE GOOGLE_GEMINI_BASE_URL HOME LANG PATH TERM TZ ");
}

TEST_F(CliRun, SeesNoFileOfTheUsersAndNoLedger) {
  const std::vector<fs::path> hidden{home / ".ssh/id_ed25519",
                                     home / ".local/state/scheduler/keys/repo",
                                     home / ".codex/history.jsonl",
                                     home,
                                     root.path() / "repo/.ai-stack-trace/Fix/inputs/prompt.md",
                                     "/root",
                                     "/home",
                                     "/etc/shadow"};
  std::string places, told;
  for (const auto& p : hidden) {
    places += p.string() + " ";
    told += (told.empty() ? "no " : "\nno ") + p.string();
  }
  s.env["FAKE_PLACES"] = places + "/workspace /etc/passwd";
  s.api_key.clear(); // With a login, which is what has to do with the home.
  for (const auto at : {step::plan, step::implement})
    EXPECT_EQ(text("codex-cli", at, "look"), told + "\nsees /workspace\nsees /etc/passwd");
}

TEST_F(CliRun, TheHomeHoldsTheLoginOrNothing) {
  EXPECT_EQ(text("codex-cli", step::plan, "home"), "holds ");
  EXPECT_EQ(text("gemini-cli", step::plan, "home"), "holds ./.gemini/settings.json ");
  s.api_key.clear();
  EXPECT_EQ(text("codex-cli", step::plan, "home"), "holds ./.codex/auth.json ");
}

TEST_F(CliRun, OnlyWritingStepsWrite) {
  for (const auto* of_kind : vendors) {
    SCOPED_TRACE(of_kind);
    for (const auto at : {step::audit, step::decide, step::plan, step::review, step::verify}) {
      EXPECT_EQ(text(of_kind, at, "write"), "read-only");
      EXPECT_FALSE(fs::exists(worktree / "written"));
    }
    for (const auto at : {step::implement, step::test}) {
      EXPECT_EQ(text(of_kind, at, "write"), "wrote");
      EXPECT_TRUE(fs::remove(worktree / "written"));
    }
  }
}

TEST_F(CliRun, AToolThatHangsWithItsStdinOpenIsEnded) {
  s.timeout = 700ms;
  for (const auto* of_kind : vendors) {
    auto a = ask(of_kind, step::audit, "hang");
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().code, "hung");
    EXPECT_EQ(static_cast<int>(a.error().is), static_cast<int>(kind::spoiled));
    EXPECT_TRUE(a.error().may_be_billed);
    EXPECT_NE(a.error().why.find("timed out after 700 ms"), std::string::npos) << a.error().why;
  }
}

TEST_F(CliRun, ASilentOneThatIsBusyIsEnded) {
  s.idle_timeout = 500ms;
  auto a = ask("claude-code", step::audit, "busy");
  ASSERT_FALSE(a);
  EXPECT_EQ(a.error().code, "hung");
  EXPECT_NE(a.error().why.find("idle_timeout"), std::string::npos) << a.error().why;
}

TEST_F(CliRun, ASlowOneThatPrintsIsLeftAlone) {
  s.idle_timeout = 2s; // It prints for 3 s.
  EXPECT_EQ(text("codex-cli", step::audit, "slow"), "an answer");
}

TEST_F(CliRun, ADaemonThatIgnoresSigtermIsGoneAfterTheRun) {
  EXPECT_EQ(text("codex-cli", step::implement, "daemon"), "an answer");
  expect_silence();
}

TEST_F(CliRun, ATreeOfThemIsGoneAfterATimeOut) {
  s.timeout = 1s;
  EXPECT_EQ(text("codex-cli", step::implement, "hung-daemon").substr(0, 5), "hung:");
  expect_silence();
}

TEST_F(CliRun, ExitCodesThatLieAreNotBelieved) {
  EXPECT_EQ(ask("codex-cli", step::audit, "lie").error().code, "unavailable");
  EXPECT_EQ(ask("codex-cli", step::audit, "refuse").error().code, "empty-answer");
  EXPECT_EQ(ask("claude-code", step::audit, "lie").error().code, "key-invalid");
  EXPECT_EQ(ask("gemini-cli", step::audit, "lie").error().code, "empty-answer");
}

TEST_F(CliRun, AToolThatPrintsItsKeyTellsItToNobody) {
  for (const auto* of_kind : vendors) {
    auto a = ask(of_kind, step::audit, "print-key");
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().why.find(canary), std::string::npos) << a.error().why;
  }
}

TEST_F(CliRun, AFloodIsNoHarm) {
  EXPECT_EQ(text("codex-cli", step::audit, "flood"), "an answer");
  EXPECT_EQ(text("claude-code", step::audit, "flood"), "an answer");
  EXPECT_EQ(ask("gemini-cli", step::audit, "no-flood-end").error().code, "malformed");
}

TEST_F(CliRun, ARenewedLoginComesBackAndAForgedOneDoesNot) {
  s.api_key.clear();
  s.env["FAKE_LOGIN"] = ".codex/auth.json";
  EXPECT_EQ(text("codex-cli", step::plan, "poison"), "an answer");
  EXPECT_EQ(test::read_file(home / ".codex/auth.json"), login);
  EXPECT_EQ(text("codex-cli", step::plan, "link"), "an answer");
  EXPECT_EQ(test::read_file(home / ".codex/auth.json"), login);
  EXPECT_EQ(text("codex-cli", step::plan, "refresh"), "an answer");
  EXPECT_NE(test::read_file(home / ".codex/auth.json").find("new-token"), std::string::npos);
}

TEST_F(CliRun, WhatIsMissingIsSaidAtOnce) {
  const auto why = [&](const char* of_kind) {
    auto made = make(of_kind, children, s);
    EXPECT_FALSE(made);
    return made ? std::string() : made.error().code + " " + made.error().detail;
  };
  s.api_key.clear();
  EXPECT_NE(why("claude-code").find("key-invalid [providers.mine]: there is neither a key nor"),
            std::string::npos);
  s.api_key = canary;
  fs::remove(bin / "codex");
  EXPECT_NE(why("codex-cli").find("npm install -g @openai/codex"), std::string::npos);
  EXPECT_NE(why("command").find("command = ["), std::string::npos);
  test::write_file(bin / "claude", "#!/bin/sh\necho no runtime >&2; exit 3\n");
  test::make_executable(bin / "claude");
  EXPECT_NE(why("claude-code").find("no runtime"), std::string::npos);
}

TEST_F(CliRun, WithoutASandboxNothingWritesUnlessAccepted) {
  s.sandbox_kind = sandbox_kind::none;
  EXPECT_EQ(ask("codex-cli", step::implement, "write").error().code, "unsandboxed");
  EXPECT_FALSE(fs::exists(worktree / "written"));
  EXPECT_EQ(text("codex-cli", step::plan), "an answer");
  s.writes = true;
  auto refused = make("codex-cli", children, s);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find("accept_unsandboxed"), std::string::npos);
  s.accept_unsandboxed = true;
  EXPECT_EQ(text("codex-cli", step::implement, "write"), "wrote");
  EXPECT_TRUE(fs::exists(worktree / "written"));
  EXPECT_EQ(text("codex-cli", step::plan, "env"),
            "CODEX_API_KEY FAKE HOME LANG PATH TERM TMPDIR TZ ");
}

TEST_F(CliRun, AWritingStepNeedsAWorktree) {
  worktree.clear();
  EXPECT_EQ(ask("codex-cli", step::implement).error().code, "no-worktree");
  EXPECT_EQ(text("codex-cli", step::plan, "write"), "read-only"); // Of an empty folder.
}

TEST_F(CliRun, AToolInTheUsersHomeRuns) {
  const auto tool = home / ".npm-global";
  fs::create_directories(tool / "bin");
  fs::create_directories(tool / "lib");
  fs::rename(bin / "codex", tool / "lib/codex.sh");
  fs::rename(bin / "common.sh", tool / "bin/common.sh");
  fs::create_symlink("../lib/codex.sh", tool / "bin/codex");
  const test::variable p("PATH", (tool / "bin").string() + ":/usr/bin:/bin");
  EXPECT_EQ(text("codex-cli", step::plan), "an answer");
  s.command = {(tool / "bin/codex").string()}; // By its path, and not in PATH.
  const test::variable q("PATH", "/usr/bin:/bin");
  EXPECT_EQ(text("codex-cli", step::plan), "an answer");
}

TEST_F(CliRun, EveryCallIsAnsweredWhenTheProgramEnds) {
  s.concurrency = 1;
  s.env["FAKE"] = "hang";
  auto p = make_one("codex-cli");
  ASSERT_TRUE(p);
  std::vector<std::future<outcome>> all;
  for (int i = 0; i < 3; ++i)
    all.push_back(begin(*p, step::plan));
  children.close();
  p.reset();
  for (auto& f : all) {
    ASSERT_EQ(f.wait_for(60s), std::future_status::ready);
    auto a = f.get();
    ASSERT_FALSE(a);
    EXPECT_EQ(a.error().code, "closing");
    EXPECT_EQ(static_cast<int>(a.error().is), static_cast<int>(kind::outage));
  }
}

TEST_F(CliRun, ACommandAnswersOnStdoutOrInAFile) {
  s.command = {"sh", "-c", "echo \"$0 said: $(head -n 1)\"; echo noise >&2", "{step}"};
  EXPECT_EQ(text("command", step::review), "review said: do \"Fix-Footer\"\n");
  s.command = {"sh", "-c", "cat \"$0\" > \"$1\"; echo noise", "{prompt_file}", "{answer_file}"};
  EXPECT_EQ(text("command", step::review), "do \"Fix-Footer\"\nplease");
  s.command = {"sh", "-c", "ln -s /etc/passwd \"$0\"", "{answer_file}"};
  EXPECT_EQ(text("command", step::review).substr(0, 13), "empty-answer:");
  s.command = {"sh", "-c", "echo not now >&2; exit 75"};
  auto later = ask("command", step::review);
  ASSERT_FALSE(later);
  EXPECT_EQ(static_cast<int>(later.error().is), static_cast<int>(kind::outage));
  EXPECT_NE(later.error().why.find("not now"), std::string::npos);
  EXPECT_EQ(make_one("command")->who().version.size(), std::string("command ").size() + 16);
}

} // namespace
