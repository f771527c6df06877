#include "providers/git.hpp"

#include "ledger/disk/files.hpp"
#include "providers/scratch_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// No git command of ours takes this long; one that does hangs.
constexpr auto git_timeout = std::chrono::minutes(30);
/// A diff or file beyond this is refused rather than cut.
constexpr std::size_t git_output_bytes_max = std::size_t{1} << 30;

/// What git needs of our environment. No GIT_* but those that say which
/// configuration is the user's: a GIT_DIR of a calling hook is not meant for us.
std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> env;
  for (const char* name : {"PATH", "HOME", "XDG_CONFIG_HOME", "USER", "LOGNAME", "TMPDIR",
                           "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"})
    if (const char* value = std::getenv(name))
      env[name] = value;
  env["LC_ALL"] = "C";
  env["GIT_OPTIONAL_LOCKS"] = "0";
  env["GIT_TERMINAL_PROMPT"] = "0";
  env["GIT_NO_REPLACE_OBJECTS"] = "1"; // An id must mean the same bytes to everyone.
  return env;
}

/// Settings that make git's behaviour ours instead of the user's or the tree's.
std::vector<std::string> command_line(const fs::path& top, bool durable) {
  std::vector<std::string> argv{"git"};
  for (const char* setting : {"core.fsmonitor=false",
                              "core.hooksPath=/dev/null",
                              "core.untrackedCache=false",
                              "core.splitIndex=false",
                              "core.sparseCheckout=false",
                              "core.trustctime=true",
                              "core.checkStat=default",
                              "core.autocrlf=false",
                              "core.eol=lf",
                              "core.safecrlf=false",
                              "core.quotePath=true",
                              "core.compression=-1",
                              "index.sparse=false",
                              "submodule.recurse=false",
                              "diff.suppressBlankEmpty=false",
                              "apply.ignoreWhitespace=no",
                              "advice.addEmbeddedRepo=false",
                              "gc.auto=0",
                              "maintenance.auto=false",
                              "commit.gpgSign=false",
                              "i18n.commitEncoding=UTF-8",
                              "worktree.useRelativePaths=false"}) {
    argv.emplace_back("-c");
    argv.emplace_back(setting);
  }
  argv.emplace_back("-c");
  argv.emplace_back("safe.directory=" + top.string());
  if (durable)
    for (const char* setting : {"core.fsync=all", "core.fsyncMethod=fsync"}) {
      argv.emplace_back("-c");
      argv.emplace_back(setting);
    }
  return argv;
}

bool is_object_id(std::string_view id) {
  return (id.size() == 40 || id.size() == 64)
         && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::string without_newline(std::string text) {
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

/// git's own words, short enough for an error text.
std::string words_of(const child_result& r) {
  auto words = without_newline(r.err.empty() ? r.output : r.err);
  if (words.size() > 2000)
    words.resize(2000);
  return words.empty() ? r.ended() : words;
}

/// Another git holds a lock for a moment: worth a retry.
bool is_locked(std::string_view words) {
  return words.find(".lock': File exists") != std::string_view::npos
         || words.find("cannot lock ref") != std::string_view::npos;
}

/// `git a b`, for error texts.
std::string name_of(const git::call& c) {
  std::string name = "git";
  for (std::size_t i = 0; i < c.args.size() && i < 2; ++i)
    name += " " + c.args[i];
  return name;
}

std::vector<std::string_view> split(std::string_view text, char end) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const auto at = text.find(end);
    parts.push_back(text.substr(0, at));
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  }
  return parts;
}

/// The folder that holds `.git`, going up from `directory`. Known before git
/// is asked, because git must be told that this one repository is the user's.
fs::path likely_top(const fs::path& directory) {
  std::error_code e;
  for (auto d = directory;; d = d.parent_path()) {
    if (fs::exists(fs::symlink_status(d / ".git", e)))
      return d;
    if (d == d.parent_path())
      return directory; // Perhaps bare.
  }
}

} // namespace

git::git(processes& children, fs::path top, fs::path common_dir, fs::path git_dir)
    : children_(&children)
    , top_(std::move(top))
    , common_dir_(std::move(common_dir))
    , git_dir_(std::move(git_dir)) {}

ledger::result<git> git::open(processes& children, const fs::path& directory) {
  std::error_code e;
  const auto here = fs::canonical(directory, e);
  if (e || !fs::is_directory(here, e))
    return fail(fault::not_found,
                fmt::format("open the repository in {}: no such folder", directory.string()));
  child_spec spec;
  spec.argv = command_line(likely_top(here), false);
  for (const char* arg : {"rev-parse", "--path-format=absolute", "--is-bare-repository",
                          "--git-common-dir", "--absolute-git-dir", "--show-toplevel"})
    spec.argv.emplace_back(arg);
  spec.directory = here.string();
  spec.env = environment();
  spec.merge_stderr = false;
  spec.timeout = git_timeout;
  auto r = children.run(std::move(spec));
  if (!r && r.error().kind == fault::not_found)
    return fail(fault::unavailable, "git is not installed, or not in PATH: install git");
  if (!r)
    return tl::make_unexpected(r.error());
  const auto lines = split(r->output, '\n');
  const auto place = "open the repository in " + here.string();
  if (!lines.empty() && lines[0] == "true")
    return fail(fault::refused, place + ": it is bare; give a clone that has a working folder");
  if (!r->ok() && lines.empty() && r->err.find("not a git repository") != std::string::npos)
    return fail(fault::not_found,
                place + ": not inside a git repository; `git init` makes one, --repo names one");
  if (!r->ok() || lines.size() != 4)
    return fail(fault::refused, place + ": " + words_of(*r));
  return git(children, fs::path(lines[3]), fs::path(lines[1]), fs::path(lines[2]));
}

ledger::result<child_result> git::run(call c) const {
  child_spec spec;
  spec.argv = command_line(top_, c.durable);
  for (auto& arg : c.args)
    spec.argv.push_back(std::move(arg));
  spec.env = environment();
  spec.env["GIT_DIR"] = git_dir_.string();
  for (auto& [name, value] : c.env)
    spec.env[name] = std::move(value);
  // Without a work tree git takes the current folder for one and would obey a
  // .gitattributes there: ours is a folder that holds no files of the user's.
  const auto work_tree = spec.env.find("GIT_WORK_TREE");
  spec.directory = work_tree == spec.env.end() ? git_dir_.string() : work_tree->second;
  spec.stdin_text = std::move(c.input);
  spec.merge_stderr = false;
  spec.timeout = git_timeout;
  spec.max_output_bytes = git_output_bytes_max;
  auto r = children_->run(std::move(spec));
  if (!r && r.error().kind == fault::not_found)
    return fail(fault::unavailable, "git is not installed, or not in PATH: install git");
  if (r && r->dropped_bytes > 0)
    return fail(fault::refused, "git: its output is larger than 1 GiB");
  return r;
}

ledger::result<std::string> git::must(call c) const {
  const auto name = name_of(c);
  auto r = run(std::move(c));
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return std::move(r->output);
  const auto words = words_of(*r);
  const auto again = r->how != child_result::end::exited || is_locked(words);
  return fail(again ? fault::unavailable : fault::refused,
              fmt::format("{} in {}: {}", name, top_.string(), words));
}

ledger::result<std::string> git::resolve_commit(std::string_view revision) const {
  auto r = run({{"rev-parse", "--verify", "--quiet", "--end-of-options",
                 std::string(revision) + "^{commit}"},
                {},
                {},
                false});
  if (!r)
    return tl::make_unexpected(r.error());
  auto id = without_newline(r->output);
  if (r->ok() && is_object_id(id) && !revision.empty())
    return id;
  if (r->how != child_result::end::exited)
    return fail(fault::unavailable, "git rev-parse: " + words_of(*r));
  auto any = must({{"for-each-ref", "--count=1", "--format=%(refname)"}, {}, {}, false});
  if (any && any->empty())
    return fail(fault::not_found,
                fmt::format("{} has no commit yet: make a first one with `git commit`, so that "
                            "there is something to start from",
                            top_.string()));
  return fail(fault::not_found,
              fmt::format("no commit `{}` in {}: name a branch, a tag or a commit id that is there",
                          revision, top_.string()));
}

ledger::result<std::string> git::tree_of(std::string_view commit) const {
  auto r = run(
      {{"rev-parse", "--verify", "--quiet", "--end-of-options", std::string(commit) + "^{tree}"},
       {},
       {},
       false});
  if (!r)
    return tl::make_unexpected(r.error());
  auto id = without_newline(r->output);
  if (r->ok() && is_object_id(id) && !commit.empty())
    return id;
  return fail(fault::not_found, fmt::format("no tree of `{}` in {}", commit, top_.string()));
}

ledger::result<std::optional<std::string>> git::ref(std::string_view name) const {
  // Not rev-parse: it would also try refs/heads/<name>.
  auto out = must(
      {{"for-each-ref", "--format=%(objectname) %(refname)", std::string(name)}, {}, {}, false});
  if (!out)
    return tl::make_unexpected(out.error());
  for (const auto line : split(*out, '\n')) {
    const auto space = line.find(' ');
    if (space != std::string_view::npos && line.substr(space + 1) == name)
      return std::optional(std::string(line.substr(0, space)));
  }
  return std::optional<std::string>();
}

ledger::result<std::vector<std::string>> git::refs_below(std::string_view prefix) const {
  auto out = must({{"for-each-ref", "--format=%(refname)", std::string(prefix)}, {}, {}, false});
  if (!out)
    return tl::make_unexpected(out.error());
  std::vector<std::string> names;
  for (const auto line : split(*out, '\n'))
    if (line.substr(0, prefix.size()) == prefix)
      names.emplace_back(line);
  std::sort(names.begin(), names.end());
  return names;
}

bool git::has_object(std::string_view id) const {
  if (!is_object_id(id))
    return false;
  auto r = run({{"cat-file", "-e", std::string(id)}, {}, {}, false});
  return r && r->ok();
}

ledger::result<std::vector<tree_entry>> git::list_tree(std::string_view tree) const {
  auto id = tree_of(tree);
  if (!id)
    return tl::make_unexpected(id.error());
  auto out = must({{"ls-tree", "-r", "-z", "-l", "--full-tree", *id}, {}, {}, false});
  if (!out)
    return tl::make_unexpected(out.error());
  std::vector<tree_entry> entries;
  for (const auto line : split(*out, '\0')) {
    // "<mode> <type> <id> <size, right-aligned or ->\t<path>"
    const auto tab = line.find('\t');
    const auto head = line.substr(0, tab);
    const auto type = head.find(' ');
    const auto name = type == std::string_view::npos ? type : head.find(' ', type + 1);
    const auto size = name == std::string_view::npos ? name : head.find(' ', name + 1);
    if (tab == std::string_view::npos || size == std::string_view::npos)
      return fail(fault::corrupt, fmt::format("git ls-tree {}: cannot read `{}`", *id, line));
    tree_entry entry;
    entry.mode = head.substr(0, type);
    entry.id = head.substr(name + 1, size - name - 1);
    entry.path = line.substr(tab + 1);
    const auto digits = head.substr(std::min(head.find_first_not_of(' ', size), head.size()));
    std::from_chars(digits.data(), digits.data() + digits.size(), entry.bytes); // "-": 0.
    entries.push_back(std::move(entry));
  }
  return entries;
}

ledger::result<std::string> git::read_blob(std::string_view treeish, std::string_view path) const {
  const auto missing = [&] {
    return fail(fault::not_found, fmt::format("no file `{}` in {}", path, treeish));
  };
  // "<tree>:./x" would be relative to a folder of ours.
  if (treeish.empty() || treeish.front() == '-' || path.empty() || path.substr(0, 2) == "./"
      || path.substr(0, 3) == "../")
    return missing();
  auto r = run({{"cat-file", "blob", fmt::format("{}:{}", treeish, path)}, {}, {}, false});
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return std::move(r->output);
  if (r->how != child_result::end::exited)
    return fail(fault::unavailable, "git cat-file: " + words_of(*r));
  return missing();
}

ledger::result<std::vector<ledger::change>> git::changes(std::string_view base_tree,
                                                         std::string_view tree) const {
  auto out = must({{"diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames",
                    "--ignore-submodules=none", "--no-relative", "-O/dev/null", "--end-of-options",
                    std::string(base_tree), std::string(tree)},
                   {},
                   {},
                   false});
  if (!out)
    return tl::make_unexpected(out.error());
  return ledger::parse_raw_diff(*out);
}

/// Every option that a configuration could change is said: the text is hashed,
/// signed and compared.
ledger::result<std::string> git::diff(std::string_view base_tree, std::string_view tree) const {
  return must({{"-c",
                "core.attributesFile=/dev/null",
                "diff-tree",
                "-r",
                "-p",
                "--binary",
                "--full-index",
                "--no-renames",
                "--no-ext-diff",
                "--no-textconv",
                "--no-color",
                "--src-prefix=a/",
                "--dst-prefix=b/",
                "--diff-algorithm=myers",
                "--indent-heuristic",
                "--unified=3",
                "--inter-hunk-context=0",
                "-O/dev/null",
                "--no-relative",
                "--submodule=short",
                "--ignore-submodules=none",
                "--end-of-options",
                std::string(base_tree),
                std::string(tree)},
               {},
               {},
               false});
}

ledger::result<std::string> git::tree_with(std::string_view base_tree,
                                           std::string_view patch) const {
  auto base = tree_of(base_tree);
  if (!base || patch.empty())
    return base;
  auto folder = scratch_folder::make("index");
  if (!folder)
    return tl::make_unexpected(folder.error());
  const std::map<std::string, std::string> env{
      {"GIT_INDEX_FILE", (folder->path() / "index").string()}};
  if (auto r = must({{"read-tree", *base}, env, {}, false}); !r)
    return tl::make_unexpected(r.error());
  if (auto r =
          must({{"apply", "--cached", "--whitespace=nowarn", "-"}, env, std::string(patch), true});
      !r)
    return tl::make_unexpected(r.error());
  auto id = must({{"write-tree"}, env, {}, true});
  return id ? ledger::result<std::string>(without_newline(std::move(*id))) : id;
}

ledger::result<std::string> git::commit_tree(const commit_spec& c) const {
  const auto date = fmt::format("@{} +0000", c.time_s);
  call made;
  made.args = {"commit-tree", "--no-gpg-sign", c.tree, "-F", "-"};
  if (!c.parent.empty())
    made.args.insert(made.args.end(), {"-p", c.parent});
  made.env = {{"GIT_AUTHOR_NAME", c.name},      {"GIT_AUTHOR_EMAIL", c.email},
              {"GIT_AUTHOR_DATE", date},        {"GIT_COMMITTER_NAME", c.name},
              {"GIT_COMMITTER_EMAIL", c.email}, {"GIT_COMMITTER_DATE", date}};
  made.input = c.message.empty() ? "\n" : c.message;
  made.durable = true;
  auto id = must(std::move(made));
  return id ? ledger::result<std::string>(without_newline(std::move(*id))) : id;
}

ledger::result<void> git::move_ref(std::string_view name, std::string_view commit,
                                   std::string_view expected) const {
  // Moving a branch that is checked out would make the user's next `commit -a`
  // undo the change.
  auto worktrees = must({{"worktree", "list", "--porcelain", "-z"}, {}, {}, false});
  if (!worktrees)
    return tl::make_unexpected(worktrees.error());
  std::string_view folder;
  for (const auto line : split(*worktrees, '\0')) {
    if (line.substr(0, 9) == "worktree ")
      folder = line.substr(9);
    if (line.substr(0, 7) == "branch " && line.substr(7) == name)
      return fail(fault::refused,
                  fmt::format("move {}: it is checked out in {}; switch that to another branch",
                              name, folder),
                  "ref-checked-out");
  }
  const auto zeros = std::string(commit.size(), '0'); // "Must not exist."
  auto r = run({{"update-ref", "--no-deref", "-m", "scheduler", std::string(name),
                 std::string(commit), expected.empty() ? zeros : std::string(expected)},
                {},
                {},
                true});
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return {};
  const auto words = words_of(*r);
  auto now = ref(name);
  if (!now)
    return tl::make_unexpected(now.error());
  if (now->value_or("") != expected)
    return fail(fault::refused,
                fmt::format("move {} in {}: it is at {}, not at {}: somebody else moved it", name,
                            top_.string(), now->value_or("(no such ref)"),
                            expected.empty() ? "(no such ref)" : expected),
                "ref-moved");
  const auto again =
      r->how != child_result::end::exited || words.find("File exists") != std::string::npos;
  return fail(again ? fault::unavailable : fault::refused,
              fmt::format("move {} in {}: {}", name, top_.string(), words));
}

ledger::result<void> git::exclude(std::string_view line) const {
  std::error_code e;
  auto file = common_dir_ / "info" / "exclude";
  if (fs::is_symlink(fs::symlink_status(file, e)))
    file = fs::canonical(file, e); // The user's link stays a link.
  auto before = ledger::disk::read_file(file);
  if (!before && before.error().kind != fault::not_found)
    return tl::make_unexpected(before.error());
  auto text = before ? std::move(*before) : std::string();
  for (const auto known : split(text, '\n'))
    if (known == line)
      return {};
  if (!text.empty() && text.back() != '\n')
    text += '\n';
  text.append(line).append("\n");
  return ledger::disk::put_file(file, text, ledger::disk::durability::synced);
}

} // namespace providers
