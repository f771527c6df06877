#include "providers/process.hpp"

#include "providers/bounded_text.hpp"
#include "tests/providers/other_program.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <future>
#include <set>
#include <sstream>
#include <sys/wait.h>

namespace {

using namespace std::chrono_literals;
using ledger::fault;
using providers::bounded_text;
using providers::child_result;
using providers::child_spec;
using providers::processes;
using end = child_result::end;

child_spec sh(std::string command) {
  child_spec s;
  s.argv = {"sh", "-c", std::move(command)};
  s.env = {{"PATH", std::getenv("PATH")}};
  s.timeout = 60s; // Never reached; a hang becomes a failure.
  return s;
}

bool is_alive(const std::string& pid) {
  const auto status = test::read_file("/proc/" + pid + "/stat");
  const auto name_end = status.rfind(") ");
  return name_end != std::string::npos && status[name_end + 2] != 'Z';
}

/// Waits, for at most 10 s, until a process is gone.
bool ends(const std::string& pid) {
  const auto until = std::chrono::steady_clock::now() + 10s;
  while (is_alive(pid)) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(Process, GivesOutputAndExitCode) {
  processes p;
  auto r = p.run(sh("echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->exit_code, 7);
  EXPECT_EQ(r->how, end::exited);
  EXPECT_FALSE(r->ok());
  EXPECT_EQ(r->output, "out\nerr\n");
  EXPECT_EQ(r->ended(), "exit 7");
}

TEST(Process, KeepsStderrApartIfAsked) {
  processes p;
  auto s = sh("echo out; echo err >&2");
  s.merge_stderr = false;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ok());
  EXPECT_EQ(r->output, "out\n");
  EXPECT_EQ(r->err, "err\n");
}

TEST(Process, GivesTheChildOnlyItsOwnEnvironmentFolderAndDescriptors) {
  ::setenv("SCHEDULER_TEST_INHERITED", "yes", 1);
  test::scratch folder;
  processes p;
  auto s = sh("pwd; echo ${SCHEDULER_TEST_INHERITED-none} $MINE; ls /proc/self/fd | wc -l");
  s.directory = folder.path().string();
  s.env["MINE"] = "mine";
  auto r = p.run(std::move(s));
  ::unsetenv("SCHEDULER_TEST_INHERITED");
  ASSERT_TRUE(r);
  // Three streams, and the one with which ls reads the folder.
  EXPECT_EQ(r->output, folder.path().string() + "\nnone mine\n4\n");
}

TEST(Process, ClosesStdin) {
  processes p;
  auto r = p.run(sh("cat; echo end"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->output, "end\n");
}

TEST(Process, FeedsStdinHoweverLarge) {
  processes p;
  auto s = sh("wc -c");
  s.stdin_text = std::string(3'000'000, 'x');
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(std::stoul(r->output), 3'000'000u);
}

TEST(Process, AChildThatNeverReadsItsInputBlocksNobody) {
  processes p;
  auto s = sh("echo done");
  s.stdin_text = std::string(3'000'000, 'x');
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->output, "done\n");
}

TEST(Process, SaysWhichProgramIsMissing) {
  processes p;
  auto s = sh("");
  s.argv = {"no-such-program-here"};
  auto r = p.run(std::move(s));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, fault::not_found);
  EXPECT_NE(r.error().detail.find("no-such-program-here"), std::string::npos);

  s = sh("");
  s.argv = {"/no/such/program"};
  r = p.run(std::move(s));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, fault::not_found);
}

TEST(Process, AFolderThatIsMissingIsNoMissingProgram) {
  processes p;
  auto s = sh("true");
  s.directory = "/no/such/folder";
  auto r = p.run(std::move(s));
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, fault::unavailable);
  EXPECT_NE(r.error().detail.find("/no/such/folder"), std::string::npos);
}

TEST(Process, LooksProgramsUpInTheChildsPath) {
  test::scratch folder;
  test::write_file(folder.path() / "only-here", "#!/bin/sh\necho found\n");
  test::make_executable(folder.path() / "only-here");
  processes p;
  auto s = sh("");
  s.argv = {"only-here"};
  EXPECT_FALSE(p.run(s));
  s.env["PATH"] = folder.path().string();
  auto r = p.run(s);
  ASSERT_TRUE(r) << r.error().detail;
  EXPECT_EQ(r->output, "found\n");
}

TEST(Process, TellsASignalFromAnExit) {
  processes p;
  auto r = p.run(sh("kill -KILL $$"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::signalled);
  EXPECT_EQ(r->exit_code, 128 + SIGKILL);
  EXPECT_EQ(r->ended(), "killed by signal 9");
}

TEST(Process, EndsAHungChildInTime) {
  processes p;
  auto s = sh("sleep 300");
  s.timeout = 200ms;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::timed_out);
  EXPECT_EQ(r->ended(), "timed out after 200 ms");
  EXPECT_GE(r->took, 200ms);
  EXPECT_LT(r->took, 30s);
}

TEST(Process, ASignalledChildHasFailedWhateverItsExitCode) {
  processes p;
  // `wait` returns at the signal, so that the trap runs at once.
  auto s = sh("trap 'exit 0' TERM; sleep 300 & wait");
  s.timeout = 200ms;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->exit_code, 0);
  EXPECT_EQ(r->how, end::timed_out);
  EXPECT_FALSE(r->ok());
}

TEST(Process, KillsAChildThatIgnoresSigterm) {
  processes p;
  auto s = sh("trap '' TERM; while :; do sleep 0.05; done");
  s.timeout = 100ms;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::timed_out);
  EXPECT_EQ(r->exit_code, 128 + SIGKILL);
  EXPECT_GE(r->took, 2000ms); // The time it was given to end by itself.
}

TEST(Process, EndsASilentChildButNotASlowOneThatPrints) {
  processes p;
  auto silent = sh("sleep 300");
  silent.idle_timeout = 300ms;
  auto r = p.run(std::move(silent));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::idle);
  EXPECT_EQ(r->ended(), "silent for 300 ms");

  // Runs for three times the limit, never silent for long.
  auto slow = sh("for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.15; echo $i; done");
  slow.idle_timeout = 500ms;
  r = p.run(std::move(slow));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ok()) << r->ended();
  EXPECT_GE(r->took, 1500ms);
}

TEST(Process, NothingOfTheGroupSurvivesTheChild) {
  processes p;
  auto r = p.run(sh("sleep 300 & echo $!"));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ok());
  EXPECT_LT(r->took, 30s); // Although the sleeper held the output open.
  EXPECT_TRUE(ends(r->output.substr(0, r->output.find('\n'))));
}

TEST(Process, ADaemonThatKeepsTheOutputOpenDoesNotHangTheResult) {
  processes p;
  const auto began = std::chrono::steady_clock::now();
  auto r = p.run(sh("setsid sh -c 'echo $$; exec sleep 60' & sleep 0.2"));
  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 30s);
  const auto pid = r->output.substr(0, r->output.find('\n'));
  ASSERT_TRUE(is_alive(pid)) << "the daemon did not escape: the test shows nothing";
  ::kill(std::stoi(pid), SIGKILL);
}

TEST(Process, KeepsHeadAndTailOfTooMuchOutput) {
  processes p;
  auto s = sh("echo begin; head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end");
  s.max_output_bytes = 1000;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->dropped_bytes, 3'000'000u + 6 + 1 + 4 - 1000);
  EXPECT_EQ(r->output_cut.missing, r->dropped_bytes);
  EXPECT_EQ(r->output.substr(r->output_cut.at, 7), "\n[... 2");
  EXPECT_EQ(r->err_cut.missing, 0u);
  EXPECT_EQ(r->output.substr(0, 6), "begin\n");
  EXPECT_EQ(r->output.substr(r->output.size() - 5), "\nend\n");
  EXPECT_NE(r->output.find("[... 2999011 bytes left out ...]"), std::string::npos);
  EXPECT_LT(r->output.size(), 1100u);
}

TEST(Process, LosesNothingOfALastLargeWrite) {
  processes p;
  auto r = p.run(sh("head -c 1000000 /dev/zero"));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->output.size(), 1'000'000u);
}

TEST(Process, RunsTwoHundredAtOnce) {
  constexpr int count = 200;
  std::mutex mutex;
  std::multiset<int> codes;
  std::promise<void> all;
  processes p;
  for (int i = 0; i < count; ++i)
    p.start(sh("sleep 0.3; exit " + std::to_string(i)), [&](ledger::result<child_result> r) {
      const std::lock_guard lock(mutex);
      codes.insert(r ? r->exit_code : -1);
      if (codes.size() == count)
        all.set_value();
    });
  ASSERT_EQ(all.get_future().wait_for(60s), std::future_status::ready);
  const std::lock_guard lock(mutex);
  for (int i = 0; i < count; ++i)
    EXPECT_EQ(codes.count(i), 1u) << i; // Each exactly once.
}

TEST(Process, CloseEndsEveryChildAndRefusesNewOnes) {
  test::scratch folder;
  std::atomic<int> calls{0};
  std::promise<ledger::result<child_result>> promise;
  processes p;
  auto s = sh("sleep 300 & echo $! > pid.tmp; mv pid.tmp pid; wait");
  s.directory = folder.path().string();
  p.start(std::move(s), [&](ledger::result<child_result> r) {
    if (++calls == 1)
      promise.set_value(std::move(r));
  });
  while (!std::filesystem::exists(folder.path() / "pid"))
    std::this_thread::yield();
  auto pid = test::read_file(folder.path() / "pid");
  pid.pop_back();
  p.close();
  EXPECT_EQ(calls, 1); // close() returned only after it.
  auto r = promise.get_future().get();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::killed);
  EXPECT_FALSE(r->ok());
  EXPECT_TRUE(ends(pid));

  auto late = p.run(sh("true"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, fault::refused);
  EXPECT_EQ(late.error().code, "closing");
}

TEST(Process, ADoneMayStartTheNextChild) {
  std::promise<std::string> promise;
  processes p;
  p.start(sh("echo one"), [&](ledger::result<child_result> first) {
    p.start(sh("echo two"), [&, text = first->output](ledger::result<child_result> second) {
      promise.set_value(text + second->output);
    });
  });
  EXPECT_EQ(promise.get_future().get(), "one\ntwo\n");
}

TEST(Process, RunInsideADoneIsRefusedNotADeadlock) {
  std::promise<ledger::result<child_result>> promise;
  processes p;
  p.start(sh("true"), [&](ledger::result<child_result>) { promise.set_value(p.run(sh("true"))); });
  auto r = promise.get_future().get();
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, fault::refused);
}

// Children used to outlive a `kill -9`: a deploy went on while the next run
// began another.
TEST(Process, NothingSurvivesAKillOfTheProgram) {
  for (const auto group : {false, true}) {
    SCOPED_TRACE(group ? "a shell and what it started" : "a program");
    test::scratch folder;
    auto s = sh(group ? "sleep 300 & echo $$ $! >pids.tmp; mv pids.tmp pids; wait"
                      : "echo $$ >pids.tmp; mv pids.tmp pids; exec sleep 300");
    s.directory = folder.path().string();
    s.group_dies_with_us = group;
    test::other_program other([&] {
      processes p;
      p.run(s);
      return 0;
    });
    while (!std::filesystem::exists(folder.path() / "pids"))
      std::this_thread::yield();
    std::istringstream pids(test::read_file(folder.path() / "pids"));
    other.kill();
    for (std::string pid; pids >> pid;) {
      EXPECT_TRUE(ends(pid)) << pid;
      if (is_alive(pid))
        ::kill(std::stoi(pid), SIGKILL);
    }
  }
}

std::set<pid_t> children_of_ours() {
  std::set<pid_t> all;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::istringstream pids(test::read_file(task.path() / "children"));
    for (pid_t pid = 0; pids >> pid;)
      all.insert(pid);
  }
  return all;
}

TEST(Process, AGuardThatWasKilledIsReplaced) {
  test::scratch folder;
  auto s = sh("sleep 300 & echo $$ $! >pids.tmp; mv pids.tmp pids; wait");
  auto before = sh("sleep 300 & echo $$ $! >first.tmp; mv first.tmp first; wait");
  s.directory = before.directory = folder.path().string();
  s.group_dies_with_us = before.group_dies_with_us = true;
  test::other_program other([&] {
    processes p;
    p.start(before, [](ledger::result<child_result>) {});
    while (!std::filesystem::exists(folder.path() / "first"))
      std::this_thread::yield();
    const auto command = std::stoi(test::read_file(folder.path() / "first"));
    for (const auto pid : children_of_ours())
      if (pid != command) {
        ::kill(pid, SIGKILL);
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT);
      }
    p.run(s);
    return 0;
  });
  while (!std::filesystem::exists(folder.path() / "pids"))
    std::this_thread::yield();
  std::istringstream pids(test::read_file(folder.path() / "first") + " "
                          + test::read_file(folder.path() / "pids"));
  other.kill();
  for (std::string pid; pids >> pid;) {
    EXPECT_TRUE(ends(pid)) << pid;
    if (is_alive(pid))
      ::kill(std::stoi(pid), SIGKILL);
  }
}

// Git was ended while it moved a branch: the lock that it left in the user's
// repository made every later run wait in vain.
TEST(Process, WhoeverMustNotBeTornPutsThingsAwayOrEndsByItself) {
  for (const auto death_signal : {SIGTERM, 0})
    for (const auto killed : {true, false}) {
      SCOPED_TRACE(std::to_string(death_signal) + (killed ? " killed" : " closed"));
      test::scratch folder;
      const auto begun = folder.path() / "begun";
      auto s = sh("trap 'rm lock; exit' TERM; : >lock; echo $$ >begun.tmp; mv begun.tmp begun;"
                  "while ! test -e go; do :; done; rm lock");
      s.directory = folder.path().string();
      s.death_signal = death_signal;
      test::other_program other([&] {
        processes p;
        p.start(s, [](ledger::result<child_result>) {});
        while (!std::filesystem::exists(folder.path() / (killed ? "never" : "begun")))
          std::this_thread::yield();
        p.close();
        return 0;
      });
      while (!std::filesystem::exists(begun))
        std::this_thread::yield();
      std::istringstream line(test::read_file(begun));
      std::string pid;
      line >> pid;
      if (killed)
        other.kill();
      if (death_signal == 0) {
        EXPECT_TRUE(is_alive(pid));
        test::write_file(folder.path() / "go", "");
      }
      EXPECT_TRUE(ends(pid));
      EXPECT_FALSE(std::filesystem::exists(folder.path() / "lock"));
      test::write_file(folder.path() / "go", "");
      other.wait();
    }
}

TEST(Process, WhoeverWasNotEndedByCloseInTimeIsKilled) {
  test::scratch folder;
  std::promise<ledger::result<child_result>> promise;
  processes p;
  auto s = sh("trap '' TERM; : >begun; while :; do sleep 1; done");
  s.directory = folder.path().string();
  s.death_signal = SIGTERM;
  p.start(std::move(s), [&](ledger::result<child_result> r) { promise.set_value(std::move(r)); });
  while (!std::filesystem::exists(folder.path() / "begun"))
    std::this_thread::yield();
  p.close();
  auto r = promise.get_future().get();
  ASSERT_TRUE(r);
  EXPECT_EQ(r->how, end::killed);
  EXPECT_EQ(r->exit_code, 128 + SIGKILL);
}

// A guard that were the command's child would hang whoever waits for all of its
// children.
TEST(Process, AGuardedCommandSeesNothingOfItsGuard) {
  processes p;
  auto s = sh("echo $PPID; cat /proc/$$/task/$$/children; ls /proc/self/fd | wc -l; exit 7");
  s.group_dies_with_us = true;
  auto r = p.run(std::move(s));
  ASSERT_TRUE(r) << r.error().detail;
  // Of the first line's process cat is the only child; ls has the folder open.
  const auto lines = r->output;
  EXPECT_EQ(lines.substr(0, lines.find('\n')), std::to_string(::getpid()));
  const auto children =
      lines.substr(lines.find('\n') + 1, lines.rfind("4\n") - lines.find('\n') - 1);
  EXPECT_EQ(std::count(children.begin(), children.end(), ' '), 1) << lines;
  EXPECT_EQ(lines.substr(lines.size() - 2), "4\n") << lines;
  EXPECT_EQ(r->exit_code, 7);
  EXPECT_LT(r->took, 10s);
}

TEST(Process, GivesAChildTheDescriptorThatItIsToKeep) {
  for (const auto group : {false, true}) {
    test::scratch folder;
    const auto file = folder.path() / "kept";
    const auto fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_GE(fd, 0);
    processes p;
    auto s = sh("echo through it >&3; ls /proc/self/fd | wc -l");
    s.keep_fd = fd;
    s.group_dies_with_us = group;
    auto r = p.run(std::move(s));
    ::close(fd);
    ASSERT_TRUE(r);
    EXPECT_EQ(r->output, "5\n");
    EXPECT_EQ(test::read_file(file), "through it\n");
  }
}

TEST(BoundedText, KeepsWhatFitsAndBothEndsOfWhatDoesNot) {
  struct row {
    const char* name;
    std::size_t max;
    std::vector<std::string> added;
    std::string want;
    std::uint64_t dropped;
  };
  const std::vector<row> rows{
      {"empty", 4, {}, "", 0},
      {"fits exactly", 4, {"ab", "cd"}, "abcd", 0},
      {"one byte too many", 4, {"abcde"}, "ab\n[... 1 bytes left out ...]\nde", 1},
      {"byte by byte",
       4,
       {"a", "b", "c", "d", "e", "f", "g"},
       "ab\n[... 3 bytes left out ...]\nfg",
       3},
      {"wraps around", 6, {"abc", "defgh", "ij"}, "abc\n[... 4 bytes left out ...]\nhij", 4},
      {"no room at all", 0, {"abc"}, "\n[... 3 bytes left out ...]\n", 3},
  };
  for (const auto& r : rows) {
    SCOPED_TRACE(r.name);
    bounded_text t(r.max);
    for (const auto& bytes : r.added)
      t.add(bytes);
    EXPECT_EQ(t.dropped_bytes(), r.dropped);
    EXPECT_EQ(t.take(), r.want);
  }
}

} // namespace
