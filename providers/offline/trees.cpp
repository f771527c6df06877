#include "providers/offline/trees.hpp"

#include "providers/git_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace providers::offline {
namespace {

// What git says is wrong with a patch: its lines that begin `error: `. The rest
// names the command and folders of this machine, which no answer may.
std::string words_of_git(const std::string& detail) {
  std::string words;
  std::string_view rest = detail;
  constexpr std::string_view mark = "error: ";
  for (auto at = rest.find(mark); at != rest.npos; at = rest.find(mark)) {
    rest.remove_prefix(at + mark.size());
    auto line = rest.substr(0, rest.find('\n'));
    words += (words.empty() ? "" : "; ") + std::string{line};
  }
  return words.empty() ? "git cannot read it as a patch" : words;
}

// Tries one spelling of a patch.
ledger::result<attempt> try_once(const git& g, std::string_view tree, std::string_view patch) {
  auto made = g.tree_with(tree, patch);
  if (made)
    return attempt{attempt::end::applies, *made, {}};
  if (made.error().kind != ledger::fault::refused)
    return tl::make_unexpected(made.error());
  auto inside = g.applies_reversed(tree, patch);
  if (!inside)
    return tl::make_unexpected(inside.error());
  if (*inside)
    return attempt{attempt::end::contained, std::string{tree}, {}};
  return attempt{attempt::end::no, {}, words_of_git(made.error().detail)};
}

bool all_crlf(std::string_view text) {
  std::size_t lf = 0, crlf = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '\n') {
      ++lf;
      crlf += i > 0 && text[i - 1] == '\r' ? 1 : 0;
    }
  return lf > 0 && lf == crlf;
}

ledger::result<attempt> try_patch(const git& g, std::string_view tree, std::string_view patch) {
  auto first = try_once(g, tree, patch);
  if (!first || first->how != attempt::end::no)
    return first;
  auto other = fitted(patch, [&](std::string_view path) {
    auto text = g.read_blob(tree, path);
    return text && all_crlf(*text);
  });
  if (other == patch)
    return first;
  auto second = try_once(g, tree, other);
  // What git says about the diff as it was written helps the reader more.
  return second && second->how == attempt::end::no ? first : second;
}

} // namespace

ledger::result<deed> deed_of(const git& g, const prompt_block& block) {
  deed d;
  if (block.is == prompt_block::kind::diff) {
    d.patch = block.text;
    return d;
  }
  if (!is_object_id(block.text) || !g.has_object(block.text)) {
    d.problem = "a revert block has to hold the full id of a commit of this repository";
    return d;
  }
  auto undone = g.tree_of(block.text);
  auto restored = undone ? g.tree_of(block.text + "^") : undone;
  if (!restored) {
    d.problem = "the commit of a revert block has no parent to go back to";
    return d;
  }
  auto patch = g.diff(*undone, *restored);
  if (!patch)
    return tl::make_unexpected(patch.error());
  d.patch = std::move(*patch);
  d.undone_tree = std::move(*undone);
  d.restored_tree = std::move(*restored);
  return d;
}

ledger::result<attempt> try_deed(const git& g, std::string_view tree, const deed& d) {
  if (d.undone_tree.empty())
    return try_patch(g, tree, d.patch);
  auto m = g.merge_trees(d.undone_tree, tree, d.restored_tree);
  if (!m)
    return tl::make_unexpected(m.error());
  if (!m->clashes.empty())
    return attempt{
        attempt::end::no,
        {},
        fmt::format("what came later changed the same lines of {}", fmt::join(m->clashes, ", "))};
  auto how = m->tree == tree ? attempt::end::contained : attempt::end::applies;
  return attempt{how, std::move(m->tree), {}};
}

} // namespace providers::offline
