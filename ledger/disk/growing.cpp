#include "ledger/disk/growing.hpp"

#include "ledger/digest.hpp"
#include "ledger/disk/recovery.hpp"

#include <algorithm>

namespace ledger::disk {

growths growths_after(const std::vector<record>& records) {
  growths out;
  for (auto& r : records) {
    for (auto& m : moves_of(r)) {
      auto moved = out.extract(m.from);
      out.erase(m.to);
      if (moved.empty())
        continue;
      moved.key() = m.to;
      out.insert(std::move(moved));
    }
    auto added = growths_of(r);
    for (auto& f : r.files) {
      auto g = std::find_if(added.begin(), added.end(), [&](auto& a) { return a.path == f.path; });
      auto known = out.find(f.path);
      bool fits = g != added.end()
                  && (g->at == 0 || (known != out.end() && known->second.back().end() == g->at));
      if (!fits || g->at == 0)
        out.erase(f.path); // Put whole, or begun.
      if (fits)
        out[f.path].push_back(chunk{r.seq, g->at, g->bytes, g->sha256, f.sha256});
    }
    for (auto& lost : gone_of(r))
      if (auto it = out.find(lost); it != out.end())
        out.erase(it);
  }
  return out;
}

const growth* growth_to(const growths& all, std::string_view whole_sha256) {
  auto it = std::find_if(all.begin(), all.end(), [&](auto& entry) {
    return entry.second.back().whole_sha256 == whole_sha256;
  });
  return it == all.end() ? nullptr : &it->second;
}

std::size_t settled_chunks(const growth& g, std::uint64_t settled_seq) {
  return static_cast<std::size_t>(
      std::count_if(g.begin(), g.end(), [&](auto& c) { return c.seq <= settled_seq; }));
}

std::size_t chunks_in(std::string_view content, const growth& g) {
  sha256_stream sum;
  std::size_t n = 0;
  for (; n < g.size() && g[n].end() <= content.size(); ++n) {
    sum.update(content.substr(g[n].at, g[n].bytes));
    if (sum.so_far() != g[n].whole_sha256)
      break;
  }
  return n;
}

std::optional<part> part_of(std::string_view content, const growth& g, std::uint64_t settled_seq) {
  auto n = chunks_in(content, g);
  if (n < std::max<std::size_t>(settled_chunks(g, settled_seq), 1))
    return std::nullopt;
  return part{n, content.substr(g[n - 1].end())};
}

} // namespace ledger::disk
