#include "cli/options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

namespace {

struct parsed {
  cli::command what;
  std::string out, err;
};

parsed parse(const std::vector<std::string>& args) {
  std::vector<const char*> argv{"scheduler"};
  for (auto& a : args)
    argv.push_back(a.c_str());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  parsed p;
  p.what = cli::parse_command_line(static_cast<int>(argv.size()), argv.data());
  p.out = ::testing::internal::GetCapturedStdout();
  p.err = ::testing::internal::GetCapturedStderr();
  return p;
}

template <class T>
T get(const std::vector<std::string>& args) {
  auto p = parse(args);
  auto* o = std::get_if<T>(&p.what);
  EXPECT_NE(o, nullptr) << p.err;
  return o ? *o : T{};
}

TEST(Options, ReadsEveryOptionOfABatch) {
  auto o =
      get<cli::batch_options>({"--tasks", "prompts", "--repo", "r", "--config", "c.toml", "--only",
                               "Fix-*", "--only", "Add-*", "-j", "16", "--dry-run", "--json",
                               "--quiet", "--allow-red-base", "--log-format", "json"});
  EXPECT_EQ(o.tasks, "prompts");
  EXPECT_EQ(o.repo, "r");
  EXPECT_EQ(o.config, "c.toml");
  EXPECT_EQ(o.only, (std::vector<std::string>{"Fix-*", "Add-*"}));
  EXPECT_EQ(o.in_flight, 16u);
  EXPECT_TRUE(o.dry_run && o.json && o.quiet && o.allow_red_base && o.json_log);
}

TEST(Options, LeavesWhatIsNotGivenAtItsDefault) {
  auto o = get<cli::batch_options>({"--tasks", "prompts"});
  EXPECT_TRUE(o.repo.empty() && o.config.empty() && o.only.empty());
  EXPECT_FALSE(o.in_flight);
  EXPECT_FALSE(o.dry_run || o.json || o.allow_red_base || o.json_log);
  EXPECT_FALSE(get<cli::batch_options>({"--tasks", "p", "--log-format", "text"}).json_log);
  EXPECT_EQ(get<cli::batch_options>({"--tasks"}).tasks, "") << "repo.prompts is meant";
  EXPECT_EQ(get<cli::batch_options>({"--tasks", "-j", "4"}).in_flight, 4u);
}

TEST(Options, ReadsEveryCommand) {
  EXPECT_TRUE(get<cli::status_options>({"status", "--json"}).json);
  auto show = get<cli::show_options>({"show", "A", "--diff", "--repo", "r"});
  EXPECT_EQ(show.task + show.repo, "Ar");
  EXPECT_TRUE(show.diff);
  EXPECT_EQ(get<cli::verify_options>({"verify", "A", "B"}).tasks.size(), 2u);
  EXPECT_TRUE(get<cli::verify_options>({"verify"}).tasks.empty());
  EXPECT_TRUE(get<cli::verify_options>({"verify", "--json"}).json);
  EXPECT_TRUE(get<cli::show_options>({"show", "A", "--json"}).json);
  auto doctor = get<cli::doctor_options>({"doctor", "--checks", "--json", "--config", "c.toml"});
  EXPECT_TRUE(doctor.checks && doctor.json);
  EXPECT_EQ(doctor.config, "c.toml");
  EXPECT_EQ(get<cli::doctor_options>({"--repo", "r", "doctor"}).repo, "r");
  EXPECT_FALSE(get<cli::doctor_options>({"doctor"}).checks);
  EXPECT_EQ(get<cli::retry_options>({"retry", "A", "--config", "c.toml"}).config, "c.toml");
  auto retry = get<cli::retry_options>({"retry", "A", "--from", "plan", "--note", "n.md"});
  EXPECT_EQ(retry.task, "A");
  EXPECT_EQ(retry.from, ledger::step::plan);
  EXPECT_EQ(retry.note, "n.md");
  EXPECT_FALSE(get<cli::retry_options>({"retry", "A"}).from);
  EXPECT_EQ(get<cli::cancel_options>({"cancel", "A"}).task, "A");
  EXPECT_EQ(get<cli::approve_options>({"approve", "A"}).task, "A");
  EXPECT_EQ(get<cli::approve_options>({"approve", "A", "--step", "deliver"}).at,
            ledger::step::deliver);
}

TEST(Options, TakesTheRepositoryBeforeTheCommandOrAfterIt) {
  for (std::string command : {"status", "verify"}) {
    auto before = parse({"--repo", "r", command}).what;
    auto after = parse({command, "--repo", "r"}).what;
    auto repo = [](const cli::command& c) {
      if (auto* s = std::get_if<cli::status_options>(&c))
        return s->repo;
      auto* v = std::get_if<cli::verify_options>(&c);
      return v ? v->repo : std::string{};
    };
    EXPECT_EQ(repo(before), "r") << command;
    EXPECT_EQ(repo(after), "r") << command;
  }
}

TEST(Options, RefusesWithASentenceThatNamesTheThing) {
  struct row {
    std::vector<std::string> args;
    std::string names;
  };
  std::vector<row> rows{
      {{"--tasks", ""}, "--tasks: the name of the folder is empty"},
      {{"--tasks=", "-j", "2"}, "--tasks: the name of the folder is empty"},
      {{"--tasks", "d", "-j", "0"}, "-j 0: give a whole number"},
      {{"--tasks", "d", "-j", "-1"}, "-j"},
      {{"--tasks", "d", "-j", "4x"}, "-j 4x: give a whole number"},
      {{"--tasks", "d", "-j", "4294967297"}, "-j 4294967297"},
      {{"--tasks", "d", "--tasks", "e"}, "--tasks is given more than once"},
      {{"--tasks", "d", "--log-format", "xml"}, "--log-format xml"},
      {{"--tasks", "d", "--only", "a", "b"}, "`b`: there is no such option or command"},
      {{"--tasks", "d", "--dryrun"}, "did you mean `--dry-run`?"},
      {{"--tasks", "d", "--watch"}, "`--watch`"},
      {{"--json"}, "--tasks DIR, or a command"},
      {{"stauts"}, "did you mean `status`?"},
      {{"status", "--tasks", "d"}, "--tasks belongs to a batch, not to `status`"},
      {{"--tasks", "d", "status"}, "--tasks belongs to a batch, not to `status`"},
      {{"--repo", "r", "status", "--repo", "q"}, "--repo is given twice"},
      {{"status", "now"}, "`now`"},
      {{"show"}, "TASK"},
      {{"show", "A", "B"}, "`B`"},
      {{"show", "../A"}, "TASK: `../A`"},
      {{"verify", "A", ".scheduler"}, "TASK: `.scheduler`"},
      {{"cancel", "a/b"}, "TASK: `a/b`"},
      {{"approve", "a/b"}, "TASK: `a/b`"},
      {{"approve", "A", "--step", "test"}, "give implement or deliver"},
      {{"retry", "A", "--from", "fix"}, "--from fix: there is no such step; give one of ingest,"},
      {{"retry", "A", "--note"}, "--note needs a value"},
      {{"retry", "A", "--note", ""}, "--note: the name of the file is empty"},
  };
  for (auto& r : rows) {
    auto p = parse(r.args);
    SCOPED_TRACE(r.names);
    auto* end = std::get_if<cli::answered>(&p.what);
    ASSERT_NE(end, nullptr);
    EXPECT_EQ(end->exit_code, 2);
    EXPECT_NE(p.err.find(r.names), std::string::npos) << p.err;
    EXPECT_EQ(p.err.rfind("scheduler: ", 0), 0u) << p.err;
    EXPECT_TRUE(p.out.empty()) << p.out;
  }
}

TEST(Options, WritesNoControlCharactersOfAnArgument) {
  auto p = parse({"--tasks", "d", "--\x1b[2J"});
  EXPECT_EQ(p.err.find('\x1b'), std::string::npos);
}

TEST(Options, HelpGoesToStdoutAndNamesEveryOptionAndExitCode) {
  auto p = parse({"--help"});
  EXPECT_EQ(std::get<cli::answered>(p.what).exit_code, 0);
  EXPECT_TRUE(p.err.empty());
  for (std::string word :
       {"--tasks DIR", "--repo DIR", "--config FILE",    "--only GLOB",  "-j N",
        "--dry-run",   "--json",     "--allow-red-base", "--log-format", "--version",
        "status",      "show",       "verify",           "doctor",       "retry",
        "approve",     "cancel",     "Exit codes",       "  130  ",      "  6  ",
        "Examples:"})
    EXPECT_NE(p.out.find(word), std::string::npos) << word;
}

TEST(Options, EachCommandHasAHelpOfItsOwn) {
  auto p = parse({"retry", "--help"});
  EXPECT_EQ(std::get<cli::answered>(p.what).exit_code, 0);
  EXPECT_NE(p.out.find("--note FILE"), std::string::npos);
  EXPECT_NE(p.out.find("Steps: ingest, audit,"), std::string::npos);
  EXPECT_EQ(p.out.find("--tasks DIR "), std::string::npos) << p.out;
}

TEST(Options, HelpLinesFitAScreen) {
  for (auto& args : std::vector<std::vector<std::string>>{
           {"--help"}, {"status", "--help"}, {"show", "--help"}, {"retry", "--help"}}) {
    auto text = parse(args).out;
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\n', at);
      EXPECT_LE(end - at, 100u) << text.substr(at, end - at);
      at = end + 1;
    }
  }
}

TEST(Options, TellsItsVersion) {
  auto p = parse({"--version"});
  EXPECT_EQ(std::get<cli::answered>(p.what).exit_code, 0);
  EXPECT_EQ(p.out.rfind("scheduler ", 0), 0u) << p.out;
}

TEST(Options, WithoutArgumentsHelpGoesToStderr) {
  auto p = parse({});
  EXPECT_EQ(std::get<cli::answered>(p.what).exit_code, 2);
  EXPECT_TRUE(p.out.empty());
  EXPECT_NE(p.err.find("Usage: scheduler"), std::string::npos);
  EXPECT_NE(p.err.find("scheduler: nothing to do: name a folder"), std::string::npos) << p.err;
}

} // namespace
