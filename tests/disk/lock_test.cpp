#include "ledger/disk/lock.hpp"

#include "tests/disk/ledger_fixture.hpp"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace ledger::disk {
namespace {

using Lock = ledger_test;

TEST_F(Lock, OnlyOneHasIt) {
  EXPECT_FALSE(repository_lock::is_held(base_));
  EXPECT_FALSE(fs::exists(base_ / "scheduler.lock")); // Asking writes nothing.
  {
    auto mine = repository_lock::take(base_);
    ASSERT_TRUE(mine);
    EXPECT_TRUE(repository_lock::is_held(base_));
    auto second = repository_lock::take(base_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, fault::refused);
    EXPECT_EQ(second.error().code, "locked");
    EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
    auto moved = std::move(*mine);
    EXPECT_TRUE(repository_lock::is_held(base_));
  }
  EXPECT_FALSE(repository_lock::is_held(base_));
  EXPECT_TRUE(repository_lock::take(base_));
}

TEST_F(Lock, IsGoneWithAKilledOwner) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  pid_t child = ::fork();
  if (child == 0) {
    auto theirs = repository_lock::take(base_);
    char ok = theirs ? 'y' : 'n';
    if (::write(ready[1], &ok, 1) != 1)
      ::_exit(1);
    while (true)
      ::pause();
  }
  char ok = 0;
  ASSERT_EQ(::read(ready[0], &ok, 1), 1);
  EXPECT_EQ(ok, 'y');
  auto refused = repository_lock::take(base_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().detail.find(std::to_string(child)), std::string::npos);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_TRUE(repository_lock::take(base_));
}

TEST_F(Lock, AProbeDoesNotStandInTheWay) {
  auto probing = ::fork();
  if (probing == 0)
    while (true)
      repository_lock::is_held(base_);
  for (int i = 0; i < 500; ++i)
    EXPECT_TRUE(repository_lock::take(base_)) << i;
  ::kill(probing, SIGKILL);
  ::waitpid(probing, nullptr, 0);
}

TEST_F(Lock, AFolderThatIsNotThereIsSaid) {
  EXPECT_FALSE(repository_lock::take(base_ / "none"));
  EXPECT_FALSE(repository_lock::is_held(base_ / "none"));
}

} // namespace
} // namespace ledger::disk
