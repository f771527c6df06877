// What is read again of a task, and tasks that have come to rest: their rows
// (standings.hpp).

#include "ledger/disk/journal_impl.hpp"

namespace ledger::disk {

namespace {

bool may_rest(const chain& c) {
  return !c.is_damaged && c.tip.seq != 0 && may_rest_after(c.last);
}

std::vector<record> all_held(const chain& c) {
  std::vector<record> out;
  for (auto& part : c.records)
    out.insert(out.end(), part->begin(), part->end());
  return out;
}

} // namespace

result<task_state> journal::impl::state_of(const std::string& task, const chain& c) const {
  if (!c.holds_all()) {
    auto records = read_records(task, c);
    return records ? fold(task, *records) : tl::make_unexpected(records.error());
  }
  auto state = fold(task, {});
  for (auto& part : c.records)
    if (state)
      state = fold(std::move(*state), *part);
  return state;
}

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
  if (!c.standing.empty())
    return row_line(c.last_id, *identity, c.standing);
  auto state = state_of(task, c);
  return state && state->at_rest() ? row_line(c.last_id, *identity, to_text(standing_of(*state)))
                                   : std::string{};
}

// What the folder has, and what it is still to get. Errors: unavailable; corrupt: it
// is not what was recorded.
result<std::vector<record>> journal::impl::read_records(const std::string& task,
                                                        const chain& c) const {
  auto text = root.read(task + "/" + std::string(path::journal));
  if (!text && !(text.error().kind == fault::not_found && c.journal_bytes == 0))
    return tl::make_unexpected(text.error());
  std::string_view known = text ? *text : std::string_view{};
  if (!c.records.empty()) // Behind its end a write that failed may have left something.
    known = known.substr(0, c.journal_bytes);
  auto records = parse_journal(known);
  if (!records)
    return records;
  for (auto& part : c.records)
    for (auto& r : *part)
      if (r.seq == records->size() + 1)
        records->push_back(r);
  if (records->size() != c.tip.seq || records->back().line_sha256 != c.tip.line_sha256)
    return fail(fault::corrupt, "it is not what was recorded: it was cut off, or written anew");
  return records;
}

// Has all records in one part until the next one comes. What is no longer what was
// recorded is damage.
result<void> journal::impl::recall(const std::string& task, chain& c) {
  bool all = c.holds_all();
  if (all ? c.records.size() == 1 : c.is_damaged || c.tip.seq == 0)
    return {};
  auto records = all ? result<std::vector<record>>(all_held(c)) : read_records(task, c);
  if (!records && records.error().kind == fault::unavailable)
    return tl::make_unexpected(records.error());
  if (!records) {
    hurt(damage{task, std::string(path::journal), records.error().detail});
    return {};
  }
  c.records = {std::make_shared<const std::vector<record>>(std::move(*records))};
  return {};
}

result<void> journal::impl::take_up(const std::string& task, chain& c) {
  if (!c.is_put_away)
    return {};
  auto there = recall(task, c);
  if (there && !c.is_damaged) {
    c.tip.expected = expected_after(*c.records.front());
    c.is_put_away = false;
  }
  return there;
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
    c->is_at_work = false;
    c->records = {};
    c->standing = {};
    c->tip.expected = {};
    c->tip.growing.clear();
    c->is_put_away = true;
  }
  std::erase(rows, std::string{});
  standings.add(rows, low());
}

void journal::impl::begin_standings() {
  auto kept = read_standings(keys, at.boot_id);
  std::vector<std::pair<const std::string*, chain*>> all;
  for (auto& [task, c] : chains)
    all.emplace_back(&task, &c);
  std::vector<std::string> rows(all.size());
  hands.share_out(all.size(),
                  [&](auto i) { rows[i] = row_of(*all[i].first, *all[i].second, kept.get()); });
  for (std::size_t i = 0; i < all.size(); ++i)
    if (rows[i].empty()) {
      all[i].second->is_at_work = true;
      at_work.emplace(all[i].second->first_id, *all[i].first);
    }
  std::erase(rows, std::string{});
  standings.begin(keys, at.boot_id, rows, low());
}

} // namespace ledger::disk
