#include "providers/slot.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/glob.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

constexpr auto none = ledger::disk::durability::none;

tl::unexpected<ledger::failure> cannot(std::string_view what, const fs::path& where,
                                       const std::error_code& e) {
  return fail(fault::unavailable, fmt::format("{} {}: {}", what, where.string(), e.message()));
}

/// Gives back to us what a child took away with chmod.
void make_accessible(const fs::path& root, bool files_too) {
  std::vector<fs::path> todo{root};
  while (!todo.empty()) {
    const auto p = std::move(todo.back());
    todo.pop_back();
    std::error_code e;
    const auto kind = fs::symlink_status(p, e).type();
    if (kind == fs::file_type::regular && files_too)
      fs::permissions(p, fs::perms::owner_read | fs::perms::owner_write, fs::perm_options::add, e);
    if (kind != fs::file_type::directory)
      continue;
    fs::permissions(p, fs::perms::owner_all, fs::perm_options::add, e);
    for (fs::directory_iterator at(p, e), end; !e && at != end; at.increment(e))
      todo.push_back(at->path());
  }
}

/// Whether a name is `.git` to any file system that a tree may end up on.
bool is_git_name(const std::string& name) {
  if (name == ".git")
    return true;
  const auto odd = [](char c) { return static_cast<unsigned char>(c) >= 0x80; };
  const auto g = [](char c) { return c == 'g' || c == 'G'; };
  if (std::none_of(name.begin(), name.end(), odd) && std::none_of(name.begin(), name.end(), g))
    return false; // Folding costs; a checkout has many names.
  const auto f = ledger::folded(name);
  return f == ".git" || f == "git~1";
}

/// Every `.git` below `root` but the slot's own, as paths relative to `root`.
ledger::result<std::vector<std::string>> nested_repositories(const fs::path& root) {
  std::vector<std::string> found, todo{""};
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    std::error_code e;
    for (fs::directory_iterator at(root / folder, e), end; !e && at != end; at.increment(e)) {
      const auto name = at->path().filename().string();
      const auto path = folder.empty() ? name : folder + "/" + name;
      if (is_git_name(name) && path != ".git")
        found.push_back(path);
      else if (path != ".git" && at->symlink_status(e).type() == fs::file_type::directory)
        todo.push_back(path);
    }
    if (e)
      return cannot("look into", root / folder, e);
  }
  return found;
}

/// A copy with the same time: git decides by the index's time which files it
/// must look into because they may have changed within one clock tick.
ledger::result<void> copy_index(const fs::path& from, const fs::path& to) {
  std::error_code e;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, e);
  if (!e) {
    const auto time = fs::last_write_time(from, e);
    if (!e)
      fs::last_write_time(to, time, e);
  }
  if (e)
    return cannot("copy the index to", to, e);
  return {};
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

/// The outermost folders that hold the repositories found; one whose `.git` is
/// misspelt at the top stands for itself.
std::vector<std::string> folders_of(const std::vector<std::string>& repositories) {
  std::vector<std::string> folders;
  for (const auto& path : repositories) {
    const auto parent = parent_of(path);
    folders.push_back(parent.empty() ? path : parent);
  }
  std::sort(folders.begin(), folders.end());
  std::vector<std::string> outermost;
  for (auto& f : folders) {
    const auto inside = [&](const std::string& o) {
      return (f + "/").compare(0, o.size() + 1, o + "/") == 0;
    };
    if (std::none_of(outermost.begin(), outermost.end(), inside))
      outermost.push_back(std::move(f));
  }
  return outermost;
}

std::vector<std::string> split_at_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find('\0'), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

bool is_ignore_file(const std::string& path) {
  const auto slash = path.rfind('/');
  return ledger::folded(slash == std::string::npos ? path : path.substr(slash + 1)) == ".gitignore";
}

/// `path` under the name that is_built_in_protected() knows: a folder is
/// protected if a file in it is.
bool is_protected(std::string path) {
  if (!path.empty() && path.back() == '/')
    path += "x";
  return ledger::is_built_in_protected(path);
}

} // namespace

tree_paths paths_of(const std::vector<tree_entry>& entries) {
  tree_paths paths;
  for (const auto& entry : entries) {
    paths[entry.path] = entry.mode == "160000" ? entry_kind::gitlink : entry_kind::file;
    for (auto folder = parent_of(entry.path); !folder.empty(); folder = parent_of(folder))
      if (!paths.emplace(folder, entry_kind::folder).second)
        break;
  }
  return paths;
}

std::error_code force_remove(const fs::path& p) {
  std::error_code e;
  fs::remove_all(p, e);
  if (!e)
    return e;
  make_accessible(p, false);
  fs::remove_all(p, e);
  return e;
}

ledger::result<slot> slot::make(const git& repository, fs::path folder, fs::path index,
                                std::string_view commit) {
  slot s(repository, std::move(folder), std::move(index));
  if (auto r = repository.must({{"worktree", "add", "--quiet", "--detach", "--no-checkout",
                                 s.folder_.string(), std::string(commit)},
                                {},
                                {},
                                false});
      !r)
    return tl::make_unexpected(r.error());
  // Nothing has run in the slot yet: this once its .git file can be believed.
  auto text = ledger::disk::read_file(s.folder_ / ".git", 64 * 1024);
  if (!text)
    return tl::make_unexpected(text.error());
  constexpr std::string_view word = "gitdir: ";
  if (text->substr(0, word.size()) != word || text->back() != '\n')
    return fail(fault::corrupt,
                fmt::format("{}: git wrote a .git file of an unknown form", s.folder_.string()));
  const fs::path named = text->substr(word.size(), text->size() - word.size() - 1);
  std::error_code e;
  s.admin_ = fs::canonical(named.is_absolute() ? named : s.folder_ / named, e);
  if (e)
    return cannot("find", named, e);
  return s;
}

std::map<std::string, std::string> slot::env(const fs::path& index) const {
  return {{"GIT_DIR", admin_.string()},
          {"GIT_WORK_TREE", folder_.string()},
          {"GIT_INDEX_FILE", index.string()}};
}

ledger::result<void> slot::restore(std::string_view commit, std::string_view tree,
                                   const tree_paths& paths) {
  if (auto r = restore_git_file(); !r)
    return r;
  if (auto r = sweep(paths); !r)
    return r;
  auto read =
      git_.must({{"read-tree", "--reset", "-u", "--no-recurse-submodules", std::string(tree)},
                 env(index_),
                 {},
                 false});
  if (!read)
    return tl::make_unexpected(read.error());
  if (auto r = set_head(commit); !r)
    return r;
  return copy_index(index_, admin_ / "index");
}

ledger::result<void> slot::restore_git_file() {
  std::error_code e;
  const auto file = folder_ / ".git";
  const auto right = "gitdir: " + admin_.string() + "\n";
  if (!fs::is_directory(fs::symlink_status(folder_, e))
      || !fs::is_regular_file(admin_ / "gitdir", e))
    return fail(fault::unavailable, fmt::format("{} is no worktree any more", folder_.string()));
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::add, e);
  const auto now = ledger::disk::read_file(file, 64 * 1024);
  if (now && *now == right && fs::is_regular_file(fs::symlink_status(file, e)))
    return {};
  if (e = force_remove(file); e)
    return cannot("remove", file, e);
  return ledger::disk::put_file(file, right, none);
}

/// Removes whatever is not a path of the tree, of any type. `git clean` would
/// leave what git does not see: pipes, sockets, `.git` folders.
ledger::result<void> slot::sweep(const tree_paths& paths) const {
  std::vector<std::string> todo{""};
  while (!todo.empty()) {
    const auto folder = std::move(todo.back());
    todo.pop_back();
    std::error_code e;
    std::vector<std::string> extra;
    for (fs::directory_iterator at(folder_ / folder, e), end; !e && at != end; at.increment(e)) {
      const auto name = at->path().filename().string();
      const auto path = folder.empty() ? name : folder + "/" + name;
      if (path == ".git")
        continue;
      const auto known = paths.find(path);
      const auto type = at->symlink_status(e).type();
      const auto is_file = type == fs::file_type::regular || type == fs::file_type::symlink;
      if (known != paths.end() && known->second == entry_kind::folder
          && type == fs::file_type::directory) {
        fs::permissions(at->path(), fs::perms(0755), e); // Before we look into it.
        todo.push_back(path);
      } else if (known == paths.end() || known->second != entry_kind::file || !is_file) {
        extra.push_back(path);
      }
    }
    if (e)
      return cannot("look into", folder_ / folder, e);
    for (const auto& path : extra)
      if (e = force_remove(folder_ / path); e)
        return cannot("remove", folder_ / path, e);
  }
  return {};
}

ledger::result<void> slot::set_head(std::string_view commit) {
  const auto now = ledger::disk::read_file(admin_ / "HEAD", 64 * 1024);
  if (now && *now == fmt::format("{}\n", commit))
    return {};
  auto r = git_.must({{"update-ref", "--no-deref", "HEAD", std::string(commit)},
                      {{"GIT_DIR", admin_.string()}},
                      {},
                      false});
  if (!r)
    return tl::make_unexpected(r.error());
  return {};
}

ledger::result<std::string> slot::add_all(const fs::path& index,
                                          const std::vector<std::string>& left_out) const {
  git::call add{{"add", "--all", "--", "."}, env(index), {}, true};
  for (const auto& path : left_out)
    add.args.push_back(":(exclude,literal)" + path);
  auto added = git_.must(add);
  if (!added) { // Perhaps only a chmod: the slot is ours, so is what is in it.
    make_accessible(folder_, true);
    added = git_.must(std::move(add));
  }
  if (!added)
    return added;
  auto tree = git_.must({{"write-tree"}, env(index), {}, true});
  if (tree)
    tree->erase(tree->find_last_not_of('\n') + 1);
  return tree;
}

/// Those of `folders` that git does not ignore anyway: naming an ignored one,
/// even to leave it out, is an error to `git add`.
ledger::result<std::vector<std::string>> slot::not_ignored(const fs::path& index,
                                                           std::vector<std::string> folders) const {
  if (folders.empty())
    return folders;
  git::call ask{{"check-ignore", "-z", "--stdin"}, env(index), {}, false};
  for (const auto& f : folders)
    ask.input.append(f).append(1, '\0');
  auto r = git_.run(std::move(ask));
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->how != child_result::end::exited || r->exit_code > 1) // 1: none is ignored.
    return fail(fault::refused,
                fmt::format("git check-ignore in {}: {}", folder_.string(), r->err));
  const auto ignored_ones = split_at_nul(r->output);
  folders.erase(std::remove_if(folders.begin(), folders.end(),
                               [&](const std::string& f) {
                                 return std::find(ignored_ones.begin(), ignored_ones.end(), f)
                                        != ignored_ones.end();
                               }),
                folders.end());
  return folders;
}

/// What git ignores. With `whole_folders` an ignored folder is one entry that
/// ends in a slash; else every file in it is named.
ledger::result<std::vector<std::string>> slot::ignored(const fs::path& index,
                                                       bool whole_folders) const {
  git::call list{{}, env(index), {}, false};
  if (whole_folders)
    list.args = {"status",
                 "--porcelain=v2",
                 "-z",
                 "--untracked-files=all",
                 "--ignored=matching",
                 "--no-renames",
                 "--ignore-submodules=all"};
  else
    list.args = {"ls-files", "-z", "--others", "--ignored", "--exclude-standard"};
  auto out = git_.must(std::move(list));
  if (!out)
    return tl::make_unexpected(out.error());
  std::vector<std::string> paths;
  for (auto& line : split_at_nul(*out)) {
    if (!whole_folders)
      paths.push_back(std::move(line));
    else if (line.compare(0, 2, "! ") == 0)
      paths.push_back(line.substr(2));
  }
  return paths;
}

ledger::result<candidate> slot::take(std::string_view base_tree) {
  std::error_code e;
  make_accessible(folder_, false);
  auto nested = nested_repositories(folder_);
  if (!nested)
    return tl::make_unexpected(nested.error());
  const fs::path index = index_.string() + ".take";
  if (auto r = copy_index(index_, index); !r)
    return tl::make_unexpected(r.error());
  auto left_out = not_ignored(index, folders_of(*nested));
  if (!left_out)
    return tl::make_unexpected(left_out.error());
  candidate c;
  auto tree = add_all(index, *left_out);
  if (!tree)
    return tl::make_unexpected(tree.error());
  c.tree = std::move(*tree);
  auto changes = git_.changes(base_tree, c.tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  c.changes = std::move(*changes);
  auto diff = git_.diff(base_tree, c.tree);
  if (!diff)
    return tl::make_unexpected(diff.error());
  c.diff = std::move(*diff);

  auto hidden = ignored(index, true);
  // Folders that the user ignores (dependencies) are nobody's business; but an
  // ignore file that was written here decides nothing.
  const auto rules_changed =
      std::any_of(c.changes.begin(), c.changes.end(),
                  [](const ledger::change& x) { return is_ignore_file(x.path); })
      || (hidden && std::any_of(hidden->begin(), hidden->end(), is_ignore_file));
  if (hidden && rules_changed)
    hidden = ignored(index, false);
  if (!hidden)
    return tl::make_unexpected(hidden.error());
  std::copy_if(hidden->begin(), hidden->end(), std::back_inserter(c.hidden), is_protected);
  c.hidden.insert(c.hidden.end(), nested->begin(), nested->end());
  std::sort(c.hidden.begin(), c.hidden.end());
  c.hidden.erase(std::unique(c.hidden.begin(), c.hidden.end()), c.hidden.end());
  fs::remove(index, e);
  return c;
}

void slot::remove() {
  std::error_code e;
  force_remove(folder_);
  if (!admin_.empty()) {
    fs::remove_all(admin_, e);
    fs::remove(admin_.parent_path(), e); // As git does: only if it is empty.
  }
  fs::remove(index_, e);
  fs::remove(index_.string() + ".lock", e);
  fs::remove(index_.string() + ".take", e);
}

} // namespace providers
