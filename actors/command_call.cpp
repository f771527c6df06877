#include "actors/command_call.hpp"

#include "actors/candidate.hpp"
#include "actors/commit_of.hpp"
#include "actors/desk.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/drafts.hpp"
#include "ledger/pull_request.hpp"

namespace actors {

namespace {

using ledger::draft;
using ledger::result;
using ledger::task_state;

ledger::text_ptr redacted(const services& w, std::string text) {
  return std::make_shared<const std::string>(w.secrets.redact(std::move(text)));
}

providers::deploy_request deploy_of(const task_state& s) {
  return {s.task,       s.base, s.tree, s.out->commit, ledger::deploy_id_for(s.task, s.out->commit),
          s.out->time_s};
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

/// What is combined is made here, where the work is: what travelled is its name.
result<void> combine_anew(const services& w, const task_state& s, const berth& b,
                          ledger::placement& p) {
  if (auto ok = ensure_candidate(w, s); !ok)
    return ok;
  auto m = w.trunk->combine(s.base_tree, p.onto_tree, s.tree);
  if (!m)
    return tl::make_unexpected(m.error());
  auto diff = w.trunk->diff(p.onto_tree, m->tree);
  if (!diff)
    return tl::make_unexpected(diff.error());
  if (w.secrets.redact(*diff) != *diff)
    return ledger::fail(ledger::fault::refused,
                        "the change, combined with what landed before, has a known secret in its "
                        "diff",
                        "holds-secret");
  p.how = m->clashes.empty() ? ledger::placing::anew : ledger::placing::conflict;
  p.tree = m->tree;
  p.diff = std::make_shared<const std::string>(std::move(*diff));
  if (p.how == ledger::placing::conflict) {
    p.why = "it clashes with what landed since its base, in " + std::to_string(m->clashes.size())
            + (m->clashes.size() == 1 ? " file: " : " files: ") + m->clashes.front();
    p.landing_log = redacted(w, m->log);
  }
  if (!p.onto.empty())
    return {};
  // For this task's own checkouts; the commits that land name real ones.
  providers::commit_spec c;
  c.tree = p.onto_tree;
  c.parent = b.above;
  c.message = "What " + s.task + " would land on\n";
  c.name = "scheduler";
  c.email = "scheduler@localhost";
  auto made = w.files->commit(c);
  if (!made)
    return tl::make_unexpected(made.error());
  p.onto = *made;
  return {};
}

/// The checks that cover this task ran for another, on a tree that holds both.
result<ledger::text_ptr> log_of_witness(const services& w, const berth& b) {
  auto* file = b.witness ? ledger::file_of(*b.witness, ledger::path::run_log) : nullptr;
  if (!file)
    return ledger::fail(ledger::fault::unavailable, "the log of the checks is gone: they run anew");
  auto text = ledger::disk::read_recorded(w.folder_of(b.witness->task), file->path, file->sha256);
  if (!text)
    return ledger::fail(ledger::fault::unavailable, text.error().detail);
  return std::make_shared<const std::string>(std::move(*text));
}

result<draft> do_place(const services& w, const task_state& s, const berth& b) {
  auto p = b.where;
  p.branch = ledger::landing_ref(w.config);
  if (p.run_log)
    p.run_log = redacted(w, *p.run_log);
  if (p.how == ledger::placing::patch && !p.run_log) {
    auto log = log_of_witness(w, b);
    if (!log)
      return tl::make_unexpected(log.error());
    p.run_log = *log;
  }
  if (p.how == ledger::placing::anew || p.how == ledger::placing::conflict)
    if (auto ok = combine_anew(w, s, b, p); !ok)
      return tl::make_unexpected(ok.error());
  return ledger::draft_placed(s, p);
}

result<draft> do_commit(const services& w, const task_state& s) {
  if (auto ok = ensure_candidate(w, s); !ok)
    return tl::make_unexpected(ok.error());
  auto commit = w.files->commit(commit_of(*s.out));
  if (!commit)
    return tl::make_unexpected(commit.error());
  auto moved = w.files->move_branch(s.branch, *commit, s.out->replaces);
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

providers::pull_request_order request_of(const services& w, const task_state& s) {
  return {s.task,
          s.branch,
          s.out->commit,
          s.out->request.remote,
          s.out->request.target,
          ledger::pull_request_title(s),
          w.secrets.redact(ledger::pull_request_body(s, w.config)),
          *s.pushed};
}

/// What is there is looked for first: a killed run may have opened it.
result<draft> do_request(const services& w, const task_state& s) {
  auto order = request_of(w, s);
  if (auto ok = w.requests->push(order); !ok)
    return tl::make_unexpected(ok.error());
  auto found = w.requests->find(order);
  if (!found)
    return tl::make_unexpected(found.error());
  bool adopted = found->has_value();
  if (!adopted) {
    auto opened = w.requests->open(order);
    if (!opened)
      return tl::make_unexpected(opened.error());
    *found = std::move(*opened);
  }
  return ledger::draft_requested(s, {(*found)->id, (*found)->url, adopted});
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

result<draft> do_job(const services& w, const work_order& order) {
  auto& s = *order.state;
  switch (order.what) {
    case work_order::kind::check:
      return do_checks(w, s);
    case work_order::kind::place:
      return do_place(w, s, *order.where);
    case work_order::kind::commit:
      return do_commit(w, s);
    case work_order::kind::build:
      return do_build(w, s);
    case work_order::kind::request:
      return do_request(w, s);
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
          order_ = std::move(order);
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
    bool is_short =
        order_.what == work_order::kind::commit || order_.what == work_order::kind::place;
    elsewhere(
        is_short ? *world().quick : *world().jobs,
        [w = &world(), order = order_] { return do_job(*w, order); },
        [this](attempted<draft> d) { file(std::move(d)); });
  }

  void file(attempted<draft> d) {
    if (!d && paused_by_full_disk(order_.state->task, d.error().what, [this] { work(); }))
      return;
    if (!d) {
      auto fault = d.error();
      fault.what.detail = world().secrets.redact(fault.what.detail);
      return finish({nullptr, std::move(fault)});
    }
    auto all =
        ledger::with_what_follows(*order_.state, std::move(*d), world().config, world().now_ms());
    append(order_.state, std::move(all), [this](outcome o) { finish(std::move(o)); });
  }

  void finish(outcome o) {
    auto state = advanced(std::move(order_.state), o);
    promise_.deliver(outcome{nullptr, std::move(o.fault), std::move(state)});
    quit();
  }

  work_order order_;
  caf::typed_response_promise<outcome> promise_;
};

} // namespace

child_factory command_calls(const services& s, ledger_writer writer) {
  return [&s, writer](caf::actor_system& system) {
    return caf::actor{system.spawn<command_call>(s, writer)};
  };
}

} // namespace actors
