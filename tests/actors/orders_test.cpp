// A person's turn: waiting, and orders that come while the run goes on.

#include "tests/actors/world.hpp"

#include "actors/ordering.hpp"
#include "ledger/detail.hpp"

#include <fstream>

namespace {

using namespace actors;
using namespace actors::testing;
using ledger::event;
using ledger::person_order;
using ledger::status;
namespace path = ledger::path;
using kind = person_order::kind;

class Orders : public world {
protected:
  /// Gives an order to the SUPERVISOR; what came back is in `said`, last.
  void order(kind what, const std::string& task = "T", std::optional<step> at = {},
             const std::string& note = {}) {
    auto o = std::make_shared<person_order>();
    o->what = what;
    o->task = task;
    o->at = at;
    o->user = "alice";
    if (!note.empty())
      o->note = std::make_shared<const std::string>(note);
    tell_from_outside(supervisor, person_said{o, std::make_shared<order_answer>([this](told t) {
                                                said.push_back(std::move(t));
                                              })});
  }

  /// The same under the lock, as between two runs.
  void order_held(kind what, const std::string& task = "T") {
    auto s = state_of(task);
    auto d = draft_of_order(w, s, {what, task, {}, nullptr, "alice", 0});
    ASSERT_TRUE(d) << d.error().detail;
    ASSERT_TRUE(journal->append_one({task, s.seq, {*d}}));
  }

  std::string last_words() const {
    if (said.empty())
      return "(nothing)";
    return said.back() ? *said.back() : said.back().error().what.detail;
  }

  /// The answer to `at` of task T is kept until let_go(): its call is under way.
  void hold(step at) {
    slow = std::make_shared<slow_player>(*this, at);
    for (auto& [role, players] : w.players)
      players = {{"fake", slow}};
  }
  void let_go() {
    ASSERT_TRUE(slow->kept);
    std::exchange(slow->kept,
                  nullptr)(providers::answer{ledger::testing::good_answer(slow->at), 0, {}});
  }

  struct slow_player : providers::provider {
    slow_player(Orders& o, step s)
        : of(o)
        , at(s) {}
    providers::identity who() const override { return of.player->who(); }
    providers::call_bound bound(const providers::request& r) const override {
      return of.player->bound(r);
    }
    void ask(std::shared_ptr<const providers::request> r,
             providers::answer_callback done) override {
      if (r->task == "T" && r->at == at && !kept && !spent) {
        spent = true;
        kept = std::move(done);
        ++of.player->calls;
      } else {
        of.player->ask(std::move(r), std::move(done));
      }
    }
    Orders& of;
    step at;
    bool spent = false;
    providers::answer_callback kept;
  };

  std::shared_ptr<slow_player> slow;
  std::vector<told> said;
};

TEST_F(Orders, ATaskWaitsBeforeCodeAndBeforeDeliveryAndTheBatchEnds) {
  w.config.approve = {true, true};
  auto s = run_one();
  EXPECT_EQ(s.is, status::waiting);
  EXPECT_EQ(s.at, step::implement);
  EXPECT_EQ(player->calls, 3);
  ASSERT_EQ(report->ended.size(), 1u);
  EXPECT_EQ(report->ended.front()->is, status::waiting);
  order_held(kind::approve);
  s = run_one();
  EXPECT_EQ(s.is, status::waiting) << "the approval of the plan does not deliver";
  EXPECT_EQ(s.at, step::deliver);
  EXPECT_EQ(files.moves, 0);
  order_held(kind::approve);
  EXPECT_EQ(run_one().is, status::done);
  EXPECT_EQ(player->calls, 6) << "nothing was paid for twice";
}

TEST_F(Orders, AWaitingTaskGoesOnWhenTheConfigurationAsksNoMore) {
  w.config.approve.implement = true;
  EXPECT_EQ(run_one().is, status::waiting);
  EXPECT_EQ(run_one().is, status::waiting) << "it asks still";
  w.config.approve.implement = false;
  EXPECT_EQ(run_one().is, status::done);
}

TEST_F(Orders, AnApprovalWrittenByHandStopsTheTask) {
  w.config.approve.deploy = true;
  EXPECT_EQ(run_one().is, status::waiting);
  std::ofstream{file("T", path::human_ok)} << "HUMAN_OK:T\n";
  auto s = run_one();
  EXPECT_EQ(s.is, status::stopped);
  EXPECT_EQ(s.reason, "contract-forged");
  EXPECT_EQ(files.moves, 0);
}

TEST_F(Orders, AnApprovalThatIsDeletedOrAlteredStopsTheTask) {
  w.config.approve.deploy = true;
  for (std::string task : {"Gone", "Altered"}) {
    EXPECT_EQ(run_one(task).is, status::waiting);
    order_held(kind::approve, task);
    if (task == "Gone")
      std::filesystem::remove(file(task, path::human_ok));
    else
      std::ofstream{file(task, path::human_ok), std::ios::app} << "\n";
    auto s = run_one(task);
    EXPECT_EQ(s.is, status::stopped);
    EXPECT_EQ(s.reason, task == "Gone" ? "contract-missing" : "contract-forged") << s.why;
    EXPECT_EQ(files.moves, 0);
    std::filesystem::remove(file(task, path::human_ok)); // As the remedy says.
    order_held(kind::retry, task);
    EXPECT_EQ(run_one(task).is, status::waiting) << "it must be approved again";
  }
}

TEST_F(Orders, ApproveWhileOthersWorkAdmitsTheTaskAgain) {
  w.config.approve.deploy = true;
  hold(step::plan);
  start({"T", "B"});
  run(std::chrono::milliseconds(250), 20);
  ASSERT_FALSE(report) << "T is at work";
  ASSERT_EQ(state_of("B").is, status::waiting);
  order(kind::approve, "B");
  settle();
  ASSERT_EQ(said.size(), 1u);
  ASSERT_TRUE(said[0]) << last_words();
  EXPECT_NE(said[0]->find("in the run at work"), std::string::npos) << *said[0];
  EXPECT_EQ(state_of("B").is, status::done);
  let_go();
  run();
  ASSERT_TRUE(report);
  ASSERT_EQ(report->ended.size(), 2u) << "each task once";
  for (auto& s : report->ended)
    EXPECT_EQ(s->is, s->task == "B" ? status::done : status::waiting) << s->task;
}

TEST_F(Orders, CancelEndsWorkUnderWayAndRefusesWhatItBrings) {
  hold(step::plan);
  std::vector<std::string> ended_work;
  w.end_work = [&](const std::string& task) { ended_work.push_back(task); };
  start({"T", "B"});
  run(std::chrono::milliseconds(250), 20);
  ASSERT_TRUE(slow->kept);
  order(kind::cancel);
  settle();
  ASSERT_TRUE(!said.empty() && said.back()) << last_words();
  EXPECT_EQ(state_of("T").is, status::cancelled);
  EXPECT_EQ(ended_work, std::vector<std::string>{"T"});
  ASSERT_TRUE(report) << "the batch goes on, and ends";
  EXPECT_TRUE(report->left_at_work);
  auto before = state_of("T").seq;
  let_go();
  settle();
  EXPECT_EQ(state_of("T").seq, before) << "a late answer is refused";
  EXPECT_EQ(state_of("B").is, status::done);
  EXPECT_TRUE(records_of("T", event::restarted).empty());
}

TEST_F(Orders, ARetryWithANoteTakesAParkedTaskUpInTheSameRun) {
  player->scripts[step::plan] = [](const providers::request& r) -> fake_player::said {
    if (r.task == "B" && r.inputs.size() < 4)
      return ledger::fail(ledger::fault::refused, "no idea", "no-idea");
    return providers::answer{ledger::testing::good_answer(step::plan), 0, {}};
  };
  hold(step::review);
  start({"T", "B"});
  run(std::chrono::milliseconds(250), 20);
  ASSERT_EQ(state_of("B").is, status::parked);
  order(kind::retry, "B", {}, "look at Mondays\n");
  settle();
  ASSERT_TRUE(!said.empty() && said.back()) << last_words();
  EXPECT_EQ(state_of("B").is, status::done);
  EXPECT_TRUE(std::filesystem::exists(file("B", "inputs/note-1.md")));
  let_go();
  run();
  EXPECT_EQ(state_of("T").is, status::done);
}

TEST_F(Orders, ARetryFromAnEarlierStepSendsATaskAtWorkBack) {
  hold(step::plan);
  start({"T"});
  settle();
  ASSERT_TRUE(slow->kept);
  order(kind::retry, "T", step::audit);
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("T").is, status::done);
  EXPECT_TRUE(records_of("T", event::restarted).empty()) << "nobody died";
  let_go();
  settle();
  EXPECT_EQ(state_of("T").is, status::done);
}

TEST_F(Orders, ARefusedOrderChangesNothing) {
  hold(step::plan);
  start({"T"});
  settle();
  auto seq = state_of("T").seq;
  order(kind::retry);
  settle();
  EXPECT_NE(last_words().find("goes on with it by itself"), std::string::npos) << last_words();
  order(kind::approve);
  settle();
  EXPECT_NE(last_words().find("at step plan"), std::string::npos) << last_words();
  order(kind::cancel, "Nobody");
  settle();
  EXPECT_NE(last_words().find("there is no task Nobody"), std::string::npos) << last_words();
  EXPECT_EQ(said.size(), 3u);
  EXPECT_EQ(state_of("T").seq, seq);
  let_go();
  run();
  EXPECT_EQ(state_of("T").is, status::done);
}

TEST_F(Orders, ATaskWhoseRecordsCannotBeReadIsNotSaidToBeUnknown) {
  hold(step::plan);
  start({"T"});
  settle();
  std::filesystem::remove(file("T", path::journal));
  order(kind::cancel);
  settle();
  EXPECT_NE(last_words().find("its records cannot be read"), std::string::npos) << last_words();
  let_go();
  settle();
}

TEST_F(Orders, ANoteThatHoldsASecretIsRefusedHereToo) {
  w.secrets = ledger::redactor({"a-secret-of-the-batch"});
  hold(step::plan);
  start({"T"});
  settle();
  order(kind::retry, "T", step::audit, "use a-secret-of-the-batch\n");
  settle();
  ASSERT_FALSE(said.empty());
  EXPECT_FALSE(said.back());
  EXPECT_NE(last_words().find("known secret"), std::string::npos) << last_words();
  EXPECT_EQ(last_words().find("a-secret-of-the-batch"), std::string::npos);
  let_go();
  run();
}

TEST_F(Orders, ATaskThatRestedFromTheStartIsAdmittedByAnOrder) {
  player->scripts[step::plan] = [](const providers::request&) -> fake_player::said {
    return ledger::fail(ledger::fault::refused, "no key", "no-key");
  };
  EXPECT_EQ(run_one("Old").is, status::parked);
  player->scripts.clear();
  hold(step::plan);
  resting = {"Old"};
  start({"T"});
  settle();
  EXPECT_EQ(state_of("Old").is, status::parked) << "no run touches it by itself";
  order(kind::retry, "Old");
  settle();
  EXPECT_EQ(state_of("Old").is, status::done) << last_words();
  let_go();
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ended.size(), 2u);
}

TEST_F(Orders, OfATaskThatIsNoPartOfTheBatchOnlyTheRecordIsMade) {
  player->scripts[step::plan] = [](const providers::request&) -> fake_player::said {
    return ledger::fail(ledger::fault::refused, "no key", "no-key");
  };
  EXPECT_EQ(run_one("Other").is, status::parked);
  player->scripts.clear();
  hold(step::plan);
  start({"T"});
  settle();
  order(kind::retry, "Other");
  settle();
  EXPECT_NE(last_words().find("with the next `scheduler --tasks DIR`"), std::string::npos)
      << last_words();
  EXPECT_EQ(state_of("Other").is, status::running);
  let_go();
  run();
  EXPECT_EQ(state_of("Other").at, step::plan);
}

TEST_F(Orders, AfterTheEndOfTheRunWhoeverOrdersIsToldSo) {
  EXPECT_EQ(run_one().is, status::done);
  order(kind::retry, "T", step::ingest);
  settle();
  ASSERT_EQ(said.size(), 1u);
  ASSERT_FALSE(said[0]);
  EXPECT_EQ(said[0].error().from, trouble::source::ending);
  EXPECT_EQ(state_of("T").is, status::done);
}

} // namespace
