// Which record may follow which: the fold takes nothing that skips a step.

#include "tests/ledger/story.hpp"

#include <functional>
#include <set>

using namespace ledger;
using ledger::testing::story;

namespace {

using spoil = std::function<void(draft&)>;

/// A draft that fits, and what must not be done to it.
struct forgery {
  const char* name;
  std::function<void(story&)> tell;
  std::function<draft(story&)> good;
  spoil bad;
};

void expect_refused(const std::vector<forgery>& all) {
  for (auto& f : all) {
    SCOPED_TRACE(f.name);
    story t;
    f.tell(t);
    auto d = f.good(t);
    EXPECT_EQ(t.refusal_of(d), "") << "the test is about nothing";
    f.bad(d);
    EXPECT_NE(t.refusal_of(d), "");
  }
}

std::function<void(story&)> standing_at(step s) {
  return [s](story& t) { t.until(s); };
}

void ask_for_code(story& t) {
  t.until(step::implement);
  t.grant();
  t.add(draft_asked(t.state, {}));
}

draft answer_with_code(story& t) {
  answering a;
  a.text = ledger::testing::text("done");
  a.tree = "tree1";
  a.diff = ledger::testing::text("diff");
  return draft_answered(t.state, a);
}

spoil to(const char* key, const char* value) {
  return [=](draft& d) { d.detail[key] = value; };
}

// All of these could be written into a journal without the key, and were taken:
// a red tree reached the delivery that way.
TEST(Order, RefusesRetriesAndConfigurationsThatLeadAheadOrLeaveAContract) {
  auto reconfigured = [](story& t) { return draft_reconfigured(t.state, "digest2"); };
  auto retried = [](story& t) {
    return draft_retried(t.state, t.state.at, nullptr).value_or(draft{});
  };
  auto goes_on = [](story& t) {
    return draft_retried(t.state, std::nullopt, nullptr).value_or(draft{});
  };
  expect_refused({
      {"a configuration without a signature", standing_at(step::review), reconfigured,
       [](draft& d) { d.sign = false; }},
      {"a configuration that leads ahead", standing_at(step::test), reconfigured,
       to("back_to", "review")},
      {"a configuration that leads out of the table", standing_at(step::test), reconfigured,
       to("back_to", "ingest")},
      {"a configuration without a digest", standing_at(step::test), reconfigured, to("to", "")},
      {"a configuration that leaves the contracts", standing_at(step::deliver), reconfigured,
       [](draft& d) { d.moves.clear(); }},
      {"a retry that leads ahead", standing_at(step::plan), retried, to("from", "deliver")},
      {"a retry that goes on elsewhere", standing_at(step::plan), goes_on, to("from", "audit")},
      {"a retry that leaves the contract", standing_at(step::decide), retried, to("from", "plan")},
      {"a retry that leaves the contracts",
       [](story& t) {
         t.until(step::deliver);
         t.deliver();
       },
       [](story& t) { return *draft_retried(t.state, step::decide, nullptr); },
       [](draft& d) { d.moves.clear(); }},
  });
}

TEST(Order, RefusesRecordsThatSkipTheJudgingOfAnAnswer) {
  expect_refused({
      {"an answer without its file", ask_for_code, answer_with_code,
       [](draft& d) { d.files.erase(d.files.begin()); }},
      {"an answer without its diff", ask_for_code, answer_with_code,
       [](draft& d) { d.files.pop_back(); }},
      {"an answer without its tree", ask_for_code, answer_with_code, to("tree", "")},
      {"a rejected answer that stays",
       [](story& t) {
         ask_for_code(t);
         t.add(answer_with_code(t));
       },
       [](story& t) {
         return draft_judged(t.state, {judged::rejected, {"no"}});
       },
       [](draft& d) { d.moves.clear(); }},
      {"checks without a log",
       [](story& t) {
         t.until(step::test);
         t.grant();
       },
       [](story& t) {
         checks_outcome c;
         c.tree = t.state.tree;
         c.ok = true;
         c.run_log = ledger::testing::text("green");
         return draft_checked(t.state, c);
       },
       [](draft& d) { d.files.clear(); }},
      {"a round that leaves its evidence",
       [](story& t) {
         t.until(step::test);
         t.checks(false);
       },
       [](story& t) { return draft_round_opened(t.state); },
       [](draft& d) {
         d.moves.clear();
         d.detail["evidence"] = json::array();
       }},
  });
}

TEST(Order, RefusesRecordsOfAnotherPlaceThanTheTaskStandsAt) {
  expect_refused({
      {"another round", [](story& t) { t.open(); },
       [](story& t) { return draft_granted(t.state, {}); }, [](draft& d) { d.round = 77; }},
      {"another attempt", [](story& t) { t.open(); },
       [](story& t) { return draft_granted(t.state, {}); }, [](draft& d) { d.attempt = 9; }},
      {"another step", [](story& t) { t.open(); },
       [](story& t) { return draft_granted(t.state, {}); }, [](draft& d) { d.at = step::review; }},
      {"an opening without a prompt", [](story&) {},
       [](story&) {
         return draft_opened({ledger::testing::text("x"), "repo", "b", "t", "d", 0, {}}, "T");
       },
       [](draft& d) { d.files.clear(); }},
      {"a move onto a recorded file", [](story& t) { t.until(step::plan); },
       [](story& t) { return draft_granted(t.state, {}); },
       [](draft& d) {
         d.moves.push_back(
             {std::string{path::prompt}, std::string{path::audit}, sha256("do it"), 5});
       }},
  });
}

TEST(Order, TakesNoEndForAnotherThanItIs) {
  auto no_change = [](story& t) {
    return draft_finished(t.state, status::no_change, t.conf, t.now_ms);
  };
  auto done = [](story& t) { return draft_finished(t.state, status::done, t.conf, t.now_ms); };
  auto unchanged = [](story& t) {
    t.until(step::implement);
    t.step_ok("tree0");
  };
  auto deployed = [](story& t) {
    t.until(step::deliver);
    t.commit_and_build();
    deploy_outcome d;
    d.ok = true;
    t.add(draft_deployed(t.state, d));
  };
  for (auto word : {"rubbish", "done", "stopped", ""})
    expect_refused({{word, unchanged, no_change, [=](draft& d) { d.detail["status"] = word; }}});
  for (auto word : {"rubbish", "no-change", ""})
    expect_refused({{word, deployed, done, [=](draft& d) { d.detail["status"] = word; }}});
  for (auto at : {step::audit, step::test, step::deliver}) {
    story t;
    t.until(at);
    EXPECT_NE(t.refusal_of(no_change(t)), "") << to_string(at);
    EXPECT_NE(t.refusal_of(done(t)), "") << to_string(at);
  }
}

/// Every place of step 8; gives the story of a task that is done.
template <class Add>
story add_delivery(Add& add) {
  story d;
  d.until(step::deliver);
  add("deliver:ready", d);
  d.grant();
  add("deliver:granted", d);
  d.add(draft_intended(d.state, 1, ""));
  add("deliver:intended", d);
  d.add(draft_committed(d.state, "c"));
  add("deliver:committed", d);
  auto red = d;
  red.add(draft_built(red.state, false, "exit 1", nullptr));
  add("deliver:refused", red);
  d.add(draft_built(d.state, true, "", nullptr));
  add("deliver:built", d);
  auto lands = d;
  lands.state.out.edit().placed = true;
  lands.add(draft_landing(lands.state, {"b", "origin", "a", "c"}));
  add("deliver:landing", lands);
  lands.add(draft_landed(lands.state, {}));
  add("deliver:landed", lands);
  auto asks = d;
  asks.add(draft_requesting(asks.state, "origin", "main"));
  add("deliver:requesting", asks);
  asks.add(draft_requested(asks.state, {"7", "u", false}));
  add("deliver:requested", asks);
  d.add(draft_deploying(d.state));
  add("deliver:deploying", d);
  auto outage = d;
  outage.add(draft_failed(outage.state, {fault::unavailable, "503"}));
  outage.grant();
  add("deliver:recheck", outage);
  deploy_outcome o;
  o.ok = true;
  d.add(draft_deployed(d.state, o));
  add("deliver:deployed", d);
  d.add(draft_finished(d.state, status::done, d.conf, 0));
  add("ended:done", d);
  return d;
}

/// Every place at which a task can stand, by "step:phase"; `fix` is step `test`
/// while a fix is due.
std::map<std::string, story> all_places() {
  std::map<std::string, story> all;
  all.emplace("ingest:never opened", story{});
  auto add = [&](const std::string& name, const story& t) { all.emplace(name, t); };
  auto through_an_ai = [&](const std::string& name, story t) {
    add(name + ":ready", t);
    t.grant();
    add(name + ":granted", t);
    t.add(draft_asked(t.state, {}));
    add(name + ":asked", t);
    t.add(answer_with_code(t));
    add(name + ":answered", t);
    if (row_of(t.state.at).leave != gate::decided && row_of(t.state.at).leave != gate::approved
        && row_of(t.state.at).leave != gate::verified)
      return;
    t.judge_as(judged::said_no, {"no"});
    add(name + ":refused", t);
  };
  for (auto& row : step_table) {
    if (row.by == role::scheduler || row.id == step::test)
      continue;
    story t;
    t.until(row.id);
    through_an_ai(std::string{row.name}, t);
  }
  story fix;
  fix.fix_due();
  through_an_ai("fix", fix);
  story t;
  t.until(step::test);
  add("test:ready", t);
  t.grant();
  add("test:granted", t);
  t.checks(false);
  add("test:refused", t);
  story empty;
  empty.until(step::implement);
  empty.step_ok("tree0");
  add("test:without change", empty);
  auto d = add_delivery(add);
  for (auto at : {step::implement, step::deliver}) {
    story waiting;
    waiting.conf.approve = {true, true};
    waiting.until(at);
    waiting.wait_for_person();
    add("waiting:" + std::string{to_string(at)}, waiting);
  }
  story parked;
  parked.open();
  parked.add(draft_parked(parked.state, "r", "w", "do"));
  add("ended:parked", parked);
  story again = d;
  again.add(*draft_retried(again.state, step::ingest, nullptr));
  add("ingest:again", again);
  return all;
}

/// The same for the events of step 8.
draft delivery_draft_of(event e, story& t) {
  auto& s = t.state;
  deploy_outcome o;
  o.ok = true;
  switch (e) {
    case event::placed:
      return draft_placed(
          s, {placing::as_is, "b", "onto", s.base_tree, s.tree, {}, {}, {}, {}, {}, {}});
    case event::landing:
      return draft_landing(s, {"b", "origin", "a", "c"});
    case event::landed:
      return draft_landed(s, {});
    case event::intended:
      return draft_intended(s, 1, "");
    case event::committed:
      return draft_committed(s, "c");
    case event::built:
      return draft_built(s, true, "", nullptr);
    case event::deploying:
      return draft_deploying(s);
    case event::deployed:
      return draft_deployed(s, o);
    default:
      return {};
  }
}

/// The draft of `e` that fits best where the task stands.
draft draft_of(event e, story& t) {
  auto& s = t.state;
  checks_outcome c;
  c.tree = s.tree;
  c.ok = true;
  c.run_log = ledger::testing::text("green");
  switch (e) {
    case event::opened: {
      auto d = draft_opened({ledger::testing::text("x"), "repo", "b", "t", "d", 0, {}}, "T");
      d.at = s.at;
      d.round = s.round;
      d.attempt = s.attempt;
      return d;
    }
    case event::resumed:
      return draft_resumed(s);
    case event::reconfigured:
      return draft_reconfigured(s, "digest2");
    case event::granted:
      return draft_granted(s, {});
    case event::asked:
      return draft_asked(s, {});
    case event::answered:
      return answer_with_code(t);
    case event::turned:
      return draft_turned(s, {ledger::testing::text("turn\n")});
    case event::accepted:
      return draft_judged(s, {judged::accepted, {}});
    case event::said_no:
      return draft_judged(s, {judged::said_no, {"no"}});
    case event::rejected:
      return draft_judged(s, {judged::rejected, {"no"}});
    case event::voided:
      return draft_judged(s, {judged::voided, {"no"}});
    case event::failed:
      return draft_failed(s, {fault::unavailable, "x"});
    case event::deferred:
      return draft_deferred(s, {}, 0);
    case event::fell_back:
      return draft_fell_back(s, "a", "b");
    case event::restarted:
      return draft_restarted(s, "x");
    case event::checked:
      return draft_checked(s, c);
    case event::round_opened:
      return draft_round_opened(s);
    default:
      return delivery_draft_of(e, t);
    case event::finished:
      return draft_finished(s, s.at == step::test ? status::no_change : status::done, t.conf, 0);
    case event::stopped:
      return draft_stopped(s, "r", "w", "do");
    case event::parked:
      return draft_parked(s, "r", "w", "do");
    case event::awaiting:
      return draft_awaiting(s, "w", "do");
    case event::cancelled:
      return draft_cancelled(s);
    case event::approved:
      return draft_approved(s, std::nullopt, t.honest_evidence(), {}).value_or(draft{});
    case event::retried:
      return draft_retried(s, s.at, nullptr).value_or(draft{});
  }
  return {};
}

constexpr auto last_event = event::retried;

// `retried, granted, asked, answered, accepted` appended to a done task crashed
// every command; nothing said which event may follow where.
TEST(Order, EveryEventFollowsOnlyWhereItCan) {
  using names = std::set<std::string>;
  const names ais{"audit", "decide", "plan", "implement", "review", "verify", "fix"};
  const std::map<event, names> only_at{
      {event::opened, {"ingest:never opened", "ingest:again"}},
      {event::said_no, {"decide:answered", "review:answered", "verify:answered"}},
      {event::checked, {"test:granted", "deliver:recheck"}},
      {event::round_opened,
       {"test:refused", "review:refused", "verify:refused", "deliver:refused"}},
      {event::intended, {"deliver:granted"}},
      {event::committed, {"deliver:intended"}},
      {event::built, {"deliver:committed"}},
      {event::placed,
       {"deliver:granted", "deliver:intended", "deliver:committed", "deliver:built",
        "deliver:landing", "deliver:requesting", "deliver:requested"}},
      {event::landing, {"deliver:landing"}}, // Else a place is missing.
      {event::landed, {"deliver:landing"}},
      {event::deploying,
       {"deliver:built", "deliver:landing", "deliver:landed", "deliver:requesting",
        "deliver:requested"}},
      {event::deployed, {"deliver:deploying"}},
      {event::finished, {"deliver:deployed", "test:without change"}},
      {event::awaiting, {"implement:ready", "deliver:ready"}},
      {event::approved, {"waiting:implement", "waiting:deliver"}},
      {event::fell_back, {}}, // Only where a provider refused, or is missing: calls_test.cpp.
  };
  // By phase, where an AI works; and beside that.
  const std::map<event, std::pair<names, names>> in_phase{
      {event::granted, {{"ready"}, {"test:ready", "test:without change", "deliver:ready"}}},
      {event::asked, {{"granted"}, {}}},
      {event::answered, {{"asked"}, {}}},
      {event::turned, {{"asked"}, {}}},
      {event::deferred, {{"asked"}, {}}},
      {event::accepted, {{"answered"}, {}}},
      {event::rejected, {{"answered"}, {}}},
      {event::voided, {{"answered"}, {}}},
      {event::failed,
       // A grant can fail for want of what it needs, before an attempt begins.
       {{"ready", "granted", "asked", "answered"},
        {"test:ready", "test:without change", "deliver:ready", "test:granted", "deliver:granted",
         "deliver:intended", "deliver:committed", "deliver:built", "deliver:landing",
         "deliver:landed", "deliver:requesting", "deliver:requested", "deliver:deploying",
         "deliver:recheck", "deliver:deployed"}}},
  };
  const names by_person{"ingest:again", "ended:parked"};
  for (auto& [place, story_there] : all_places())
    for (int i = 0; i <= static_cast<int>(last_event); ++i) {
      auto e = static_cast<event>(i);
      SCOPED_TRACE(std::string{to_string(e)} + " at " + place);
      auto t = story_there;
      auto where = place.substr(0, place.find(':'));
      auto phase_word = place.substr(place.find(':') + 1);
      bool waits = where == "waiting";
      // The rest: at any open step.
      bool fits = where != "ingest" && where != "ended" && !waits;
      if (waits
          && (e == event::resumed || e == event::reconfigured || e == event::cancelled
              || e == event::retried))
        fits = true;
      else if (auto it = only_at.find(e); it != only_at.end())
        fits = it->second.count(place) != 0;
      else if (auto in = in_phase.find(e); in != in_phase.end())
        fits = (ais.count(where) != 0 && in->second.first.count(phase_word) != 0)
               || in->second.second.count(place) != 0;
      else if (e == event::cancelled || e == event::retried)
        fits =
            fits || by_person.count(place) != 0 || (e == event::retried && place == "ended:done");
      EXPECT_EQ(t.refusal_of(draft_of(e, t)) == "", fits) << t.refusal_of(draft_of(e, t));
    }
}

} // namespace
