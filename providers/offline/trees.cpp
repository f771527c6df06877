#include "providers/offline/trees.hpp"

#include "providers/offline/patch.hpp"
#include "providers/scratch_folder.hpp"

#include <fmt/format.h>

#include <cstdlib>

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

/// Most bytes of blobs that one `git cat-file --batch` is asked for: well below
/// what a child's output may be.
constexpr std::uint64_t batch_bytes_max = 16 * 1024 * 1024;

// Whether the reverse of `patch` applies to `tree`.
ledger::result<bool> contains(const git& g, std::string_view tree, std::string_view patch) {
  auto scratch = scratch_folder::make("index");
  if (!scratch)
    return tl::make_unexpected(scratch.error());
  auto index = (scratch->path() / "index").string();
  git::call read;
  read.args = {"read-tree", std::string{tree}};
  read.env = {{"GIT_INDEX_FILE", index}};
  if (auto done = g.must(std::move(read)); !done)
    return tl::make_unexpected(done.error());
  git::call check;
  check.args = {"apply", "--cached", "--check", "--reverse", "-"};
  check.env = {{"GIT_INDEX_FILE", index}};
  check.input = std::string{patch};
  auto child = g.run(std::move(check));
  if (!child)
    return tl::make_unexpected(child.error());
  return child->ok();
}

// Tries one spelling of a patch.
ledger::result<attempt> try_once(const git& g, std::string_view tree, std::string_view patch) {
  auto made = g.tree_with(tree, patch);
  if (made)
    return attempt{attempt::end::applies, *made, {}};
  if (made.error().kind != ledger::fault::refused)
    return tl::make_unexpected(made.error());
  auto inside = contains(g, tree, patch);
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

struct sized_id {
  std::string id;
  std::uint64_t bytes = 0;
};

// Sizes first, so that a batch never outgrows what a child may print.
ledger::result<std::vector<sized_id>> sizes_of(const git& g, const std::vector<std::string>& ids) {
  git::call c;
  c.args = {"cat-file", "--batch-check=%(objectname) %(objectsize)"};
  for (auto& id : ids)
    c.input += id + '\n';
  auto text = g.must(std::move(c));
  if (!text)
    return tl::make_unexpected(text.error());
  std::vector<sized_id> sizes;
  std::string_view rest = *text;
  while (!rest.empty()) {
    auto end = rest.find('\n');
    auto line = rest.substr(0, end);
    auto blank = line.find(' ');
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    auto word =
        blank == std::string_view::npos ? std::string{} : std::string{line.substr(blank + 1)};
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos)
      return ledger::fail(ledger::fault::not_found,
                          fmt::format("offline: git has no object {}; run git fsck", line));
    sizes.push_back({std::string{line.substr(0, blank)}, std::strtoull(word.c_str(), nullptr, 10)});
  }
  if (sizes.size() != ids.size())
    return ledger::fail(ledger::fault::unavailable, "offline: git cat-file answered in part");
  return sizes;
}

// The contents of one batch, appended to `all`.
ledger::result<void> read_batch(const git& g, const std::vector<sized_id>& ids,
                                std::vector<std::string>& all) {
  git::call c;
  c.args = {"cat-file", "--batch"};
  for (auto& i : ids)
    c.input += i.id + '\n';
  auto text = g.must(std::move(c));
  if (!text)
    return tl::make_unexpected(text.error());
  std::string_view rest = *text;
  for (auto& i : ids) {
    auto header = rest.find('\n');
    if (header == std::string_view::npos || rest.size() < header + 1 + i.bytes + 1)
      return ledger::fail(ledger::fault::unavailable, "offline: git cat-file answered in part");
    all.emplace_back(rest.substr(header + 1, i.bytes));
    rest.remove_prefix(header + 1 + i.bytes + 1);
  }
  return {};
}

} // namespace

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

ledger::result<std::vector<std::string>> read_blobs(const git& g,
                                                    const std::vector<std::string>& ids) {
  std::vector<std::string> all;
  if (ids.empty())
    return all;
  auto sizes = sizes_of(g, ids);
  if (!sizes)
    return tl::make_unexpected(sizes.error());
  all.reserve(ids.size());
  std::vector<sized_id> batch;
  std::uint64_t bytes = 0;
  for (auto& s : *sizes) {
    if (!batch.empty() && bytes + s.bytes > batch_bytes_max) {
      if (auto done = read_batch(g, batch, all); !done)
        return tl::make_unexpected(done.error());
      batch.clear();
      bytes = 0;
    }
    bytes += s.bytes;
    batch.push_back(std::move(s));
  }
  if (auto done = read_batch(g, batch, all); !done)
    return tl::make_unexpected(done.error());
  return all;
}

} // namespace providers::offline
