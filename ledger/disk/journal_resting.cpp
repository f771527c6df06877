// Tasks that have come to rest: their rows (standings.hpp), and what is no longer
// held of them.

#include "ledger/disk/journal_impl.hpp"
#include "ledger/state.hpp"

namespace ledger::disk {

namespace {

bool may_rest(const chain& c) {
  return !c.is_damaged && !c.records.empty() && may_rest_after(c.records.back().what);
}

} // namespace

std::uint64_t journal::impl::low() const noexcept {
  return at_work.empty() ? last_id + 1 : at_work.begin()->first;
}

// Empty: it is not at rest. What an earlier journal kept of the very same file, which
// was found sound again, need not be folded anew; `kept` may be null.
std::string journal::impl::row_of(const std::string& task, const chain& c,
                                  const kept_standings* kept) const {
  if (!may_rest(c))
    return {};
  auto identity = root.identity(task + "/" + std::string(path::journal));
  if (!identity)
    return {};
  if (kept)
    if (auto row = kept->rows.find(task); row != kept->rows.end())
      if (row->second.journal == *identity)
        return row_line(c.last_id, *identity, row->second.text);
  auto state = fold(task, c.records);
  return state && state->at_rest() ? row_line(c.last_id, *identity, to_text(standing_of(*state)))
                                   : std::string{};
}

// What was put away is what was recorded, or it is damage.
result<void> journal::impl::take_up(const std::string& task, chain& c) {
  if (!c.is_put_away || c.is_damaged)
    return {};
  auto text = root.read(task + "/" + std::string(path::journal));
  if (!text && text.error().kind == fault::unavailable)
    return tl::make_unexpected(text.error());
  auto records = text ? parse_journal(*text) : tl::make_unexpected(text.error());
  bool is_it =
      records && records->size() == c.tip.seq && records->back().line_sha256 == c.tip.line_sha256;
  if (!is_it) {
    hurt(damage{task, std::string(path::journal),
                records ? "it is not what was recorded: it was cut off, or written anew"
                        : records.error().detail});
    return {};
  }
  c.records = std::move(*records);
  c.tip.expected = expected_after(c.records);
  c.is_put_away = false;
  return {};
}

// Of tasks whose folders have just followed their records.
void journal::impl::keep_standings(const std::set<std::string>& tasks) {
  std::vector<std::pair<const std::string*, chain*>> all;
  for (auto& task : tasks)
    if (auto& c = chains.find(task)->second; may_rest(c))
      all.emplace_back(&task, &c);
  std::vector<std::string> rows(all.size());
  hands.share_out(all.size(),
                  [&](auto i) { rows[i] = row_of(*all[i].first, *all[i].second, nullptr); });
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (rows[i].empty())
      continue;
    auto& [task, c] = all[i];
    at_work.erase({c->first_id, *task});
    c->records = {};
    c->tip.expected = {};
    c->tip.growing = {};
    c->is_put_away = true;
  }
  std::erase(rows, std::string{});
  standings.add(rows, low());
}

void journal::impl::begin_standings() {
  auto kept = read_standings(keys, at.boot_id);
  std::vector<std::pair<const std::string*, const chain*>> all;
  for (auto& [task, c] : chains)
    all.emplace_back(&task, &c);
  std::vector<std::string> rows(all.size());
  hands.share_out(all.size(),
                  [&](auto i) { rows[i] = row_of(*all[i].first, *all[i].second, kept.get()); });
  for (std::size_t i = 0; i < all.size(); ++i)
    if (rows[i].empty())
      at_work.emplace(all[i].second->first_id, *all[i].first);
  std::erase(rows, std::string{});
  standings.begin(keys, at.boot_id, rows, low());
}

} // namespace ledger::disk
