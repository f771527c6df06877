// retry and cancel: what a person decides, as one more record.

#include "cli/commands.hpp"
#include "cli/damage_help.hpp"
#include "cli/ledger_view.hpp"
#include "cli/printable.hpp"
#include "cli/read_config.hpp"
#include "cli/secrets.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/lock.hpp"
#include "ledger/drafts.hpp"
#include "ledger/prompt.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <ostream>
#include <system_error>
#include <utility>

namespace cli {

namespace {

using ledger::fault;
using ledger::result;
using ledger::status;
using ledger::task_state;

/// Why the command ends, and with which code.
struct not_done {
  exit_code code = exit_code::usage;
  std::string why;
};
template <class T>
using attempt = tl::expected<T, not_done>;

tl::unexpected<not_done> no(exit_code code, std::string why) {
  return tl::make_unexpected(not_done{code, std::move(why)});
}

tl::unexpected<not_done> no(const ledger::failure& f) {
  return no(code_of(f), f.detail);
}

/// The ledger with one task in it, held under the repository's lock.
struct held_task {
  ledger::disk::repository_lock lock;
  ledger::disk::journal journal;
  task_state state;
};

attempt<void> ledger_is_there(const place& p, const std::string& task) {
  std::error_code e;
  if (std::filesystem::is_directory(p.ledger_root, e))
    return {};
  // Opening the journal would make an empty ledger over what is lost.
  auto view = look_at_ledger(p, ledger::disk::keyring::open_public(p.state_dir, p.repo_id));
  if (!view)
    return no(view.error());
  if (!view->damages.empty()) {
    auto& d = view->damages.front();
    return no(exit_code::damaged, d.task + ": " + d.file + ": " + d.why);
  }
  return no(exit_code::usage,
            fmt::format("there is no ledger yet, so no task {}: `scheduler --tasks DIR` opens one",
                        task));
}

/// Knows the task, and its records and files are sound enough to go on.
attempt<task_state> state_in(const ledger::disk::journal& journal, const trace_places& at,
                             const std::string& task) {
  for (auto& d : journal.damages())
    if (d.task == task || d.task.empty())
      return no(exit_code::damaged, fmt::format("{}: {}: {}\nremedy: {}", task, d.file, d.why,
                                                damage_remedy(at, d.task)));
  auto* records = journal.records_of(task);
  if (!records || records->empty())
    return no(exit_code::usage, unknown_task(task, journal.tasks()));
  auto state = ledger::fold(task, *records);
  if (!state)
    return no(exit_code::damaged,
              fmt::format("{}: {}: {}", task, ledger::path::journal, state.error().detail));
  return std::move(*state);
}

attempt<held_task> hold(const place& p, const std::string& task) {
  if (auto there = ledger_is_there(p, task); !there)
    return tl::make_unexpected(there.error());
  auto lock = ledger::disk::repository_lock::take(p.repository->common_dir());
  if (!lock)
    return no(lock.error().code == "locked" ? exit_code::locked : exit_code::not_writable,
              lock.error().detail);
  if (auto ok = may_write(p); !ok)
    return no(exit_code::usage, ok.error().detail);
  auto keys = ledger::disk::keyring::open(p.state_dir, p.repo_id, false);
  if (!keys)
    return no(keys.error().kind == fault::unavailable ? exit_code::not_writable
                                                      : exit_code::damaged,
              keys.error().detail);
  ledger::disk::journal::options o;
  o.root = p.ledger_root;
  auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
  if (!journal)
    return no(journal.error());
  if (auto ok = keep_identity(p); !ok)
    return no(exit_code::not_writable, ok.error().detail);
  auto state = state_in(*journal, traces_of(p), task);
  if (!state)
    return tl::make_unexpected(state.error());
  return held_task{std::move(*lock), std::move(*journal), std::move(*state)};
}

/// Records `d` durably; the state after it.
attempt<task_state> record(held_task& t, const trace_places& at, ledger::draft d) {
  auto after = t.state;
  auto done = t.journal.append_one({t.state.task, t.state.seq, {std::move(d)}});
  if (!done && done.error().code == "tampered") // A file that would move to old/.
    return no(exit_code::damaged,
              fmt::format("{}: {}\nremedy: {}", t.state.task, done.error().detail,
                          damage_remedy(at, t.state.task)));
  if (!done)
    return no(done.error());
  for (auto& r : **done) {
    auto next = ledger::apply(std::move(after), r);
    if (!next)
      return no(next.error());
    after = std::move(*next);
  }
  if (auto closed = t.journal.close(); !closed)
    return no(closed.error());
  return after;
}

/// The note, if it may be filed. Which secrets must not be in it, the
/// configuration says: without one nobody knows.
attempt<ledger::text_ptr> read_note(const place& p, const retry_options& o, const seams& with) {
  auto& name = o.note;
  std::error_code e;
  auto real = std::filesystem::canonical(name, e); // A link of the user's own is fine.
  auto text =
      ledger::disk::read_file(e ? std::filesystem::path(name) : real, ledger::max_prompt_bytes);
  if (!text)
    return no(exit_code::usage, fmt::format("--note {}: {}; give a text file of at most {} bytes",
                                            name, text.error().detail, ledger::max_prompt_bytes));
  if (text->find_first_not_of(" \t\r\n\v\f") == std::string::npos)
    return no(exit_code::usage,
              fmt::format("--note {}: it is empty; write what the AIs shall know", name));
  std::uint32_t line = 0;
  if (!ledger::is_text(*text, &line))
    return no(exit_code::usage,
              fmt::format("--note {}: line {} is no UTF-8 text; save it as UTF-8", name, line));
  auto c = read_config(o.config, p, with.kinds);
  if (!c && c.error().code == no_config_code)
    return no(
        exit_code::usage,
        fmt::format("--note {}: {} is not there, so nobody knows which secrets must not reach "
                    "the ledger; name the batch's configuration with --config FILE",
                    name, (p.repository->top() / "scheduler.toml").string()));
  if (!c)
    return no(exit_code::usage,
              fmt::format("--note {}: it cannot be searched for secrets, because the configuration "
                          "cannot be read:\n{}",
                          name, c.error().detail));
  auto secrets = known_secrets(p, &*c);
  if (!secrets)
    return no(exit_code::usage, secrets.error().detail);
  if (auto at = secrets->line_of_secret(*text); at != 0)
    return no(exit_code::usage,
              fmt::format("--note {}: line {} holds a known secret, which must not reach the "
                          "ledger; take it out",
                          name, at));
  return std::make_shared<const std::string>(std::move(*text));
}

attempt<void> may_retry(const task_state& s, const retry_options& o) {
  if (s.terminal() || o.from)
    return {};
  return no(exit_code::usage,
            fmt::format("{} is {} at step {}: the next `scheduler --tasks DIR` goes on with it by "
                        "itself; to send it back, name a step with --from",
                        s.task, to_string(s.is), to_string(s.at)));
}

attempt<void> retry_task(const retry_options& o, const seams& with, std::ostream& out) {
  auto p = find_place(o.repo);
  if (!p)
    return no(exit_code::usage, p.error().detail);
  ledger::text_ptr note;
  if (!o.note.empty()) {
    auto read = read_note(*p, o, with);
    if (!read)
      return tl::make_unexpected(read.error());
    note = std::move(*read);
  }
  auto t = hold(*p, o.task);
  if (!t)
    return tl::make_unexpected(t.error());
  if (auto may = may_retry(t->state, o); !may)
    return may;
  auto draft = ledger::draft_retried(t->state, o.from, note);
  if (!draft)
    return no(exit_code::usage, draft.error().detail);
  auto after = record(*t, traces_of(*p), std::move(*draft));
  if (!after)
    return tl::make_unexpected(after.error());
  if (after->at == ledger::step::ingest)
    out << after->task << " will begin anew, with the prompt as it is then, ";
  else
    out << after->task << " will go on from step " << to_string(after->at) << " ";
  out << "with the next `scheduler --tasks DIR` (its prompt " << after->task
      << ".md has to lie in DIR)\n";
  if (note)
    out << "the note is " << ledger::note_path(after->notes) << "\n";
  return {};
}

attempt<void> cancel_task(const cancel_options& o, std::ostream& out) {
  auto p = find_place(o.repo);
  if (!p)
    return no(exit_code::usage, p.error().detail);
  auto t = hold(*p, o.task);
  if (!t)
    return tl::make_unexpected(t.error());
  auto is = t->state.is;
  if (is == status::done || is == status::no_change)
    return no(
        exit_code::usage,
        fmt::format("{} is {}: there is nothing left to cancel; its branch and its deploy are "
                    "yours to take back",
                    o.task, to_string(is)));
  if (is == status::cancelled)
    return no(exit_code::usage,
              fmt::format("{} is cancelled already; `scheduler retry {}` takes it "
                          "up again",
                          o.task, o.task));
  auto after = record(*t, traces_of(*p), ledger::draft_cancelled(t->state));
  if (!after)
    return tl::make_unexpected(after.error());
  out << o.task << " is cancelled, at step " << to_string(after->at)
      << "; all that it made is kept. `scheduler retry " << o.task << "` takes it up again\n";
  return {};
}

exit_code told(const attempt<void>& done, std::ostream& err) {
  if (done)
    return exit_code::all_done;
  err << complaint(done.error().why);
  return done.error().code;
}

} // namespace

exit_code retry(const retry_options& o, const seams& with, std::ostream& out, std::ostream& err) {
  return told(retry_task(o, with, out), err);
}

exit_code cancel(const cancel_options& o, std::ostream& out, std::ostream& err) {
  return told(cancel_task(o, out), err);
}

} // namespace cli
