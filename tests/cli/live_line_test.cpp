#include "cli/live_line.hpp"

#include <gtest/gtest.h>

namespace {

using ledger::event;
using ledger::step;

ledger::record record_of(event what, step at, ledger::json detail = ledger::json::object()) {
  ledger::record r;
  r.what = what;
  r.at = at;
  r.detail = std::move(detail);
  return r;
}

TEST(LiveLine, CountsWhatEndedAndWhereTheOthersAre) {
  cli::live_line line{5};
  line.take("A", record_of(event::opened, step::ingest));
  line.take("B", record_of(event::checked, step::test));
  line.take("C", record_of(event::granted, step::test));
  EXPECT_EQ(line.text(200), "0 of 5 ended; 3 running: 1 ingest, 2 test");
  line.take("A", record_of(event::finished, step::deliver, {{"status", "done"}}));
  line.take("B", record_of(event::parked, step::test));
  line.take("D", record_of(event::finished, step::test, {{"status", "no-change"}}));
  EXPECT_EQ(line.text(200), "3 of 5 ended (1 done, 1 no-change, 1 parked); 1 running: 1 test");
}

TEST(LiveLine, WhatAPersonSendsOnHasNotEnded) {
  cli::live_line line{2};
  line.take("A", record_of(event::awaiting, step::deliver));
  line.take("B", record_of(event::parked, step::plan));
  EXPECT_EQ(line.text(200), "2 of 2 ended (1 parked, 1 waiting); 0 running");
  line.take("A", record_of(event::approved, step::deliver));
  EXPECT_EQ(line.text(200), "1 of 2 ended (1 parked); 0 running");
  line.take("A", record_of(event::resumed, step::deliver));
  EXPECT_EQ(line.text(200), "1 of 2 ended (1 parked); 1 running: 1 deliver");
}

TEST(LiveLine, IsNeverWiderThanTheTerminal) {
  cli::live_line line{1000};
  for (int i = 0; i < 100; ++i)
    line.take("T" + std::to_string(i), record_of(event::granted, step::implement));
  EXPECT_EQ(line.text(20).size(), 20u);
}

} // namespace
