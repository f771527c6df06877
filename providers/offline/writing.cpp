// The steps of Codex: plan, implement, fix.

#include "providers/offline/answers.hpp"

#include "ledger/markdown.hpp"
#include "providers/offline/patch.hpp"
#include "providers/offline/trees.hpp"
#include "providers/worktree_files.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace providers::offline {
namespace {

std::string bullets(const std::vector<std::string>& paths) {
  std::string text;
  for (auto& p : paths)
    text += fmt::format("- `{}`\n", p);
  return text;
}

// "adds 3 and removes 1 line" of a part, from its hunks.
std::string extent(const file_part& part) {
  std::size_t added = 0, removed = 0;
  bool in_hunk = false;
  for (auto& line : ledger::lines_of(part.text)) {
    if (line.text.substr(0, 4) == "@@ -") {
      in_hunk = true;
      continue;
    }
    added += in_hunk && line.text.substr(0, 1) == "+" ? 1 : 0;
    removed += in_hunk && line.text.substr(0, 1) == "-" ? 1 : 0;
  }
  if (!in_hunk)
    return "no line of text changes";
  return fmt::format("{} line{} added, {} removed", added, added == 1 ? "" : "s", removed);
}

std::string described(const std::vector<file_part>& parts) {
  std::string text;
  for (auto& p : parts) {
    if (p.renames())
      text += fmt::format("- {} moves to {}: {}\n", code(p.old_path), code(p.new_path), extent(p));
    else
      text += fmt::format("- {} {}: {}\n", code(p.deletes() ? p.old_path : p.new_path),
                          p.adds()      ? "is new"
                          : p.deletes() ? "is deleted"
                                        : "is edited",
                          extent(p));
  }
  return text;
}

// The first line of prose of a prompt: what its author says it is for.
std::string purpose(std::string_view prompt) {
  bool front = prompt.substr(0, 3) == "---";
  for (auto& line : ledger::lines_of(prompt)) {
    auto text = ledger::trimmed(line.text);
    if (front) {
      front = !(line.number > 1 && text == "---");
      continue;
    }
    while (!text.empty() && (text.front() == '#' || text.front() == '>' || text.front() == ' '))
      text.remove_prefix(1);
    bool letters = std::any_of(text.begin(), text.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (!line.in_fence && letters)
      return shown(text);
  }
  return "a change without words";
}

std::vector<ledger::change> merged(std::vector<ledger::change> a,
                                   const std::vector<ledger::change>& b) {
  for (auto& c : b)
    if (std::none_of(a.begin(), a.end(),
                     [&](const ledger::change& known) { return known.path == c.path; }))
      a.push_back(c);
  return a;
}

// Makes the worktree `to`, wherever it may stand: at the base or at the
// candidate of an earlier attempt.
ledger::result<void> bring_to(desk& d, const request& r, const std::string& to) {
  auto& g = d.context.repository;
  if (r.worktree.empty())
    return ledger::fail(
        ledger::fault::refused,
        fmt::format("offline: {} of {} was given no worktree", to_string(r.at), r.task));
  auto changes = g.changes(r.base_tree, to);
  if (!changes)
    return tl::make_unexpected(changes.error());
  if (!r.tree.empty() && r.tree != r.base_tree) {
    auto further = g.changes(r.tree, to);
    if (!further)
      return tl::make_unexpected(further.error());
    changes = merged(std::move(*changes), *further);
  }
  return write_changes(g, r.worktree, *changes);
}

// What a fix answers to: each piece of evidence with its last line.
std::string evidence_bullets(const request& r) {
  std::string text;
  std::size_t number = 0;
  for (auto& e : r.evidence) {
    auto all = ledger::trimmed(e.text ? std::string_view{*e.text} : std::string_view{});
    text += fmt::format("{}. {} ends with {}\n", ++number, code(e.path),
                        code(all.substr(all.rfind('\n') + 1)));
  }
  return text.empty() ? "No evidence was handed over; the round itself asks for a fix.\n" : text;
}

} // namespace

ledger::result<std::string> plan(desk& d, const request& r) {
  auto deeds = deeds_of(d, r);
  if (!deeds)
    return tl::make_unexpected(deeds.error());
  if (deeds->empty())
    return ledger::fail(ledger::fault::refused,
                        fmt::format("offline: {} has no diff block to plan; add one and retry "
                                    "{} --from ingest",
                                    ledger::path::prompt, r.task),
                        "no-diff");
  auto parts = parts_of(deeds->front().patch);
  return fmt::format("# Plan for {}\n\nAsked for: {}\n\n## Files\n\n{}\n## Changes\n\n{}\n"
                     "## Verification\n\nThe change is right if, on a clean checkout of it:\n\n{}",
                     r.task, purpose(input_text(r, ledger::path::prompt)), bullets(paths_of(parts)),
                     described(parts), check_bullets(d.context.config.checks));
}

ledger::result<std::string> implement(desk& d, const request& r) {
  auto deeds = deeds_of(d, r);
  if (!deeds)
    return tl::make_unexpected(deeds.error());
  auto refused = [&](std::string_view why) {
    return ledger::fail(ledger::fault::refused,
                        fmt::format("offline: the first block of {} cannot be carried out: "
                                    "{}; correct it and retry {} --from ingest",
                                    ledger::path::prompt, why, r.task),
                        "diff-does-not-apply");
  };
  if (deeds->empty())
    return refused("there is none");
  auto tried = try_deed(d.context.repository, r.base_tree, deeds->front());
  if (!tried)
    return tl::make_unexpected(tried.error());
  if (tried->how == attempt::end::no)
    return refused(shown(tried->why));
  if (auto done = bring_to(d, r, tried->tree); !done)
    return tl::make_unexpected(done.error());
  bool contained = tried->how == attempt::end::contained;
  return fmt::format("# Applied for {}\n\n## What changed\n\n{}\n## Why\n\nThe prompt asks for it: "
                     "{}\nNothing but its first block was carried out.\n",
                     r.task,
                     contained ? "Nothing: the base already is what the block wants.\n"
                               : described(parts_of(deeds->front().patch)),
                     purpose(input_text(r, ledger::path::prompt)));
}

ledger::result<std::string> fix(desk& d, const request& r) {
  auto deeds = deeds_of(d, r);
  if (!deeds)
    return tl::make_unexpected(deeds.error());
  auto number = r.round - 1; // Fix k is made in round k+1 and is block k+1.
  if (r.round < 2 || deeds->size() < r.round)
    return ledger::fail(
        ledger::fault::refused,
        fmt::format("offline: {} carries {} diff block{}, so there is no fix {}. Look at the "
                    "evidence with `scheduler show {}`, then `scheduler retry {} --note FILE`, the "
                    "note holding one more diff block; or correct the prompt and begin again "
                    "from ingest",
                    ledger::path::prompt, deeds->size(), deeds->size() == 1 ? "" : "s", number,
                    r.task, r.task),
        "no-fix-left");
  auto& from = r.tree.empty() ? r.base_tree : r.tree;
  auto tried = try_deed(d.context.repository, from, (*deeds)[number]);
  if (!tried)
    return tl::make_unexpected(tried.error());
  if (tried->how != attempt::end::applies)
    return ledger::fail(ledger::fault::refused,
                        fmt::format("offline: diff block {} (fix {}) does not apply to the "
                                    "candidate so far: {}; correct it and retry {} --from ingest",
                                    r.round, number,
                                    tried->how == attempt::end::contained
                                        ? std::string{"the candidate already contains it"}
                                        : shown(tried->why),
                                    r.task),
                        "fix-does-not-apply");
  if (auto done = bring_to(d, r, tried->tree); !done)
    return tl::make_unexpected(done.error());
  auto parts = parts_of((*deeds)[number].patch);
  return fmt::format(
      "# Fix {} for {}\n\n## What changed\n\n{}\n## Why\n\nThe round before this one "
      "was refused. The evidence:\n\n{}\n## Files\n\n{}",
      number, r.task, described(parts), evidence_bullets(r), bullets(paths_of(parts)));
}

} // namespace providers::offline
