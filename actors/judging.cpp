#include "actors/judging.hpp"

#include "ledger/disk/files.hpp"

#include <algorithm>
#include <utility>

namespace actors {

namespace {

using ledger::result;
using ledger::step;
using ledger::task_state;

/// Content of a recorded file. Missing is as bad as altered here.
result<std::string> text_of(const services& w, const task_state& s, std::string_view p) {
  auto* f = ledger::file_of(s, p);
  if (!f)
    return ledger::fail(ledger::fault::corrupt, std::string{p} + " was never recorded");
  auto text = ledger::disk::read_recorded(w.folder_of(s.task), f->path, f->sha256);
  if (!text && text.error().kind == ledger::fault::not_found)
    return ledger::fail(ledger::fault::corrupt, text.error().detail);
  return text;
}

/// Fills `into` if the file is recorded; a step needs not have them all.
result<void> read_if_recorded(const services& w, const task_state& s, std::string_view p,
                              std::string& into) {
  if (!ledger::file_of(s, p))
    return {};
  auto text = text_of(w, s, p);
  if (!text)
    return tl::make_unexpected(text.error());
  into = std::move(*text);
  return {};
}

result<ledger::case_file> case_of(const services& w, const task_state& s) {
  ledger::case_file c;
  for (auto [p, into] :
       {std::pair{ledger::path::prompt, &c.prompt},
        std::pair{ledger::path::decisions, &c.decisions}, std::pair{ledger::path::plan, &c.plan}})
    if (auto ok = read_if_recorded(w, s, p, *into); !ok)
      return tl::make_unexpected(ok.error());
  for (std::uint32_t n = 1; n + 1 < s.round; ++n) {
    std::string text;
    if (auto ok = read_if_recorded(w, s, ledger::fix_path(n), text); !ok)
      return tl::make_unexpected(ok.error());
    c.earlier_fixes.push_back(std::move(text));
  }
  c.exists_in_base = [files = w.files, tree = s.base_tree](std::string_view p) {
    return files->exists(tree, p);
  };
  c.guard = ledger::protection_for(w.config.scope, s.allow);
  c.schema_globs = w.config.scope.schema_globs;
  c.hidden = s.hidden;
  c.faults = s.faults;
  // With faults the diff was not filed: what matters is that it is void.
  if (ledger::row_of(s.at).writes_code && s.faults.empty()) {
    auto diff = text_of(w, s, ledger::path::changes);
    if (!diff)
      return tl::make_unexpected(diff.error());
    if (auto ok = w.files->ensure_tree(s.base_tree, *diff, s.answered_tree); !ok)
      return tl::make_unexpected(ok.error());
    auto changes = w.files->changes(s.base_tree, s.answered_tree);
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
  }
  return c;
}

} // namespace

result<ledger::judgement> judge_filed_answer(const services& w, const task_state& s) {
  auto answer = text_of(w, s,
                        s.at == step::test ? ledger::fix_path(s.round - 1)
                                           : std::string{ledger::row_of(s.at).answer});
  if (!answer)
    return tl::make_unexpected(answer.error());
  auto c = case_of(w, s);
  if (!c)
    return tl::make_unexpected(c.error());
  return ledger::judge(s.at, *answer, *c);
}

std::vector<std::string> changed_files(const services& w, const task_state& s) {
  std::vector<std::string> changed;
  for (auto& [p, f] : s.files)
    if (ledger::disk::digest_of_file(w.folder_of(s.task) / p) != f.sha256)
      changed.push_back(p);
  return changed;
}

} // namespace actors
