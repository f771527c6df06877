// The reader's side of journal.hpp: read_snapshot, whole and unbelieving.

#include "ledger/disk/crew.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/picture.hpp"
#include "ledger/disk/recovery.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace ledger::disk {

namespace fs = std::filesystem;

result<snapshot> read_snapshot(const fs::path& root, const keyring& keys) {
  auto t = tree::open(root, false);
  if (!t && t.error().kind == fault::not_found)
    return fail(fault::not_found, fmt::format("there is no ledger {}", root.string()));
  if (!t)
    return tl::make_unexpected(t.error());
  snapshot out;
  crew hands(journal::usual_helpers());
  auto tasks = gather(*t, keys, hands, out.damages);
  if (!tasks)
    return tl::make_unexpected(tasks.error());
  auto stored = read_stored(root, true);
  if (!stored)
    return tl::make_unexpected(stored.error());
  for (auto& [task, lines] : stored->lines) {
    auto& e = (*tasks)[task];
    e.task = task;
    take_stored(*t, e, std::move(lines));
  }
  auto boot = kernel_boot_id().value_or("");
  std::vector<const copies*> all;
  for (auto& [task, e] : *tasks)
    all.push_back(&e);
  std::vector<finding> found(all.size());
  hands.share_out(all.size(), [&](auto i) {
    found[i] = examine(*all[i], circumstances_of(all[i]->task, stored->marked, boot), keys);
  });
  std::set<std::string> named;
  for (auto& d : out.damages)
    named.insert(d.task);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto& f = found[i];
    auto& task = all[i]->task;
    if (tell(task, f, named.contains(task), out.damages))
      out.tasks[task] = chain_state{std::move(f.records), f.settled_seq};
  }
  return out;
}

result<std::string> read_note(const fs::path& root, std::string_view key) {
  auto out = result<std::string>(
      fail(fault::not_found, fmt::format("no note {} in the ledger {}", key, root.string())));
  auto done = read_database(root, [&](const database& db) -> result<void> {
    out = db.note(key);
    return {};
  });
  return done ? out : tl::make_unexpected(done.error());
}

} // namespace ledger::disk
