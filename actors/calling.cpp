#include "actors/calling.hpp"

#include "ledger/disk/tree.hpp"
#include "ledger/glob.hpp"
#include "ledger/judge.hpp"

#include <algorithm>
#include <utility>

namespace actors {

namespace {

using ledger::result;
using ledger::task_state;
using ledger::disk::recorded_files;

/// Calls of one turn that are run; more are a model that turns in circles.
constexpr std::size_t calls_at_once = 128;

result<void> read_inputs(const recorded_files& files, const std::vector<ledger::file_ref>& named,
                         std::vector<providers::input>& into) {
  for (auto& f : named) {
    auto text = files.read(f.path, f.sha256);
    if (!text)
      return tl::make_unexpected(text.error());
    into.push_back({f.path, std::make_shared<const std::string>(std::move(*text))});
  }
  return {};
}

result<std::vector<providers::turn>> read_turns(const recorded_files& files, const task_state& s) {
  auto* file =
      s.turns == 0 ? nullptr : ledger::file_of(s, ledger::turns_path(ledger::answer_path(s)));
  if (!file)
    return std::vector<providers::turn>{};
  auto text = files.read(file->path, file->sha256);
  if (!text)
    return tl::make_unexpected(text.error());
  auto turns = providers::turns_of(*text);
  if (turns && turns->size() != s.turns)
    return ledger::fail(ledger::fault::corrupt, file->path + " has " + std::to_string(turns->size())
                                                    + " turns, but " + std::to_string(s.turns)
                                                    + " are on record");
  return turns;
}

/// A checkout of the candidate so far, or of the base before step 4.
result<void> check_out(const services& w, const task_state& s, workplace& into) {
  into.tree = s.tree.empty() ? s.base_tree : s.tree;
  if (auto* diff = ledger::file_of(s, s.diff_path)) {
    auto text = ledger::disk::read_recorded(w.folder_of(s.task), diff->path, diff->sha256);
    if (!text)
      return tl::make_unexpected(text.error());
    if (auto ok = w.files->ensure_tree(s.base_tree, *text, into.tree); !ok)
      return ok;
  }
  auto leased = w.files->checkout(s.base, into.tree);
  if (!leased)
    return tl::make_unexpected(leased.error());
  into.checkout = std::move(*leased);
  return {};
}

/// The files of the checkout that no role may read.
result<std::vector<std::string>> masked_in(const services& w, const std::string& tree) {
  auto paths = w.files->paths(tree);
  if (paths)
    std::erase_if(*paths, [&](auto& path) {
      return !ledger::any_glob_covers(w.config.scope.secret_globs, path);
    });
  return paths;
}

/// What the tools may show and change. Without decisions nothing can be written.
result<providers::tool_scope> scope_of(const services& w, const task_state& s,
                                       const providers::request& r) {
  providers::tool_scope scope;
  scope.at = s.at;
  scope.base = s.base;
  scope.base_tree = s.base_tree;
  scope.tree = s.tree;
  scope.guard = ledger::protection_for(w.config.scope, s.allow);
  scope.secret_globs = w.config.scope.secret_globs;
  scope.secrets = &w.secrets;
  if (!ledger::row_of(s.at).writes_code)
    return scope;
  scope.worktree = r.worktree;
  auto allowed = ledger::read_allowance(input_text(r, ledger::path::decisions));
  if (!allowed)
    return tl::make_unexpected(allowed.error());
  scope.allowed = std::move(*allowed);
  if (s.at == ledger::step::implement)
    scope.planned = ledger::planned_files(input_text(r, ledger::path::plan));
  return scope;
}

/// Does the recorded changes of files again. What they said is on record; one
/// that comes out otherwise leaves a worktree that is not the recorded one.
result<void> do_again(const std::vector<providers::turn>& turns, providers::toolbox& tools) {
  for (auto& t : turns)
    for (std::size_t i = 0; i < t.results.size(); ++i)
      if (providers::toolbox::changes_files(t.calls[i])
          && tools.run(t.calls[i]).is_error != t.results[i].is_error)
        return ledger::fail(ledger::fault::unavailable,
                            "a recorded change of files could not be done again on a fresh "
                            "checkout ("
                                + t.calls[i].name + ")");
  return {};
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

} // namespace

result<call_case> read_case(const services& w, const task_state& s) {
  call_case c;
  c.request = std::make_shared<providers::request>();
  auto& r = *c.request;
  r.task = s.task;
  r.at = s.at;
  r.round = s.round;
  r.attempt = s.attempt;
  r.complaints = s.complaints;
  r.base = s.base;
  r.base_tree = s.base_tree;
  r.tree = s.tree;
  r.allow = s.allow;
  recorded_files files(w.folder_of(s.task));
  if (auto ok = read_inputs(files, ledger::inputs_of(s, s.at), r.inputs); !ok)
    return tl::make_unexpected(ok.error());
  if (s.fixing)
    if (auto ok = read_inputs(files, s.cause->evidence, r.evidence); !ok)
      return tl::make_unexpected(ok.error());
  c.input_sha256 = providers::input_digest(r);
  auto turns = read_turns(files, s);
  if (!turns)
    return tl::make_unexpected(turns.error());
  c.turns = std::move(*turns);
  return c;
}

result<workplace> furnish(const services& w, const task_state& s, providers::request& r,
                          bool in_checkout) {
  workplace at;
  if (ledger::row_of(s.at).writes_code || in_checkout) {
    if (auto ok = check_out(w, s, at); !ok)
      return tl::make_unexpected(ok.error());
    r.worktree = at.checkout->folder().string();
    r.objects = at.checkout->objects();
  }
  if (in_checkout) { // Tools of ours know for themselves what nobody may read.
    auto masked = masked_in(w, at.tree);
    if (!masked)
      return tl::make_unexpected(masked.error());
    r.masked = std::move(*masked);
  }
  if (!w.tools)
    return at;
  auto scope = scope_of(w, s, r);
  if (!scope)
    return tl::make_unexpected(scope.error());
  at.tools = w.tools(std::move(*scope));
  if (auto ok = do_again(r.turns, *at.tools); !ok)
    return tl::make_unexpected(ok.error());
  return at;
}

result<void> run_tools(const services& w, const task_state& s, const workplace& at,
                       providers::turn& t) {
  auto& limits = w.config.limits;
  auto* file = ledger::file_of(s, ledger::turns_path(ledger::answer_path(s)));
  std::uint64_t bytes = file ? file->bytes : 0;
  auto until_ms = w.now_ms() + std::max<std::int64_t>(limits.conversation_time.count(), 0);
  auto run = [&](const providers::tool_call& call) -> providers::tool_result {
    if (!at.tools)
      return {"There are no tools here; answer as you are.", true};
    if (t.results.size() >= calls_at_once || bytes >= limits.conversation_bytes
        || w.now_ms() >= until_ms)
      return {"Not run: there were too many calls at once. Call fewer, and ask for less.", true};
    return at.tools->run(call);
  };
  t.results.clear();
  for (auto& call : t.calls) {
    auto said = run(call);
    said.content = w.secrets.redact(std::move(said.content));
    bytes += said.content.size();
    t.results.push_back(std::move(said));
  }
  return {};
}

result<void> take_tree(const services& w, const task_state& s, const workplace& from,
                       ledger::answering& into) {
  auto c = from.checkout->take(s.base_tree);
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

result<bool> is_untouched(const task_state& s, const workplace& at) {
  auto c = at.checkout->take(s.base_tree);
  if (!c)
    return tl::make_unexpected(c.error());
  return c->tree == at.tree && c->hidden.empty();
}

providers::turn redacted(const services& w, providers::turn t) {
  if (w.secrets.empty())
    return t;
  ledger::redact_values(t.raw, w.secrets);
  t.text = w.secrets.redact(std::move(t.text));
  for (auto& call : t.calls) {
    // As in `raw`, which refers to them.
    call.id = w.secrets.redact(std::move(call.id));
    call.name = w.secrets.redact(std::move(call.name));
    ledger::redact_values(call.arguments, w.secrets);
  }
  return t;
}

} // namespace actors
