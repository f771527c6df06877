#include "cli/doctor.hpp"

#include "cli/base_check.hpp"
#include "cli/config_file.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/lock.hpp"
#include "tests/cli/told_ledger.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <ostream>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using cli::exit_code;
using cli::health;
using test::has;

/// A machine on which nothing is wrong, and a role that a service plays.
cli::doctor_facts healthy() {
  cli::doctor_facts f;
  f.kernel = "6.1.0-18-amd64";
  f.files_hard = 524'288;
  f.git_version = "git version 2.39.5";
  f.has_config = true;
  cli::place_fact p;
  p.top = "/home/me/shop";
  p.base = "cdb85dbb89440123456789abcdef0123456789ab";
  p.key_file = "/home/me/.local/state/scheduler/keys/abc";
  p.rooms = {{"repository", "/home/me/shop", std::uint64_t{20} << 30, {}}};
  f.place = p;
  cli::player_fact codex;
  codex.plays = ledger::role::codex;
  codex.name = "google";
  codex.config.kind = "gemini";
  codex.config.model = "big";
  codex.config.price = ledger::token_price{1.25, 1.25, 1.25, 10};
  codex.key_is_set = true;
  f.players = {codex};
  f.checks.is = cli::checks_state::known_green;
  f.checks.when = "2026-01-02 03:04Z";
  return f;
}

/// A role that a vendor's tool plays, by its own login.
void make_tool(cli::doctor_facts& f) {
  auto& p = f.players.front();
  p.name = p.config.kind = "codex-cli";
  p.config.model.clear();
  p.config.price.reset();
  p.key_is_set = false;
  p.login_file = "/home/me/.codex/auth.json";
  p.has_login = true;
  p.program = {"codex", "/usr/bin/codex", "codex-cli 0.169.0", {}};
}

TEST(DoctorReport, OfAHealthyMachineEveryLineIsOk) {
  EXPECT_EQ(cli::as_lines(cli::findings_of(healthy())),
            "ok    linux: 6.1.0-18-amd64\n"
            "ok    open files: at most 524288\n"
            "ok    git: git version 2.39.5\n"
            "ok    repository: /home/me/shop\n"
            "ok    configuration: it is sound\n"
            "ok    base: cdb85dbb8944 (HEAD)\n"
            "ok    sandbox bwrap: it works\n"
            "ok    role codex: google (gemini), model big, $1.25 in and $10 out for a million "
            "tokens, key in GEMINI_API_KEY\n"
            "ok    checks: green on the base, as an earlier run found (2026-01-02 03:04Z)\n"
            "ok    ledger: none yet: the first batch makes it\n"
            "ok    lock: free\n"
            "ok    signing key: none yet: the first batch makes "
            "/home/me/.local/state/scheduler/keys/abc\n"
            "ok    disk of the repository: 20 GiB free in /home/me/shop\n");
}

TEST(DoctorReport, WhatADeployLacksIsBad) {
  auto f = healthy();
  f.deploy = "netlify-api";
  EXPECT_NE(
      cli::as_lines(cli::findings_of(f)).find("ok    deploy netlify-api: what it needs is set\n"),
      std::string::npos);
  f.deploy_why = "[deploy]: the variable NETLIFY_SITE_ID is not set; put the id of the site there";
  EXPECT_NE(
      cli::as_lines(cli::findings_of(f))
          .find("bad   deploy netlify-api: [deploy]: the variable NETLIFY_SITE_ID is not set"),
      std::string::npos);
}

struct line {
  std::string_view name;
  std::function<void(cli::doctor_facts&)> change;
  std::string_view want; ///< A whole line.
};

void PrintTo(const line& l, std::ostream* out) {
  *out << l.name;
}

class doctor_lines : public testing::TestWithParam<line> {};

TEST_P(doctor_lines, SayWhatIsFoundAndTheFix) {
  auto f = healthy();
  GetParam().change(f);
  auto all = "\n" + cli::as_lines(cli::findings_of(f));
  EXPECT_TRUE(has(all, "\n" + std::string(GetParam().want) + "\n")) << all;
}

using facts = cli::doctor_facts;

INSTANTIATE_TEST_SUITE_P(
    Machine, doctor_lines,
    testing::Values(
        line{"old_linux", [](facts& f) { f.kernel = "5.4.0"; },
             "bad   linux: 5.4.0 is too old; use Linux 5.8 or newer: openat2, pidfds and syncfs as "
             "it should be are not in it"},
        line{"newer_linux", [](facts& f) { f.kernel = "5.10.1"; }, "ok    linux: 5.10.1"},
        line{"odd_linux", [](facts& f) { f.kernel = "what"; },
             "warn  linux: the version \"what\" cannot be read; see that it is Linux 5.8 or newer"},
        line{"few_files", [](facts& f) { f.files_hard = 1024; },
             "warn  open files: at most 1024; raise the hard limit (`ulimit -Hn`) to 4096 or more, "
             "or lower limits.tasks_in_flight"},
        line{"no_git", [](facts& f) { f.git_why = "no such program in PATH"; },
             "bad   git: no such program in PATH; install git, or correct PATH"},
        line{"little_room",
             [](facts& f) { f.place->rooms[0].free_bytes = std::uint64_t{200} << 20; },
             "warn  disk of the repository: 200 MiB free in /home/me/shop; make room: the ledger "
             "keeps everything, and each task needs a checkout"},
        line{"no_room", [](facts& f) { f.place->rooms[0].free_bytes = 5; },
             "bad   disk of the repository: 0 MiB free in /home/me/shop; make room: the ledger "
             "keeps everything, and each task needs a checkout"},
        line{"read_only", [](facts& f) { f.place->rooms[0].why = "Read-only file system"; },
             "bad   disk of the repository: /home/me/shop cannot be written to: Read-only file "
             "system; mend that, or take another place"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Repository, doctor_lines,
    testing::Values(
        line{"none",
             [](facts& f) {
               f.place.reset();
               f.place_why = "there is no repository here; name one with --repo";
             },
             "bad   repository: there is no repository here; name one with --repo"},
        line{"no_configuration",
             [](facts& f) {
               f.has_config = false;
               f.is_config_missing = true;
             },
             "bad   configuration: there is none yet; `scheduler --tasks DIR 2> scheduler.toml` "
             "writes one to begin with"},
        line{"second_complaint",
             [](facts& f) {
               f.has_config = false;
               f.config_why = {"scheduler.toml:1:1: x; y", "scheduler.toml:2:1: z"};
             },
             "bad   configuration: scheduler.toml:2:1: z"},
        line{"no_base", [](facts& f) { f.place->base_why = "no commit `main`"; },
             "bad   base: no commit `main`; name a branch, tag or commit in repo.base"},
        line{"filter", [](facts& f) { f.place->filter_why = "needs lfs; take another base"; },
             "bad   base: needs lfs; take another base"},
        line{"no_sandbox", [](facts& f) { f.sandbox_why = "start the sandbox: exit 1"; },
             "bad   sandbox bwrap: start the sandbox: exit 1"},
        line{"without_sandbox", [](facts& f) { f.sandbox = ledger::sandbox_kind::none; },
             "warn  sandbox none: checks, builds and tools may read and write all that you can; "
             "install bubblewrap and take kind = \"bwrap\", where it works"},
        line{"damage",
             [](facts& f) {
               f.place->ledger = {cli::ledger_state::damaged, 3, "A: x: altered"};
             },
             "bad   ledger: damaged: A: x: altered; `scheduler verify` names every damage and the "
             "ways out"},
        line{"ledger",
             [](facts& f) {
               f.place->ledger = {cli::ledger_state::sound, 1, {}};
             },
             "ok    ledger: 1 task"},
        line{"locked",
             [](facts& f) {
               f.place->is_locked = true;
               f.place->lock_holder = "4711";
             },
             "warn  lock: a scheduler works in this repository (process 4711); wait for it or end "
             "it, before another one is begun"},
        line{"key_gone",
             [](facts& f) {
               f.place->key = cli::key_state::unusable;
               f.place->key_why = "k is gone; restore it";
             },
             "bad   signing key: k is gone; restore it"},
        line{"unknown_checks",
             [](facts& f) {
               f.checks = {cli::checks_state::not_known, {}, {}};
             },
             "warn  checks: nobody ran them yet on this base; `scheduler doctor --checks` runs "
             "them; so does a batch, first of all"},
        line{"red_checks",
             [](facts& f) {
               f.checks = {cli::checks_state::red, {}, "test (exit 1)"};
             },
             "bad   checks: red on the base: test (exit 1); mend the base, or begin with "
             "--allow-red-base; a batch keeps what they print"}),
    [](const auto& row) { return std::string(row.param.name); });

INSTANTIATE_TEST_SUITE_P(
    Players, doctor_lines,
    testing::Values(
        line{"no_key", [](facts& f) { f.players[0].key_is_set = false; },
             "bad   role codex: google (gemini), model big, $1.25 in and $10 out for a million "
             "tokens: the variable GEMINI_API_KEY is not set; export GEMINI_API_KEY=… before the "
             "start, or name another variable with api_key_env"},
        line{"own_address_without_key",
             [](facts& f) {
               f.players[0].config.base_url = "http://127.0.0.1:8080";
               f.players[0].config.price = ledger::token_price{};
             },
             "ok    role codex: google (gemini), model big, at http://127.0.0.1:8080, free, "
             "without a key"},
        line{"cannot_be_made", [](facts& f) { f.players[0].why = "no such thing; do that"; },
             "bad   role codex: google (gemini), model big, $1.25 in and $10 out for a million "
             "tokens: no such thing; do that"},
        line{"offline",
             [](facts& f) {
               f.players[0] = {};
               f.players[0].name = f.players[0].config.kind = "offline";
               f.players[0].is_fallback = true;
             },
             "ok    role gemini (fallback): offline, asks no model"},
        line{"tool", make_tool,
             "ok    role codex: codex-cli, its own model, no price, with its own login"},
        line{"program", make_tool, "ok    program codex: /usr/bin/codex, codex-cli 0.169.0"},
        line{"no_login",
             [](facts& f) {
               make_tool(f);
               f.players[0].has_login = false;
             },
             "bad   role codex: codex-cli, its own model, no price: there is neither a key nor a "
             "login in /home/me/.codex/auth.json; log in with `codex login`, or name a key's "
             "variable with api_key_env"},
        line{"no_program",
             [](facts& f) {
               make_tool(f);
               f.players[0].program.path.clear();
             },
             "bad   program codex: it is not found in PATH, or may not be executed; install it "
             "(`npm install -g @openai/codex`), or name it with command in [providers.codex-cli]"},
        line{"broken_program",
             [](facts& f) {
               make_tool(f);
               f.players[0].program.why = "timed out after 10 s";
             },
             "bad   program codex: /usr/bin/codex does not say its version: timed out after 10 s; "
             "install it anew (`npm install -g @openai/codex`)"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(DoctorReport, AWildVersionMovesNoCursor) {
  auto f = healthy();
  f.git_version = "git \x1b[2J\n2";
  EXPECT_EQ(cli::as_lines(cli::findings_of(f)).find('\x1b'), std::string::npos);
}

TEST(DoctorReport, AsJsonEachFindingIsAnObject) {
  auto f = healthy();
  f.git_why = "gone";
  auto j = cli::as_json(cli::findings_of(f));
  EXPECT_EQ(j["checks"][2].dump(), "{\"what\":\"git\",\"state\":\"bad\",\"detail\":\"gone\","
                                   "\"fix\":\"install git, or correct PATH\"}");
}

// -- on a real repository --------------------------------------------------------------

/// Name and content of every file.
std::map<std::string, std::string> picture_of(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (auto& e : fs::recursive_directory_iterator(folder))
    all[e.path().string()] = e.is_regular_file() ? test::read_file(e.path()) : "";
  return all;
}

/// Providers of every kind, made without looking.
class nobody final : public providers::provider {
public:
  providers::identity who() const override { return {"nobody", "none", "1"}; }
  void ask(std::shared_ptr<const providers::request>, providers::answer_callback done) override {
    done(tl::make_unexpected(providers::call_failure()));
  }
};

class Doctor : public test::told_ledger {
public:
  test::said doctor(bool json = false, bool checks = false) {
    cli::seams with;
    for (auto* kind : {"gemini", "openai-chat", "codex-cli"})
      with.kinds[kind] = [](auto&, auto&,
                            auto&) -> ledger::result<std::unique_ptr<providers::provider>> {
        return std::make_unique<nobody>();
      };
    std::ostringstream out;
    auto code = cli::doctor({top(), {}, json, checks}, with, out);
    return {code, out.str(), {}};
  }

  /// Codex is played by `kind`; `keys` is what its table says besides.
  void let_codex_be(const std::string& kind, const std::string& keys) {
    configure();
    auto text = test::read_file(repository.top() / "scheduler.toml");
    auto at = text.find("[roles.codex]");
    auto provider = text.find("\"offline\"", at);
    text.replace(provider, 9, "\"p\"");
    repository.write("scheduler.toml", text + "[providers.p]\nkind = \"" + kind + "\"\n" + keys);
  }

  /// A program in a folder that PATH begins with.
  std::string program(const std::string& name, const std::string& script) {
    auto folder = repository.folder() / "bin";
    fs::create_directories(folder);
    test::write_file(folder / name, "#!/bin/sh\n" + script);
    fs::permissions(folder / name, fs::perms::owner_all);
    return folder.string() + ":" + std::getenv("PATH");
  }
};

TEST_F(Doctor, FindsNothingBadWhereABatchCouldBeginAndWritesNothing) {
  configure();
  auto before = picture_of(repository.folder());
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_EQ(picture_of(repository.folder()), before);
  EXPECT_TRUE(has(s.out, "ok    git: git version ")) << s.out;
  EXPECT_TRUE(has(s.out, "ok    role claude: offline, asks no model\n")) << s.out;
  EXPECT_TRUE(has(s.out, "warn  checks: nobody ran them yet")) << s.out;
  EXPECT_TRUE(has(s.out, "ok    signing key: none yet")) << s.out;
  auto j = nlohmann::json::parse(doctor(true).out);
  EXPECT_EQ(j["checks"][0]["what"], "linux");
  EXPECT_EQ(picture_of(repository.folder()), before);
}

TEST_F(Doctor, WithoutAConfigurationItSaysHowToMakeOneAndLooksAtTheRest) {
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.out, "bad   configuration: there is none yet")) << s.out;
  EXPECT_TRUE(has(s.out, "ok    base: ")) << s.out;
}

TEST_F(Doctor, TellsEveryErrorOfTheConfiguration) {
  configure("[limits]\ntries = 0\nturns = 0\n");
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.out, "[limits] \"tries\" is 0")) << s.out;
  EXPECT_TRUE(has(s.out, "[limits] \"turns\" is 0")) << s.out;
}

TEST_F(Doctor, NamesTheVariableOfAKeyAndNeverItsValue) {
  let_codex_be("gemini", "model = \"m\"\napi_key_env = \"SHOP_KEY\"\n"
                         "price = { input = 1, output = 2 }\n");
  {
    test::environment unset(test::environment::values{{"SHOP_KEY", std::nullopt}});
    auto s = doctor();
    EXPECT_EQ(s.code, exit_code::usage);
    EXPECT_TRUE(has(s.out, "the variable SHOP_KEY is not set")) << s.out;
  }
  test::environment set(test::environment::values{{"SHOP_KEY", "canary-of-the-key"}});
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_TRUE(has(s.out, "key in SHOP_KEY")) << s.out;
  EXPECT_FALSE(has(s.out + doctor(true).out, "canary")) << s.out;
}

// One that may write code in a role needs more than one that only reads.
TEST_F(Doctor, MakesAProviderForEachRoleThatItPlays) {
  configure();
  auto text = test::read_file(repository.top() / "scheduler.toml");
  for (std::string role : {"claude", "codex"}) {
    auto at = text.find("\"offline\"", text.find("[roles." + role + "]"));
    text.replace(at, 9, "\"p\"");
  }
  test::write_file(repository.top() / "scheduler.toml",
                   text
                       + "\n[providers.p]\nkind = \"codex-cli\"\napi_key_env = "
                         "\"SHOP_KEY\"\n");
  auto path = program("codex", "echo codex-cli 9.9\n");
  test::environment tool(test::environment::values{{"PATH", path}, {"SHOP_KEY", "a-key"}});
  cli::seams with;
  with.kinds["codex-cli"] = [](auto& c, auto&,
                               auto&) -> ledger::result<std::unique_ptr<providers::provider>> {
    if (c.plays == ledger::role::codex)
      return ledger::fail(ledger::fault::refused, "not for who writes");
    return std::make_unique<nobody>();
  };
  std::ostringstream out;
  EXPECT_EQ(cli::doctor({top(), {}, false, false}, with, out), exit_code::usage);
  EXPECT_TRUE(has(out.str(), "not for who writes")) << out.str();
}

TEST_F(Doctor, AsksAToolForItsVersionWithoutAnyKeyInAHomeOfItsOwn) {
  let_codex_be("codex-cli", "api_key_env = \"SHOP_KEY\"\n");
  auto path = program("codex", "touch $HOME/mark\necho \"codex-cli 9.9 [$SHOP_KEY]\"\n");
  test::environment at(
      test::environment::values{{"PATH", path}, {"SHOP_KEY", "canary-of-the-key"}});
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_TRUE(has(s.out, "bin/codex, codex-cli 9.9 []\n")) << s.out;
}

TEST_F(Doctor, AToolWithoutKeyAndLoginAndOneThatFailsAreBad) {
  let_codex_be("codex-cli", "");
  auto path = program("codex", "echo broken\nexit 3\n");
  test::environment at(
      test::environment::values{{"PATH", path}, {"HOME", repository.folder().string()}});
  auto s = doctor();
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.out, "neither a key nor a login in ")) << s.out;
  EXPECT_TRUE(has(s.out, "does not say its version: exit 3 (broken)")) << s.out;
  fs::create_directories(repository.folder() / ".codex");
  test::write_file(repository.folder() / ".codex/auth.json", "canary-of-the-login");
  s = doctor();
  EXPECT_TRUE(has(s.out, "ok    role codex: p (codex-cli), its own model, no price, with its own "
                         "login\n"))
      << s.out;
  EXPECT_FALSE(has(s.out, "canary")) << s.out;
}

TEST_F(Doctor, RunsTheChecksOnTheBaseOnlyWhenToldAndKeepsNothing) {
  configure();
  auto before = picture_of(repository.folder());
  auto s = doctor(false, true);
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_TRUE(has(s.out, "ok    checks: green on the base\n")) << s.out;
  auto text = test::read_file(repository.top() / "scheduler.toml");
  text.replace(text.find("\"true\""), 6, "\"false\"");
  repository.write("scheduler.toml", text);
  s = doctor(false, true);
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.out, "bad   checks: red on the base: test (exit 1)")) << s.out;
  before[(repository.top() / "scheduler.toml").string()] = text;
  EXPECT_EQ(picture_of(repository.folder()), before);
}

TEST_F(Doctor, KnowsWhatAnEarlierRunFoundOfTheBase) {
  configure();
  std::string file = (repository.top() / "scheduler.toml").string();
  auto c = cli::parse_config(test::read_file(file), "scheduler.toml", {"offline"});
  ASSERT_TRUE(c) << c.error().detail;
  auto digest = ledger::digest_of(*c);
  auto base = *here.repository->tree_of(*here.repository->resolve_commit("HEAD"));
  {
    auto journal = open_journal();
    ASSERT_TRUE(journal.put_note(cli::base_note(base, digest), "green"));
    ASSERT_TRUE(journal.close());
  }
  auto s = doctor();
  EXPECT_TRUE(has(s.out, "ok    checks: green on the base, as an earlier run found\n")) << s.out;
  auto log = cli::base_log(here.ledger_root, base, digest);
  fs::create_directories(log.parent_path());
  test::write_file(log, "GREEN\n");
  s = doctor();
  EXPECT_TRUE(has(s.out, "as an earlier run found (20")) << s.out;
}

TEST_F(Doctor, SeesLedgerLockAndKey) {
  configure();
  tell("Done", [](test::telling& t) { t.finish(); });
  auto s = doctor();
  EXPECT_TRUE(has(s.out, "ok    ledger: 1 task\n")) << s.out;
  EXPECT_TRUE(has(s.out, "ok    signing key: " + (here.state_dir / here.repo_id).string()))
      << s.out;
  {
    auto lock = ledger::disk::repository_lock::take(here.repository->common_dir());
    ASSERT_TRUE(lock);
    s = doctor();
    EXPECT_TRUE(has(s.out, "(process " + std::to_string(::getpid()) + ")")) << s.out;
    EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  }
  auto key = here.state_dir / here.repo_id;
  auto seed = test::read_file(key);
  test::write_file(key, std::string(64, 'a') + "\n");
  s = doctor();
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.out, "bad   signing key: ") && has(s.out, "is not a trusted one")) << s.out;
  EXPECT_FALSE(has(s.out, "aaaa")) << s.out;
  fs::remove(key);
  s = doctor();
  EXPECT_TRUE(has(s.out, "is gone, but tasks were signed with it")) << s.out;
  EXPECT_FALSE(fs::exists(key)) << "no new key";
  test::alter(folder("Done") / "journal.jsonl");
  EXPECT_TRUE(has(doctor().out, "bad   ledger: damaged: Done: journal.jsonl")) << doctor().out;
}

TEST_F(Doctor, OutsideARepositoryItStillLooksAtTheMachine) {
  auto elsewhere = repository.folder() / "plain";
  fs::create_directories(elsewhere);
  std::ostringstream out;
  EXPECT_EQ(cli::doctor({elsewhere.string(), {}, false, false}, {}, out), exit_code::usage);
  EXPECT_TRUE(has(out.str(), "bad   repository: ")) << out.str();
  EXPECT_TRUE(has(out.str(), "ok    git: ")) << out.str();
}

} // namespace
