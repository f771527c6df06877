// The drafts of a call: the question, the turns, the answer, and every way in
// which there is none.

#include "ledger/drafting.hpp"

namespace ledger {

namespace {

/// The conversation at hand leaves without its answer.
void end_conversation(draft& d, const task_state& s, std::string_view why) {
  if (ai_is_due(s))
    move_file(d, s, turns_path(answer_path(s)), why, s.attempt);
}

} // namespace

draft draft_asked(const task_state& s, const asking& a) {
  auto d = start(s, event::asked);
  d.detail = {{"role", to_string(row_of(s.at).by)},
              {"provider", a.provider},
              {"model", a.model},
              {"version", a.version},
              {"input_sha256", a.input_sha256},
              {"turn", a.anew ? 1 : s.turns + 1},
              {"usd_reserved", a.usd_reserved}};
  if (a.anew)
    end_conversation(d, s, "superseded");
  return d;
}

draft draft_turned(const task_state& s, const turning& t) {
  auto d = start(s, event::turned);
  d.appends.push_back({turns_path(answer_path(s)), t.line});
  d.detail = {{"turn", s.turns + 1},
              {"calls", t.calls},
              {"took_ms", t.took_ms},
              {"usd", t.usd},
              {"usage", t.usage}};
  sign(d, s);
  return d;
}

draft draft_answered(const task_state& s, const answering& a) {
  auto d = start(s, event::answered);
  d.files.push_back({answer_path(s), a.text});
  d.detail = {{"provider", a.provider}, {"model", a.model}, {"version", a.version},
              {"took_ms", a.took_ms},   {"usd", a.usd},     {"usage", a.usage}};
  if (row_of(s.at).writes_code) {
    d.detail["tree"] = a.tree;
    d.detail["hidden"] = a.hidden;
    d.detail["faults"] = a.faults;
    if (a.diff)
      d.files.push_back({std::string{path::changes}, a.diff});
  }
  sign(d, s);
  return d;
}

namespace {

/// What every record of a call without an answer says.
json detail_of(const failed_call& f) {
  json detail{{"provider", f.provider}, {"why", f.why}, {"code", f.code}, {"usd", f.usd}};
  if (!f.usage.empty())
    detail["usage"] = f.usage;
  return detail;
}

} // namespace

draft draft_call_failed(const task_state& s, const failed_call& f) {
  auto d = start(s, event::failed);
  d.detail = {{"kind", f.kind}};
  d.detail.update(detail_of(f));
  if (f.kind == spoiled_kind)
    end_conversation(d, s, "spoiled");
  return d;
}

draft draft_deferred(const task_state& s, const failed_call& f, std::int64_t until_ms) {
  auto d = start(s, event::deferred);
  d.detail = {{"until", format_time(until_ms)}};
  d.detail.update(detail_of(f));
  return d;
}

draft draft_fell_back(const task_state& s, std::string_view from, std::string_view to) {
  auto d = start(s, event::fell_back);
  d.detail = {{"role", to_string(row_of(s.at).by)},
              {"from_provider", from},
              {"to_provider", to},
              {"code", s.last_fault->code},
              {"why", s.last_fault->why}};
  end_conversation(d, s, "fell-back");
  sign(d, s);
  return d;
}

} // namespace ledger
