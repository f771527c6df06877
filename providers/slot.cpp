#include "providers/slot.hpp"

#include "ledger/glob.hpp"
#include "providers/blobs.hpp"
#include "providers/checkout_folder.hpp"
#include "providers/full_disk.hpp"
#include "providers/remove_tree.hpp"
#include "providers/tools/beneath.hpp"
#include "providers/worktree_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// What is written by a git that stays; more is as well written by one for all.
constexpr std::size_t edits_max = 64;

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

/// The blobs that `diff` has as binary: each such part stands behind a line
/// `index <old>..<new>[ <mode>]`. No line of a file begins like that or like the
/// mark: lines of text begin with a sign, binary ones with a letter and a length.
std::vector<std::string> binary_blobs(std::string_view diff) {
  constexpr std::string_view mark = "\nGIT binary patch\n", word = "index ";
  std::vector<std::string> ids;
  for (auto at = diff.find(mark); at != diff.npos; at = diff.find(mark, at + mark.size())) {
    auto line = diff.substr(0, at);
    line.remove_prefix(line.rfind('\n') + 1); // npos + 1 is 0.
    const auto dots = line.find("..");
    if (line.substr(0, word.size()) != word || dots == line.npos)
      continue;
    for (const auto id : {line.substr(word.size(), dots - word.size()),
                          line.substr(dots + 2, line.find(' ', dots) - dots - 2)})
      if (id.find_first_not_of('0') != id.npos)
        ids.emplace_back(id);
  }
  return ids;
}

ledger::result<std::vector<unshown_file>> unshown_in(const git& repository, const std::string& diff,
                                                     const std::vector<ledger::change>& changes) {
  const auto ids = binary_blobs(diff);
  auto contents = read_blobs(repository, ids);
  if (!contents)
    return tl::make_unexpected(contents.error());
  std::vector<unshown_file> files;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto of = std::find_if(changes.begin(), changes.end(), [&](const ledger::change& c) {
      return c.old_id == ids[i] || c.new_id == ids[i];
    });
    files.push_back({of == changes.end() ? ids[i] : of->path, std::move((*contents)[i])});
  }
  return files;
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

/// Removes what stands at `path`, or the link or file that stands where a folder
/// on the way should be: behind a link nothing is touched.
ledger::result<void> clear_way(const fs::path& root, const fs::path& path) {
  auto at = root;
  for (auto part = path.begin(); part != path.end(); ++part) {
    at /= *part;
    std::error_code e;
    const auto on_the_way = std::next(part) != path.end()
                            && fs::symlink_status(at, e).type() == fs::file_type::directory;
    if (on_the_way)
      continue;
    if (e = remove_tree(at); e)
      return cannot("remove", at, e);
    break;
  }
  return {};
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

ledger::result<slot> slot::make(const git& repository, const slot_kit& kit, fs::path folder,
                                fs::path index) {
  std::error_code e;
  fs::create_directory(folder, e);
  if (e)
    return cannot("make", folder, e);
  return slot(repository, kit, std::move(folder), std::move(index));
}

/// A command on the slot's files, with an index of ours and the user's rules.
git::call slot::command(const fs::path& index, std::vector<std::string> args) const {
  args.insert(args.begin(), {"-c", "core.excludesFile=" + kit_->rules().string()});
  return {std::move(args),
          {{"GIT_WORK_TREE", folder_.string()}, {"GIT_INDEX_FILE", index.string()}},
          {},
          false};
}

ledger::result<void> slot::restore(std::string_view commit, std::string_view tree,
                                   const tree_paths& paths) {
  std::error_code e;
  if (!fs::is_directory(fs::symlink_status(folder_, e)))
    return fail(fault::unavailable, folder_.string() + " is no folder any more");
  fs::permissions(folder_, fs::perms::owner_all, fs::perm_options::add, e);
  const auto d = differences();
  if (d && tree == tree_ && mend(*d, commit))
    return {};
  if (auto r = sweep(paths); !r)
    return r;
  const auto before = std::exchange(tree_, tree);
  commit_ = commit;
  if (auto r = check_out(d && !d->of_git); !r)
    return r;
  look_again(written_by_git(d, before));
  return {};
}

/// What git writes where `undone` was touched and the tree was `before`; nothing:
/// nobody knows.
std::optional<std::vector<std::string>>
slot::written_by_git(const std::optional<folder_state::differences>& undone,
                     const std::string& before) {
  std::vector<std::string> paths(mended_.begin(), mended_.end());
  mended_.clear();
  const auto changes =
      undone ? git_.changes(before, tree_) : ledger::result<std::vector<ledger::change>>();
  if (!undone || !changes)
    return std::nullopt;
  for (const auto& c : *changes)
    paths.push_back(c.path);
  paths.insert(paths.end(), undone->touched.begin(), undone->touched.end());
  paths.insert(paths.end(), undone->added.begin(), undone->added.end());
  return paths;
}

/// At these paths; nothing: at everything.
void slot::look_again(const std::optional<std::vector<std::string>>& paths) {
  if (paths && state_.renew(folder_, *paths))
    return;
  auto now = folder_state::of(folder_);
  state_ = now ? std::move(*now) : folder_state();
}

/// `git_is_ours`: nobody touched what we put into `.git`.
ledger::result<void> slot::check_out(bool git_is_ours) {
  auto read =
      git_.must(command(index_, {"read-tree", "--reset", "-u", "--no-recurse-submodules", tree_}));
  if (!read)
    return tl::make_unexpected(read.error());
  return git_is_ours ? kit_->renew_repository(folder_, index_, commit_)
                     : kit_->put_repository(folder_, index_, commit_);
}

/// What was touched and what is new since restore(); nothing: nobody knows.
std::optional<folder_state::differences> slot::differences() const {
  if (!state_.known())
    return std::nullopt;
  auto d = state_.since(folder_);
  return d ? std::optional(std::move(*d)) : std::nullopt;
}

/// Makes the tree again that was here before, by undoing what was done to it.
/// False: that takes more than to write some files.
bool slot::mend(const folder_state::differences& d, std::string_view commit) {
  for (const auto& path : d.added)
    if (remove_tree(folder_ / path))
      return false;
  for (const auto& path : d.touched)
    if (!put_file_back(path))
      return false;
  const auto same_git = !d.of_git && commit_ == commit;
  commit_ = commit;
  if (!same_git && !kit_->put_repository(folder_, index_, commit_))
    return false;
  if (d.touched.empty() && d.added.empty() && same_git)
    return true;
  mended_.insert(d.touched.begin(), d.touched.end());
  auto paths = d.touched;
  paths.insert(paths.end(), d.added.begin(), d.added.end());
  look_again(std::move(paths));
  return true;
}

/// Its blob is what it was; with its old time, so that the index of `.git` still
/// knows it as unchanged.
bool slot::put_file_back(const std::string& path) const {
  if (!state_.is_file(path))
    return false;
  auto content = git_.read_blob(tree_, path);
  auto files = worktree_files::open(folder_);
  return content && files && files->write(path, *content, state_.is_executable(path))
         && files->set_time(path, state_.changed_ns(path));
}

ledger::result<std::vector<std::string>> slot::put_back() {
  if (const auto d = differences(); d && d->touched.empty()) {
    if (d->of_git)
      if (auto r = kit_->put_repository(folder_, index_, commit_); !r)
        return tl::make_unexpected(r.error());
    return std::vector<std::string>();
  }
  make_accessible(folder_, false);
  // Its exit says whether files differ, which is the next command's business.
  if (auto r = git_.run(command(index_, {"update-index", "-q", "--refresh"})); !r)
    return tl::make_unexpected(r.error());
  auto listed =
      git_.must(command(index_, {"diff-files", "-z", "--name-only", "--ignore-submodules=all"}));
  if (!listed)
    return tl::make_unexpected(listed.error());
  auto changed = split_at_nul(*listed);
  for (const auto& path : changed)
    if (auto r = clear_way(folder_, path); !r)
      return tl::make_unexpected(r.error());
  state_ = {}; // The files are other ones than at the beginning.
  if (auto r = check_out(false); !r)
    return tl::make_unexpected(r.error());
  return changed;
}

/// Removes whatever is not a path of the tree, of any type, `.git` (which is made
/// anew) aside. `git clean` would
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
      const auto type = type_of(*at);
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
      if (e = remove_tree(folder_ / path); e)
        return cannot("remove", folder_ / path, e);
  }
  return {};
}

ledger::result<std::string> slot::add_all(const fs::path& index,
                                          const std::vector<std::string>& left_out) const {
  auto add = command(index, {"add", "--all", "--", "."});
  add.durable = true;
  for (const auto& path : left_out)
    add.args.push_back(":(exclude,literal)" + path);
  auto added = git_.must(add);
  if (!added) { // Perhaps only a chmod: the slot is ours, so is what is in it.
    make_accessible(folder_, true);
    added = git_.must(std::move(add));
  }
  if (!added)
    return added;
  auto write = command(index, {"write-tree"});
  write.durable = true;
  auto tree = git_.must(std::move(write));
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
  auto ask = command(index, {"check-ignore", "-z", "--stdin"});
  for (const auto& f : folders)
    ask.input.append(f).append(1, '\0');
  auto r = git_.run(std::move(ask));
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->how != child_result::end::exited || r->exit_code > 1) // 1: none is ignored.
    return fail(fault::unavailable,
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
  auto list =
      whole_folders
          ? command(index, {"status", "--porcelain=v2", "-z", "--untracked-files=all",
                            "--ignored=matching", "--no-renames", "--ignore-submodules=all"})
          : command(index, {"ls-files", "-z", "--others", "--ignored", "--exclude-standard"});
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

/// Protected names that git ignores here, old and new.
ledger::result<std::vector<std::string>> slot::hidden(const fs::path& index,
                                                      const candidate& c) const {
  auto found = ignored(index, true);
  // Folders that the user ignores (dependencies) are nobody's business; but an
  // ignore file that was written here decides nothing.
  const auto rules_changed =
      std::any_of(c.changes.begin(), c.changes.end(),
                  [](const ledger::change& x) { return is_ignore_file(x.path); })
      || (found && std::any_of(found->begin(), found->end(), is_ignore_file));
  if (found && rules_changed)
    found = ignored(index, false);
  if (found)
    found->erase(std::remove_if(found->begin(), found->end(),
                                [](const std::string& path) { return !is_protected(path); }),
                 found->end());
  return found;
}

/// The tree that the files are if nothing was added: what is not new is not ignored.
/// Nothing: that takes a git to find out.
std::optional<std::string> slot::tree_of_touched(const folder_state::differences& d) const {
  const auto files = tools::beneath::open(folder_);
  if (!files || !d.added.empty() || d.touched.size() > edits_max)
    return std::nullopt;
  std::vector<file_edit> edits;
  for (const auto& path : d.touched) {
    if (state_.is_folder(path)) // Git knows none; of one that went the files went too.
      continue;
    auto now = files->read(path);
    const auto is_gone = !now && now.error().kind == fault::not_found;
    if (!state_.is_file(path) || (!now && !is_gone))
      return std::nullopt;
    std::error_code e;
    const auto mode = fs::symlink_status(folder_ / path, e).permissions();
    const auto executable = (mode & fs::perms::owner_exec) != fs::perms::none;
    edits.push_back({path,
                     is_gone      ? ""
                     : executable ? "100755"
                                  : "100644",
                     is_gone ? std::string() : std::move(*now)});
  }
  return git_.tree_edited(tree_, std::move(edits));
}

/// The tree that the files are, in an index of its own.
ledger::result<std::string> slot::tree_now(const fs::path& index,
                                           const std::vector<std::string>& nested) const {
  if (auto r = copy_index(index_, index); !r)
    return tl::make_unexpected(r.error());
  auto left_out = not_ignored(index, folders_of(nested));
  if (!left_out)
    return tl::make_unexpected(left_out.error());
  return add_all(index, *left_out);
}

/// hidden(), where something new may be ignored: what is new and of the tree is not.
/// The index, then, is that of tree_now().
ledger::result<std::vector<std::string>>
slot::hidden_among(const fs::path& index, const candidate& c,
                   const std::optional<folder_state::differences>& d) const {
  if (d && d->added.empty())
    return std::vector<std::string>();
  if (!d)
    return hidden(index, c);
  auto changes = git_.changes(tree_, c.tree);
  if (!changes)
    return tl::make_unexpected(changes.error());
  std::set<std::string> in_tree;
  for (const auto& x : *changes)
    if (x.kind == 'A')
      for (auto path = x.path; !path.empty(); path = parent_of(path))
        in_tree.insert(path);
  const auto all = std::all_of(d->added.begin(), d->added.end(),
                               [&](const auto& path) { return in_tree.count(path) > 0; });
  return all ? std::vector<std::string>() : hidden(index, c);
}

ledger::result<candidate> slot::take(std::string_view base_tree) {
  const auto d = differences();
  if (!d)
    make_accessible(folder_, false);
  auto nested = d ? ledger::result<std::vector<std::string>>(repositories_among(d->added))
                  : nested_repositories(folder_);
  if (!nested)
    return tl::make_unexpected(nested.error());
  const fs::path index = index_.string() + ".take";
  const auto untouched = d && d->touched.empty() && d->added.empty() && nested->empty();
  candidate c;
  auto quick = untouched              ? std::optional(tree_)
               : d && nested->empty() ? tree_of_touched(*d)
                                      : std::nullopt;
  auto tree = quick ? ledger::result<std::string>(std::move(*quick)) : tree_now(index, *nested);
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
  auto unshown = unshown_in(git_, c.diff, c.changes);
  if (!unshown)
    return tl::make_unexpected(unshown.error());
  c.unshown = std::move(*unshown);
  auto secret_names = hidden_among(index, c, d);
  if (!secret_names)
    return tl::make_unexpected(secret_names.error());
  c.hidden = std::move(*secret_names);
  c.hidden.insert(c.hidden.end(), nested->begin(), nested->end());
  std::sort(c.hidden.begin(), c.hidden.end());
  c.hidden.erase(std::unique(c.hidden.begin(), c.hidden.end()), c.hidden.end());
  std::error_code e;
  fs::remove(index, e);
  return c;
}

std::error_code slot::remove() {
  std::error_code e;
  for (const char* end : {"", ".lock", ".take", ".take.lock"})
    fs::remove(index_.string() + end, e);
  return remove_tree(folder_);
}

} // namespace providers
