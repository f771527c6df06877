#include "providers/process_group.hpp"

#include "providers/sandbox.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using ledger::sandbox_kind;
using providers::group_is_at_work;

/// A process in a group of its own that does nothing until it is killed.
pid_t idle_process() {
  const auto pid = ::fork();
  if (pid == 0) {
    for (;;)
      ::pause();
  }
  ::setpgid(pid, pid);
  return pid;
}

TEST(ProcessGroup, OneThatRunsIsAtWorkAndOneThatIsOnlyRememberedIsNot) {
  const auto pid = idle_process();
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(group_is_at_work(pid, false));
  EXPECT_TRUE(group_is_at_work(pid, true));
  ::kill(pid, SIGKILL);
  siginfo_t ended;
  ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT);
  EXPECT_TRUE(group_is_at_work(pid, false)) << "the kernel does not tell";
  EXPECT_FALSE(group_is_at_work(pid, true));
  ::waitpid(pid, nullptr, 0);
  EXPECT_FALSE(group_is_at_work(pid, false));
}

/// A process that ended between its name and its line ended the whole program.
TEST(ProcessGroup, OthersMayEndWhileItLooks) {
  const auto pid = idle_process();
  ASSERT_GT(pid, 0);
  std::atomic<bool> enough = false;
  std::thread others([&] {
    while (!enough)
      if (const auto other = ::fork(); other == 0)
        ::_exit(0);
      else
        ::waitpid(other, nullptr, 0);
  });
  ::kill(pid, SIGKILL);
  siginfo_t ended;
  ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT);
  for (int i = 0; i < 500; ++i)
    EXPECT_FALSE(group_is_at_work(pid, true));
  enough = true;
  others.join();
  ::waitpid(pid, nullptr, 0);
}

/// bwrap ends as soon as it knows the exit code, before what it started is killed: on a
/// busy machine a daemon of a tool went on writing beside what was made of its answer.
TEST(ProcessGroup, NobodyInASandboxWritesAfterTheResult) {
  providers::processes children;
  if (auto works = providers::sandbox_works(children, sandbox_kind::bwrap); !works)
    GTEST_SKIP() << "no user namespaces here: " << works.error().detail;
  const test::scratch folder;
  std::vector<std::uintmax_t> sizes;
  const auto log = [&](std::size_t n) { return folder.path() / ("log-" + std::to_string(n)); };
  for (std::size_t n = 0; n < 30; ++n) {
    providers::cage c;
    c.folder = folder.path().string();
    const auto name = log(n).filename().string();
    auto r = children.run(providers::caged_shell(
        sandbox_kind::bwrap, c,
        "setsid sh -c 'while :; do echo alive >> " + name + "; done' > /dev/null 2>&1 &"
            + " while ! [ -s " + name + " ]; do sleep 0.01; done"));
    ASSERT_TRUE(r && r->ok());
    sizes.push_back(std::filesystem::file_size(log(n)));
  }
  for (std::size_t n = 0; n < sizes.size(); ++n)
    EXPECT_EQ(std::filesystem::file_size(log(n)), sizes[n]);
}

} // namespace
