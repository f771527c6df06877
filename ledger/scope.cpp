#include "ledger/scope.hpp"

#include "ledger/glob.hpp"
#include "ledger/text.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/format.h>

namespace ledger {

namespace {

/// A built-in rule: a glob for one folded component at any depth.
struct built_in {
  std::string_view glob;
  std::string_view name; ///< As people know it.
};

// The last rows are the short names that NTFS gives (git's path.c,
// is_ntfs_dotgit and is_ntfs_dot_generic, knows the same).
constexpr std::array built_ins{
    built_in{".git", ".git"},
    built_in{".gitmodules", ".gitmodules"},
    built_in{".gitattributes", ".gitattributes"},
    built_in{".ai-stack-trace", ".ai-stack-trace"},
    built_in{"scheduler.toml", "scheduler.toml"},
    built_in{".env*", ".env*"},
    built_in{"*.pem", "*.pem"},
    built_in{"*.key", "*.key"},
    built_in{"*.p12", "*.p12"},
    built_in{"*.pfx", "*.pfx"},
    built_in{"id_rsa*", "id_rsa*"},
    built_in{"id_ed25519*", "id_ed25519*"},
    built_in{".netrc", ".netrc"},
    built_in{".git-credentials", ".git-credentials"},
    built_in{"git~?*", ".git"},
    built_in{"gitmod~?*", ".gitmodules"},
    built_in{"gi7eba~?*", ".gitmodules"},
    built_in{"gitatt~?*", ".gitattributes"},
    built_in{"gi7d29~?*", ".gitattributes"},
    built_in{"gitign~?*", ".gitignore"},
    built_in{"gi250a~?*", ".gitignore"},
    built_in{"gitcre~?*", ".git-credentials"},
    built_in{"git-cr~?*", ".git-credentials"},
    built_in{"ai-sta~?*", ".ai-stack-trace"},
    built_in{"schedu~?*", "scheduler.toml"},
    built_in{"env~?*", ".env*"},
    built_in{"netrc~?*", ".netrc"},
};

/// The built-in rule that a component of `name` meets, or null.
const built_in* built_in_of_reading(std::string_view name) {
  for (auto rest = name;;) {
    auto slash = rest.find('/');
    auto part = rest.substr(0, slash);
    for (auto& rule : built_ins)
      if (!part.empty() && glob_matches_name(rule.glob, part))
        return &rule;
    if (slash == rest.npos)
      return nullptr;
    rest.remove_prefix(slash + 1);
  }
}

const built_in* built_in_of(std::string_view path) {
  auto names = readings_of(path);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (i == 0 || names[i] != names[i - 1])
      if (auto* rule = built_in_of_reading(names[i]))
        return rule;
  return nullptr;
}

bool is_octal_mode(std::string_view text) {
  return text.size() == 6 && text.find_first_not_of("01234567") == text.npos;
}

bool is_object_id(std::string_view text) {
  return (text.size() == 40 || text.size() == 64)
         && text.find_first_not_of("0123456789abcdef") == text.npos;
}

constexpr std::string_view absent = "000000";

bool is_consistent(const change& c) {
  bool was = c.old_mode != absent, is = c.new_mode != absent;
  switch (c.kind) {
    case 'A':
      return !was && is;
    case 'D':
      return was && !is;
    case 'M':
    case 'T':
      return was && is;
    default:
      return false;
  }
}

/// One entry without its path: ":100644 100755 <id> <id> M".
result<change> parse_entry(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return fail(fault::corrupt, fmt::format("git's raw diff: entry {} {}; run git diff-tree -r -z "
                                            "--raw --no-renames on the two trees to see it",
                                            excerpt(text), why));
  };
  auto whole = text;
  if (!whole.starts_with(':'))
    return bad("does not begin with a colon");
  whole.remove_prefix(1);
  std::array<std::string, 5> part;
  for (std::size_t i = 0; i < part.size(); ++i) {
    auto blank = whole.find(' ');
    if ((blank == whole.npos) != (i + 1 == part.size()))
      return bad("does not have five parts");
    part[i] = whole.substr(0, blank);
    whole.remove_prefix(blank == whole.npos ? whole.size() : blank + 1);
  }
  if (!is_octal_mode(part[0]) || !is_octal_mode(part[1]))
    return bad("has a mode that is not six octal digits");
  if (!is_object_id(part[2]) || !is_object_id(part[3]))
    return bad("has an object id that is not 40 or 64 hex digits");
  if (part[4].size() != 1)
    return bad("is a rename, a copy or of an unknown kind");
  change c{part[0], part[1], part[2], part[3], part[4][0], {}};
  if (!is_consistent(c))
    return bad("has a kind that its modes contradict");
  return c;
}

bool is_folder_entry(std::string_view entry) {
  return entry.size() > 3 && entry.ends_with("/**");
}

bool permits(std::string_view entry, std::string_view path) {
  if (!is_folder_entry(entry))
    return entry == path;
  auto folder = entry.substr(0, entry.size() - 2); // With its slash.
  return path.size() > folder.size() && path.starts_with(folder);
}

bool forbids(std::string_view entry, std::string_view path) {
  if (is_folder_entry(entry) || entry.find_first_of("*?") != entry.npos)
    return glob_covers(entry, path);
  // A leading slash binds to the root: `a.c` forbids that file, not `x/a.c`.
  return glob_covers("/" + std::string(entry), path);
}

std::string why_mode(const change& c) {
  for (auto& mode : {c.new_mode, c.old_mode}) {
    if (mode == "120000")
      return "is a symbolic link (mode 120000)";
    if (mode == "160000")
      return "is a nested repository (mode 160000)";
    if (mode != absent && mode != "100644" && mode != "100755")
      return "has mode " + mode + ", which is no plain file's";
  }
  return {};
}

/// Finds names of the new tree that only differ in spelling (rule 4).
class spelling_book {
public:
  void add(std::string_view path) {
    each_folder(path, [&](std::string_view name) { known_[folded(name)].emplace(name); });
  }

  /// The other spelling of `path` or of a folder it lies in; empty: none.
  std::string other_spelling(std::string_view path) const {
    std::string found;
    each_folder(path, [&](std::string_view name) {
      auto same = known_.find(folded(name));
      if (same == known_.end() || !found.empty())
        return;
      for (auto& other : same->second)
        if (other != name)
          found = other;
    });
    return found;
  }

private:
  template <class Use>
  static void each_folder(std::string_view path, Use use) {
    for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1))
      use(path.substr(0, slash));
    use(path);
  }

  std::map<std::string, std::set<std::string>, std::less<>> known_;
};

spelling_book spellings_of(const scope_question& q) {
  std::set<std::string_view> gone;
  for (auto& c : q.changes)
    if (c.new_mode == absent)
      gone.insert(c.path);
  spelling_book book;
  for (auto& path : q.base_paths)
    if (!gone.contains(path))
      book.add(path);
  for (auto& c : q.changes)
    if (c.new_mode != absent)
      book.add(c.path);
  return book;
}

/// What judge_scope has before it, and the two things it looks up often.
struct hearing {
  const allowance& allowed;
  const protection& guard;
  const std::vector<std::string>& schema_globs;
  std::set<std::string_view> planned;
  spelling_book book;
};

/// Why one change is a breach; empty: it is none. The gravest reason first.
std::string why_breach(const change& c, const hearing& h) {
  if (!is_utf8(c.path) || !is_repository_path(c.path))
    return "is not a plain path inside the repository";
  if (auto rule = why_protected(h.guard, c.path); !rule.empty())
    return fmt::format("is protected ({}), whatever a model allows", rule);
  if (auto mode = why_mode(c); !mode.empty())
    return mode;
  auto& list = h.allowed.allowed;
  auto in_list = [&](const std::string& entry) { return permits(entry, c.path); };
  if (std::none_of(list.begin(), list.end(), in_list))
    return "is not in the decisions' *Allowed file paths*";
  if (!allows(h.allowed, c.path))
    return "is under the decisions' *Forbidden changes*";
  if (!h.planned.contains(c.path))
    return "is not among the files that the plan (or the fix) names";
  if (!h.allowed.schema_changes)
    for (auto& glob : h.schema_globs)
      if (glob_covers(glob, c.path))
        return fmt::format("is part of the schema ({}), but the decisions say `Schema changes: NO`",
                           glob);
  if (c.old_mode == absent)
    if (auto other = h.book.other_spelling(c.path); !other.empty())
      return fmt::format("differs from {} only in letter case or Unicode form", excerpt(other));
  return {};
}

} // namespace

result<std::vector<change>> parse_raw_diff(std::string_view bytes) {
  std::vector<change> out;
  while (!bytes.empty()) {
    auto end = bytes.find('\0');
    if (end == bytes.npos)
      return fail(fault::corrupt, "git's raw diff is cut off within an entry; run it again");
    auto entry = parse_entry(bytes.substr(0, end));
    if (!entry)
      return tl::make_unexpected(entry.error());
    bytes.remove_prefix(end + 1);
    end = bytes.find('\0');
    if (end == bytes.npos || end == 0)
      return fail(fault::corrupt, "git's raw diff is cut off before a path; run it again");
    entry->path = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    out.push_back(std::move(*entry));
  }
  return out;
}

protection protection_for(const scope_config& c, const std::vector<std::string>& allow) {
  protection p;
  for (auto& glob : c.protected_globs)
    if (std::find(allow.begin(), allow.end(), glob) == allow.end())
      p.globs.push_back(glob);
  p.lifted = allow;
  return p;
}

std::string why_protected(const protection& p, std::string_view path) {
  if (auto* rule = built_in_of(path))
    return fmt::format("built in: {}", rule->name);
  for (auto& glob : p.lifted)
    if (glob_matches_exactly(glob, path))
      return {};
  for (auto& glob : p.globs)
    if (glob_covers(glob, path))
      return glob;
  return {};
}

bool is_built_in_protected(std::string_view path) {
  return built_in_of(path) != nullptr;
}

bool allows(const allowance& a, std::string_view path) {
  auto permitting = [&](const std::string& entry) { return permits(entry, path); };
  auto forbidding = [&](const std::string& entry) { return forbids(entry, path); };
  return std::any_of(a.allowed.begin(), a.allowed.end(), permitting)
         && std::none_of(a.forbidden.begin(), a.forbidden.end(), forbidding);
}

std::vector<breach> judge_scope(const scope_question& q, const allowance& a, const protection& p,
                                const std::vector<std::string>& schema_globs) {
  hearing h{a, p, schema_globs, {q.planned.begin(), q.planned.end()}, spellings_of(q)};
  std::vector<breach> out;
  for (auto& c : q.changes)
    if (auto why = why_breach(c, h); !why.empty())
      out.push_back({c.path, std::move(why)});
  for (auto& path : q.hidden) {
    auto rule = why_protected(p, path);
    out.push_back({path, fmt::format("is protected ({}), though git ignores it",
                                     rule.empty() ? "a protected name" : rule)});
  }
  return out;
}

} // namespace ledger
