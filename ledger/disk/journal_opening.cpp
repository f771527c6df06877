// Opening the journal: what is found, completed and taken in (L3).

#include "ledger/disk/journal_impl.hpp"

#include <algorithm>

namespace ledger::disk {

// A head may lag behind the journal by what was done in the last instant.
result<void> journal::impl::catch_up_head(const std::string& task, const chain& c,
                                          const copies& e) {
  if (c.records.empty())
    return {};
  auto& records = *c.records.front();
  auto last =
      std::find_if(records.rbegin(), records.rend(), [](auto& r) { return !r.sig.empty(); });
  if (last == records.rend() || (e.head && e.head->seq >= last->seq))
    return {};
  return keys.remember_head(task, signed_head{last->seq, last->line_sha256});
}

// Most of the time that a start takes.
std::vector<journal::impl::examined>
journal::impl::examine_all(const std::map<std::string, copies>& tasks, const all_marks& marked,
                           std::string_view boot_id) {
  std::vector<const copies*> all;
  all.reserve(tasks.size());
  for (auto& [task, e] : tasks)
    all.push_back(&e);
  std::vector<examined> out(all.size());
  hands.share_out(all.size(), [&](auto i) {
    out[i].f = examine(*all[i], circumstances_of(all[i]->task, marked, boot_id), keys);
    out[i].expected = expected_after(out[i].f.records);
  });
  return out;
}

result<void> journal::impl::recover_task(const copies& e, const circumstances& c, examined x,
                                         newcomers& into_database) {
  auto& f = x.f;
  auto& known = chains[e.task];
  if (f.hurt && !known.is_damaged)
    hurt(*f.hurt);
  if (!known.is_damaged) {
    if (auto done = complete_folder(e, c, f); !done)
      return done;
    for (auto i = f.missing_in_database; i < f.records.size(); ++i)
      into_database.emplace_back(e.task, f.records[i]);
  }
  if (!e.stored.empty()) {
    known.first_id = e.stored.front().id;
    known.last_id = e.stored.back().id;
  }
  known.tip.seq = f.records.size();
  known.tip.line_sha256 = f.last_line_sha256;
  known.tip.expected = std::move(x.expected);
  if (!f.records.empty()) {
    known.tip.time_ms = parse_time(f.records.back().time).value_or(0);
    known.last = f.records.back().what;
    known.records = {std::make_shared<const std::vector<record>>(std::move(f.records))};
  }
  known.journal_bytes = f.journal_bytes;
  if (!known.is_damaged)
    return catch_up_head(e.task, known, e);
  return {};
}

result<void> journal::impl::complete_folder(const copies& e, const circumstances& c,
                                            const finding& f) {
  if (f.settled_seq < e.stored.size())
    for (auto folder : task_folders)
      if (auto done = root.make_folder(e.task + "/" + std::string(folder)); !done)
        return done;
  if (!f.healed.empty())
    healed.push_back(f.healed);
  // In the order of an append: no line tells of a file that is not there, and no
  // original goes before a line tells where to.
  auto said = heal_files(root, db, e, f, c);
  if (!said)
    return tl::make_unexpected(said.error());
  healed.insert(healed.end(), said->begin(), said->end());
  auto name = e.task + "/" + std::string(path::journal);
  std::uint64_t size = e.journal ? e.journal->size() : 0;
  if (f.rewrite)
    if (auto done = root.write_tail(name, {size, f.journal_keep}, f.journal_tail); !done)
      return done;
  said = heal_originals(root, db, e, f, c);
  if (!said)
    return tl::make_unexpected(said.error());
  healed.insert(healed.end(), said->begin(), said->end());
  said = cut_unrecorded_tails(root, e, f, c);
  if (!said)
    return tl::make_unexpected(said.error());
  healed.insert(healed.end(), said->begin(), said->end());
  said = drop_unrecorded_contract(root, db, e, f);
  if (!said)
    return tl::make_unexpected(said.error());
  healed.insert(healed.end(), said->begin(), said->end());
  return {};
}

result<std::map<std::string, copies>> journal::impl::find_copies() {
  auto tasks = gather(root, keys, hands, damages);
  if (!tasks)
    return tasks;
  for (auto& d : damages)
    chains[d.task].is_damaged = true;
  auto stored = db.lines();
  if (!stored)
    return tl::make_unexpected(stored.error());
  for (auto& [task, lines] : *stored) {
    auto& e = (*tasks)[task];
    e.task = task;
    e.stored = std::move(lines);
    e.has_folder = e.has_folder || root.has_folder(task);
  }
  return tasks;
}

result<void> journal::impl::take_in(const newcomers& into_database) {
  if (into_database.empty())
    return {};
  auto id = last_id;
  auto done = write([&]() -> result<void> {
    for (auto& [task, r] : into_database)
      if (auto added = db.add_line(++id, task, to_line(r)); !added)
        return added;
    return {};
  });
  if (!done)
    return done;
  for (auto& [task, r] : into_database) {
    auto& c = chains[task];
    c.last_id = ++last_id;
    c.first_id = c.first_id == 0 ? last_id : c.first_id;
  }
  return {};
}

result<void> journal::impl::recover() {
  auto boot = opts.hooks.boot_id ? result<std::string>(opts.hooks.boot_id()) : kernel_boot_id();
  if (!boot)
    return tl::make_unexpected(boot.error());
  auto found = db.read_marks();
  if (!found)
    return tl::make_unexpected(found.error());
  at = found->common;
  last_id = found->last_id;
  held = found->held;
  auto tasks = find_copies();
  if (!tasks)
    return tl::make_unexpected(tasks.error());
  auto all = examine_all(*tasks, *found, *boot);
  newcomers into_database;
  for (std::size_t i = 0; auto& [task, e] : *tasks) {
    auto c = circumstances_of(task, *found, *boot);
    auto done = recover_task(e, c, std::move(all[i++]), into_database);
    if (!done && (done.error().kind == fault::unavailable || done.error().kind == fault::lost))
      return done;
    // What was planted in one task's folder must not stop the others.
    if (!done)
      hurt(damage{task, std::string(path::journal), done.error().detail});
    // What its folder may lack must still be known when it is sound again.
    if (chains[task].is_damaged && !e.stored.empty() && e.stored.back().id > c.at.checkpoint)
      hold(task, c.at);
  }
  std::erase_if(chains, [](auto& e) { return e.second.tip.seq == 0 && !e.second.is_damaged; });
  if (auto done = take_in(into_database); !done)
    return done;
  auto bytes = db.pending_bytes();
  if (!bytes)
    return tl::make_unexpected(bytes.error());
  pending_bytes = *bytes;
  // What a reboot or a lost database left to the folders alone is synced
  // before this boot's rules hold for it.
  bool is_same_boot = at.boot_id == *boot;
  at.boot_id = *boot;
  bool has_news = !into_database.empty() || !healed.empty();
  auto done = !is_same_boot || has_news || some_hold_is_over()
                  ? checkpoint()
                  : write([&] { return mark_projected(); });
  if (!done)
    return done;
  held_anew.clear();
  begin_standings();
  return {};
}

} // namespace ledger::disk
