#include "tests/ledger/story.hpp"

using namespace ledger;

namespace {

constexpr auto last_event = event::retried;

/// A state that no story may lead to.
std::vector<task_state> any_states() {
  std::vector<task_state> all;
  for (auto& row : step_table)
    for (auto ph : {phase::ready, phase::granted, phase::asked, phase::answered, phase::refused})
      for (auto is : {status::running, status::done, status::parked})
        for (int bits = 0; bits < 8; ++bits) {
          task_state s;
          s.task = "T";
          s.seq = 1;
          s.at = row.id;
          s.ph = ph;
          s.is = is;
          s.fixing = (bits & 1) != 0;
          s.round = (bits & 2) != 0 ? 2 : 1;
          s.recheck = (bits & 4) != 0;
          s.refused.edit().kind = refusal::review_no;
          s.tree = s.out.edit().tree = "tree1";
          for (auto p : {path::prompt, path::decisions_ok, path::final_ok, path::run_log})
            s.files.put({std::string{p}, "x", 1});
          if (row.by != role::scheduler && (bits & 1) != 0)
            s.files.put({answer_path(s), "x", 1});
          all.push_back(std::move(s));
        }
  return all;
}

TEST(Order, NoRecordCrashesItWhateverTheState) {
  const json details[] = {
      json::object(),
      json::array(),
      {{"from", "deliver"},
       {"back_to", "audit"},
       {"goes_on", true},
       {"ok", true},
       {"to", "d"},
       {"tree", "tree1"},
       {"commit", "c"},
       {"deploy_id", "d"},
       {"status", "done"}},
      {{"from", 7},
       {"evidence", {"tests/run.log", 7}},
       {"gone", {"tests/run.log", 7}},
       {"kind", "refused"},
       {"moved", 7},
       {"reasons", "x"}},
  };
  std::size_t taken = 0;
  for (auto& s : any_states())
    for (int i = 0; i <= static_cast<int>(last_event); ++i)
      for (auto& detail : details)
        for (const char* sig : {"", "c2ln"}) {
          record r;
          r.seq = 2;
          r.time = "2026-01-01T00:00:00.000Z";
          r.what = static_cast<event>(i);
          r.at = s.at;
          r.round = s.round;
          r.attempt = s.attempt;
          r.detail = detail;
          r.sig = sig;
          auto next = apply(s, r);
          taken += next ? 1 : 0;
          if (next)
            static_cast<void>(decide(*next, ledger::testing::small_config(), 0));
          else
            EXPECT_EQ(next.error().kind, fault::corrupt) << next.error().detail;
        }
  EXPECT_GT(taken, 1000u);
}

} // namespace
