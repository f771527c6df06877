#include "providers/offline/answers.hpp"

#include "ledger/glob.hpp"
#include "ledger/markdown.hpp"
#include "ledger/prompt.hpp"
#include "ledger/scope.hpp"
#include "providers/offline/patch.hpp"
#include "providers/offline/trees.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace providers::offline {
namespace {

// What the blocks of a prompt ask for, and why they may not have it.
struct finding {
  std::vector<std::vector<file_part>> blocks;
  std::vector<std::string> paths; ///< Of all blocks, sorted.
  bool schema = false;
  bool contained = false;
  std::vector<std::string> reasons; ///< Not empty: NO.
};

void refuse(finding& f, std::string reason) {
  if (std::find(f.reasons.begin(), f.reasons.end(), reason) == f.reasons.end())
    f.reasons.push_back(std::move(reason));
}

void judge_path(finding& f, const ledger::protection& guard, const std::string& path) {
  if (!ledger::is_repository_path(path)) {
    refuse(f, fmt::format("{} lies outside the repository.", code(path)));
    return;
  }
  if (auto why = ledger::why_protected(guard, path); !why.empty()) {
    refuse(f, fmt::format("{} is protected ({}).", code(path), shown(why)));
    return;
  }
  // A list of allowed paths is literal and stands between back ticks.
  std::uint32_t bad_line = 0;
  bool listable =
      ledger::is_text(path, &bad_line) && std::none_of(path.begin(), path.end(), [](char c) {
        return c == '`' || c == '*' || c == '?' || c == 0x7f
               || static_cast<unsigned char>(c) < 0x20;
      });
  if (!listable)
    refuse(f,
           fmt::format("{} cannot be listed literally; give the file a plain name.", code(path)));
}

// Judges the tree that the first block makes as the scope of the writing step
// will be judged: a breach found now costs no attempt later.
ledger::result<void> judge_tree(finding& f, desk& d, const request& r,
                                const ledger::protection& guard, const std::string& tree) {
  auto& g = d.context.repository;
  auto changes = g.changes(r.base_tree, tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  ledger::scope_question q;
  q.changes = std::move(*changes);
  q.planned = f.paths;
  bool adds = std::any_of(q.changes.begin(), q.changes.end(),
                          [](const ledger::change& c) { return c.kind == 'A'; });
  if (adds) {
    auto found = d.surveys.of(g, r.base_tree);
    if (!found)
      return tl::make_unexpected(found.error());
    q.base_paths = (*found)->paths;
  }
  ledger::allowance all;
  all.allowed = f.paths;
  all.schema_changes = true; // Whether it needs that word is decided below.
  for (auto& b : ledger::judge_scope(q, all, guard, d.context.config.scope.schema_globs))
    refuse(f, fmt::format("{} {}.", code(b.path), shown(b.why)));
  return {};
}

ledger::result<void> judge_first_block(finding& f, desk& d, const request& r,
                                       const ledger::protection& guard, const deed& first) {
  auto tried = try_deed(d.context.repository, r.base_tree, first);
  if (!tried)
    return tl::make_unexpected(tried.error());
  f.contained = tried->how == attempt::end::contained;
  if (tried->how == attempt::end::no)
    refuse(f, first.undone_tree.empty()
                  ? fmt::format("The first diff block does not apply to the base: {}. Make it anew "
                                "against the base.",
                                shown(tried->why))
                  : fmt::format("The change cannot be taken back: {}. Take that back first.",
                                shown(tried->why)));
  if (tried->how != attempt::end::applies)
    return {};
  return judge_tree(f, d, r, guard, tried->tree);
}

ledger::result<finding> find_out(desk& d, const request& r) {
  finding f;
  auto& config = d.context.config;
  auto deeds = deeds_of(d, r);
  if (!deeds)
    return tl::make_unexpected(deeds.error());
  auto guard = ledger::protection_for(config.scope, r.allow);
  if (auto reason = refusal_in(input_text(r, ledger::path::prompt)); !reason.empty())
    refuse(f, fmt::format("The prompt itself refuses: {}", shown(reason)));
  std::set<std::string> paths;
  for (auto& one : *deeds) {
    if (!one.problem.empty())
      refuse(f, one.problem + ".");
    f.blocks.push_back(parts_of(one.patch));
    for (auto& path : paths_of(f.blocks.back()))
      paths.insert(path);
  }
  f.paths.assign(paths.begin(), paths.end());
  for (auto& path : f.paths)
    judge_path(f, guard, path);
  f.schema = std::any_of(f.paths.begin(), f.paths.end(), [&](const std::string& p) {
    return matches_any(config.scope.schema_globs, p);
  });
  if (deeds->empty())
    refuse(f, "The prompt carries no diff block. Without a model only a fenced block with the "
              "word diff or revert can be carried out.");
  else if (f.blocks.front().empty())
    refuse(f, "The first block names no file.");
  else if (f.reasons.empty())
    if (auto done = judge_first_block(f, d, r, guard, deeds->front()); !done)
      return tl::make_unexpected(done.error());
  return f;
}

std::string bullets_of(const std::vector<file_part>& parts) {
  std::string text;
  for (auto& p : parts) {
    if (p.adds())
      text += fmt::format("- Adds {}\n", code(p.new_path));
    else if (p.deletes())
      text += fmt::format("- Deletes {}\n", code(p.old_path));
    else if (p.renames())
      text += fmt::format("- Renames {} to {}\n", code(p.old_path), code(p.new_path));
    else
      text += fmt::format("- Changes {}\n", code(p.new_path));
  }
  return text;
}

std::string what_changes(const finding& f) {
  std::string text;
  if (!f.reasons.empty()) {
    text = "Nothing, because:\n\n";
    for (auto& reason : f.reasons)
      text += fmt::format("- {}\n", reason);
    return text;
  }
  if (f.contained)
    text = "Nothing: the base already is what the first block wants:\n\n";
  text += bullets_of(f.blocks.front());
  for (std::size_t i = 1; i < f.blocks.size(); ++i)
    text += fmt::format("\nIf fix {} is needed:\n\n{}", i, bullets_of(f.blocks[i]));
  return text;
}

std::string allowed_paths(const finding& f) {
  if (!f.reasons.empty())
    return "none\n";
  std::string text;
  for (auto& p : f.paths)
    text += fmt::format("- `{}`\n", p);
  return text;
}

std::string flow(const finding& f) {
  if (!f.reasons.empty())
    return "The task ends here. A person changes the prompt and retries from ingest.";
  if (f.contained)
    return "The candidate tree equals the base; the task ends without a commit.";
  auto text = std::string{"The first block is carried out on the base; test, lint and schema "
                          "drift run on a clean checkout of the result."};
  if (f.blocks.size() > 1)
    text += fmt::format(" If a round fails, the next of {} fix block{} is applied on top.",
                        f.blocks.size() - 1, f.blocks.size() == 2 ? "" : "s");
  return text + " What is green and reviewed is committed as one commit on the base.";
}

} // namespace

ledger::result<std::string> decide(desk& d, const request& r) {
  auto found = find_out(d, r);
  if (!found)
    return tl::make_unexpected(found.error());
  auto& f = *found;
  bool yes = f.reasons.empty();
  bool schema = yes && f.schema;
  return fmt::format(
      "# Decisions for {}\n\n## What changes\n\n{}\n## What must not change\n\n"
      "Every file that is not listed under *Allowed file paths*, and in the listed files every "
      "line that the diff does not name.\n\n## Allowed file paths\n\n{}\n## Forbidden changes\n\n"
      "- `.ai-stack-trace/**`\n- `scheduler.toml`\n- Symbolic links, submodules and the executable "
      "bit of other files\n- Protected files, secrets and keys\n\n## Schema changes: {}\n\n{}\n\n"
      "## Target Flow Summary\n\n{}\n\nCLAUDE_DECISIONS_OK: {}\n",
      r.task, what_changes(f), allowed_paths(f), schema ? "YES" : "NO",
      schema ? "The diff touches files that scope.schema names; data and schema change together."
             : "No path of the diff matches scope.schema.",
      flow(f), yes ? "YES" : "NO");
}

} // namespace providers::offline
