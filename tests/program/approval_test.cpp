// The person at the gate: tasks that wait, and orders to a scheduler at work.

#include "tests/program/program_fixture.hpp"

#include "ledger/detail.hpp"
#include "ledger/disk/lock.hpp"

#include <fstream>
#include <future>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace tests;
using ledger::event;
using ledger::step;

constexpr auto checks_only = R"([checks]
test = "true"
lint = "none"
schema_drift = "none"

[deploy]
kind = "none"
)";

constexpr auto human_ok = "contract/HUMAN_OK";

class approval : public ::testing::Test {
protected:
  approval() {
    fs::create_directories(runtime());
    fs::permissions(runtime(), fs::perms::owner_all);
    site.env["XDG_RUNTIME_DIR"] = runtime().string();
  }
  ~approval() override {
    EXPECT_EQ(leftovers(), words{});
    auto verify = site.run({"verify"});
    EXPECT_EQ(verify.exit_code, expected_verify) << verify.out << verify.err;
  }

  fs::path runtime() const { return site.home() / "run"; }
  fs::path gate() const { return site.home() / "gate"; }

  /// T's answer to `at` of round 1 comes when open_gate() is called: the script
  /// of the worktree reads a pipe. Reading steps have no script, so `at` writes.
  void hold_implement(const std::string& task) {
    // Of files of its own: who may change the same ones would wait for it.
    const std::string file = "src/about.html";
    for (auto at : {step::decide, step::plan})
      site.script(task + "/" + std::string{to_string(at)}, ledger::testing::good_answer(at, file));
    site.script(task + "/implement", ledger::testing::good_answer(step::implement, file),
                "exec 9<" + gate().string() + "\nread -r line <&9\n");
    write_file(site.scripts() / (task + "/implement.files") / file,
               with(site.site_file(file), "Three people", "Four people"));
    ASSERT_EQ(::mkfifo(gate().c_str(), 0600), 0);
  }
  /// Blocks until somebody waits there.
  void open_gate() { std::ofstream{gate()} << "go\n"; }

  std::future<ended> batch_at_work() {
    return std::async(std::launch::async, [this] { return site.batch(); });
  }

  /// Until the journal of `task` tells of `what` at `at`.
  void await(const std::string& task, event what, step at) {
    auto fd = ::inotify_init1(IN_CLOEXEC);
    auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    ::inotify_add_watch(fd, site.top().c_str(), IN_CREATE);
    while (std::chrono::steady_clock::now() < give_up) {
      ::inotify_add_watch(fd, site.ledger().c_str(), IN_CREATE);
      ::inotify_add_watch(fd, (site.ledger() / task).c_str(), IN_MODIFY | IN_CREATE);
      auto journal = read_file(site.file(task, "journal.jsonl"));
      auto part = "\"event\":\"" + std::string{to_string(what)} + "\",\"step\":\""
                  + std::string{to_string(at)} + "\"";
      if (has(journal, part)) {
        ::close(fd);
        return;
      }
      pollfd p{fd, POLLIN, 0};
      if (::poll(&p, 1, 1000) > 0) {
        char events[4096];
        [[maybe_unused]] auto n = ::read(fd, events, sizeof events);
      }
    }
    ::close(fd);
    FAIL() << task << " never came to " << to_string(what);
  }

  practice_site site;
  int expected_verify = 0;
};

TEST_F(approval, ABatchWaitsAndTheNextOneGoesOn) {
  site.prompt("T", "---\napprove: both\n---\nSay it on `src/index.html`.\n\n"
                       + block(site.diff({{"src/index.html", site.index_with("Rye.")}})));
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.err;
  EXPECT_TRUE(has(e.out, "T is waiting at step implement (approval)")) << e.out;
  EXPECT_TRUE(has(e.out, "`scheduler approve T`")) << e.out;
  EXPECT_EQ(to_string(site.state("T").is), "waiting");
  EXPECT_TRUE(has(site.run({"status"}).out, "waiting")) << "and status says so";
  EXPECT_TRUE(has(site.run({"status", "--json"}).out, R"("reason":"approval")"));
  auto records = site.records("T").size();
  EXPECT_EQ(site.batch().exit_code, 1) << "it waits still";
  EXPECT_EQ(site.records("T").size(), records) << "and no run touches it";

  EXPECT_EQ(site.run({"approve", "T", "--step", "deliver"}).exit_code, 2);
  e = site.run({"approve", "T"});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_EQ(site.run({"approve", "T"}).exit_code, 2) << "once is enough";
  EXPECT_EQ(site.batch().exit_code, 1);
  EXPECT_EQ(to_string(site.state("T").at), "deliver") << "the plan's approval does not deliver";
  EXPECT_EQ(site.branches(), words{});
  EXPECT_EQ(site.run({"approve", "T"}).exit_code, 0);
  EXPECT_EQ(read_file(site.file("T", human_ok)), "HUMAN_OK:T\n");
  EXPECT_EQ(site.batch().exit_code, 0);
  EXPECT_EQ(site.commits_of("T").size(), 1u);
  auto shown = site.run({"show", "T"}).out;
  EXPECT_TRUE(has(shown, "step deliver approved by")) << shown;
}

TEST_F(approval, AnApprovalFallsWhenAFixChangesTheTree) {
  site.configure(with(site.site_file("scheduler.toml"), "build = \"sh build.sh\"",
                      "build = \"sh build.sh && ! grep -q Rye. dist/index.html\"")
                 + "\n[approve]\ndeploy = true\n");
  // The build fails on the change, so a fix makes another tree.
  auto first = site.index_with("Rye.");
  auto diff = site.diff({{"src/index.html", first}});
  site.prompt(
      "T", "Say it on `src/index.html`.\n\n" + block(diff) + "\nthen\n\n"
               + block("diff --git a/src/index.html b/src/index.html\n"
                       + with(with(site.diff({{"src/index.html", with(first, "Rye.", "Spelt.")}}),
                                   "diff --git a/src/index.html b/src/index.html\n", ""),
                              "", "")));
  EXPECT_EQ(site.batch().exit_code, 1);
  auto tree = site.state("T").tree;
  ASSERT_EQ(site.run({"approve", "T"}).exit_code, 0);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 1) << e.out << e.err;
  auto s = site.state("T");
  EXPECT_FALSE(s.human_ok) << "nobody saw what the fix makes";
  EXPECT_FALSE(fs::exists(site.file("T", human_ok)));
  EXPECT_EQ(read_file(site.file("T", "contract/old/HUMAN_OK.round-1")), "HUMAN_OK:T\n");
  if (s.is == ledger::status::waiting) {
    EXPECT_NE(s.tree, tree);
    ASSERT_EQ(site.run({"approve", "T"}).exit_code, 0);
    EXPECT_EQ(site.batch().exit_code, 0);
    EXPECT_EQ(site.deploys_of("T").size(), 1u);
  }
}

TEST_F(approval, ApproveReachesASchedulerAtWork) {
  site.play_scripts(checks_only);
  site.prompt("Held", "Change `src/index.html`.\n");
  site.prompt("T", "---\napprove: deploy\n---\nChange `src/index.html`.\n");
  hold_implement("Held");
  auto batch = batch_at_work();
  await("T", event::awaiting, step::deliver);
  auto e = site.run({"approve", "T"});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_TRUE(has(e.out, "in the run at work")) << e.out;
  await("T", event::finished, step::deliver);
  open_gate();
  auto done = batch.get();
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(to_string(site.state("T").is), "done");
  EXPECT_FALSE(fs::exists(runtime() / "scheduler" / site.repo_id())) << "the socket is gone";
}

TEST_F(approval, CancelEndsATaskAtWorkAndTheBatchGoesOn) {
  site.play_scripts(checks_only);
  site.prompt("Held", "Change `src/index.html`.\n");
  site.prompt("T", "Change `src/index.html`.\n");
  hold_implement("Held");
  auto batch = batch_at_work();
  await("Held", event::asked, step::implement);
  auto e = site.run({"cancel", "Held"});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_EQ(site.run({"cancel", "Nobody"}).exit_code == 0, false);
  auto done = batch.get();
  EXPECT_EQ(done.exit_code, 1) << done.out << done.err;
  EXPECT_EQ(to_string(site.state("Held").is), "cancelled");
  EXPECT_EQ(to_string(site.state("T").is), "done");
  EXPECT_TRUE(has(done.out, "1 cancelled")) << done.out;
  EXPECT_EQ(site.records("Held").back().what, event::cancelled) << "nothing followed it";
}

TEST_F(approval, RetryWithANoteReachesASchedulerAtWork) {
  site.play_scripts(checks_only);
  site.prompt("Held", "Change `src/index.html`.\n");
  site.prompt("T", "Change `src/index.html`.\n");
  site.script("T/plan", "!fail refused no-idea I have none\n");
  hold_implement("Held");
  auto batch = batch_at_work();
  await("T", event::parked, step::plan);
  write_file(site.home() / "note", "Look at Mondays again.\n");
  fs::remove(site.scripts() / "T/plan.md");
  site.env["SOME_TOKEN"] = "Look at Mondays again.";
  EXPECT_EQ(site.run({"retry", "T", "--note", (site.home() / "note").string()}).exit_code, 2)
      << "a note that holds a secret";
  site.env.erase("SOME_TOKEN");
  auto e = site.run({"retry", "T", "--note", (site.home() / "note").string()});
  EXPECT_EQ(e.exit_code, 0) << e.err;
  EXPECT_TRUE(has(e.out, "the note is inputs/note-1.md")) << e.out;
  await("T", event::finished, step::deliver);
  open_gate();
  EXPECT_EQ(batch.get().exit_code, 0);
  EXPECT_EQ(read_file(site.file("T", "inputs/note-1.md")), "Look at Mondays again.\n");
}

TEST_F(approval, KilledRightAfterTheApprovalWasRecordedItStands) {
  site.play_scripts(checks_only);
  site.prompt("Held", "Change `src/index.html`.\n");
  site.prompt("T", "---\napprove: implement\n---\nChange `src/index.html`.\n");
  hold_implement("Held");
  // Records until then, in whatever order: Held up to `asked`, T up to `awaiting`.
  auto held = 1 + 3 * 4 + 2, waiting = 1 + 3 * 4 + 1;
  site.env["SCHEDULER_TEST_KILL_AFTER"] = std::to_string(held + waiting + 1);
  auto batch = batch_at_work();
  await("Held", event::asked, step::implement);
  await("T", event::awaiting, step::implement);
  site.env.erase("SCHEDULER_TEST_KILL_AFTER");
  // It is hung up on, and looks at the ledger itself.
  auto e = site.run({"approve", "T"});
  EXPECT_EQ(batch.get().exit_code, 128 + 9);
  EXPECT_EQ(e.exit_code, 2) << e.out << e.err;
  EXPECT_TRUE(has(e.err, "already")) << e.err;
  EXPECT_TRUE(site.state("T").human_ok);
  fs::remove(site.scripts() / "Held/implement.sh");
  auto done = site.batch();
  EXPECT_EQ(done.exit_code, 0) << done.out << done.err;
}

TEST_F(approval, OneWrittenByHandOpensNothing) {
  site.plain_prompt("T");
  site.configure(site.site_file("scheduler.toml") + "\n[approve]\ndeploy = true\n");
  ASSERT_EQ(site.batch().exit_code, 1);
  write_file(site.file("T", human_ok), "HUMAN_OK:T\n");
  expected_verify = 5;
  EXPECT_EQ(site.run({"verify"}).exit_code, 5);
  EXPECT_EQ(site.run({"approve", "T"}).exit_code, 5);
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 5) << e.out;
  EXPECT_EQ(site.state("T").reason, "contract-forged");
  EXPECT_EQ(site.branches(), words{});
  ASSERT_TRUE(fs::remove(site.file("T", human_ok)));
  expected_verify = 0;
  ASSERT_EQ(site.run({"retry", "T"}).exit_code, 0);
  EXPECT_EQ(site.batch().exit_code, 1) << "it waits again";
  ASSERT_EQ(site.run({"approve", "T"}).exit_code, 0);
  EXPECT_EQ(site.batch().exit_code, 0);
}

TEST_F(approval, NoChildInTheSandboxSeesTheSocket) {
  if (!has_bubblewrap())
    GTEST_SKIP() << "there is no sandbox here";
  auto socket = (runtime() / "scheduler").string();
  site.configure(with(site.site_file("scheduler.toml"), "test = \"sh tests/run.sh\"",
                      "test = \"test ! -e " + socket + " && test ! -e " + runtime().string()
                          + " && test -z \\\"$XDG_RUNTIME_DIR\\\"\""));
  site.plain_prompt("T");
  auto e = site.batch();
  EXPECT_EQ(e.exit_code, 0) << e.out << e.err;
  // Nor does it help to ask for it.
  site.configure(site.site_file("scheduler.toml") + "\n[sandbox]\nread_only = [\""
                 + runtime().string() + "\"]\n");
  e = site.batch();
  EXPECT_EQ(e.exit_code, 2);
  EXPECT_TRUE(has(e.err, "which no child may read")) << e.err;
}

} // namespace
