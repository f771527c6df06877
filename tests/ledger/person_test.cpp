// What a person may order, wherever it is said.

#include "ledger/person.hpp"

#include "tests/ledger/story.hpp"

#include <functional>

using namespace ledger;
using ledger::testing::story;

namespace {

using kind = person_order::kind;

result<draft> ordered(const story& t, kind what, std::optional<step> at = {}) {
  return draft_of_order(t.state, {what, "T", at, nullptr, "alice", 1000}, t.honest_evidence(), 7);
}

struct row {
  const char* name;
  std::function<void(story&)> tell;
  kind what;
  std::optional<step> at;
  const char* refusal; ///< Empty: it is taken.
};

void park(story& t) {
  t.until(step::plan);
  t.add(draft_parked(t.state, "r", "w", "do"));
}

void wait(story& t) {
  t.conf.approve = {true, true};
  t.until(step::implement);
  t.wait_for_person();
}

void finish(story& t) {
  t.until(step::deliver);
  t.deliver();
}

TEST(Person, OrdersAreTakenOrRefusedWithASentence) {
  auto run = [](story& t) { t.until(step::plan); };
  const row rows[] = {
      {"retry of a parked one", park, kind::retry, {}, ""},
      {"retry of a running one", run, kind::retry, {}, "goes on with it by itself"},
      {"sending a running one back", run, kind::retry, step::audit, ""},
      {"retry of a waiting one", wait, kind::retry, {}, "`scheduler approve T`"},
      {"sending a waiting one back", wait, kind::retry, step::plan, ""},
      {"skipping ahead", park, kind::retry, step::deliver, "cannot skip"},
      {"cancel of a running one", run, kind::cancel, {}, ""},
      {"cancel of a waiting one", wait, kind::cancel, {}, ""},
      {"cancel of a done one", finish, kind::cancel, {}, "nothing left to cancel"},
      {"cancel twice",
       [](story& t) {
         park(t);
         t.add(draft_cancelled(t.state));
       },
       kind::cancel,
       {},
       "cancelled already"},
      {"approve of a waiting one", wait, kind::approve, {}, ""},
      {"approve of a running one", run, kind::approve, {}, "at step plan"},
      {"approve of a done one", finish, kind::approve, {}, "is done"},
  };
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    story t;
    r.tell(t);
    auto d = ordered(t, r.what, r.at);
    EXPECT_EQ(d.has_value(), *r.refusal == '\0');
    if (d)
      t.add(*d);
    else
      EXPECT_NE(d.error().detail.find(r.refusal), std::string::npos) << d.error().detail;
  }
}

TEST(Person, IsToldWhoTakesTheTaskUp) {
  story t;
  wait(t);
  t.add(*ordered(t, kind::approve));
  person_order o{kind::approve, "T", {}, nullptr, "alice", 1000};
  auto next = words_of_order(t.state, o, taken_up::by_next_run);
  auto now = words_of_order(t.state, o, taken_up::by_this_run);
  EXPECT_NE(next.find("with the next `scheduler --tasks DIR`"), std::string::npos) << next;
  EXPECT_NE(now.find("in the run at work"), std::string::npos) << now;
  EXPECT_NE(now.find("step implement is approved"), std::string::npos) << now;
}

} // namespace
