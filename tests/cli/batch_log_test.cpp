#include "cli/batch_log.hpp"

#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <streambuf>

namespace {

using namespace std::chrono_literals;

/// A reader that takes nothing until it is let go.
class stuck_buffer : public std::streambuf {
public:
  void let_go() {
    const std::lock_guard lock(mutex_);
    free_ = true;
    changed_.notify_all();
  }
  std::string text() {
    const std::lock_guard lock(mutex_);
    return text_;
  }

protected:
  std::streamsize xsputn(const char* s, std::streamsize n) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return free_; });
    text_.append(s, static_cast<std::size_t>(n));
    return n;
  }
  int overflow(int c) override {
    auto one = static_cast<char>(c);
    xsputn(&one, 1);
    return c;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool free_ = false;
  std::string text_;
};

ledger::record parked() {
  ledger::record r;
  r.time = "2026-11-22T12:04:31.123Z";
  r.what = ledger::event::parked;
  r.at = ledger::step::plan;
  return r;
}

class BatchLog : public ::testing::Test {
public:
  std::string told(cli::log_style style, const std::function<void(cli::batch_log&)>& story) {
    std::ostringstream err;
    cli::batch_log log(folder.path(), secrets, err, style);
    story(log);
    log.finish();
    return err.str();
  }
  std::string file() { return test::read_file(folder.path() / ".scheduler/logs/scheduler.log"); }

  test::scratch folder;
  ledger::redactor secrets{{"correct-horse-battery"}};
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++n;
  return n;
}

// A full disk repeated its line each second for each task.
TEST_F(BatchLog, TheSameNoticeOfManyTasksComesOnceAMinute) {
  auto text = told({}, [](cli::batch_log& log) {
    for (int i = 0; i < 5; ++i)
      for (auto* task : {"A", "B"})
        log.notice(std::string(task) + ": the ledger cannot be written: disk full");
    log.notice("A: something else");
    log.tell("healed");
    log.tell("healed");
  });
  EXPECT_EQ(count(text, "disk full"), 1u) << text;
  EXPECT_EQ(count(text, "something else"), 1u) << text;
  EXPECT_EQ(count(text, "scheduler: healed\n"), 2u) << text;
}

TEST_F(BatchLog, WhatOthersWroteMovesNoCursorAndNoSecretIsTold) {
  auto text = told({}, [](cli::batch_log& log) {
    log.notice("git said \x1b[2J correct-horse-battery");
    log.tell("git said \x1b[2J");
    log.say("base \x1b[2J");
  });
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find("correct-horse"), std::string::npos) << text;
  EXPECT_EQ(count(text, "\\x1b[2J"), 3u) << text;
}

TEST_F(BatchLog, QuietLeavesNoticesAndTheFile) {
  cli::log_style quiet;
  quiet.quiet = true;
  auto text = told(quiet, [](cli::batch_log& log) {
    log.say("base  checking");
    log.record("A", parked());
    log.notice("the disk is full");
  });
  EXPECT_EQ(text, "scheduler: the disk is full\n");
  EXPECT_NE(file().find("parked"), std::string::npos) << file();
}

// A terminal that was stopped, or a pager, held the ledger's thread.
TEST_F(BatchLog, AReaderThatIsStuckHoldsNobodyUp) {
  stuck_buffer buffer;
  std::ostream err(&buffer);
  cli::batch_log log(folder.path(), secrets, err, {});
  auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < 3 * cli::screen::lines_max; ++i)
    log.record("A", parked());
  log.finish();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
  EXPECT_EQ(buffer.text(), "");
  buffer.let_go(); // Or the test itself could not end.
  log.finish();
  EXPECT_NE(buffer.text().find("lines of progress were left out here"), std::string::npos);
}

TEST_F(BatchLog, LinesComeInTheirOrderAndAligned) {
  auto text = told({}, [](cli::batch_log& log) {
    log.expect(2, 5);
    log.record("A", parked());
    log.record("Longer", parked());
  });
  EXPECT_NE(text.find("  A      plan"), std::string::npos) << text;
  EXPECT_LT(text.find("  A "), text.find("Longer")) << text;
}

} // namespace
