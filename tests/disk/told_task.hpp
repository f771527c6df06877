// told_task.hpp -- a task that is carried on by its own drafts.
//
// For rules that need a state: its records are what the actors would write,
// and fold.

#pragma once

#include "ledger/disk/evidence.hpp"
#include "ledger/drafts.hpp"
#include "ledger/state.hpp"
#include "tests/disk/ledger_fixture.hpp"

#include <memory>
#include <string>
#include <utility>

namespace ledger::disk {

class told_task {
public:
  told_task(journal& j, std::string task)
      : journal_(j) {
    state.task = std::move(task);
    if (auto* known = j.records_of(state.task))
      state = fold(state.task, *known).value();
  }

  void open() {
    opening o;
    o.prompt = text("prompt");
    o.repo_id = test_repository;
    o.base = o.base_tree = std::string(40, 'b');
    o.config_digest = "digest";
    tell(draft_opened(o, state.task));
  }

  /// From the beginning to a filed answer of `decide`, which nobody judged.
  void until_decisions() {
    open();
    answer("audit");
    judge();
    answer("decisions");
  }

  void answer(const std::string& words) {
    auto open = may_enter(state, collect_evidence(journal_.folder_of(state.task), state,
                                                  journal_.keys(), state.config_digest));
    EXPECT_TRUE(open.open) << open.why;
    tell(draft_granted(state, open));
    tell(draft_asked(state, asking{"offline", "", "1", sha256("input"), 0}));
    answering a;
    a.text = text(words);
    tell(draft_answered(state, a));
  }

  draft judged_well() const {
    judgement good;
    good.as = judged::accepted;
    return draft_judged(state, good);
  }
  void judge() { tell(judged_well()); }

  void tell(draft d) {
    auto before = before_is_told ? std::make_shared<const task_state>(state) : nullptr;
    auto got = journal_.append_one({state.task, state.seq, {std::move(d)}, std::move(before)});
    ASSERT_TRUE(got) << got.error().detail;
    for (auto& r : **got) {
      auto next = apply(state, r);
      ASSERT_TRUE(next) << next.error().detail;
      state = std::move(*next);
    }
  }

  task_state state;
  bool before_is_told = true; ///< As actors do.

private:
  static text_ptr text(std::string words) {
    return std::make_shared<const std::string>(std::move(words));
  }

  journal& journal_;
};

} // namespace ledger::disk
