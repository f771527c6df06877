// What the folders have goes to the disk itself, and then out of the database.

#include "ledger/disk/journal_impl.hpp"

#include <chrono>

namespace ledger::disk {

bool journal::impl::some_hold_is_over() const {
  return std::any_of(held.begin(), held.end(), [&](auto& h) { return !lags(h.first); });
}

// Within a transaction. The folders have everything, but those that are held.
result<void> journal::impl::mark_projected() {
  for (auto& task : held_anew)
    if (auto done = db.set_held(task, held.at(task)); !done)
      return done;
  return db.set_mark("projected", std::to_string(last_id));
}

void journal::impl::begin_checkpoint() {
  begun_checkpoint c;
  c.up_to_id = last_id;
  c.bytes = pending_bytes;
  for (auto& [task, since] : held)
    if (!lags(task))
      c.caught_up.insert(task);
  auto how = std::launch::deferred; // Then whoever ends it does it.
  if (!hands.is_alone())
    how |= std::launch::async;
  c.synced = std::async(how, [this] { return root.sync_file_system(); });
  under_way = std::move(c);
}

// Waits for the sync. A person may still need what was to be restored. A hold ends
// here and not before: what was completed late is on the disk itself only now.
result<void> journal::impl::end_checkpoint() {
  auto c = std::exchange(under_way, std::nullopt);
  if (auto synced = c->synced.get(); !synced)
    return give_up(synced.error());
  std::vector<std::string> free;
  for (auto& [task, since] : held)
    if (c->caught_up.contains(task) && !lags(task))
      free.push_back(task);
  auto done = write([&]() -> result<void> {
    auto step = mark_projected();
    for (auto& task : free)
      if (step)
        step = db.drop_held(task);
    if (step)
      step = db.drop_pending(c->up_to_id);
    if (step)
      step = db.set_mark("checkpoint", std::to_string(c->up_to_id));
    if (step)
      step = db.set_mark("boot_id", at.boot_id);
    return step;
  });
  if (!done)
    return done;
  for (auto& task : free)
    held.erase(task);
  held_anew.clear();
  at.checkpoint = c->up_to_id;
  pending_bytes -= c->bytes;
  return {};
}

// Of all that the folders have now.
result<void> journal::impl::checkpoint() {
  if (under_way)
    if (auto done = end_checkpoint(); !done)
      return done;
  begin_checkpoint();
  return end_checkpoint();
}

// Nobody waits for a sync, unless the next one is due before it has come to its end:
// what the database holds is not to grow without bounds.
result<void> journal::impl::checkpoint_if_due() {
  auto unseen = pending_bytes - (under_way ? under_way->bytes : 0);
  auto is_due = unseen >= opts.checkpoint_bytes;
  if (!under_way) {
    if (!is_due && !some_hold_is_over())
      return {};
    begin_checkpoint();
    is_due = false;
  }
  using namespace std::chrono_literals;
  if (!is_due && under_way->synced.wait_for(0s) == std::future_status::timeout)
    return {};
  return end_checkpoint();
}

} // namespace ledger::disk
