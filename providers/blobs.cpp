#include "providers/blobs.hpp"

#include "ledger/text.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <string_view>
#include <utility>

namespace providers {

namespace {

/// Most bytes of blobs that one `git cat-file --batch` is asked for: well below
/// what a child's output may be.
constexpr std::uint64_t batch_bytes_max = 16 * 1024 * 1024;

struct sized_id {
  std::string id;
  std::uint64_t bytes = 0;
};

/// Sizes first, so that a batch never outgrows what a child may print.
ledger::result<std::vector<sized_id>> sizes_of(const git& g, const std::vector<std::string>& ids) {
  auto text = g.objects(ids, false);
  if (!text)
    return tl::make_unexpected(text.error());
  std::vector<sized_id> sizes;
  for (auto line : ledger::split_lines(*text)) {
    auto word = line.substr(line.rfind(' ') + 1); // npos + 1 is 0.
    if (word.empty() || word.find_first_not_of("0123456789") != std::string::npos)
      return ledger::fail(ledger::fault::not_found,
                          fmt::format("git has no object {}; run git fsck", line));
    sizes.push_back({std::string{line.substr(0, line.find(' '))},
                     std::strtoull(std::string{word}.c_str(), nullptr, 10)});
  }
  if (sizes.size() != ids.size())
    return ledger::fail(ledger::fault::unavailable, "git cat-file answered in part");
  return sizes;
}

/// The contents of one batch, appended to `all`.
ledger::result<void> read_batch(const git& g, const std::vector<sized_id>& batch,
                                std::vector<std::string>& all) {
  std::vector<std::string> ids;
  ids.reserve(batch.size());
  for (auto& i : batch)
    ids.push_back(i.id);
  auto text = g.objects(ids, true);
  if (!text)
    return tl::make_unexpected(text.error());
  std::string_view rest = *text;
  for (auto& i : batch) {
    auto header = rest.find('\n');
    bool is_it =
        header != std::string_view::npos && rest.size() >= header + 1 + i.bytes + 1
        && rest.substr(0, i.id.size()) == i.id
        && rest.substr(0, header).substr(rest.rfind(' ', header) + 1) == std::to_string(i.bytes);
    if (!is_it)
      return ledger::fail(ledger::fault::unavailable, "git cat-file answered in part");
    all.emplace_back(rest.substr(header + 1, i.bytes));
    rest.remove_prefix(header + 1 + i.bytes + 1);
  }
  return {};
}

} // namespace

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

} // namespace providers
