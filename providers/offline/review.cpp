// The steps after the checks: Claude's review and Gemini's verification.

#include "providers/offline/answers.hpp"

#include "ledger/judge.hpp"
#include "ledger/markdown.hpp"
#include "ledger/scope.hpp"
#include "ledger/verdict.hpp"
#include "providers/blobs.hpp"
#include "providers/offline/patch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace providers::offline {
namespace {

constexpr std::size_t risks_max = 25;

bool is_deletion(const ledger::change& c) {
  return c.new_mode == "000000";
}

std::string verb(const ledger::change& c) {
  return is_deletion(c) ? "deleted" : c.old_mode == "000000" ? "new" : "changed";
}

std::vector<std::string> paths_in(const std::vector<ledger::change>& changes) {
  std::vector<std::string> paths;
  paths.reserve(changes.size());
  for (auto& c : changes)
    paths.push_back(c.path);
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Whether a line of the decisions names `path` beside a word for taking away.
bool deletion_was_decided(std::string_view decisions, const std::string& path) {
  auto name = fmt::format("`{}`", path);
  for (auto& line : ledger::lines_of(decisions)) {
    if (line.text.find(name) == std::string_view::npos)
      continue;
    std::string lower{line.text};
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    for (std::string_view word : {"delet", "remov", "renam", "mov"})
      if (lower.find(word) != std::string::npos)
        return true;
  }
  return false;
}

// What the review found: one bullet a change, and what must be done.
struct review_notes {
  std::string changed, deletions, schema;
  std::vector<std::string> wanted;
};

void review_change(review_notes& n, const ledger::change& c, const ledger::allowance& a,
                   const ledger::protection& guard, const ledger::scope_config& scope,
                   std::string_view decisions) {
  bool allowed = ledger::allows(a, c.path);
  auto protected_by = ledger::why_protected(guard, c.path);
  n.changed += fmt::format("- {} {}: {}\n", code(c.path), verb(c),
                           !protected_by.empty() ? "protected"
                           : allowed             ? "allowed"
                                                 : "not in the list of allowed paths");
  if (!protected_by.empty())
    n.wanted.push_back(
        fmt::format("Restore {}; it is protected ({}).", code(c.path), shown(protected_by)));
  else if (!allowed)
    n.wanted.push_back(fmt::format("Restore {}; the decisions do not allow it.", code(c.path)));
  bool regular = is_deletion(c) || c.new_mode == "100644" || c.new_mode == "100755";
  if (!regular)
    n.wanted.push_back(
        fmt::format("Make {} a regular file; it has mode {}.", code(c.path), c.new_mode));
  if (is_deletion(c)) {
    bool decided = deletion_was_decided(decisions, c.path);
    n.deletions += fmt::format("- {} is deleted, {}\n", code(c.path),
                               decided ? "as decided" : "which nobody decided");
    if (!decided)
      n.wanted.push_back(fmt::format("Restore {}; no decision deletes it.", code(c.path)));
  }
  if (matches_any(scope.schema_globs, c.path)) {
    n.schema += fmt::format("- {} is a schema file\n", code(c.path));
    if (!a.schema_changes)
      n.wanted.push_back(
          fmt::format("Restore {}; the decisions say Schema changes: NO.", code(c.path)));
  }
}

// The diff that is on record must be about the very files that differ.
void review_record(review_notes& n, const request& r, const std::vector<ledger::change>& changes) {
  auto recorded = paths_of(parts_of(input_text(r, ledger::path::changes)));
  if (recorded == paths_in(changes))
    return;
  n.wanted.push_back(fmt::format("Make {} anew: it names {}, but the trees differ in {}.",
                                 code(ledger::path::changes),
                                 recorded.empty() ? "nothing" : code_list(recorded, 10),
                                 changes.empty() ? "nothing" : code_list(paths_in(changes), 10)));
}

// The checks must be green, and about this very tree.
void review_log(std::vector<std::string>& wanted, const log_reading& log, const std::string& tree) {
  if (!log.green)
    wanted.push_back(fmt::format("Make the checks green: {} does not say result: GREEN for all.",
                                 code(ledger::path::run_log)));
  if (!log.tree.empty() && log.tree != tree)
    wanted.push_back(fmt::format("Run the checks again: {} is about tree {}.",
                                 code(ledger::path::run_log), shown(log.tree)));
}

std::string numbered(const std::vector<std::string>& all) {
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i)
    text += fmt::format("{}. {}\n", i + 1, all[i]);
  return text;
}

std::string or_none(const std::string& text) {
  return text.empty() ? "none\n" : text;
}

// The candidate as the base plus its changes, for questions about links.
class candidate_view {
public:
  candidate_view(const survey& base, const std::vector<ledger::change>& changes)
      : base_(base) {
    for (auto& c : changes) {
      present_[c.path] = !is_deletion(c);
      for (auto slash = c.path.rfind('/'); !is_deletion(c) && slash != std::string::npos;
           slash = slash == 0 ? std::string::npos : c.path.rfind('/', slash - 1))
        folders_.insert(c.path.substr(0, slash));
    }
  }
  bool changed(const std::string& path) const { return present_.find(path) != present_.end(); }
  bool exists(const std::string& path) const {
    auto known = present_.find(path);
    return known != present_.end() ? known->second : folders_.count(path) > 0 || base_.exists(path);
  }
  bool leads_nowhere(const link& l) const {
    return std::none_of(l.candidates.begin(), l.candidates.end(),
                        [this](const std::string& c) { return exists(c); });
  }

private:
  const survey& base_;
  std::map<std::string, bool> present_;
  std::set<std::string> folders_;
};

void note_link(std::vector<std::string>& risks, const link& l) {
  risks.push_back(fmt::format("{} line {} links to {}, which is not in the candidate", code(l.file),
                              l.line, code(l.target)));
}

// Risks that the change brings: links that led somewhere before, and files
// whose form it spoils.
ledger::result<std::vector<std::string>> risks_of(desk& d, const request& r,
                                                  const std::vector<ledger::change>& changes) {
  auto& g = d.context.repository;
  auto found = d.surveys.of(g, r.base_tree);
  if (!found)
    return tl::make_unexpected(found.error());
  auto& base = **found;
  candidate_view now{base, changes};
  std::vector<std::string> risks, ids;
  std::set<std::pair<std::string, std::string>> dangled;
  for (auto& l : base.links) {
    if (dangles(l, base))
      dangled.emplace(l.file, l.target);
    else if (!now.changed(l.file) && now.leads_nowhere(l))
      note_link(risks, l);
  }
  std::vector<const ledger::change*> read;
  for (auto& c : changes)
    if (c.new_mode == "100644" || c.new_mode == "100755") {
      ids.push_back(c.new_id);
      read.push_back(&c);
    }
  auto contents = read_blobs(g, ids);
  if (!contents)
    return tl::make_unexpected(contents.error());
  for (std::size_t i = 0; i < read.size(); ++i) {
    auto& content = (*contents)[i];
    if (content.find('\0') != std::string::npos)
      continue;
    for (auto& l : links_of(read[i]->path, content))
      if (now.leads_nowhere(l) && dangled.count({l.file, l.target}) == 0)
        note_link(risks, l);
    for (auto& gap : gaps_of(read[i]->path, content))
      risks.push_back(fmt::format("{} {}", code(gap.path), shown(gap.what)));
  }
  return risks;
}

std::string risk_bullets(const std::vector<std::string>& risks, std::size_t changes) {
  if (risks.empty())
    return fmt::format("none found: links, line ends and trailing blanks of {} changed file{} were "
                       "looked at.\n",
                       changes, changes == 1 ? "" : "s");
  std::string text;
  for (std::size_t i = 0; i < risks.size() && i < risks_max; ++i)
    text += fmt::format("- {}\n", risks[i]);
  if (risks.size() > risks_max)
    text += fmt::format("- and {} more\n", risks.size() - risks_max);
  return text;
}

// What does not fit together; empty: consistent.
std::vector<std::string> contradictions(const request& r,
                                        const std::vector<ledger::change>& changes) {
  std::vector<std::string> all;
  auto audit_text = input_text(r, ledger::path::post_audit);
  auto verdict = ledger::read_verdict(audit_text, ledger::verdict_word(ledger::step::review));
  if (!verdict || *verdict != ledger::verdict::yes)
    all.push_back("The post-implement audit does not end with a YES.");
  review_log(all, read_log(input_text(r, ledger::path::run_log)), r.tree);
  if (changes.empty())
    all.push_back("The verified tree does not differ from the base.");
  // Only the audit of this provider lists files and tree in a known form.
  auto sections = ledger::sections_of(audit_text);
  auto* listed = ledger::find_section(sections, "Changed files");
  if (!listed)
    return all;
  auto names = ledger::bullet_literals(listed->body);
  std::sort(names.begin(), names.end());
  std::vector<std::string> real;
  for (auto& path : paths_in(changes))
    real.push_back(shown(path));
  std::sort(real.begin(), real.end());
  if (names != real)
    all.push_back(fmt::format("The audit is about {}, the tree differs from the base in {}.",
                              names.empty() ? "nothing" : code_list(names, 10),
                              real.empty() ? "nothing" : code_list(real, 10)));
  if (listed->body.find(fmt::format("Tree: {}", r.tree)) == std::string_view::npos)
    all.push_back(fmt::format("The audit does not name the tree {}.", r.tree));
  return all;
}

} // namespace

ledger::result<std::string> review(desk& d, const request& r) {
  auto changes = d.context.repository.changes(r.base_tree, r.tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  auto decisions = input_text(r, ledger::path::decisions);
  auto& scope = d.context.config.scope;
  auto guard = ledger::protection_for(scope, r.allow);
  review_notes n;
  auto allowed = ledger::read_allowance(decisions);
  if (!allowed)
    n.wanted.push_back(fmt::format("Decide anew: the list of allowed paths cannot be read: {}",
                                   shown(allowed.error().detail)));
  auto allowance = allowed ? *allowed : ledger::allowance{};
  for (auto& c : *changes)
    review_change(n, c, allowance, guard, scope, decisions);
  review_record(n, r, *changes);
  auto log = read_log(input_text(r, ledger::path::run_log));
  review_log(n.wanted, log, r.tree);
  bool yes = n.wanted.empty();
  return fmt::format(
      "# Post-implement audit for {}\n\n## Changed files\n\n{}\nTree: {}\n\n"
      "## Deletions\n\n{}\n## Schema\n\n{}\n## Checks\n\n{}\n## Requested changes\n\n"
      "{}\n## Verdict\n\n{}\n\nCLAUDE_FINAL_OK: {}\n",
      r.task, or_none(n.changed), r.tree, or_none(n.deletions), or_none(n.schema), log.bullets,
      yes ? "none\n" : numbered(n.wanted),
      yes ? "Only decided files changed, as decided." : "What is listed above must be done first.",
      yes ? "YES" : "NO");
}

ledger::result<std::string> verify(desk& d, const request& r) {
  auto changes = d.context.repository.changes(r.base_tree, r.tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  auto risks = risks_of(d, r, *changes);
  if (!risks)
    return tl::make_unexpected(risks.error());
  auto wrong = contradictions(r, *changes);
  auto consistency =
      wrong.empty()
          ? fmt::format("The audit says YES, the checks are green, and tree {} differs from the "
                        "base in exactly the files of the audit: {}.\n",
                        r.tree, code_list(paths_in(*changes), 25))
          : numbered(wrong);
  return fmt::format(
      "# Final verification for {}\n\n## Consistency\n\n{}\n## Remaining risks\n\n{}\n"
      "GEMINI_VERIFY_OK: {}\n",
      r.task, consistency, risk_bullets(*risks, changes->size()), wrong.empty() ? "YES" : "NO");
}

} // namespace providers::offline
