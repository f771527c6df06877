#include "actors/command_call.hpp"

#include "actors/commit_of.hpp"
#include "actors/desk.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/drafts.hpp"

namespace actors {

namespace {

using ledger::draft;
using ledger::result;
using ledger::task_state;

ledger::text_ptr redacted(const services& w, std::string text) {
  return std::make_shared<const std::string>(w.secrets.redact(std::move(text)));
}

/// The candidate tree must be there, whatever git's garbage collection did.
result<void> ensure_candidate(const services& w, const task_state& s) {
  auto* diff = ledger::file_of(s, s.diff_path);
  if (!diff)
    return ledger::fail(ledger::fault::corrupt, s.task + ": no diff of the candidate is recorded");
  auto text = ledger::disk::read_recorded(w.folder_of(s.task), diff->path, diff->sha256);
  if (!text)
    return tl::make_unexpected(text.error());
  return w.files->ensure_tree(s.base_tree, *text, s.tree);
}

providers::deploy_request deploy_of(const task_state& s) {
  return {s.task,      s.base, s.tree, s.out.commit, ledger::deploy_id_for(s.task, s.out.commit),
          s.out.time_s};
}

// -- the jobs: each gives the draft to be recorded ----------------------------

result<draft> do_checks(const services& w, const task_state& s) {
  if (auto ok = ensure_candidate(w, s); !ok)
    return tl::make_unexpected(ok.error());
  auto c = w.checks->run(s.base, s.tree);
  if (!c)
    return tl::make_unexpected(c.error());
  c->run_log = redacted(w, *c->run_log);
  return ledger::draft_checked(s, *c);
}

result<draft> do_commit(const services& w, const task_state& s) {
  if (auto ok = ensure_candidate(w, s); !ok)
    return tl::make_unexpected(ok.error());
  auto commit = w.files->commit(commit_of(s.out));
  if (!commit)
    return tl::make_unexpected(commit.error());
  auto moved = w.files->move_branch(s.branch, *commit, s.out.replaces);
  if (!moved) {
    // A run that died between the move and its receipt has moved it already.
    auto tip = w.files->branch_tip(s.branch);
    if (!tip)
      return tl::make_unexpected(tip.error());
    if (*tip != *commit)
      return ledger::fail(moved.error().kind, moved.error().detail,
                          moved.error().code == "ref-moved" ? "branch-moved" : moved.error().code);
  }
  return ledger::draft_committed(s, *commit);
}

result<draft> do_build(const services& w, const task_state& s) {
  auto b = w.deploy->build(deploy_of(s));
  if (!b)
    return tl::make_unexpected(b.error());
  ledger::text_ptr log;
  if (!b->log.empty() || !b->ok)
    log = redacted(w, b->log.empty() ? b->ended + "\n" : b->log);
  return ledger::draft_built(s, b->ok, b->ended, log);
}

result<draft> do_deploy(const services& w, const task_state& s) {
  auto request = deploy_of(s);
  auto d = w.deploy->find(request);
  if (d && !d->ok)
    d = w.deploy->deploy(request);
  else if (d)
    d->adopted = true;
  if (!d)
    return tl::make_unexpected(d.error());
  if (d->log)
    d->log = redacted(w, *d->log);
  else if (!d->ok)
    d->log = redacted(w, d->ended + "\n");
  return ledger::draft_deployed(s, *d);
}

result<draft> do_job(const services& w, const task_state& s, work_order::kind what) {
  switch (what) {
    case work_order::kind::check:
      return do_checks(w, s);
    case work_order::kind::commit:
      return do_commit(w, s);
    case work_order::kind::build:
      return do_build(w, s);
    case work_order::kind::deploy:
      return do_deploy(w, s);
    case work_order::kind::answer:
      break;
  }
  return ledger::fail(ledger::fault::refused, "the runner does not answer for an AI");
}

class command_call : public desk {
public:
  using desk::desk;

  caf::behavior make_behavior() override {
    return {
        [this](work_order& order) -> caf::result<outcome> {
          state_ = order.state;
          what_ = order.what;
          promise_ = make_response_promise<outcome>();
          work();
          return promise_;
        },
        [](continuation& c) { (*c.then)(); },
    };
  }

  /// A promise refers to its actor, which would never be freed.
  void on_exit() override { promise_ = {}; }

private:
  void work() {
    auto& where = what_ == work_order::kind::commit ? *world().quick : *world().jobs;
    elsewhere(
        where, [w = &world(), s = state_, what = what_] { return do_job(*w, *s, what); },
        [this](attempted<draft> d) { file(std::move(d)); });
  }

  void file(attempted<draft> d) {
    if (!d && paused_by_full_disk(state_->task, d.error().what, [this] { work(); }))
      return;
    if (!d) {
      auto fault = d.error();
      fault.what.detail = world().secrets.redact(fault.what.detail);
      return finish({nullptr, fault});
    }
    append(state_->task, state_->seq, {std::move(*d)}, [this](outcome o) { finish(std::move(o)); });
  }

  void finish(outcome o) {
    promise_.deliver(std::move(o));
    quit();
  }

  state_ptr state_;
  work_order::kind what_ = work_order::kind::check;
  caf::typed_response_promise<outcome> promise_;
};

} // namespace

child_factory command_calls(const services& s, ledger_writer writer) {
  return [&s, writer](caf::actor_system& system) {
    return caf::actor{system.spawn<command_call>(s, writer)};
  };
}

} // namespace actors
