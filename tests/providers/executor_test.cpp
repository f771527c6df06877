#include "providers/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>

namespace {

using providers::inline_executor;
using providers::thread_pool;

TEST(InlineExecutor, RunsInTheCallerBeforeItReturns) {
  inline_executor e;
  std::thread::id where;
  e.run([&] { where = std::this_thread::get_id(); });
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(ThreadPool, RunsEverythingOnce) {
  std::atomic<int> count{0};
  std::promise<void> all;
  thread_pool pool(4);
  for (int i = 0; i < 1000; ++i)
    pool.run([&] {
      if (++count == 1000)
        all.set_value();
    });
  all.get_future().wait();
  EXPECT_EQ(count, 1000);
}

TEST(ThreadPool, RunsOnAsManyThreadsAsItHas) {
  std::promise<void> first, second, met;
  auto first_began = first.get_future(), second_began = second.get_future();
  thread_pool pool(2);
  // Each waits for the other: with one thread this would never end.
  pool.run([&] {
    first.set_value();
    second_began.wait();
    met.set_value();
  });
  pool.run([&] {
    second.set_value();
    first_began.wait();
  });
  EXPECT_EQ(met.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

TEST(ThreadPool, WhoIsLastWaitsForOthersButNotForEver) {
  std::promise<void> begun, go_on, all;
  auto may_go_on = go_on.get_future();
  std::string order;
  {
    thread_pool pool(1);
    pool.run([&] {
      begun.set_value();
      may_go_on.wait();
    });
    begun.get_future().wait();
    for (int i = 0; i < 3; ++i)
      pool.run([&] { order += 'l'; }, providers::queue_place::last);
    for (int i = 0; i < 10; ++i)
      pool.run([&] { order += 'n'; });
    pool.run([&] { all.set_value(); }, providers::queue_place::last);
    go_on.set_value();
    all.get_future().wait();
  }
  EXPECT_EQ(order, "nnnnnnnlnnnll");
}

TEST(ThreadPool, WaitsForWhatHasBegunAndDropsTheRest) {
  std::promise<void> begun, go_on;
  auto may_go_on = go_on.get_future();
  std::atomic<bool> finished{false}, dropped_ran{false};
  auto captured = std::make_shared<int>(1);
  {
    auto pool = std::make_unique<thread_pool>(1);
    pool->run([&] {
      begun.set_value();
      may_go_on.wait();
      finished = true;
    });
    pool->run([&, captured] { dropped_ran = true; });
    begun.get_future().wait();
    auto gone = std::async(std::launch::async, [&] { pool.reset(); });
    while (captured.use_count() > 1) // Dropped while the first still runs.
      std::this_thread::yield();
    EXPECT_FALSE(finished);
    go_on.set_value();
  }
  EXPECT_TRUE(finished);
  EXPECT_FALSE(dropped_ran);
}

TEST(ThreadPool, OfNoThreadsStillHasOne) {
  std::promise<void> ran;
  thread_pool pool(0);
  pool.run([&] { ran.set_value(); });
  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

} // namespace
