#include "ledger/decide.hpp"

#include "ledger/digest.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>

namespace ledger {

namespace {

constexpr std::int64_t first_backoff_ms = 200;
constexpr std::int64_t longest_backoff_ms = 30'000;
constexpr std::int64_t first_deferral_ms = 1'000;
/// In a row; a service that says "now" more often does not mean it.
constexpr std::uint32_t hints_believed = 3;

std::string step_words(const task_state& s) {
  return "step " + std::string{to_string(s.at)} + ", round " + std::to_string(s.round);
}

/// How many deaths lie within the period before the last one.
std::uint32_t recent_restarts(const task_state& s, const limits_config& l) {
  if (s.restarts_ms->empty())
    return 0;
  auto since = s.restarts_ms->back() - l.restart_period.count();
  return static_cast<std::uint32_t>(std::count_if(s.restarts_ms->begin(), s.restarts_ms->end(),
                                                  [&](auto t) { return t >= since; }));
}

std::string seconds(milliseconds d) {
  auto ms = std::to_string(d.count() % 1000);
  return std::to_string(d.count() / 1000)
         + (d.count() % 1000 == 0 ? std::string{} : "." + std::string(3 - ms.size(), '0') + ms)
         + " s";
}

park parked_by_restarts(const task_state& s, const limits_config& l) {
  return {"restarting-too-often",
          step_words(s) + ": more than " + std::to_string(l.restart_intensity) + " restarts within "
              + seconds(l.restart_period) + "; last: " + s.last_fault->why,
          "mend what the last failure names, then `scheduler retry " + s.task + "`"};
}

park parked_by_patience(const task_state& s, const limits_config& l) {
  auto who = ai_is_due(s) && s.ph != phase::answered
                 ? std::string{to_string(row_of(s.at).by)}
                 : "what step " + std::string{to_string(s.at)} + " needs";
  return {"unavailable-too-long",
          step_words(s) + ": " + who + " was unavailable for "
              + seconds(milliseconds{s.failed_ms - s.unavailable_ms}) + " (limits.patience is "
              + seconds(l.patience) + "); last: " + s.last_fault->why,
          "mend what the last failure names, or wait until it is back, then `scheduler retry "
              + s.task + "`"};
}

park parked_by_tries(const task_state& s, const limits_config& l) {
  auto last = !s.last_fault->why.empty() ? s.last_fault->why
              : s.complaints.empty()     ? std::string{"no reason recorded"}
                                         : s.complaints.back();
  return {"tries-used",
          step_words(s) + ": " + std::to_string(l.tries) + " attempts ended without an accepted "
              + "answer; last: " + last,
          // No prompt helps against a service that is down.
          s.last_fault->why.empty() && s.at != step::deliver
              ? "read `scheduler show " + s.task
                    + "`, sharpen the prompt or add a note, then `scheduler retry " + s.task
                    + " --note FILE`"
              : "mend what the last failure names, then `scheduler retry " + s.task + "`"};
}

/// Whether the role has another provider to go on with; a budget is nobody's.
std::optional<fall_back> next_provider(const task_state& s, const config& c) {
  if (!ai_is_due(s) || s.last_fault->code == run_budget_code
      || s.last_fault->code == task_budget_code)
    return std::nullopt;
  auto by = row_of(s.at).by;
  auto now = provider_of(s, c, by);
  auto after = s;
  ++after.fallbacks.edit()[by];
  auto next = provider_of(after, c, by);
  if (next == now)
    return std::nullopt;
  return fall_back{now, next};
}

park parked_by_provider(const task_state& s) {
  auto code = s.last_fault->code.empty() ? std::string{s.refused->kind} : s.last_fault->code;
  bool money = code == run_budget_code || code == task_budget_code;
  return {code, step_words(s) + ": " + s.refused->why,
          money ? "raise [budget], or wait for the next run, then `scheduler retry " + s.task + "`"
                : "see `scheduler show " + s.task + "`, mend what it names, then `scheduler retry "
                      + s.task + "` (with --note FILE to add to the prompt)"};
}

/// What follows from a NO, red checks, a failed build or a provider's refusal.
action after_refusal(const task_state& s, const config& c) {
  auto& l = c.limits;
  if (s.refused->kind == refusal::decide_no)
    return stop{s.refused->kind, "Claude said NO in step 2: " + s.refused->why,
                "change the prompt, then `scheduler retry " + s.task + " --from ingest`"};
  if (s.refused->kind == refusal::provider_refused) {
    if (auto next = next_provider(s, c))
      return *next;
    return parked_by_provider(s);
  }
  if (s.same_failure_twice)
    return park{"same-failure-twice",
                s.refused->kind + " again with the same diff: " + s.refused->why,
                "the fix changed nothing that matters; add a note, then `scheduler retry " + s.task
                    + " --note FILE`"};
  auto from = std::max<std::uint32_t>(s.round_limit_from, 1);
  if (s.round - from >= l.fix_rounds)
    return park{"fix-rounds-used",
                std::to_string(l.fix_rounds) + " fixes did not help; last: " + s.refused->kind
                    + ": " + s.refused->why,
                "read `scheduler show " + s.task + "`, then `scheduler retry " + s.task
                    + " --note FILE`, or raise limits.fix_rounds"};
  return open_round{};
}

/// Whether the intent on record is of what the configuration asks for.
bool is_as_intended(const delivery& out, const landing_config& c) {
  return out.request.commit == out.commit && out.request.remote == c.push
         && (c.branch.empty() || out.request.target == c.branch);
}

action next_of_delivery(const task_state& s, const config& c) {
  // A deploy that is under way was begun under another configuration.
  auto begun = s.out->deployed || !s.out->deploy_id.empty();
  bool on_branch = !begun && c.landing.mode == landing_mode::branch;
  if (s.recheck)
    return run_checks{};
  if (on_branch && !s.out->placed && is_landed(s))
    return take_up_landed{};
  if (on_branch && !s.out->placed && !s.out->landed)
    return stand_in_line{};
  if (s.out->tree.empty())
    return write_intent{};
  if (s.out->commit.empty())
    return make_commit{};
  if (!s.out->built)
    return run_build{};
  if (on_branch && !s.out->landed)
    return stand_in_line{};
  if (!begun && c.landing.mode == landing_mode::pr && !s.out->landed && s.out->request.id.empty())
    return is_as_intended(*s.out, c.landing) ? action{open_request{}}
                                             : action{write_request_intent{}};
  if (s.out->deployed)
    return finish{status::done};
  if (s.out->deploy_id.empty())
    return write_deploy_intent{};
  return run_deploy{};
}

action next_of_granted(const task_state& s, const config& c) {
  if (s.at == step::deliver)
    return next_of_delivery(s, c);
  if (s.at == step::test && !s.fixing)
    return run_checks{};
  return ask_role{};
}

/// Nothing to test or deliver. Without a fix the change is in the base already;
/// with one it was taken back, whatever it was to mend.
action without_change(const task_state& s) {
  if (!has_fixes(s))
    return finish{status::no_change};
  return park{"fix-undid-change",
              step_words(s) + ": with its fixes the candidate is the base again; last cause: "
                  + s.cause->kind + ": " + s.cause->why,
              "read `scheduler show " + s.task + "`, then `scheduler retry " + s.task
                  + " --from implement --note FILE`"};
}

/// A limit that ends the task, if one is reached.
bool over_limits(const task_state& s, const config& c, action& out) {
  auto& l = c.limits;
  bool waited = s.unavailable_ms != 0 && s.failed_ms - s.unavailable_ms >= l.patience.count();
  if (recent_restarts(s, l) > l.restart_intensity)
    out = parked_by_restarts(s, l);
  else if (auto next = waited && s.ph == phase::ready ? next_provider(s, c) : std::nullopt)
    out = *next;
  else if (waited)
    out = parked_by_patience(s, l);
  else if (s.attempt > l.tries && s.ph != phase::refused) // A verdict is no attempt.
    out = parked_by_tries(s, l);
  else
    return false;
  return true;
}

/// When the pause after the last failure is over; empty: it is.
std::optional<wait_until> pause_of(const task_state& s, std::int64_t now_ms) {
  if (s.ph == phase::granted || s.ph == phase::asked)
    return std::nullopt;
  // A clock that was set back: nobody knows how long the provider waits still.
  if (s.deferred_until_ms > now_ms && now_ms >= s.deferred_ms)
    return wait_until{s.deferred_until_ms};
  if (s.failures == 0)
    return std::nullopt;
  auto pause_ms = backoff_ms(s.failures);
  // Many tasks share a provider, and hear of its end at the same time.
  if (ai_is_due(s) && s.unavailable_ms != 0)
    pause_ms = spread_ms(pause_ms, s.head);
  // A failure that lies further ahead than its pause: the clock was set back,
  // and nobody knows how long ago it was. The limits hold all the same.
  bool unknown = s.failed_ms - now_ms > pause_ms;
  if (unknown || now_ms >= s.failed_ms + pause_ms)
    return std::nullopt;
  return wait_until{s.failed_ms + pause_ms};
}

} // namespace

bool begins_with_commit(const task_state& s, const config& c) {
  return s.at == step::deliver && std::holds_alternative<write_intent>(next_of_delivery(s, c));
}

std::int64_t backoff_ms(std::uint32_t failures) noexcept {
  if (failures == 0)
    return 0;
  auto shift = std::min<std::uint32_t>(failures - 1, 16);
  return std::min(first_backoff_ms << shift, longest_backoff_ms);
}

std::int64_t spread_ms(std::int64_t longest_ms, std::string_view seed) {
  if (longest_ms <= 0)
    return 0;
  auto drawn = std::strtoull(sha256(seed).substr(0, 15).c_str(), nullptr, 16);
  return 1 + static_cast<std::int64_t>(drawn % static_cast<std::uint64_t>(longest_ms));
}

std::int64_t deferral_ms(std::optional<milliseconds> hint, std::uint32_t deferrals,
                         milliseconds longest, std::string_view seed) {
  auto ladder = [](std::uint32_t n) { return first_deferral_ms << std::min<std::uint32_t>(n, 20); };
  std::int64_t wait = hint ? hint->count() : ladder(deferrals);
  if (hint && deferrals >= hints_believed)
    wait = std::max(wait, ladder(deferrals - hints_believed));
  wait = std::clamp<std::int64_t>(wait, 0, std::max<std::int64_t>(longest.count(), 0));
  return wait + spread_ms(std::max<std::int64_t>(wait / 10, 100), seed);
}

std::uint32_t precedence_of(const task_state& s) noexcept {
  return 2 * static_cast<std::uint32_t>(s.at) + (s.turns > 0 ? 1 : 0);
}

std::string provider_of(const task_state& s, const config& c, role r) {
  auto configured = c.roles.find(r);
  if (configured == c.roles.end())
    return {};
  auto& [provider, model, fallback, prompts] = configured->second;
  auto used = s.fallbacks->find(r);
  std::size_t n = used == s.fallbacks->end() ? 0 : used->second;
  n = std::min(n, fallback.size()); // The configuration may have lost some.
  return n == 0 ? provider : fallback[n - 1];
}

std::string why_conversation_ends(const task_state& s, const limits_config& l) {
  if (s.turns >= l.turns)
    return "after " + std::to_string(s.turns) + " turns it had not answered (limits.turns)";
  auto* file = ai_is_due(s) ? file_of(s, turns_path(answer_path(s))) : nullptr;
  if (file && file->bytes >= l.conversation_bytes)
    return "after " + std::to_string(file->bytes)
           + " bytes it had not answered (limits.conversation_bytes)";
  if (s.turns > 0 && s.conversation_ms >= l.conversation_time.count())
    return "after " + seconds(milliseconds{s.conversation_ms})
           + " it had not answered (limits.conversation_time)";
  return {};
}

action decide(const task_state& s, const config& c, std::int64_t now_ms) {
  if (s.at_rest() || s.at == step::ingest)
    return rest{};
  if (action limit; over_limits(s, c, limit))
    return limit;
  if (auto pause = pause_of(s, now_ms))
    return *pause;
  switch (s.ph) {
    case phase::ready:
      if (s.at == step::test && !s.fixing && s.tree == s.base_tree)
        return without_change(s);
      return ask_for_grant{};
    case phase::granted:
      return next_of_granted(s, c);
    case phase::asked:
      return ask_role{};
    case phase::answered:
      return judge_answer{};
    case phase::refused:
      return after_refusal(s, c);
  }
  return rest{};
}

} // namespace ledger
