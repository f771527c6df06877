#include "actors/role_call.hpp"

#include "actors/desk.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/drafts.hpp"

namespace actors {

namespace {

using ledger::failure;
using ledger::result;

/// Everything that a call needs before the provider is asked.
struct prepared {
  std::shared_ptr<providers::request> request;
  std::shared_ptr<providers::lease> checkout; ///< Writing steps only.
};

result<void> read_inputs(const services& w, const ledger::task_state& s,
                         const std::vector<ledger::file_ref>& files,
                         std::vector<providers::input>& into) {
  for (auto& f : files) {
    auto text = ledger::disk::read_recorded(w.folder_of(s.task), f.path, f.sha256);
    if (!text)
      return tl::make_unexpected(text.error());
    into.push_back({f.path, std::make_shared<const std::string>(std::move(*text))});
  }
  return {};
}

/// A checkout of the candidate so far, or of the base before step 4.
result<std::shared_ptr<providers::lease>> check_out(const services& w,
                                                    const ledger::task_state& s) {
  auto tree = s.tree.empty() ? s.base_tree : s.tree;
  if (auto* diff = ledger::file_of(s, s.diff_path)) {
    auto text = ledger::disk::read_recorded(w.folder_of(s.task), diff->path, diff->sha256);
    if (!text)
      return tl::make_unexpected(text.error());
    if (auto ok = w.files->ensure_tree(s.base_tree, *text, tree); !ok)
      return tl::make_unexpected(ok.error());
  }
  auto leased = w.files->checkout(s.base, tree);
  if (!leased)
    return tl::make_unexpected(leased.error());
  return std::shared_ptr<providers::lease>{std::move(*leased)};
}

result<prepared> prepare(const services& w, const ledger::task_state& s) {
  prepared p;
  p.request = std::make_shared<providers::request>();
  auto& r = *p.request;
  r.task = s.task;
  r.at = s.at;
  r.round = s.round;
  r.attempt = s.attempt;
  r.complaints = s.complaints;
  r.base = s.base;
  r.base_tree = s.base_tree;
  r.tree = s.tree;
  r.allow = s.allow;
  if (auto ok = read_inputs(w, s, ledger::inputs_of(s, s.at), r.inputs); !ok)
    return tl::make_unexpected(ok.error());
  if (s.fixing)
    if (auto ok = read_inputs(w, s, s.cause.evidence, r.evidence); !ok)
      return tl::make_unexpected(ok.error());
  if (ledger::row_of(s.at).writes_code) {
    auto leased = check_out(w, s);
    if (!leased)
      return tl::make_unexpected(leased.error());
    p.checkout = *leased;
    r.worktree = p.checkout->folder().string();
  }
  return p;
}

/// Where a change holds a secret; empty: nowhere. What its diff shows is searched
/// there; what it only has in packed form is searched in the files themselves.
std::string secret_in(const services& w, const providers::candidate& c) {
  if (auto line = w.secrets.line_of_secret(c.diff); line != 0)
    return "line " + std::to_string(line) + " of its diff";
  for (auto& f : c.unshown)
    if (auto line = w.secrets.line_of_secret(f.content); line != 0)
      return "line " + std::to_string(line) + " of the binary file " + f.path;
  return {};
}

/// The worktree as a tree, its diff free of secrets or not filed at all (L8).
result<void> take_tree(const services& w, const ledger::task_state& s, providers::lease& from,
                       ledger::answering& into) {
  auto c = from.take(s.base_tree);
  if (!c)
    return tl::make_unexpected(c.error());
  into.tree = c->tree;
  into.hidden = c->hidden;
  if (auto place = secret_in(w, *c); !place.empty())
    into.faults.push_back("the change holds a secret (" + place + "): take it out");
  else
    into.diff = std::make_shared<const std::string>(std::move(c->diff));
  return {};
}

class role_call : public desk {
public:
  role_call(caf::actor_config& c, const services& s, ledger_writer writer, ledger::role r)
      : desk(c, s, std::move(writer))
      , role_(r) {}

  caf::behavior make_behavior() override {
    return {
        [this](work_order& order) -> caf::result<outcome> {
          state_ = order.state;
          promise_ = make_response_promise<outcome>();
          elsewhere(
              *world().quick, [w = &world(), s = state_] { return prepare(*w, *s); },
              [this](attempted<prepared> p) { record_question(std::move(p)); });
          return promise_;
        },
        [](continuation& c) { (*c.then)(); },
    };
  }

private:
  void record_question(attempted<prepared> p) {
    if (!p)
      return finish({filed_.records, p.error()});
    prepared_ = std::move(*p);
    asked_ = player().who();
    ledger::asking a{asked_.provider, asked_.model, asked_.version,
                     providers::input_digest(*prepared_.request), 0};
    append(state_->task, state_->seq, {ledger::draft_asked(*state_, a)},
           [this](outcome o) { ask_provider(std::move(o)); });
  }

  void ask_provider(outcome o) {
    filed_ = std::move(o);
    if (filed_.fault)
      return finish(filed_);
    state_ = advanced(state_, filed_);
    asked_ms_ = world().now_ms();
    caf::actor me{this};
    player().ask(prepared_.request, [me, this](result<providers::answer> a) {
      auto kept = std::make_shared<result<providers::answer>>(std::move(a));
      tell_from_outside(me, continuation{std::make_shared<std::function<void()>>(
                                [this, kept] { take_answer(std::move(*kept)); })});
    });
  }

  void take_answer(result<providers::answer> a) {
    if (!a) {
      auto fault = a.error();
      fault.detail = world().secrets.redact(fault.detail);
      return finish({filed_.records, trouble{trouble::source::work, fault}});
    }
    auto filing = std::make_shared<ledger::answering>();
    filing->text = std::make_shared<const std::string>(world().secrets.redact(std::move(a->text)));
    // Who was asked, not who would be asked now: a provider may have moved on.
    filing->provider = asked_.provider;
    filing->model = asked_.model;
    filing->version = asked_.version;
    filing->took_ms = world().now_ms() - asked_ms_;
    filing->usd = a->usd;
    filing->usage = std::move(a->usage);
    if (!prepared_.checkout)
      return file_answer(*filing);
    elsewhere(
        *world().quick,
        [w = &world(), s = state_, from = prepared_.checkout, filing] {
          return take_tree(*w, *s, *from, *filing);
        },
        [this, filing](attempted<void> ok) {
          if (!ok)
            return finish({filed_.records, ok.error()});
          file_answer(*filing);
        });
  }

  void file_answer(const ledger::answering& filing) {
    append(state_->task, state_->seq, {ledger::draft_answered(*state_, filing)},
           [this](outcome o) { finish(joined(filed_, o)); });
  }

  void finish(outcome o) {
    promise_.deliver(std::move(o));
    promise_ = {}; // It refers to this actor, which would never be freed.
    quit();
  }

  providers::provider& player() { return *world().players.at(role_); }

  ledger::role role_;
  state_ptr state_;
  caf::typed_response_promise<outcome> promise_;
  prepared prepared_;
  outcome filed_;
  providers::identity asked_;
  std::int64_t asked_ms_ = 0;
};

} // namespace

child_factory role_calls(const services& s, ledger_writer writer, ledger::role r) {
  return [&s, writer, r](caf::actor_system& system) {
    return caf::actor{system.spawn<role_call>(s, writer, r)};
  };
}

} // namespace actors
