// drafts.hpp -- what to record, as pure functions.
//
// decide.hpp says what happens next; this file says how it is written down:
// which event, which files leave for old/, which records are signed. Actors
// only append what they get here.
//
//   1. Every draft that grants power (a contract, an intent, the end) is
//      signed and names repository, task, base, text or tree, configuration.
//   2. A round opens by moving run.log, changes.diff, post-implement-audit,
//      final-verify, the logs of landing, build and deploy, CLAUDE_FINAL_OK and
//      HUMAN_OK to old/; a change that is combined with others by the landing as
//      well.
//   3. What was paid for leaves its place only for a step that is taken anew, or
//      for new rules: a filed answer outlives a stop, a limit and a cancel.

#pragma once

#include "ledger/config.hpp"
#include "ledger/gate.hpp"
#include "ledger/judge.hpp"
#include "ledger/state.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

using text_ptr = std::shared_ptr<const std::string>;

/// What fixes a task when it is opened.
struct opening {
  text_ptr prompt;
  std::string repo_id, base, base_tree, config_digest;
  std::int32_t priority = 0;
  std::vector<std::string> allow;
  std::vector<std::string> depends_on = {};
  approvals approve = {};
};
draft draft_opened(const opening& o, const std::string& task);

draft draft_resumed(const task_state& s);
/// Revokes what the new configuration makes void (L5).
draft draft_reconfigured(const task_state& s, std::string_view new_digest);
/// `waited_for` names the tasks that held a scope which overlaps with this one's.
draft draft_granted(const task_state& s, const gate_decision& open,
                    const std::vector<std::string>& waited_for = {});

/// Who is asked, and on what.
struct asking {
  std::string provider, model, version;
  std::string input_sha256;
  double usd_reserved = 0;
  bool anew = false; ///< The turns so far, if any, are for somebody else or another input.
};
draft draft_asked(const task_state& s, const asking& a);

/// A turn of a conversation: the line that its file grows by, and what it was.
struct turning {
  text_ptr line; ///< With its newline.
  json calls = json::array();
  std::int64_t took_ms = 0;
  double usd = 0;
  json usage = json::object();
};
draft draft_turned(const task_state& s, const turning& t);

/// An answer and, for writing steps, what became of the worktree.
struct answering {
  text_ptr text;
  std::string provider, model, version;
  std::int64_t took_ms = 0;
  double usd = 0;
  json usage = json::object();
  std::string tree;                ///< Writing steps: the candidate tree.
  text_ptr diff;                   ///< Writing steps; null if it may not be filed.
  std::vector<std::string> hidden; ///< Protected names that git ignores.
  std::vector<std::string> faults; ///< Secrets in the diff and the like.
};
draft draft_answered(const task_state& s, const answering& a);

/// accepted, said_no, rejected or voided, as the judge said.
draft draft_judged(const task_state& s, const judgement& j);

draft draft_failed(const task_state& s, const failure& f);

/// A call that brought no answer.
struct failed_call {
  std::string_view kind; ///< "unavailable", "refused" or spoiled_kind.
  std::string provider, code, why;
  double usd = 0;
  json usage = json::object();
};
draft draft_call_failed(const task_state& s, const failed_call& f);
/// The provider is to be left alone until then (Unix time).
draft draft_deferred(const task_state& s, const failed_call& f, std::int64_t until_ms);
/// The role goes on with its next provider, from the beginning of the answer.
draft draft_fell_back(const task_state& s, std::string_view from, std::string_view to);
/// Whoever had the attempt died: what it threw.
draft draft_died(const task_state& s, std::string_view why);
draft draft_restarted(const task_state& s, std::string_view why);

struct check_result {
  std::string name; ///< setup, test, lint, schema_drift
  bool ok = false;
  bool none = false; ///< The user's written deviation.
  int exit_code = 0;
  std::string ended; ///< "exit 1", "timed out after 20m", …
  std::int64_t took_ms = 0;
};
struct checks_outcome {
  std::string tree;
  bool ok = false;
  std::vector<check_result> results;
  text_ptr run_log;
};
draft draft_checked(const task_state& s, const checks_outcome& c);

/// Because of `s.refused->kind`; see 2 above.
draft draft_round_opened(const task_state& s);

/// How a change got its place on the landing branch's tip, or on that of those
/// who land before it.
enum class placing : std::uint8_t {
  as_is,    ///< It was made, tested and reviewed on just this tree.
  patch,    ///< The same patch on files that nobody else changed: the review holds.
  anew,     ///< Combined with what landed: steps 5 to 7 run on the new candidate.
  conflict, ///< It does not combine: a fix is due on the new base.
  landed,   ///< The branch holds it already.
  fresh,    ///< Nothing is made yet: step 4 begins on what landed meanwhile.
};
inline constexpr std::string_view placing_as_is = "as-is";
inline constexpr std::string_view placing_patch = "patch";
inline constexpr std::string_view placing_anew = "anew";
inline constexpr std::string_view placing_conflict = "conflict";
inline constexpr std::string_view placing_landed = "landed";
inline constexpr std::string_view placing_fresh = "fresh";

struct placement {
  placing how = placing::as_is;
  std::string branch;              ///< Full name of the ref.
  std::string onto, onto_tree;     ///< The new base.
  std::string tree;                ///< The new candidate.
  std::vector<std::string> behind; ///< Tasks that land before it and have not yet.
  std::string why;                 ///< anew, conflict.
  text_ptr diff;                   ///< anew, conflict: new base to new candidate.
  text_ptr landing_log;            ///< conflict: what clashes.
  std::string tested_tree;         ///< patch: what the checks were green on.
  text_ptr run_log;                ///< patch: their log.
};
draft draft_placed(const task_state& s, const placement& p);

/// What a landing is about to do.
struct landing_move {
  std::string branch; ///< Full name of the ref that moves, here and at `push`.
  std::string push;   ///< The remote; empty: none.
  std::string from, to;
};
/// The landing's intent.
draft draft_landing(const task_state& s, const landing_move& m);

struct landing_receipt {
  bool adopted = false; ///< Found, not made.
  bool pushed = false;
};
draft draft_landed(const task_state& s, const landing_receipt& l);

/// What `landing` and `landed` say of a pull request, as a placement says how.
inline constexpr std::string_view by_pull_request = "pr";

/// The intent to push the commit to `remote`, and to have a pull request for it.
draft draft_requesting(const task_state& s, std::string_view remote, std::string_view target);

struct request_receipt {
  std::string id, url;
  bool adopted = false; ///< Found, not made.
};
draft draft_requested(const task_state& s, const request_receipt& p);

/// The commit's intent; `now_s` becomes author and committer time.
draft draft_intended(const task_state& s, std::int64_t now_s, std::string_view replaces);
draft draft_committed(const task_state& s, std::string_view commit);
draft draft_built(const task_state& s, bool ok, std::string_view ended, text_ptr log);
draft draft_deploying(const task_state& s);

struct deploy_outcome {
  bool ok = false;
  bool nothing_to_do = false; ///< deploy.kind = "none".
  std::string deploy_id, deploy_url;
  std::string context;  ///< As the service says it; empty: it does not.
  std::string ended;    ///< If not ok.
  bool adopted = false; ///< Found, not made.
  text_ptr log;
  std::string with; ///< The task whose deploy this is; empty: its own.
};
draft draft_deployed(const task_state& s, const deploy_outcome& d);

/// What is live: the commit, and whose deploy it is.
struct live_deploy {
  std::string commit;
  deploy_outcome by;
};
/// A task's own deploy as what is live; nothing: it has none.
std::optional<live_deploy> live_with(const task_state& s);

draft draft_finished(const task_state& s, status as, const config& c, std::int64_t now_ms);
/// `gone` names the ledger paths that were found missing or altered: they are
/// expected no longer.
draft draft_stopped(const task_state& s, std::string_view reason, std::string_view why,
                    std::string_view remedy, const std::vector<std::string>& gone = {});
draft draft_parked(const task_state& s, std::string_view reason, std::string_view why,
                   std::string_view remedy);
draft draft_cancelled(const task_state& s);
/// Without `from` the task goes on where it stands (with a lost contract: from
/// the step that wins it), and an answer that was filed and never judged is
/// judged, not asked for again. With `from` = test while a fix is due the
/// candidate is checked as it is, unless the fix is filed already: then that is
/// judged first. `note` may be null. Errors: refused, if the task cannot go on
/// from there.
result<draft> draft_retried(const task_state& s, std::optional<step> from, text_ptr note);

/// A draft, and behind it what follows without anybody's act: `built` where there is
/// nothing to build, `deployed` and `finished` where nothing is deployed. They become
/// records together, or none of them does.
std::vector<draft> with_what_follows(const task_state& s, draft d, const config& c,
                                     std::int64_t now_ms);

/// first 16 hex digits of SHA-256(task, commit).
std::string deploy_id_for(std::string_view task, std::string_view commit);

/// Author and committer of every commit: nobody pretends to be a person.
inline constexpr std::string_view commit_identity = "scheduler <scheduler@localhost>";

/// The message of a task's commit: subject, body and trailers.
std::string commit_message(const task_state& s);

} // namespace ledger
