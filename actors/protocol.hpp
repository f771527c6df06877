// protocol.hpp -- who may say what to whom.
//
// Every actor's interface stands here and nowhere else; read this file and you
// know the conversation. A message is a struct with a name. An actor keeps no
// fact of its own: what must survive a crash is in the ledger before the reply
// is sent. A message holds references to ledger files (path and SHA-256),
// never an AI's text; the receiver reads it from disk. Text travels twice
// only: from a provider to the call that asked it, and from that call to the
// LEDGER WRITER, as a shared constant string inside an append. And a reason in
// a record may quote up to 400 characters of an answer: it travels with the
// state, which is folded from records that are on disk.
//
//   TASK       --grant_request--> SUPERVISOR --append--> LEDGER WRITER
//   TASK       --work_order-----> GEMINI, CLAUDE, CODEX, RUNNER (routers)
//   router     --work_order-----> one child a call --append--> LEDGER WRITER
//   child      --permit_request-> TURNSTILE      (before each call of a provider)
//   TASK       --append---------> LEDGER WRITER  (judgements, rounds, endings)
//   TASK       --land_request---> LANDER         (a place on the branch, its move)
//   TASK       --deploy_turn_request-> LANDER    (may it deploy now?)
//   TASK       --task_ended, task_damaged, ledger_lost--> SUPERVISOR
//   cli        --person_said-------------> SUPERVISOR --append--> LEDGER WRITER
//
//   1. A reply of records means: they are durable.
//   2. No handler blocks (but the LEDGER WRITER's, which has a thread of its
//      own): blocking work goes to an executor and comes back as a
//      `continuation`.
//   3. No request of an actor has a time-out. The LEDGER WRITER answers at once, and
//      if it ends the SUPERVISOR ends the batch; an order and a grant may wait for
//      their turn as long as it takes, each kind of work has a time-out of its own,
//      and deaths are heard by monitors.
//   4. No handler throws on purpose; a throw is a bug that kills that actor
//      only and is told to whoever watches it.
//   5. What follows from a trouble depends on who told it (`trouble::source`);
//      its words are for people.
//   6. When the run ends early the LEDGER WRITER falls silent
//      (writing_gate.hpp): nobody is told, so nobody acts on it.

#pragma once

#include "actors/caf.hpp"
#include "actors/seats.hpp"

#include "ledger/disk/journal.hpp"
#include "ledger/drafts.hpp"
#include "ledger/person.hpp"
#include "ledger/state.hpp"
#include "providers/provider.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace actors {

using state_ptr = std::shared_ptr<const ledger::task_state>;

/// What went wrong, and who says so.
struct trouble {
  enum class source : std::uint8_t {
    work,      ///< Whoever was asked: it could not, or would not.
    died,      ///< Nobody: whoever had it died, or threw.
    stale,     ///< The LEDGER WRITER: another record came in between.
    tampered,  ///< The LEDGER WRITER: a recorded file is not as it was.
    damaged,   ///< The LEDGER WRITER: this task's ledger takes nothing.
    blocked,   ///< The LEDGER WRITER: it does not take this, and never will.
    unwritten, ///< The LEDGER WRITER: the disk failed, this time.
    disk_full, ///< The LEDGER WRITER: the disk is full, for now.
    lost,      ///< The LEDGER WRITER: nothing can be written any more.
    ending,    ///< The LEDGER WRITER: the run is ending.
  } from = source::work;
  ledger::failure what;
};

/// What work elsewhere came to.
template <class T>
using attempted = tl::expected<T, trouble>;

/// How every request is answered: the records that became durable on its
/// behalf, and what went wrong, if anything. Both may be there: a call can
/// have recorded `asked` and then failed.
struct outcome {
  ledger::disk::appended records; ///< Null: none.
  std::optional<trouble> fault;
  /// Of an order, and instead of records: the order's state, carried on by them. An
  /// order takes its state along, so that nobody holds it twice.
  state_ptr state = nullptr;
  seat worked_on = nullptr; ///< Of an order or a grant: whoever asked goes on with it.
};

/// Append these drafts to one task's journal.
struct append_request {
  std::shared_ptr<const ledger::disk::append> what;
};

/// Tell all records of a task.
struct load_request {
  std::string task;
};

/// Make a checkpoint and refuse everything that follows.
struct close_request {};

/// May this step begin? `state` is what the task knows; its seq fences: if
/// another record came since, the answer is `stale`.
struct grant_request {
  state_ptr state;
  /// What is to be recorded if the gate is open.
  enum class purpose : std::uint8_t {
    step,
    commit_intent,
    landing_intent,
    request_intent, ///< Of a pull request.
    deploy_intent
  } what = purpose::step;
  ledger::landing_move move = {}; ///< Of a landing's intent.
  seat worked_on = nullptr;       ///< Comes back with the grant, if that is given at once.
};

/// A place on the landing branch that a task is to take. What takes work (the
/// diff, what clashes) is made by whoever takes it; only the log of checks that
/// ran for many tasks at once travels, as a shared constant string.
struct berth {
  ledger::placement where;
  std::string above; ///< If `where` has no base yet: one is to be made on this.
  state_ptr witness; ///< The task on whose own candidate the checks were green.
};

/// What a worker can be ordered to do. The state tells on what.
struct work_order {
  state_ptr state;
  enum class kind : std::uint8_t {
    answer,
    check,
    place,
    commit,
    build,
    request, ///< Pushes the branch, and finds or opens the pull request.
    deploy
  } what = kind::answer;
  std::shared_ptr<const berth> where = nullptr; ///< Of kind place.
  seat worked_on = nullptr;                     ///< Of kind answer, until somebody is asked.
};

/// A task wants to land: for a place, or with a commit on its place.
struct land_request {
  state_ptr state;
};

/// What a task at the landing has to do now.
struct land_reply {
  enum class word : std::uint8_t {
    place, ///< Take this place.
    aim,   ///< Record the intent of this move, then come again.
    landed ///< The branch holds it: record the receipt.
  } what = word::place;
  std::shared_ptr<const berth> where;
  ledger::landing_move move;
  ledger::landing_receipt receipt;
  std::optional<trouble> fault; ///< Not empty: nothing of the above.
};

/// A task that may stand in line came further, or went back.
struct land_note {
  state_ptr state;
};

/// A task is not at work any more.
struct land_leave {
  std::string task;
};

/// A task whose change landed wants to deploy, where deploys have turns
/// (deploy_turns.hpp).
struct deploy_turn_request {
  state_ptr state;
};

/// Now it may; or what is live holds its change already.
struct deploy_turn {
  std::optional<ledger::deploy_outcome> live; ///< Then: whose deploy, and which.
  std::optional<trouble> fault;               ///< Not empty: neither.
};

/// May a provider be called now? The bound is the most that the call can use
/// and cost; the highest precedence goes first.
struct permit_request {
  std::string provider, task;
  providers::call_bound bound;
  std::uint32_t precedence = 0;
};

/// It may, or a budget forbids it.
struct permit {
  std::uint64_t ticket = 0; ///< 0: it may not.
  std::string code, why;    ///< Then: which budget, and a sentence.
};

/// The call is over; given back exactly once. The death of whoever has the
/// permit gives it back as well, with all of its money spent.
struct permit_return {
  std::uint64_t ticket = 0;
  double usd = 0;                    ///< What it did cost.
  std::optional<std::uint64_t> used; ///< Tokens, if known.
  providers::rate_hint hint;
  bool answered = false;           ///< The provider answered as it should.
  std::int64_t leave_until_ms = 0; ///< It asked to be left alone until then; 0: no.
};

/// The TURNSTILE's own: time has passed, or money came back.
struct look_again {};

/// A task came to its end, or to where only a person can go on.
struct task_ended {
  state_ptr state;
};

/// A task cannot go on because its own ledger takes nothing: it is reported
/// and all others go on.
struct task_damaged {
  std::string task, why;
};

/// A task cannot go on because the ledger cannot: ends the run.
struct ledger_lost {
  std::string why;
};

/// A person's order, given while the run goes on. The answer is given once
/// (ordering.hpp), when what follows is on record.
class order_answer;
struct person_said {
  std::shared_ptr<const ledger::person_order> order;
  std::shared_ptr<order_answer> answer;
};

/// Begin the batch; given once by whoever wired the actors.
struct begin {};

/// An actor's own blocking work came back: run this in its context.
struct continuation {
  std::shared_ptr<std::function<void()>> then;
};

/// The LEDGER WRITER's own: make durable what has come in so far.
struct flush {};

/// Owns the journal; the only actor that writes below the ledger's root.
using ledger_writer = caf::typed_actor<
    // Answers with the records once they are durable; groups what many want.
    // Behind a shut gate: never.
    replies<outcome, append_request>,
    // Answers with every record of the task, from the journal.
    replies<outcome, load_request>,
    // Answers when everything is on disk and the journal is closed.
    replies<outcome, close_request>,
    // Its own.
    reacts<flush>>;

/// A ROUTER: GEMINI, CLAUDE, CODEX or the RUNNER of commands. Each order gets
/// a child of its own, whose death fails that order only.
using worker = caf::typed_actor<
    // Answers after the result is filed in the ledger, with the state.
    replies<outcome, work_order>>;

// A child of a router is a dynamic actor: work_order -> outcome, once.

/// Lets calls through: when their provider has room (throttle.hpp) and their money
/// is put aside (money.hpp); the highest precedence first. Never throws;
/// what only it knows is rebuilt from records at the next start.
using turnstile = caf::typed_actor<
    // Answers when the call may begin, however long that takes; or at once, if
    // a budget forbids it and nothing under way can change that.
    replies<permit, permit_request>,
    // Frees the place, and the money that was not spent.
    reacts<permit_return>,
    // Its own.
    reacts<look_again>>;

/// The reply to grant_request: records as above, and whom to order. The
/// handles are fresh: a router that died has been replaced.
struct grant {
  outcome result;
  worker role; ///< Null for steps without an AI.
  worker runner;
  caf::actor lander; ///< Null without a landing branch.
};

// The SUPERVISOR is a dynamic actor:
//   begin         -> opens and admits tasks, at most limits.tasks_in_flight.
//   grant_request -> grant: reads the contract files from disk, asks
//                    may_enter, records `granted`, an intent, or the reason
//                    why the task stops here.
//   task_ended    -> admits the next; after the last one reports the batch.
//   task_damaged  -> reports the task, then as task_ended.
//   ledger_lost   -> ends the run.
//   person_said   -> records what ledger/person.hpp says and acts on it: ends the
//                    work under way, or admits the task again.
// It monitors every router and every TASK and starts again what died.
//
// The LANDER is a dynamic actor, one for the landing branch:
//   land_request -> land_reply: when it is the task's turn, however long that
//                   takes. It owns the line (landing_line.hpp), which is built up
//                   anew from the requests; it alone moves the branch.
//   deploy_turn_request -> deploy_turn: when it is the task's turn to deploy.
//   land_note    -> keeps the line as the records are; ends a turn.
//   land_leave   -> takes the task out of the line.
//
// A TASK is a dynamic actor, one for each task in flight. It hears nothing but `begin`,
// replies and continuations: it folds its records, calls decide(), performs.

} // namespace actors

#if CAF_MAJOR_VERSION >= 1
CAF_BEGIN_TYPE_ID_BLOCK(scheduler_protocol, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::outcome))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::append_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::load_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::close_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::grant_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::work_order))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::permit_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::permit))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::permit_return))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::look_again))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::task_ended))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::task_damaged))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::ledger_lost))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::person_said))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::begin))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::continuation))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::grant))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::land_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::land_reply))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::land_note))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::land_leave))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::deploy_turn_request))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::deploy_turn))
CAF_ADD_TYPE_ID(scheduler_protocol, (actors::flush))
CAF_END_TYPE_ID_BLOCK(scheduler_protocol)
#endif
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::append_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::load_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::close_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::grant_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::work_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::permit_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::permit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::permit_return)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::look_again)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::task_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::task_damaged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::ledger_lost)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::person_said)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::begin)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::continuation)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::grant)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::land_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::land_reply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::land_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::land_leave)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::deploy_turn_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::deploy_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(actors::flush)
