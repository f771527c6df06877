#include "providers/offline/answers.hpp"

#include "ledger/judge.hpp"
#include "ledger/markdown.hpp"
#include "providers/offline/patch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace providers::offline {
namespace {

/// Most bullets of one kind: an audit is read by people.
constexpr std::size_t bullets_max = 25;
constexpr std::size_t named_paths_max = 60;
constexpr std::size_t surveys_kept_max = 4;

// Bullets up to bullets_max, then how many more there are.
class bullet_list {
public:
  explicit bullet_list(std::size_t most = bullets_max)
      : most_(most) {}
  void add(const std::string& text) {
    if (count_++ < most_)
      text_ += "- " + text + '\n';
  }
  bool empty() const noexcept { return count_ == 0; }
  std::string text() const {
    return count_ > most_ ? text_ + fmt::format("- and {} more\n", count_ - most_) : text_;
  }

private:
  std::size_t most_, count_ = 0;
  std::string text_;
};

std::string none_found(const std::string& what, const std::vector<std::string>& looked_at) {
  return fmt::format("none found. {} Looked at: {}.\n", what,
                     looked_at.empty() ? "an empty tree" : code_list(looked_at, 12));
}

// What the prompt names, in prose and in its diffs.
std::vector<std::string> named_paths(const request& r, const survey& s,
                                     const std::vector<file_part>& parts) {
  auto prompt = input_text(r, ledger::path::prompt);
  std::vector<std::string> names;
  auto add = [&](std::string path) {
    if (std::find(names.begin(), names.end(), path) == names.end()
        && names.size() < named_paths_max)
      names.push_back(std::move(path));
  };
  for (auto& path : paths_of(parts))
    add(path);
  auto in_prose = ledger::paths_named(prompt);
  // Those that exist come first: they are what the audit can speak about.
  std::stable_partition(in_prose.begin(), in_prose.end(),
                        [&](const std::string& p) { return s.exists(p); });
  for (auto& path : in_prose) {
    // `a/x` and `b/x` of a diff's headers have been named without prefix.
    bool header = path.compare(0, 2, "a/") == 0 || path.compare(0, 2, "b/") == 0;
    if (!header || std::find(names.begin(), names.end(), path.substr(2)) == names.end())
      add(path);
  }
  return names;
}

std::string behavior(const survey& s, const provider_context& c) {
  std::string kinds;
  for (auto& [kind, count] : s.by_kind)
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, kind);
  auto text = fmt::format("The base of this task holds {} files in {} folders: {}.\n",
                          s.paths.size(), s.folders.size(), kinds.empty() ? "nothing" : kinds);
  if (!s.title.empty())
    text += fmt::format("Its README is titled \"{}\".\n", shown(s.title));
  if (!s.entries.empty())
    text += fmt::format("It is entered, built or described at {}.\n", code_list(s.entries, 20));
  else if (!s.paths.empty())
    text += fmt::format("No usual entry point was found; its files begin with {}.\n",
                        code_list(s.paths, 5));
  text += "What must hold before a change is delivered:\n\n" + check_bullets(c.config.checks);
  const auto build = ledger::build_command_of(c.config.deploy);
  text += build.empty() ? "\nNothing is built.\n"
                        : fmt::format("\nIt is built by {} into {}.\n", code(build),
                                      code(c.config.deploy.publish));
  if (s.left_out > 0)
    text += fmt::format("The repository is large: {} text files were read, {} were left unread; "
                        "what follows is about those read.\n",
                        s.read, s.left_out);
  return text;
}

std::string named(const survey& s, const std::vector<std::string>& names, std::size_t blocks) {
  auto text = fmt::format("\nThe prompt carries {} block{} with a change{}.\n", blocks,
                          blocks == 1 ? "" : "s",
                          blocks > 1 ? ": the first is the change, each further one a fix" : "");
  if (names.empty())
    return text + "It names no path.\n";
  text += "Paths that it names:\n\n";
  bullet_list list{named_paths_max};
  for (auto& n : names)
    list.add(fmt::format("{} {}", code(n), s.exists(n) ? "exists" : "does not exist"));
  return text + list.text();
}

std::string schema_drift(const survey& s, const std::vector<std::string>& globs,
                         const std::vector<file_part>& parts) {
  std::vector<std::string> files;
  for (auto& p : s.paths)
    if (matches_any(globs, p))
      files.push_back(p);
  bullet_list touched;
  for (auto& part : parts) {
    auto& path = part.deletes() ? part.old_path : part.new_path;
    if (!matches_any(globs, path) && !matches_any(globs, part.old_path))
      continue;
    touched.add(fmt::format("the prompt's diff {} {}",
                            part.adds()      ? "adds"
                            : part.deletes() ? "deletes"
                            : part.renames() ? "renames"
                                             : "changes",
                            code(path)));
  }
  auto& seen = s.entries.empty() ? s.paths : s.entries;
  if (globs.empty())
    return none_found("No schema paths are configured (scope.schema).", seen);
  if (touched.empty())
    return none_found("The prompt's diff touches no schema file.", files.empty() ? seen : files);
  return fmt::format("Schema files of the base: {}. Data that follows them can drift:\n\n{}",
                     files.empty() ? "none" : code_list(files, 12), touched.text());
}

std::string normalization(const survey& s) {
  bullet_list list;
  for (auto& g : s.gaps)
    list.add(fmt::format("{} {}", code(g.path), shown(g.what)));
  if (list.empty())
    return none_found(
        fmt::format("Line endings, final newlines, trailing blanks and names were compared in {} "
                    "text files.",
                    s.read),
        s.paths);
  return list.text();
}

std::string workflows(const survey& s, const provider_context& c) {
  bullet_list list;
  auto command = [&](std::string_view what, const std::string& text) {
    for (auto& script : scripts_in(text, ""))
      if (!s.exists(script))
        list.add(fmt::format("{} runs {}, which does not exist", what, code(script)));
  };
  auto& checks = c.config.checks;
  command("the check setup", checks.setup.command);
  command("the check test", checks.test.command);
  command("the check lint", checks.lint.command);
  command("the check for schema drift", checks.schema_drift.command);
  command("the build", ledger::build_command_of(c.config.deploy));
  for (auto& m : s.missing_scripts)
    list.add(fmt::format("{} runs {}, which does not exist", code(m.file), code(m.script)));
  for (auto& l : s.links)
    if (dangles(l, s))
      list.add(fmt::format("{} line {} links to {}, which is not in the repository", code(l.file),
                           l.line, code(l.target)));
  if (list.empty())
    return none_found(fmt::format("{} links between files and the scripts of checks, build and "
                                  "package files lead somewhere.",
                                  s.links.size()),
                      s.entries.empty() ? s.paths : s.entries);
  return list.text();
}

} // namespace

ledger::result<std::shared_ptr<const survey>> survey_cache::of(const git& g,
                                                               const std::string& tree) {
  std::lock_guard lock{mutex_};
  for (auto& [known, s] : made_)
    if (known == tree)
      return s;
  auto made = survey_of(g, tree, survey_limits{});
  if (!made)
    return tl::make_unexpected(made.error());
  auto shared = std::make_shared<const survey>(std::move(*made));
  made_.emplace_front(tree, shared);
  if (made_.size() > surveys_kept_max)
    made_.pop_back();
  return shared;
}

ledger::result<std::string> audit(desk& d, const request& r) {
  auto found = d.surveys.of(d.context.repository, r.base_tree);
  if (!found)
    return tl::make_unexpected(found.error());
  auto& s = **found;
  auto deeds = deeds_of(d, r);
  if (!deeds)
    return tl::make_unexpected(deeds.error());
  std::vector<file_part> parts;
  for (auto& one : *deeds)
    for (auto& part : parts_of(one.patch))
      parts.push_back(std::move(part));
  auto names = named_paths(r, s, parts);
  return fmt::format("# Audit of the base for {}\n\n## System behavior\n\n{}{}\n## Schema drift\n\n"
                     "{}\n## Normalization gaps\n\n{}\n## Broken workflows\n\n{}",
                     r.task, behavior(s, d.context), named(s, names, deeds->size()),
                     schema_drift(s, d.context.config.scope.schema_globs, parts), normalization(s),
                     workflows(s, d.context));
}

} // namespace providers::offline
