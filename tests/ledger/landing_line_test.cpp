#include "ledger/landing_line.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace ledger;
using line = landing_line;

/// A world in which trees are sets of changes, spelled "base+A+B". `red` holds
/// pairs that are red together, `clash` pairs that do not combine.
class LandingLine : public ::testing::Test {
protected:
  explicit LandingLine(landing_review review = landing_review::tree, std::size_t longest = 8)
      : line_(review, longest) {}

  /// A task at step 8 whose change was made on `base_tree`.
  task_state task(const std::string& name, const std::string& base = "c0",
                  const std::string& base_tree = "base") {
    task_state s;
    s.task = name;
    s.seq = 1;
    s.at = step::deliver;
    s.ph = phase::granted;
    s.base = base;
    s.base_tree = base_tree;
    s.tree = base_tree + "+" + name;
    s.checked_tree = s.verified_tree = s.tree;
    return s;
  }

  void arrive(const task_state& s) {
    states_[s.task] = s;
    line_.arrive(s);
  }

  /// What the actors and the tasks do about an order.
  void perform(line::order& o) {
    if (std::holds_alternative<line::look_at_tip>(o))
      line_.tip_is(tip_);
    else if (auto* c = std::get_if<line::combine>(&o))
      combine(*c);
    else if (auto* k = std::get_if<line::check>(&o)) {
      ++checks_;
      line_.checked(k->tree, is_green(k->tree));
    } else if (auto* p = std::get_if<line::place>(&o))
      place(*p);
    else if (auto* a = std::get_if<line::aim>(&o))
      for (auto& t : a->tasks) {
        states_[t].out.edit().landing_from = a->from;
        states_[t].out.edit().landing_to = a->to;
        line_.arrive(states_[t]);
      }
    else if (auto* m = std::get_if<line::move>(&o)) {
      EXPECT_EQ(m->from, tip_.commit);
      EXPECT_TRUE(is_green(m->tree)) << m->tree;
      tip_ = {m->to, m->tree};
      for (auto& t : m->tasks) {
        landed_.push_back(t);
        states_[t].out.edit().landed = true;
      }
      ++moves_;
      line_.moved(*m);
    }
  }

  void run() {
    for (int i = 0; i < 1'000; ++i) {
      auto o = line_.next();
      if (std::holds_alternative<line::nothing>(o))
        return;
      perform(o);
    }
    FAIL() << "the line never rests";
  }

  void combine(const line::combine& c) {
    auto change = c.tree.substr(c.base_tree.size());
    line::combination came;
    bool clashes = false;
    for (auto& [a, b] : clash_)
      clashes = clashes || (change == "+" + a && has(c.onto_tree, b))
                || (change == "+" + b && has(c.onto_tree, a));
    if (!clashes)
      came.tree = c.onto_tree + change;
    came.untouched = touched_.count(c.task) == 0;
    line_.combined(c, came);
  }

  /// The task records its place; with one that carries it commits at once.
  void place(const line::place& p) {
    auto& s = states_[p.task];
    places_.push_back(p);
    s.base = p.where.onto.empty() ? "provisional" : p.where.onto;
    s.base_tree = p.where.onto_tree;
    s.out.clear();
    if (p.where.how == placing::conflict || p.where.how == placing::anew) {
      s.at = step::test;
      s.tree = p.where.tree.empty() ? s.base_tree : p.where.tree;
      s.fixing = p.where.how == placing::conflict;
      s.carried.reset();
      line_.note(s);
      return;
    }
    if (p.where.how == placing::patch)
      s.carried = carried_review{s.tree, p.where.tested_tree};
    s.tree = s.checked_tree = p.where.tree;
    auto& out = s.out.edit();
    out.placed = out.built = true;
    out.commit = "commit of " + s.tree;
    line_.note(s);
    line_.arrive(s);
  }

  /// A task that was away was green, approved and verified.
  void comes_back(const std::string& name) {
    auto& s = states_[name];
    s.at = step::deliver;
    s.ph = phase::granted;
    s.fixing = false;
    s.checked_tree = s.verified_tree = s.tree;
    line_.arrive(s);
    run();
  }

  bool is_green(const std::string& tree) const {
    for (auto& [a, b] : red_)
      if (has(tree, a) && has(tree, b))
        return false;
    return true;
  }

  static bool has(const std::string& tree, const std::string& change) {
    return (tree + "+").find("+" + change + "+") != std::string::npos;
  }

  placing how(const std::string& name) const {
    for (auto it = places_.rbegin(); it != places_.rend(); ++it)
      if (it->task == name)
        return it->where.how;
    ADD_FAILURE() << name << " got no place";
    return placing::landed;
  }

  line line_;
  tip_of_branch tip_{"c0", "base"};
  std::map<std::string, task_state> states_;
  std::vector<std::pair<std::string, std::string>> red_, clash_;
  std::set<std::string> touched_;
  std::vector<line::place> places_;
  std::vector<std::string> landed_;
  int checks_ = 0, moves_ = 0;
};

using Names = std::vector<std::string>;

TEST_F(LandingLine, ATaskOnTheTipLandsWithoutAnotherCheck) {
  arrive(task("A"));
  run();
  EXPECT_EQ(landed_, Names{"A"});
  EXPECT_EQ(checks_, 0);
  EXPECT_EQ(how("A"), placing::as_is);
}

TEST_F(LandingLine, TheNextOneIsGoneThroughAgainOnWhatWillLandBeforeIt) {
  arrive(task("A"));
  arrive(task("B"));
  run();
  EXPECT_EQ(landed_, Names{"A"});
  EXPECT_EQ(how("B"), placing::anew);
  EXPECT_EQ(states_["B"].tree, "base+A+B");
  comes_back("B");
  EXPECT_EQ(landed_, (Names{"A", "B"}));
  EXPECT_EQ(how("B"), placing::as_is);
  EXPECT_EQ(checks_, 0) << "its own step 5 has run them";
}

TEST_F(LandingLine, SeveralAreGoneThroughAgainAtOnceAndLandTogether) {
  for (auto* name : {"A", "B", "C", "D"})
    arrive(task(name));
  run();
  EXPECT_EQ(states_["D"].tree, "base+A+B+C+D");
  comes_back("D");
  comes_back("C");
  EXPECT_EQ(landed_, Names{"A"});
  comes_back("B");
  EXPECT_EQ(landed_, (Names{"A", "B", "C", "D"}));
  EXPECT_EQ(moves_, 2);
  EXPECT_EQ(tip_.tree, "base+A+B+C+D");
}

TEST_F(LandingLine, WhoIsSentBackTakesTheCombinationsBehindItAlong) {
  for (auto* name : {"A", "B", "C"})
    arrive(task(name));
  run();
  states_["B"].ph = phase::refused; // Red together with A.
  line_.note(states_["B"]);
  run();
  comes_back("C");
  EXPECT_EQ(states_["C"].tree, "base+A+C");
  comes_back("C");
  EXPECT_EQ(landed_, (Names{"A", "C"}));
  states_["B"] = task("B", "x", "base+A");
  comes_back("B");
  comes_back("B");
  EXPECT_EQ(landed_, (Names{"A", "C", "B"}));
}

TEST_F(LandingLine, AClashWithTheTipIsSentBackAndOthersPass) {
  clash_ = {{"A", "B"}};
  arrive(task("A"));
  run();
  arrive(task("B"));
  arrive(task("C"));
  run();
  EXPECT_EQ(how("B"), placing::conflict);
  comes_back("C");
  EXPECT_EQ(landed_, (Names{"A", "C"}));
}

TEST_F(LandingLine, AClashWithOneThatHasNotLandedWaitsForWhatBecomesOfIt) {
  clash_ = {{"B", "C"}};
  for (auto* name : {"A", "B", "C"})
    arrive(task(name));
  run();
  EXPECT_EQ(states_["C"].at, step::deliver) << "sent back for one that has not landed";
  states_["B"].is = status::parked;
  line_.note(states_["B"]);
  run();
  EXPECT_EQ(how("C"), placing::anew) << "B is gone: it combines";
}

TEST_F(LandingLine, ATrainIsNoLongerThanItMayBe) {
  line_ = line(landing_review::tree, 2);
  for (auto* name : {"A", "B", "C"})
    arrive(task(name));
  auto o = line_.next();
  perform(o);
  for (int i = 0; i < 2; ++i) {
    o = line_.next();
    perform(o);
  }
  run();
  EXPECT_EQ(states_["B"].at, step::test);
  // A has landed meanwhile, so there was room for C.
  EXPECT_EQ(states_["C"].tree, "base+A+B+C");
}

TEST_F(LandingLine, ABranchThatSomebodyElseMovedMakesEveryCombinationVoid) {
  for (auto* name : {"A", "B"})
    arrive(task(name));
  for (auto o = line_.next(); !std::holds_alternative<line::move>(o); o = line_.next()) {
    ASSERT_FALSE(std::holds_alternative<line::nothing>(o));
    perform(o);
  }
  tip_ = {"x1", "base+X"};
  line_.lost_tip();
  run();
  EXPECT_EQ(landed_, Names{});
  EXPECT_EQ(states_["A"].tree, "base+X+A");
  comes_back("A");
  EXPECT_EQ(landed_, Names{"A"});
  comes_back("B"); // On base+A+B, which nobody lands on any more.
  EXPECT_EQ(states_["B"].tree, "base+X+A+B");
  comes_back("B");
  EXPECT_EQ(landed_, (Names{"A", "B"}));
}

TEST_F(LandingLine, ThePriorityDecidesWhoGoesFirst) {
  auto low = task("A"), high = task("B");
  high.priority = 5;
  arrive(low);
  arrive(high);
  run();
  EXPECT_EQ(landed_, Names{"B"});
}

TEST_F(LandingLine, AGroupWhoseMemberGoesAwayIsFormedAnew) {
  for (auto* name : {"A", "B"})
    arrive(task(name));
  run();
  comes_back("B");
  arrive(task("C", "commit of base+A+B", "base+A+B"));
  auto o = line_.next(); // Where is the branch?
  perform(o);
  o = line_.next(); // C's place.
  perform(o);
  o = line_.next();
  ASSERT_TRUE(std::holds_alternative<line::aim>(o));
  states_["C"].is = status::cancelled; // Instead of its intent.
  line_.note(states_["C"]);
  arrive(task("D", "commit of base+A+B", "base+A+B"));
  run();
  EXPECT_EQ(landed_, (Names{"A", "B", "D"}));
}

class PatchLine : public LandingLine {
protected:
  PatchLine()
      : LandingLine(landing_review::patch) {}

  void arrive_all(const Names& names) {
    for (auto& name : names)
      arrive(task(name));
    run();
  }
};

TEST_F(PatchLine, OneRunOfTheChecksIsEnoughForAllWhoseFilesNobodyTouched) {
  arrive_all({"A", "B", "C", "D", "E"});
  EXPECT_EQ(landed_, (Names{"A", "B", "C", "D", "E"}));
  EXPECT_EQ(checks_, 1);
  EXPECT_EQ(moves_, 2);
  EXPECT_EQ(states_["B"].carried->approved_tree, "base+B");
  EXPECT_EQ(states_["B"].carried->tested_tree, "base+A+B+C+D+E");
}

TEST_F(PatchLine, WhoseFilesWereTouchedIsReviewedAgain) {
  touched_ = {"B"};
  arrive_all({"A", "B", "C"});
  EXPECT_EQ(how("B"), placing::anew);
  comes_back("B");
  EXPECT_EQ(landed_, (Names{"A", "B", "C"}));
  EXPECT_EQ(states_["B"].carried, std::nullopt);
}

TEST_F(PatchLine, ARedTrainIsDividedUntilTheCulpritIsKnown) {
  red_ = {{"C", "F"}};
  arrive_all({"A", "B", "C", "D", "E", "F", "G", "H"});
  EXPECT_EQ(landed_, (Names{"A", "B", "C", "D", "E", "G", "H"}));
  EXPECT_EQ(how("F"), placing::anew);
  EXPECT_EQ(states_["F"].at, step::test);
  EXPECT_LE(checks_, 6) << "fewer than one a task";
}

TEST_F(PatchLine, TheBranchIsNeverMovedToATreeThatWasNotGreen) {
  red_ = {{"A", "B"}, {"C", "D"}, {"A", "E"}};
  arrive_all({"A", "B", "C", "D", "E", "F"});
  EXPECT_EQ(landed_, (Names{"A", "C", "F"}));
  EXPECT_TRUE(is_green(tip_.tree));
}

TEST_F(PatchLine, ATreeThatWasFoundGreenIsNotCheckedAgain) {
  arrive_all({"A", "B"});
  auto before = checks_;
  arrive(task("C", "commit of base+A+B", "base+A+B"));
  run();
  EXPECT_EQ(checks_, before);
}

TEST_F(PatchLine, WhatWasFoundOfATreeIsKeptUntilNobodyCanLandOnIt) {
  arrive(task("A"));
  arrive(task("B"));
  bool known = false;
  for (int i = 0; i < 100 && !known; ++i) {
    auto o = line_.next();
    if (std::holds_alternative<line::nothing>(o))
      break;
    perform(o);
    known = known || line_.knows("base+A+B");
  }
  run();
  EXPECT_TRUE(known);
  EXPECT_EQ(landed_, (Names{"A", "B"}));
  EXPECT_FALSE(line_.knows("base+A+B"));
}

} // namespace
