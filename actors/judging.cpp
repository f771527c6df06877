#include "actors/judging.hpp"

#include "ledger/disk/evidence.hpp"
#include "ledger/disk/tree.hpp"

#include <algorithm>
#include <utility>

namespace actors {

namespace {

using ledger::result;
using ledger::task_state;
using ledger::disk::recorded_files;

/// Content of a recorded file. Missing is as bad as altered here.
result<std::string> text_of(const recorded_files& files, const task_state& s, std::string_view p) {
  auto* f = ledger::file_of(s, p);
  if (!f)
    return ledger::fail(ledger::fault::corrupt, std::string{p} + " was never recorded");
  auto text = files.read(f->path, f->sha256);
  if (!text && text.error().kind == ledger::fault::not_found)
    return ledger::fail(ledger::fault::corrupt, text.error().detail);
  return text;
}

/// Fills `into` if the file is recorded; a step needs not have them all.
result<void> read_if_recorded(const recorded_files& files, const task_state& s, std::string_view p,
                              std::string& into) {
  if (!ledger::file_of(s, p))
    return {};
  auto text = text_of(files, s, p);
  if (!text)
    return tl::make_unexpected(text.error());
  into = std::move(*text);
  return {};
}

/// Base to `tree`, which `diff` (a recorded file) rebuilds if git lost it.
result<void> read_changes(const services& w, const recorded_files& files, const task_state& s,
                          std::string_view diff, const std::string& tree, ledger::case_file& c) {
  auto text = text_of(files, s, diff);
  if (!text)
    return tl::make_unexpected(text.error());
  if (auto ok = w.files->ensure_tree(s.base_tree, *text, tree); !ok)
    return ok;
  auto changes = w.files->changes(s.base_tree, tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  c.changes = std::move(*changes);
  auto is_new = [](const ledger::change& x) { return x.kind == 'A'; };
  // Only a new name can be the twin of another (scope.hpp, 4).
  if (std::any_of(c.changes.begin(), c.changes.end(), is_new)) {
    auto paths = w.files->paths(s.base_tree);
    if (!paths)
      return tl::make_unexpected(paths.error());
    c.base_paths = std::move(*paths);
  }
  return {};
}

/// What every case has before it; `fixes` of them were accepted, as texts.
result<ledger::case_file> case_of(const services& w, const recorded_files& files,
                                  const task_state& s, std::uint32_t fixes) {
  ledger::case_file c;
  for (auto [p, into] :
       {std::pair{ledger::path::prompt, &c.prompt},
        std::pair{ledger::path::decisions, &c.decisions}, std::pair{ledger::path::plan, &c.plan}})
    if (auto ok = read_if_recorded(files, s, p, *into); !ok)
      return tl::make_unexpected(ok.error());
  for (std::uint32_t n = 1; n <= fixes; ++n) {
    std::string text;
    if (auto ok = read_if_recorded(files, s, ledger::fix_path(n), text); !ok)
      return tl::make_unexpected(ok.error());
    c.earlier_fixes.push_back(std::move(text));
  }
  c.exists_in_base = [files = w.files, tree = s.base_tree](std::string_view p) {
    return files->exists(tree, p);
  };
  c.guard = ledger::protection_for(w.config.scope, s.allow);
  c.schema_globs = w.config.scope.schema_globs;
  return c;
}

} // namespace

result<ledger::judgement> judge_filed_answer(const services& w, const task_state& s) {
  recorded_files files(w.folder_of(s.task));
  auto answer = text_of(files, s, ledger::answer_path(s));
  if (!answer)
    return tl::make_unexpected(answer.error());
  // The fix that is judged is no earlier one: round 2 judges fix 1.
  auto c = case_of(w, files, s, s.round < 2 ? 0 : s.round - 2);
  if (!c)
    return tl::make_unexpected(c.error());
  c->hidden = s.answered->hidden;
  c->faults = s.answered->faults;
  // With faults the diff was not filed: what matters is that it is void.
  if (ledger::row_of(s.at).writes_code && s.answered->faults.empty())
    if (auto ok = read_changes(w, files, s, ledger::path::changes, s.answered->tree, *c); !ok)
      return tl::make_unexpected(ok.error());
  return ledger::judge(s.at, *answer, *c);
}

result<std::vector<ledger::breach>> judge_candidate_again(const services& w, const task_state& s) {
  recorded_files files(w.folder_of(s.task));
  auto c = case_of(w, files, s, s.round - 1);
  if (!c)
    return tl::make_unexpected(c.error());
  if (auto ok = read_changes(w, files, s, s.diff_path, s.tree, *c); !ok)
    return tl::make_unexpected(ok.error());
  return ledger::judge_candidate(*c);
}

std::vector<std::string> changed_files(const services& w, const task_state& s) {
  return ledger::disk::altered_files(w.folder_of(s.task), s.files);
}

} // namespace actors
