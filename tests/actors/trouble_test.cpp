// What becomes of a task, and of all others, when somebody fails, dies or never
// answers.

#include "tests/actors/world.hpp"

#include "ledger/detail.hpp"

#include <fstream>

namespace {

using namespace actors;
using namespace actors::testing;
using ledger::event;
using ledger::status;
namespace path = ledger::path;

class Trouble : public world {
protected:
  /// Does `mischief` when the named event of task `of` has become durable.
  void upon(const std::string& of, event what, step at, std::function<void()> mischief) {
    w.on_record = [=, done = false](const std::string& task, const ledger::record& r) mutable {
      if (!done && task == of && r.what == what && r.at == at) {
        done = true;
        mischief();
      }
    };
  }

  std::size_t records_in_all() {
    std::size_t n = 0;
    for (auto& t : journal->tasks())
      n += journal->records_of(t)->size();
    return n;
  }

  static fake_player::said good(const providers::request& r) {
    return providers::answer{ledger::testing::good_answer(r.at), 0, {}};
  }
};

// -- the ledger takes nothing ------------------------------------------------------

// Each refusal was to be recorded by the next append, which was refused: the
// batch never ended.
TEST_F(Trouble, AJournalThatIsDamagedEndsItsTaskAndIsReported) {
  upon("B", event::granted, step::test,
       [this] { std::filesystem::remove(file("B", path::journal)); });
  start({"A", "B", "C"});
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("A").is, status::done);
  EXPECT_EQ(state_of("C").is, status::done);
  ASSERT_EQ(report->damaged.size(), 1u);
  EXPECT_EQ(report->damaged[0].first, "B");
  EXPECT_NE(report->damaged[0].second.find("damaged"), std::string::npos);
  EXPECT_TRUE(report->lost.empty());
}

TEST_F(Trouble, AFileThatCanNeverBePutParksItsTaskOnly) {
  int tries = 0;
  before_put = [&](const std::string& p) -> result<void> {
    if (p.find("B/claude/decisions.md") == std::string::npos)
      return {};
    ++tries;
    return ledger::fail(ledger::fault::unavailable, "put claude/decisions.md: Permission denied");
  };
  start({"A", "B"});
  run();
  ASSERT_TRUE(report);
  auto s = state_of("B");
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(s.reason, "ledger-unwritable");
  EXPECT_NE(s.why.find("Permission denied"), std::string::npos);
  EXPECT_FALSE(s.remedy.empty());
  EXPECT_EQ(tries, 5);
  EXPECT_EQ(state_of("A").is, status::done);
}

TEST_F(Trouble, AFolderInThePlaceOfAnOldFileParksTheTask) {
  checks.red = {"tree1"};
  upon("T", event::checked, step::test,
       [this] { std::filesystem::create_directories(file("T", "tests/old/run.round-1.log")); });
  auto s = run_one();
  EXPECT_EQ(s.is, status::parked) << s.why;
  EXPECT_EQ(s.reason, "ledger-unwritable") << s.why;
}

// An unwritable disk at the beginning was filed as damage (5), not as what it
// is (6).
TEST_F(Trouble, ALedgerThatCannotBeWrittenWhenATaskIsOpenedIsLostNotDamaged) {
  before_put = [](const std::string&) -> result<void> {
    return ledger::fail(ledger::fault::unavailable, "put inputs/prompt.md: I/O error");
  };
  start({"T"});
  run();
  ASSERT_TRUE(report);
  EXPECT_NE(report->lost.find("I/O error"), std::string::npos);
  EXPECT_TRUE(report->damaged.empty());
}

// A record was answered although its folder could not follow: the next gate
// looked there, found a contract without its record and stopped the task as
// forged. It was told at the next start only.
TEST_F(Trouble, AFolderThatCannotFollowIsWaitedForAndToldOnce) {
  auto in_the_way = root / "keys" / "repo.heads";
  std::ofstream{in_the_way} << "in the way";
  std::vector<std::string> told;
  w.on_notice = [&](const std::string& sentence) { told.push_back(sentence); };
  start({"T"});
  run(std::chrono::milliseconds(500), 5);
  EXPECT_FALSE(report);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("T: its folder cannot be completed"), std::string::npos) << told[0];
  std::filesystem::remove(in_the_way);
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("T").is, status::done) << state_of("T").why;
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(Trouble, AFolderThatCanNeverFollowEndsTheRunAsWhatItIs) {
  std::ofstream{root / "keys" / "repo.heads"} << "in the way";
  start({"T"});
  run(std::chrono::milliseconds(500), 100);
  ASSERT_TRUE(report);
  EXPECT_NE(report->lost.find("its folder cannot be completed"), std::string::npos) << report->lost;
  EXPECT_TRUE(report->damaged.empty());
  EXPECT_NE(state_of("T").is, status::stopped) << state_of("T").why;
}

TEST_F(Trouble, BehindAShutGateNothingIsWrittenAndNobodyActsOnIt) {
  std::size_t written = 0;
  player->scripts[step::plan] = [&](const providers::request& r) {
    if (r.task == "B") {
      gate.shut();
      written = records_in_all();
    }
    return good(r);
  };
  start({"A", "B", "C"});
  run();
  EXPECT_FALSE(report) << "nobody was told anything";
  EXPECT_GT(written, 0u);
  EXPECT_EQ(records_in_all(), written);
  for (auto t : {"A", "B", "C"})
    EXPECT_TRUE(records_of(t, event::failed).empty());
}

// -- somebody throws ------------------------------------------------------------------

struct throwing_workspace : fake_workspace {
  result<std::string> branch_tip(std::string_view ref) override {
    if (throws > 0 && ref.find("/B") != std::string_view::npos) {
      --throws;
      throw std::runtime_error("a bug in the workspace");
    }
    return fake_workspace::branch_tip(ref);
  }
  int throws = 0;
};

// What is read for a grant threw in the SUPERVISOR, and all tasks ended as "the
// ledger cannot be written".
TEST_F(Trouble, AGrantWhoseWorkThrowsFailsForThatTaskOnly) {
  for (int throws : {1, 1000}) {
    throwing_workspace broken;
    broken.will_be("tree1");
    broken.throws = throws;
    w.files = &broken;
    auto n = std::to_string(throws);
    start({"A" + n, "B" + n});
    run();
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->lost.empty()) << report->lost;
    EXPECT_EQ(state_of("A" + n).is, status::done);
    auto s = state_of("B" + n);
    EXPECT_EQ(s.is, throws == 1 ? status::done : status::parked) << s.why;
    if (throws != 1) {
      EXPECT_NE(s.why.find("a bug in the workspace"), std::string::npos) << s.why;
    }
  }
}

struct throwing_checker : fake_checker {
  result<ledger::checks_outcome> run(std::string_view base, std::string_view tree) override {
    if (throws-- > 0)
      throw 7; // What no catch of std::exception sees.
    return fake_checker::run(base, tree);
  }
  int throws = 1;
};

// On a thread of a pool it ended the program.
TEST_F(Trouble, WorkThatThrowsWhatIsNoExceptionFailsItsOrderOnly) {
  throwing_checker broken;
  w.checks = &broken;
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(broken.runs, 1);
}

TEST_F(Trouble, ARouterThatDiesIsReplacedAndItsOrdersAreGivenAgain) {
  int made = 0;
  change_routers = [&](router_factories& routers) {
    auto real = routers[ledger::role::codex];
    routers[ledger::role::codex] = [&made, real](caf::actor_system& s) {
      if (++made == 2)
        throw std::runtime_error("a bug in the router");
      return real(s);
    };
  };
  start({"A", "B", "C"});
  run();
  ASSERT_TRUE(report);
  EXPECT_GT(made, 3);
  for (auto t : {"A", "B", "C"})
    EXPECT_EQ(state_of(t).is, status::done) << t;
}

TEST_F(Trouble, TheRunnersRouterMayDieAsWell) {
  int made = 0;
  change_routers = [&](router_factories& routers) {
    auto real = routers[ledger::role::scheduler];
    routers[ledger::role::scheduler] = [&made, real](caf::actor_system& s) {
      if (++made == 1)
        throw 7;
      return real(s);
    };
  };
  start({"A", "B"});
  run();
  ASSERT_TRUE(report);
  for (auto t : {"A", "B"})
    EXPECT_EQ(state_of(t).is, status::done) << t;
}

/// Keeps every question for later.
struct slow_player : fake_player {
  void ask(std::shared_ptr<const providers::request> r, providers::answer_callback done) override {
    if (r->at == step::plan)
      waiting.push_back(std::move(done));
    else
      fake_player::ask(std::move(r), std::move(done));
  }
  std::vector<providers::answer_callback> waiting;
};

TEST_F(Trouble, TheChildrenOfARouterEndWithIt) {
  auto slow = std::make_shared<slow_player>();
  w.players[ledger::role::codex] = {{"fake", slow}};
  caf::actor child;
  worker router;
  change_routers = [&](router_factories& routers) {
    auto real = routers[ledger::role::codex];
    routers[ledger::role::codex] = [&, real](caf::actor_system& s) { return child = real(s); };
    router = spawn_router(system, "codex", routers[ledger::role::codex]);
  };
  start({"T"});
  settle();
  ASSERT_EQ(slow->waiting.size(), 1u) << "a call is under way";
  bool ended = false;
  caf::actor_cast<caf::abstract_actor*>(child)->attach_functor(
      [&ended](const caf::error&) { ended = true; });
  // A second order goes to a router of our own, which is then ended.
  auto first = child;
  caf::scoped_actor self{system};
  auto s = std::make_shared<ledger::task_state>(state_of("T"));
  actors::tell(self.ptr(), router, work_order{s, work_order::kind::answer});
  settle();
  ASSERT_NE(first, child);
  bool second_ended = false;
  caf::actor_cast<caf::abstract_actor*>(child)->attach_functor(
      [&second_ended](const caf::error&) { second_ended = true; });
  end_actor(router);
  settle();
  EXPECT_TRUE(second_ended);
  EXPECT_FALSE(ended) << "the child of another router";
}

TEST_F(Trouble, ManyDeathsInAShortTimeParkTheTaskWhateverStepsTheyWereIn) {
  std::map<step, int> asked;
  for (auto at : {step::audit, step::decide})
    player->scripts[at] = [&](const providers::request& r) -> fake_player::said {
      if (r.task == "B" && ++asked[r.at] <= 2)
        throw std::runtime_error("a bug in the provider");
      return good(r);
    };
  start({"A", "B"});
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("A").is, status::done);
  EXPECT_EQ(state_of("B").is, status::parked);
  EXPECT_EQ(state_of("B").reason, "restarting-too-often") << state_of("B").why;
}

TEST_F(Trouble, AServiceThatIsAwayForMinutesCostsNoAttempt) {
  int calls = 0;
  player->scripts[step::audit] = [&](const providers::request& r) -> fake_player::said {
    EXPECT_EQ(r.attempt, 1u);
    if (++calls <= 20)
      return ledger::fail(ledger::fault::unavailable, "connection reset");
    return good(r);
  };
  start({"T"});
  run(std::chrono::seconds(1), 2000);
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("T").is, status::done) << state_of("T").why;
  EXPECT_EQ(calls, 21);
}

TEST_F(Trouble, AServiceThatStaysAwayParksTheTaskAndIsNamed) {
  player->scripts[step::audit] = [](const providers::request&) -> fake_player::said {
    return ledger::fail(ledger::fault::unavailable, "connect to 127.0.0.1: refused");
  };
  start({"T"});
  run(std::chrono::seconds(1), 2000);
  ASSERT_TRUE(report);
  auto s = state_of("T");
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(s.reason, "unavailable-too-long");
  EXPECT_NE(s.why.find("gemini was unavailable"), std::string::npos) << s.why;
  EXPECT_NE(s.why.find("connect to 127.0.0.1: refused"), std::string::npos) << s.why;
}

// Git that could not be asked for a grant used up the attempts of a step that
// had not begun.
struct absent_workspace : fake_workspace {
  result<std::string> branch_tip(std::string_view ref) override {
    if (away-- > 0)
      return ledger::fail(ledger::fault::unavailable, "git: resource temporarily unavailable");
    return fake_workspace::branch_tip(ref);
  }
  int away = 6;
};

TEST_F(Trouble, AGrantThatCannotBeAskedForCostsNoAttemptEither) {
  absent_workspace git;
  git.will_be("tree1");
  w.files = &git;
  start({"T"});
  run(std::chrono::seconds(1), 2000);
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("T").is, status::done) << state_of("T").why;
  EXPECT_EQ(state_of("T").attempt, 1u);
}

// -- somebody is slow -----------------------------------------------------------------

// An order failed after a day, also when it had only waited for its turn.
TEST_F(Trouble, AnOrderMayWaitForMoreThanADay) {
  auto slow = std::make_shared<slow_player>();
  w.players[ledger::role::codex] = {{"fake", slow}};
  start({"T"});
  run(std::chrono::hours(1), 40);
  EXPECT_FALSE(report);
  EXPECT_TRUE(records_of("T", event::failed).empty());
  ASSERT_EQ(slow->waiting.size(), 1u);
  slow->waiting[0](providers::answer{ledger::testing::good_answer(step::plan), 0, {}});
  run();
  ASSERT_TRUE(report);
  EXPECT_EQ(state_of("T").is, status::done);
}

/// Changes its version while it answers.
struct moving_player : fake_player {
  providers::identity who() const override { return {"fake", "none", std::to_string(calls)}; }
};

TEST_F(Trouble, AnAnswerNamesWhomTheQuestionNamed) {
  auto moving = std::make_shared<moving_player>();
  w.players[ledger::role::gemini] = {{"fake", moving}};
  run_one();
  auto version = [this](event what) {
    return ledger::text_at(records_of("T", what).front().detail, "version");
  };
  EXPECT_EQ(version(event::asked), "0");
  EXPECT_EQ(version(event::answered), "0");
}

} // namespace
