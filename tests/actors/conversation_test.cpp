// Calls in turns: what is on record before what, and what a crash costs.

#include "tests/actors/world.hpp"

#include "ledger/detail.hpp"

#include <fstream>
#include <iterator>

namespace {

using namespace actors;
using namespace actors::testing;
using ledger::event;
using ledger::status;
using providers::answer;
using providers::call_failure;
using providers::request;
using kind = call_failure::kind;

constexpr const char* turns_file = "gemini/audit.turns.jsonl";

/// A turn that calls one tool.
answer calls(const std::string& tool, const std::string& path, double usd = 0) {
  answer a;
  a.calls = {{"id-" + path, tool, {{"path", path}}}};
  a.raw = {{"said", tool + " " + path}};
  a.usd = usd;
  a.used.output = 7;
  return a;
}

answer text_of(step s) {
  return {ledger::testing::good_answer(s), 0, {}};
}

class Conversation : public world {
protected:
  Conversation() {
    w.tools = [this](const providers::tool_scope& scope) {
      scopes.push_back(scope);
      return std::make_unique<fake_toolbox>(used);
    };
    player->scripts[step::audit] = [this](const request& r) -> fake_player::said {
      if (r.turns.size() < turns)
        return calls("read_file", "f" + std::to_string(r.turns.size() + 1));
      return text_of(step::audit);
    };
  }

  std::string content(const std::string& p) const {
    std::ifstream in(file("T", p), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  std::size_t turns = 2;
  std::vector<std::string> used;
  std::vector<providers::tool_scope> scopes;
};

TEST_F(Conversation, ToolsRunAfterTheirTurnIsOnRecordAndTheirResultsAreTold) {
  std::vector<std::size_t> recorded;
  w.tools = [this, &recorded](const providers::tool_scope&) {
    struct looking : fake_toolbox {
      looking(std::vector<std::string>& log, std::function<void()> look)
          : fake_toolbox(log)
          , look_(std::move(look)) {}
      providers::tool_result run(const providers::tool_call& c) override {
        look_();
        return fake_toolbox::run(c);
      }
      std::function<void()> look_;
    };
    return std::make_unique<looking>(
        used, [this, &recorded] { recorded.push_back(records_of("T", event::turned).size()); });
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(used, (std::vector<std::string>{"read_file f1", "read_file f2"}));
  EXPECT_EQ(recorded, (std::vector<std::size_t>{1, 2}));
  auto& last = player->requests[2];
  ASSERT_EQ(last.turns.size(), 2u);
  EXPECT_EQ(last.turns[0].results[0].content, "result of read_file f1");
  EXPECT_EQ(last.turns[1].results[0].content, "result of read_file f2");
  auto read_back = providers::turns_of(content(turns_file));
  ASSERT_TRUE(read_back) << read_back.error().detail;
  ASSERT_EQ(read_back->size(), 2u);
  EXPECT_EQ((*read_back)[0].results[0].content, "result of read_file f1");
  EXPECT_EQ((*read_back)[1].raw, (ledger::json{{"said", "read_file f2"}}));
}

// A model that turns in circles once had thousands of calls run at once.
TEST_F(Conversation, OfTheCallsOfOneTurnOnlySoManyAreRun) {
  auto many = calls("read_file", "f");
  many.calls.resize(200, many.calls.front());
  player->scripts[step::audit] = [&](const request& r) -> fake_player::said {
    return r.turns.empty() ? many : text_of(step::audit);
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(used.size(), 128u);
  auto& results = player->requests[1].turns[0].results;
  ASSERT_EQ(results.size(), 200u) << "each is told";
  EXPECT_FALSE(results[127].is_error);
  EXPECT_TRUE(results[128].is_error);
  EXPECT_NE(results[199].content.find("Not run"), std::string::npos);
}

TEST_F(Conversation, CallsThatLeaveNoRoomForTheirResultsAreNotRun) {
  auto many = calls("read_file", "f");
  many.calls.resize(100, many.calls.front());
  w.config.limits.conversation_bytes = 3'000;
  player->scripts[step::audit] = [&](const request& r) -> fake_player::said {
    return r.turns.empty() ? many : text_of(step::audit);
  };
  run_one();
  EXPECT_LT(used.size(), 100u);
}

TEST_F(Conversation, EveryTurnIsAskedOnRecordFirst) {
  run_one();
  auto asked = records_of("T", event::asked);
  ASSERT_GE(asked.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(ledger::number_at(asked[i].detail, "turn"), static_cast<std::int64_t>(i + 1));
    EXPECT_EQ(asked[i].at, step::audit);
  }
}

// A kill at turn 39 paid for 38 turns again.
TEST_F(Conversation, ARunThatDiesPaysForNoTurnTwice) {
  turns = 39;
  player->scripts[step::audit] = [this](const request& r) -> fake_player::said {
    if (r.turns.size() == 38)
      gate.shut(); // What follows is never recorded, as after a kill.
    if (r.turns.size() < turns)
      return calls("read_file", "f" + std::to_string(r.turns.size() + 1));
    return text_of(step::audit);
  };
  start({"T"});
  run(std::chrono::milliseconds(250), 20);
  EXPECT_FALSE(report);
  EXPECT_EQ(player->calls, 39);
  EXPECT_EQ(records_of("T", event::turned).size(), 38u);

  end_run();
  player->calls = 0;
  used.clear();
  std::vector<std::size_t> seen;
  player->scripts[step::audit] = [&](const request& r) -> fake_player::said {
    seen.push_back(r.turns.size());
    for (auto& t : r.turns)
      EXPECT_EQ(t.results.size(), t.calls.size());
    if (r.turns.size() < turns)
      return calls("read_file", "f" + std::to_string(r.turns.size() + 1));
    return text_of(step::audit);
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(seen, (std::vector<std::size_t>{38, 39}));
  EXPECT_EQ(used.front(), "read_file f38") << "the last turn's tools had not told anybody";
}

TEST_F(Conversation, WritesAreDoneAgainInTheirOrderOnAFreshCheckout) {
  player->scripts.erase(step::audit);
  auto writes = [](const request& r) -> fake_player::said {
    const std::vector<std::pair<std::string, std::string>> plan{
        {"write_file", "a"}, {"read_file", "b"}, {"delete_file", "c"}, {"write_file", "d"}};
    if (auto n = r.turns.size(); n < plan.size())
      return calls(plan[n].first, plan[n].second);
    return text_of(step::implement);
  };
  player->scripts[step::implement] = [&](const request& r) -> fake_player::said {
    if (r.turns.size() == 3)
      gate.shut();
    return writes(r);
  };
  start({"T"});
  run(std::chrono::milliseconds(250), 20);
  end_run();
  used.clear();
  player->scripts[step::implement] = writes;
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(used, (std::vector<std::string>{"write_file a", "delete_file c", "write_file d"}));
  EXPECT_EQ(scopes.back().at, step::verify);
}

// A write that failed when it was done again was passed over: the conversation
// went on in a worktree that lacked what the model had been told it wrote.
TEST_F(Conversation, AWriteThatCannotBeDoneAgainIsTriedLaterAndNotPassedOver) {
  auto writes = [](const request& r) -> fake_player::said {
    return r.turns.size() < 3 ? calls("write_file", "a") : text_of(step::implement);
  };
  player->scripts[step::implement] = [&](const request& r) -> fake_player::said {
    if (r.turns.size() == 2)
      gate.shut(); // The first write has told its result, so it is done again.
    return writes(r);
  };
  player->scripts.erase(step::audit);
  start({"T"});
  run(std::chrono::milliseconds(250), 20);
  end_run();
  player->scripts[step::implement] = writes;
  int failures = 2;
  w.tools = [&](const providers::tool_scope&) {
    struct failing : fake_toolbox {
      failing(std::vector<std::string>& log, int& left)
          : fake_toolbox(log)
          , left_(left) {}
      providers::tool_result run(const providers::tool_call& c) override {
        if (left_ > 0 && left_-- > 0)
          return {"no space", true};
        return fake_toolbox::run(c);
      }
      int& left_;
    };
    return std::make_unique<failing>(used, failures);
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(records_of("T", event::failed).size(), 2u);
  EXPECT_EQ(failures, 0);
}

TEST_F(Conversation, ASecretInWhatAModelOrAToolSaysIsNowhere) {
  w.secrets = ledger::redactor({"sesame-sesame-sesame"});
  player->scripts[step::audit] = [](const request& r) -> fake_player::said {
    if (!r.turns.empty()) {
      EXPECT_EQ(r.turns[0].calls[0].arguments.dump().find("sesame"), std::string::npos);
      EXPECT_EQ(r.turns[0].raw.dump().find("sesame"), std::string::npos);
      EXPECT_EQ(r.turns[0].results[0].content.find("sesame"), std::string::npos);
      return text_of(step::audit);
    }
    return calls("read_file", "sesame-sesame-sesame");
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  EXPECT_EQ(content(turns_file).find("sesame"), std::string::npos);
  EXPECT_NE(content(turns_file).find("[redacted]"), std::string::npos);
}

TEST_F(Conversation, OneThatNeverEndsCostsItsTriesAndParksTheTask) {
  turns = 1'000'000;
  w.config.limits.turns = 5;
  auto s = run_one();
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(s.reason, "tries-used");
  EXPECT_EQ(player->calls, 15);
  EXPECT_NE(s.why.find("limits.turns"), std::string::npos) << s.why;
}

TEST_F(Conversation, AnotherModelBeginsAnew) {
  player->scripts[step::audit] = [this](const request& r) -> fake_player::said {
    if (r.turns.size() == 1)
      gate.shut();
    return calls("read_file", "x");
  };
  start({"T"});
  run(std::chrono::milliseconds(250), 20);
  end_run();
  auto other = std::make_shared<fake_player>("other");
  other->scripts[step::audit] = [](const request& r) -> fake_player::said {
    EXPECT_TRUE(r.turns.empty());
    return text_of(step::audit);
  };
  w.players[ledger::role::gemini] = {{"fake", other}};
  EXPECT_EQ(run_one().is, status::done);
  EXPECT_TRUE(std::filesystem::exists(file("T", "gemini/old/audit.turns.superseded-1.jsonl")));
}

TEST_F(Conversation, WhatWasUsedIsOnRecordBesideWhatTheProviderAdds) {
  player->scripts[step::audit] = [](const request&) -> fake_player::said {
    auto a = text_of(step::audit);
    a.used = {100, 20, 3, 7};
    a.usage["arguments"] = "-p";
    return a;
  };
  auto s = run_one();
  auto answered = records_of("T", event::answered).front();
  EXPECT_EQ(answered.detail["usage"]["arguments"], "-p");
  EXPECT_EQ(ledger::number_at(answered.detail["usage"], "output_tokens"), 7);
  EXPECT_EQ((s.spent->at({step::audit, "fake"}).input_tokens), 123u);
}

// -- no answer -------------------------------------------------------------------

TEST_F(Conversation, AWaitHoldsTheProviderForAllTasksAndCostsNoAttempt) {
  player->rates = providers::rate_limits{8, 0, 0};
  money.rates["fake"] = *player->rates;
  int sent_away = 0;
  player->scripts[step::audit] = [&](const request&) -> fake_player::said {
    if (sent_away++ == 0) {
      call_failure f{kind::wait, "rate-limited", "resets in 60 s"};
      f.wait = std::chrono::seconds(60);
      return tl::make_unexpected(f);
    }
    return text_of(step::audit);
  };
  auto began_ms = now_ms;
  start({"A", "B", "C"});
  run(std::chrono::milliseconds(500), 400);
  ASSERT_TRUE(report);
  for (auto t : {"A", "B", "C"})
    EXPECT_EQ(state_of(t).is, status::done) << state_of(t).why;
  EXPECT_GE(now_ms - began_ms, 60'000);
  std::size_t deferred = 0;
  for (auto t : {"A", "B", "C"})
    deferred += records_of(t, event::deferred).size();
  EXPECT_EQ(deferred, 1u) << "the others waited in line";
  EXPECT_TRUE(records_of("A", event::failed).empty());
}

TEST_F(Conversation, AnAbsurdHintIsCapped) {
  int n = 0;
  player->scripts[step::audit] = [&](const request&) -> fake_player::said {
    if (n++ == 0) {
      call_failure f{kind::wait, "rate-limited", "resets in 10 years"};
      f.wait = std::chrono::hours(24 * 3650);
      return tl::make_unexpected(f);
    }
    return text_of(step::audit);
  };
  auto began_ms = now_ms;
  start({"T"});
  run(std::chrono::minutes(1), 200);
  EXPECT_EQ(state_of("T").is, status::done);
  EXPECT_LE(now_ms - began_ms, 70 * 60'000);
}

TEST_F(Conversation, ARefusalFallsBackAndSaysSo) {
  auto second = std::make_shared<fake_player>("second");
  w.config.roles[ledger::role::gemini] = {"fake", "", {"second"}};
  w.players[ledger::role::gemini].push_back({"second", second});
  player->scripts[step::audit] = [](const request&) -> fake_player::said {
    return tl::make_unexpected(call_failure{kind::refused, "no-credit", "pay first"});
  };
  auto s = run_one();
  EXPECT_EQ(s.is, status::done) << s.why;
  ASSERT_EQ(records_of("T", event::fell_back).size(), 1u);
  auto detail = records_of("T", event::fell_back)[0].detail;
  EXPECT_EQ(ledger::text_at(detail, "from_provider"), "fake");
  EXPECT_EQ(ledger::text_at(detail, "to_provider"), "second");
  EXPECT_EQ(ledger::text_at(detail, "code"), "no-credit");
  EXPECT_EQ(second->calls, 2) << "audit and verify";
}

// -- money -----------------------------------------------------------------------

TEST_F(Conversation, ABudgetIsNeverOvershotHoweverManyCallAtOnce) {
  // Three reservations of 0.30 fit into 1.00; all eight calls are made at once,
  // and none ends before all had their chance.
  player->costs.usd = 0.30;
  money.purse = ledger::purse{{1.0, std::nullopt}};
  auto holding = std::make_shared<std::vector<providers::answer_callback>>();
  struct holder : fake_player {
    std::shared_ptr<std::vector<providers::answer_callback>> held;
    void ask(std::shared_ptr<const request>, providers::answer_callback done) override {
      held->push_back(std::move(done));
    }
  };
  auto h = std::make_shared<holder>();
  h->held = holding;
  h->costs.usd = 0.30;
  w.players[ledger::role::gemini] = {{"fake", h}};
  start({"A", "B", "C", "D", "E", "F", "G", "H"});
  settle();
  EXPECT_EQ(holding->size(), 3u);
  // Each did cost what was put aside: a fourth does not fit any more.
  for (auto& done : std::vector(*holding)) {
    auto a = text_of(step::audit);
    a.usd = 0.30;
    done(std::move(a));
  }
  run(std::chrono::milliseconds(250), 40);
  ASSERT_TRUE(report);
  int parked = 0;
  double spent = 0;
  for (auto t : {"A", "B", "C", "D", "E", "F", "G", "H"}) {
    parked += state_of(t).reason == "run-budget-used" ? 1 : 0;
    spent += state_of(t).usd;
  }
  EXPECT_EQ(parked, 8) << "Claude's calls do not fit either";
  EXPECT_NEAR(spent, 0.9, 1e-9);
}

// A service that says nothing of what it used is not free.
TEST_F(Conversation, WhatWasPutAsideIsOnRecordBeforeTheCallAndSpentUnlessItSaysLess) {
  player->costs.usd = 0.25;
  double reserved = -1;
  player->scripts[step::audit] = [&](const request&) -> fake_player::said {
    reserved = ledger::real_at(records_of("T", event::asked).back().detail, "usd_reserved");
    auto a = text_of(step::audit);
    a.usd = 0.125;
    return a;
  };
  auto s = run_one();
  EXPECT_EQ(reserved, 0.25);
  EXPECT_EQ(s.usd, 0.125 + 5 * 0.25);
}

TEST_F(Conversation, ATaskBudgetParksThatTaskOnly) {
  player->costs.usd = 0.5;
  money.purse = ledger::purse{{std::nullopt, 0.4}};
  auto s = run_one();
  EXPECT_EQ(s.is, status::parked);
  EXPECT_EQ(s.reason, "task-budget-used");
  EXPECT_EQ(player->calls, 0);
}

} // namespace
