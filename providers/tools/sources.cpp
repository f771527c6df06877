#include "providers/tools/sources.hpp"

#include "ledger/glob.hpp"
#include "ledger/paths.hpp"
#include "providers/blobs.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace providers::tools {

namespace {

using ledger::fail;
using ledger::fault;

bool comes_before(const file_entry& a, std::string_view path) {
  return a.path < path;
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1); // npos + 1 is 0.
}

/// Insertions, deletions and replacements that make one name of another.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

file_kind kind_of(const std::string& mode) {
  return mode == "120000"   ? file_kind::link
         : mode == "160000" ? file_kind::submodule
                            : file_kind::regular;
}

} // namespace

std::string curtain::why_hidden(std::string_view path) const {
  for (const auto* name : {".git", "git~1"})
    if (ledger::glob_covers(name, path))
      return "git's own files are not to be read or written";
  if (ledger::glob_covers(fmt::format("/{}", ledger::ledger_root), path))
    return "the scheduler's ledger is not to be read or written";
  for (const auto& glob : secret_globs_)
    if (ledger::glob_covers(glob, path))
      return fmt::format("it is a secret file (scope.secrets: {}), which no role may read or write",
                         shown_on_one_line(glob, 200));
  return {};
}

const file_entry* find(const listing& files, std::string_view path) {
  const auto at = std::lower_bound(files.begin(), files.end(), path, comes_before);
  return at != files.end() && at->path == path ? &*at : nullptr;
}

entry_range files_below(const listing& files, std::string_view folder) {
  if (folder.empty())
    return {files.begin(), files.end()};
  const auto first = std::string(folder) + '/', behind = std::string(folder) + char{'/' + 1};
  return {std::lower_bound(files.begin(), files.end(), first, comes_before),
          std::lower_bound(files.begin(), files.end(), behind, comes_before)};
}

std::string nearest_names(const listing& files, std::string_view path) {
  constexpr std::size_t names_max = 5;
  constexpr std::size_t work_max = 20'000'000; // A folder may be huge, and its names long.
  std::vector<std::string> names;
  const auto add = [&](std::string_view name) {
    auto text = shown_on_one_line(name, 300);
    if (names.size() < names_max && std::find(names.begin(), names.end(), text) == names.end())
      names.push_back(std::move(text));
  };
  const auto folded_name = ledger::folded(name_of(path).substr(0, 300));
  for (const auto& f : files) // The same name elsewhere, or in another case.
    if (names.size() < names_max && name_of(f.path).size() <= 2 * folded_name.size() + 8
        && ledger::folded(name_of(f.path)) == folded_name)
      add(f.path);
  // The closest names of the folder, or of the nearest folder that is there.
  auto folder = folder_of(path);
  auto below = files_below(files, folder);
  while (below.first == below.second && !folder.empty()) {
    folder = folder_of(folder);
    below = files_below(files, folder);
  }
  std::vector<std::pair<std::size_t, std::string>> close;
  const auto begin = folder.empty() ? 0 : folder.size() + 1;
  std::size_t work = 0;
  for (auto at = below.first; at != below.second && work < work_max; ++at) {
    const auto rest = std::string_view(at->path).substr(begin);
    const auto part = rest.substr(0, rest.find('/'));
    auto name = at->path.substr(0, begin + part.size()) + (part.size() < rest.size() ? "/" : "");
    work += part.size() * folded_name.size();
    if (close.empty() || close.back().second != name)
      close.emplace_back(distance(ledger::folded(part), folded_name), std::move(name));
  }
  std::stable_sort(close.begin(), close.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [_, name] : close)
    add(name);
  return names.empty() ? std::string() : "; nearest names: " + joined(names);
}

tl::unexpected<ledger::failure> git_failed(ledger::failure f) {
  f.kind = fault::unavailable;
  return tl::make_unexpected(std::move(f));
}

ledger::result<const listing*> tree_source::files() {
  if (!files_) {
    auto all = list();
    if (!all)
      return tl::make_unexpected(all.error());
    files_ = std::move(*all);
  }
  return &*files_;
}

ledger::result<listing> tree_source::list() const {
  auto entries = git_.list_tree(tree_);
  if (!entries)
    return git_failed(std::move(entries.error()));
  listing files;
  files.reserve(entries->size());
  // What hides a folder hides what is in it: neighbours share the answer.
  std::string folder;
  bool hidden = false;
  for (auto& e : *entries) {
    if (const auto of = folder_of(e.path); of != folder) {
      folder = of;
      hidden = !folder.empty() && !curtain_->why_hidden(folder).empty();
    }
    if (hidden || !curtain_->why_hidden(e.path).empty())
      continue;
    files.push_back(
        {std::move(e.path), std::move(e.id), e.bytes, kind_of(e.mode), e.mode == "100755"});
  }
  std::sort(files.begin(), files.end(),
            [](const file_entry& a, const file_entry& b) { return a.path < b.path; });
  return files;
}

ledger::result<std::string> tree_source::read(const file_entry& file) {
  if (file.bytes > file_bytes_max)
    return fail(fault::refused,
                fmt::format("{} has {} bytes; files of more than {} cannot be looked into",
                            shown_on_one_line(file.path), with_commas(file.bytes),
                            with_commas(file_bytes_max)),
                "too-large");
  auto content = git_.must({{"cat-file", "blob", file.id}, {}, {}, false});
  return content ? std::move(content) : git_failed(std::move(content.error()));
}

ledger::result<std::vector<std::optional<std::string>>>
tree_source::read_all(const std::vector<const file_entry*>& files) {
  std::vector<std::string> ids;
  for (const auto* f : files)
    if (f->bytes <= file_bytes_max)
      ids.push_back(f->id);
  auto contents = read_blobs(git_, ids);
  if (!contents)
    return git_failed(std::move(contents.error()));
  std::vector<std::optional<std::string>> all;
  auto next = contents->begin();
  for (const auto* f : files)
    if (f->bytes <= file_bytes_max)
      all.emplace_back(std::move(*next++));
    else
      all.emplace_back();
  return all;
}

ledger::result<const listing*> worktree_source::files() {
  if (files_)
    return &*files_;
  auto of_tree = tree_.list();
  if (!of_tree)
    return tl::make_unexpected(of_tree.error());
  files_ = std::move(*of_tree);
  return &*files_;
}

ledger::result<const beneath*> worktree_source::disk() {
  if (!disk_) {
    auto opened = beneath::open(folder_);
    if (!opened)
      return tl::make_unexpected(opened.error());
    disk_ = std::move(*opened);
  }
  return &*disk_;
}

ledger::result<std::string> worktree_source::read(const file_entry& file) {
  auto d = disk();
  if (!d)
    return tl::make_unexpected(d.error());
  return (*d)->read(file.path);
}

ledger::result<std::vector<std::optional<std::string>>>
worktree_source::read_all(const std::vector<const file_entry*>& files) {
  auto d = disk();
  if (!d)
    return tl::make_unexpected(d.error());
  std::vector<std::optional<std::string>> all;
  for (const auto* f : files) {
    auto content = (*d)->read(f->path);
    if (content)
      all.emplace_back(std::move(*content));
    else if (content.error().kind == fault::unavailable)
      return tl::make_unexpected(content.error());
    else
      all.emplace_back();
  }
  return all;
}

bool worktree_source::is_tracked(const std::string& path) {
  if (deleted_.count(path) > 0)
    return true;
  auto all = files();
  const auto* entry = all ? find(**all, path) : nullptr;
  return entry != nullptr && !entry->id.empty();
}

listing::iterator worktree_source::place_of(const std::string& path) {
  return std::lower_bound(files_->begin(), files_->end(), path, comes_before);
}

void worktree_source::wrote(const std::string& path, std::uint64_t bytes, bool executable) {
  if (!files_)
    return; // Nothing is written before the listing was looked at.
  auto at = place_of(path);
  if (at == files_->end() || at->path != path)
    at = files_->insert(at, file_entry{path, {}, 0, file_kind::regular, false});
  at->bytes = bytes;
  at->executable = executable;
}

void worktree_source::deleted(const std::string& path) {
  if (!files_)
    return;
  const auto at = place_of(path);
  if (at == files_->end() || at->path != path)
    return;
  if (!at->id.empty())
    deleted_.insert(path);
  files_->erase(at);
}

} // namespace providers::tools
