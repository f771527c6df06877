// Trees, blobs and what lies between them.

#include "providers/git.hpp"
#include "providers/git_words.hpp"
#include "providers/index_store.hpp"
#include "providers/scratch_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

} // namespace

/// Names mean nothing to a git that works apart: it would take HEAD for a path.
ledger::result<std::string> git::id_of(std::string_view tree) const {
  if (is_object_id(tree))
    return std::string(tree);
  return tree_of(tree);
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

void git::keep_indexes_in(const fs::path& folder) const {
  indexes_->keep_in(folder);
}

/// An index that is `tree`, in a folder of the caller's: the environment of
/// those who use it.
ledger::result<std::map<std::string, std::string>> git::index_of(std::string_view tree,
                                                                 const fs::path& folder) const {
  auto id = id_of(tree);
  if (!id)
    return tl::make_unexpected(id.error());
  const auto index = folder / "index";
  std::map<std::string, std::string> env{{"GIT_INDEX_FILE", index.string()}};
  if (indexes_->copy(*id, index))
    return env;
  if (auto r = must({{"read-tree", *id}, env, {}, false}); !r)
    return tl::make_unexpected(r.error());
  indexes_->keep(*id, index);
  return env;
}

/// --check writes nothing, so an error here is one of the patch unless git
/// speaks of the machine.
ledger::result<void> git::check_patch(const std::map<std::string, std::string>& env,
                                      std::string_view patch, bool reversed) const {
  call check{
      {"apply", "--cached", "--check", "--whitespace=nowarn", "-"}, env, std::string(patch), false};
  if (reversed)
    check.args.insert(check.args.end() - 1, "--reverse");
  auto r = run(check);
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return {};
  const auto words = words_of(*r);
  const auto known = r->how == child_result::end::exited
                     && (r->exit_code == 1 || r->exit_code == 128)
                     && words.find("error: ") != std::string::npos
                     && words.find("fatal: ") == std::string::npos && !tells_of_the_machine(words);
  if (!known)
    return tl::make_unexpected(failure_of(check, *r));
  return fail(fault::refused, fmt::format("git apply in {}: {}", top_.string(), words));
}

ledger::result<std::string> git::tree_with(std::string_view base_tree,
                                           std::string_view patch) const {
  auto base = tree_of(base_tree);
  if (!base || patch.empty())
    return base;
  if (auto known = indexes_->made_of(*base, patch); !known.empty() && is_whole(*base, known))
    return known;
  auto folder = scratch_folder::make("index");
  if (!folder)
    return tl::make_unexpected(folder.error());
  auto env = index_of(*base, folder->path());
  if (!env)
    return tl::make_unexpected(env.error());
  const call apply{
      {"apply", "--cached", "--whitespace=nowarn", "-"}, *env, std::string(patch), true};
  if (auto r = must(apply); !r) {
    if (auto fits = check_patch(*env, patch, false); !fits)
      return tl::make_unexpected(fits.error());
    return r; // It does apply: what failed is writing.
  }
  auto id = must({{"write-tree"}, *env, {}, true});
  if (!id)
    return id;
  auto tree = without_newline(std::move(*id));
  indexes_->remember(*base, patch, tree);
  return tree;
}

ledger::result<bool> git::applies_reversed(std::string_view tree, std::string_view patch) const {
  auto folder = scratch_folder::make("index");
  if (!folder)
    return tl::make_unexpected(folder.error());
  auto env = index_of(tree, folder->path());
  if (!env)
    return tl::make_unexpected(env.error());
  auto fits = check_patch(*env, patch, true);
  if (!fits && fits.error().kind != fault::refused)
    return tl::make_unexpected(fits.error());
  return fits.has_value();
}

/// The names of filters that would do something here.
ledger::result<std::set<std::string>> git::configured_filters() const {
  const call list{{"config", "--includes", "-z", "--name-only", "--get-regexp", R"(^filter\..*\.)"},
                  {},
                  {},
                  false};
  auto r = run(list);
  if (!r)
    return tl::make_unexpected(r.error());
  if (!r->ok() && (r->how != child_result::end::exited || r->exit_code != 1)) // 1: none.
    return tl::make_unexpected(failure_of(list, *r));
  std::set<std::string> names;
  for (const auto key : split(r->output, '\0'))
    for (const std::string_view what : {".clean", ".smudge", ".process"})
      if (key.size() > 7 + what.size() && key.substr(key.size() - what.size()) == what)
        names.emplace(key.substr(7, key.size() - 7 - what.size()));
  return names;
}

ledger::result<void> git::needs_no_filter(std::string_view tree) const {
  auto filters = configured_filters();
  if (!filters)
    return tl::make_unexpected(filters.error());
  auto entries = list_tree(tree);
  if (!entries)
    return tl::make_unexpected(entries.error());
  auto folder = scratch_folder::make("index");
  if (!folder)
    return tl::make_unexpected(folder.error());
  auto env = index_of(tree, folder->path());
  if (!env)
    return tl::make_unexpected(env.error());
  call ask{{"check-attr", "-z", "--cached", "--stdin", "filter", "working-tree-encoding"},
           *env,
           {},
           false};
  for (const auto& entry : *entries)
    if (entry.mode == "100644" || entry.mode == "100755")
      ask.input.append(entry.path).append(1, '\0');
  if (ask.input.empty())
    return {};
  auto said = must(std::move(ask));
  if (!said)
    return tl::make_unexpected(said.error());
  const auto words = split(*said, '\0');
  for (std::size_t i = 0; i + 2 < words.size(); i += 3) { // path, attribute, value
    const auto unset = words[i + 2] == "unspecified" || words[i + 2] == "unset";
    if (unset || (words[i + 1] == "filter" && filters->count(std::string(words[i + 2])) == 0))
      continue;
    return fail(fault::refused,
                fmt::format("{} has the attribute {}={}: git would change its bytes on the way to "
                            "a checkout, and here every file is what its blob is; take the "
                            "attribute out of .gitattributes, or that filter out of your "
                            "configuration",
                            words[i], words[i + 1], words[i + 2]),
                "needs-filter");
  }
  return {};
}

} // namespace providers
