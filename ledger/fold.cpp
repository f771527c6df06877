#include "ledger/digest.hpp"
#include "ledger/state.hpp"
#include "ledger/transitions.hpp"

#include <algorithm>

namespace ledger {

namespace {

/// Files and moves change what is expected on disk, whatever the event.
result<void> take_files(task_state& s, const record& r) {
  for (auto& m : moves_of(r)) {
    auto* from = s.files.find(m.from);
    if (!from || from->sha256 != m.sha256)
      return record_breaks(r, "moves a file that no record names: " + m.from);
    if (s.files.contains(m.to))
      return record_breaks(r, "moves a file onto a recorded one: " + m.to);
    s.files.erase(m.from);
    s.files.put({m.to, m.sha256, m.bytes});
    if (m.from == s.diff_path)
      s.diff_path = m.to;
    if (m.from == path::decisions_ok)
      s.decisions_ok.reset();
    if (m.from == path::final_ok)
      s.final_ok.reset();
    if (m.from == path::human_ok)
      s.human_ok.reset();
  }
  auto growths = growths_of(r);
  for (auto& f : r.files) {
    auto grew = std::find_if(growths.begin(), growths.end(),
                             [&](auto& g) { return g.path == f.path && g.at != 0; });
    auto* known = s.files.find(f.path);
    if (grew == growths.end() && known)
      return record_breaks(r, "writes over a recorded file: " + f.path);
    if (grew != growths.end() && (!known || known->bytes != grew->at))
      return record_breaks(r, "continues a file that does not end there: " + f.path);
    s.files.put(f);
  }
  return {};
}

/// What was put aside for a call that nothing tells the end of is spent.
void settle_open_call(task_state& s, event e) {
  bool receipt =
      e == event::answered || e == event::turned || e == event::failed || e == event::deferred;
  if (!receipt && s.usd_reserved > 0)
    settle_call(s, s.usd_reserved, json{});
}

/// A conversation ends when its file leaves, or its answer is accepted.
void end_conversation(task_state& s) {
  if (ai_is_due(s) && file_of(s, turns_path(answer_path(s))))
    return;
  s.turns = 0;
  s.conversation_ms = 0;
}

/// What may follow while a task waits for a person.
bool fits_waiting(event e) {
  return e == event::resumed || e == event::reconfigured || e == event::approved
         || e == event::retried || e == event::cancelled;
}

/// What every record must fit, whatever its event.
result<void> fits(const task_state& s, const record& r) {
  if (is_signed(r.what) && r.sig.empty())
    return record_breaks(r, "it has no signature");
  bool ended_well = s.is == status::done || s.is == status::no_change;
  bool by_person = r.what == event::retried || (r.what == event::cancelled && !ended_well);
  if (s.terminal() && !by_person)
    return record_breaks(r, "the task has ended");
  if (s.is == status::waiting && !fits_waiting(r.what))
    return record_breaks(r, "the task waits for a person");
  if (s.seq == 0 && r.what != event::opened)
    return record_breaks(r, "the task was never opened");
  if (s.at == step::ingest && r.what != event::opened && !by_person)
    return record_breaks(r, "the task is not open");
  if (r.at != s.at || r.round != s.round || r.attempt != s.attempt)
    return record_breaks(r, "the task stands at step " + std::string{to_string(s.at)} + ", round "
                                + std::to_string(s.round) + ", attempt "
                                + std::to_string(s.attempt));
  return {};
}

} // namespace

result<task_state> apply(task_state state, const record& r) {
  if (r.seq != state.seq + 1)
    return fail(fault::corrupt, "record " + std::to_string(r.seq) + " does not follow record "
                                    + std::to_string(state.seq));
  if (auto ok = fits(state, r); !ok)
    return tl::make_unexpected(ok.error());
  if (auto ok = take_files(state, r); !ok)
    return tl::make_unexpected(ok.error());
  end_conversation(state); // Its file may have left with this very record.
  settle_open_call(state, r.what);
  if (auto ok = carry_on(state, r); !ok)
    return tl::make_unexpected(ok.error());
  end_conversation(state);
  state.seq = r.seq;
  state.head = r.line_sha256.empty() ? sha256(to_line(r)) : r.line_sha256;
  state.last_time = r.time;
  return state;
}

result<task_state> fold(task_state state, std::span<const record> records) {
  for (auto& r : records) {
    auto next = apply(std::move(state), r);
    if (!next)
      return next;
    state = std::move(*next);
  }
  return state;
}

result<task_state> fold(std::string_view task, std::span<const record> records) {
  task_state s;
  s.task = task;
  return fold(std::move(s), records);
}

const standing_contract* contract_of(const task_state& s, contract c) noexcept {
  auto& slot = c == contract::decisions ? s.decisions_ok
               : c == contract::final   ? s.final_ok
                                        : s.human_ok;
  return c != contract::none && slot ? &*slot : nullptr;
}

std::string_view text_behind(contract c, step for_step) noexcept {
  switch (c) {
    case contract::decisions:
      return path::decisions;
    case contract::final:
      return path::post_audit;
    case contract::human:
      return for_step == step::implement ? path::plan : path::changes;
    case contract::none:
      break;
  }
  return {};
}

const file_ref* file_of(const task_state& s, std::string_view ledger_path) {
  return s.files.find(ledger_path);
}

bool ai_is_due(const task_state& s) noexcept {
  return !row_of(s.at).answer.empty() && (s.at != step::test || s.fixing);
}

std::string answer_path(const task_state& s) {
  return s.at == step::test ? fix_path(s.round - 1) : std::string{row_of(s.at).answer};
}

bool has_filed_answer(const task_state& s) {
  if (!ai_is_due(s) || !file_of(s, answer_path(s)))
    return false;
  // With faults the diff may not be filed.
  return !row_of(s.at).writes_code || !s.answered->faults.empty()
         || (!s.answered->tree.empty() && file_of(s, path::changes));
}

const std::string& approved_tree_of(const task_state& s) noexcept {
  return s.carried ? s.carried->approved_tree : s.tree;
}

bool tested_as_such(const task_state& s) noexcept {
  return !s.tree.empty() && s.checked_tree == s.tree
         && (!s.carried || s.carried->tested_tree == s.tree);
}

bool is_landed(const task_state& s) noexcept {
  return s.landed && s.landed->tree == s.tree && s.landed->base == s.base;
}

bool has_fixes(const task_state& s) {
  for (std::uint32_t n = 1; n < s.round; ++n)
    if (file_of(s, fix_path(n)))
      return true;
  return false;
}

std::vector<file_ref> inputs_of(const task_state& s, step at) {
  std::vector<file_ref> found;
  auto add = [&](const std::string& p) {
    if (auto* f = file_of(s, p))
      found.push_back(*f);
  };
  for (auto p : row_of(at).reads) {
    if (p == path::any_fix)
      for (std::uint32_t n = 1; n < s.round; ++n)
        add(fix_path(n));
    else if (!p.empty())
      add(std::string{p});
    if (p == path::prompt)
      for (std::uint32_t n = 1; n <= s.notes; ++n)
        add(note_path(n));
  }
  return found;
}

std::string_view to_string(status s) noexcept {
  switch (s) {
    case status::running:
      return "running";
    case status::waiting:
      return "waiting";
    case status::done:
      return "done";
    case status::no_change:
      return "no-change";
    case status::stopped:
      return "stopped";
    case status::parked:
      return "parked";
    case status::cancelled:
      return "cancelled";
  }
  return "unknown";
}

} // namespace ledger
