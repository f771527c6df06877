// The events of a call: the question, the turns, the answer, and every way in
// which there is none.

#include "ledger/detail.hpp"
#include "ledger/transitions.hpp"

#include <algorithm>

namespace ledger {

namespace {

using outcome = result<void>;

std::string whoever(const json& detail) {
  return text_at(detail, "provider") + "/" + text_at(detail, "model") + "/"
         + text_at(detail, "version");
}

/// The receipt of the call under way. Where a record does not say what it did
/// cost, what was put aside is spent: nobody knows better.
void settle(task_state& s, const record& r) {
  auto usd = r.detail.find("usd");
  auto usage = r.detail.find("usage");
  settle_call(s, usd != r.detail.end() && usd->is_number() ? usd->get<double>() : s.usd_reserved,
              usage != r.detail.end() ? *usage : json{});
}

outcome on_asked(task_state& s, const record& r) {
  if (s.ph != phase::granted)
    return record_breaks(r, "the step was not granted");
  if (!ai_is_due(s))
    return record_breaks(r, "no AI works in this step now");
  // Records of versions that knew no turns do not number them.
  if (r.detail.contains("turn") && number_at(r.detail, "turn") != s.turns + 1)
    return record_breaks(r, "it is not the next turn of the conversation");
  s.ph = phase::asked;
  s.asked_provider = text_at(r.detail, "provider");
  s.asked_of = whoever(r.detail);
  s.asked_input = text_at(r.detail, "input_sha256");
  s.usd_reserved = real_at(r.detail, "usd_reserved");
  return {};
}

outcome on_turned(task_state& s, const record& r) {
  if (s.ph != phase::asked)
    return record_breaks(r, "nobody was asked");
  if (number_at(r.detail, "turn") != s.turns + 1)
    return record_breaks(r, "it is not the next turn of the conversation");
  if (!file_of(s, turns_path(answer_path(s))))
    return record_breaks(r, "a turn without its file");
  settle(s, r);
  recovered(s);
  s.deferrals = 0;
  ++s.turns;
  s.conversation_ms += number_at(r.detail, "took_ms");
  s.ph = phase::granted;
  return {};
}

outcome on_answered(task_state& s, const record& r) {
  if (s.ph != phase::asked)
    return record_breaks(r, "nobody was asked");
  s.ph = phase::answered;
  settle(s, r);
  recovered(s);
  s.deferrals = 0;
  s.answered = filed_change{text_at(r.detail, "tree"), texts_at(r.detail, "hidden"),
                            texts_at(r.detail, "faults")};
  if (!has_filed_answer(s))
    return record_breaks(r, "an answer without its file, or a change without tree or diff");
  s.played_by.edit()[std::string{to_string(row_of(r.at).by)}] = whoever(r.detail);
  return {};
}

/// A provider brought no answer, though it was paid for: what it lacked is told
/// to the next attempt.
void spoil(task_state& s) {
  s.complaints.push_back(s.last_fault->why);
  recovered(s);
  next_attempt(s);
}

outcome on_failed(task_state& s, const record& r) {
  auto kind = text_at(r.detail, "kind");
  bool outage = kind == to_string(fault::unavailable);
  // What a grant needs can be unavailable, or die, before an attempt begins.
  if (s.ph == phase::refused || (s.ph == phase::ready && !outage && kind != died_kind))
    return record_breaks(r, "no attempt was under way");
  if (s.ph == phase::asked)
    settle(s, r);
  s.last_fault = told_fault{text_at(r.detail, "why"), text_at(r.detail, "code")};
  if (kind == to_string(fault::refused)) {
    s.ph = phase::refused;
    s.refused = refused_step{std::string{refusal::provider_refused}, s.last_fault->why};
    recovered(s);
    return {};
  }
  if (kind == spoiled_kind) {
    if (!ai_is_due(s) || s.ph == phase::answered)
      return record_breaks(r, "no AI was to answer");
    if (file_of(s, turns_path(answer_path(s))))
      return record_breaks(r, "the conversation stays in its place");
    spoil(s);
    return {};
  }
  if (outage) {
    note_outage(s, r);
  } else {
    note_restart(s, r);
    ++s.attempt;
  }
  if (s.at == step::deliver && !s.out->deploy_id.empty() && s.ph != phase::ready)
    s.recheck = true; // Pipeline: if deploy fails, re-run the tests.
  // An answer that is filed stays: only what acted on it failed.
  if (s.ph != phase::answered) {
    drop_answer(s);
    s.ph = phase::ready;
  }
  return {};
}

outcome on_deferred(task_state& s, const record& r) {
  if (s.ph != phase::asked)
    return record_breaks(r, "nobody was asked");
  auto until = parse_time(text_at(r.detail, "until"));
  if (!until)
    return record_breaks(r, "deferred to no time");
  settle(s, r);
  recovered(s); // Whoever says when to come back is there.
  ++s.deferrals;
  s.deferred_ms = parse_time(r.time).value_or(0);
  s.deferred_until_ms = *until;
  s.ph = phase::ready;
  return {};
}

outcome on_fell_back(task_state& s, const record& r) {
  if (!ai_is_due(s))
    return record_breaks(r, "no AI works in this step now");
  bool refused = s.ph == phase::refused && s.refused->kind == refusal::provider_refused;
  bool down = s.ph == phase::ready && s.unavailable_ms != 0;
  if (!refused && !down)
    return record_breaks(r, "nobody refused, and nobody is missing");
  if (file_of(s, turns_path(answer_path(s))))
    return record_breaks(r, "the conversation with the former provider stays in its place");
  s.refused.clear();
  recovered(s);
  s.deferrals = 0;
  s.deferred_ms = s.deferred_until_ms = 0;
  ++s.fallbacks.edit()[row_of(s.at).by];
  s.ph = phase::ready;
  return {};
}

/// A count; what is none is nothing.
std::uint64_t count_at(const json& usage, const char* key) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(number_at(usage, key), 0));
}

} // namespace

void settle_call(task_state& s, double usd, const json& usage) {
  s.usd += usd;
  s.usd_reserved = 0;
  auto& sum = s.spent.edit()[{s.at, s.asked_provider}];
  ++sum.calls;
  sum.usd += usd;
  if (!usage.is_object())
    return;
  for (auto* key : {"input_tokens", "cached_tokens", "cache_write_tokens"})
    sum.input_tokens += count_at(usage, key);
  sum.output_tokens += count_at(usage, "output_tokens");
}

result<void> carry_call_on(task_state& s, const record& r) {
  switch (r.what) {
    case event::asked:
      return on_asked(s, r);
    case event::answered:
      return on_answered(s, r);
    case event::turned:
      return on_turned(s, r);
    case event::failed:
      return on_failed(s, r);
    case event::deferred:
      return on_deferred(s, r);
    case event::fell_back:
      return on_fell_back(s, r);
    default:
      return record_breaks(r, "no event of a call");
  }
}

} // namespace ledger
