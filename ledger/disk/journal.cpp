#include "ledger/disk/journal.hpp"

#include "ledger/disk/database.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/projection.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <system_error>

#include <fcntl.h>

namespace ledger::disk {

namespace fs = std::filesystem;

struct journal::impl {
  impl(options o, keyring k, tree r, database d)
      : opts(std::move(o))
      , keys(std::move(k))
      , root(std::move(r))
      , db(std::move(d)) {}

  options opts;
  keyring keys;
  tree root;
  database db;
  marks at{};
  std::map<std::string, chain, std::less<>> chains{};
  std::vector<damage> damages{};
  std::vector<std::string> healed{};
  /// What was committed, but not yet done in the folders, in commit order.
  std::deque<projection> backlog{};
  std::uint64_t pending_bytes = 0;
  std::uint64_t records_since_open = 0;
  std::optional<failure> lost{};

  // -- opening ---------------------------------------------------------------

  result<void> recover();
  result<void> recover_task(const copies& e, const circumstances& c,
                            std::vector<std::pair<std::string, record>>& into_database);
  result<void> catch_up_head(const std::string& task, const chain& c, const copies& e);
  void hurt(damage d);

  // -- appending ---------------------------------------------------------------

  std::vector<result<appended>> append_group(std::span<const append> group);
  result<prepared> prepare_one(const append& a, std::map<std::string, chain_tip>& tips);
  result<void> commit(const std::vector<prepared>& ready);
  void adopt(std::vector<prepared>& ready);
  void work_off_backlog();

  // -- checkpoint ----------------------------------------------------------------

  std::uint64_t projected_id() const {
    return backlog.empty() ? at.last_id : backlog.front().first_id - 1;
  }
  result<void> checkpoint(std::string_view boot_id);
  result<void> write(const std::function<result<void>()>& body);
  result<void> give_up(const failure& f);
};

// Runs `body` in a transaction. What is lost stays lost.
result<void> journal::impl::write(const std::function<result<void>()>& body) {
  if (lost)
    return tl::make_unexpected(*lost);
  auto done = db.begin();
  if (done)
    done = body();
  if (done)
    done = db.commit();
  if (done)
    return {};
  db.rollback();
  return give_up(done.error());
}

// After a failed fsync nobody knows what is on the disk, and a second fsync
// may answer "ok" with half of it: only a new start that replays can tell.
result<void> journal::impl::give_up(const failure& f) {
  if (f.kind == fault::lost || f.kind == fault::corrupt)
    lost = failure{fault::lost, f.detail + "; start again to replay the journal", f.code};
  return tl::make_unexpected(lost ? *lost : f);
}

void journal::impl::hurt(damage d) {
  chains[d.task].is_damaged = true;
  damages.push_back(std::move(d));
}

// A head may lag behind the journal by what was done in the last instant.
result<void> journal::impl::catch_up_head(const std::string& task, const chain& c,
                                          const copies& e) {
  auto last =
      std::find_if(c.records.rbegin(), c.records.rend(), [](auto& r) { return !r.sig.empty(); });
  if (last == c.records.rend() || (e.head && e.head->seq >= last->seq))
    return {};
  auto digest = last->seq == c.records.size() ? c.tip.line_sha256 : c.records[last->seq].prev;
  return keys.remember_head(task, signed_head{last->seq, digest});
}

result<void>
journal::impl::recover_task(const copies& e, const circumstances& c,
                            std::vector<std::pair<std::string, record>>& into_database) {
  auto f = examine(e, c, keys);
  auto& known = chains[e.task];
  if (f.hurt && !known.is_damaged)
    hurt(*f.hurt);
  if (!known.is_damaged) {
    auto name = e.task + "/" + std::string(path::journal);
    std::uint64_t size = e.journal ? e.journal->size() : 0;
    if (f.rewrite)
      if (auto done = root.write_tail(name, {size, f.journal_keep}, f.journal_tail); !done)
        return done;
    if (!e.stored.empty() && e.stored.back().id > c.settled())
      for (auto folder : task_folders)
        if (auto done = root.make_folder(e.task + "/" + std::string(folder)); !done)
          return done;
    auto sentences = heal_files(root, db, e, f, c);
    if (!sentences)
      return tl::make_unexpected(sentences.error());
    if (!f.healed.empty())
      healed.push_back(f.healed);
    healed.insert(healed.end(), sentences->begin(), sentences->end());
    for (auto i = f.missing_in_database; i < f.records.size(); ++i)
      into_database.emplace_back(e.task, f.records[i]);
  }
  known.tip.seq = f.records.size();
  known.tip.line_sha256 = f.last_line_sha256;
  known.tip.expected = expected_after(f.records);
  if (!f.records.empty())
    known.tip.time_ms = parse_time(f.records.back().time).value_or(0);
  known.journal_bytes = f.journal_bytes;
  known.records = std::move(f.records);
  if (!known.is_damaged)
    return catch_up_head(e.task, known, e);
  return {};
}

result<void> journal::impl::recover() {
  auto boot = opts.hooks.boot_id ? result<std::string>(opts.hooks.boot_id()) : kernel_boot_id();
  if (!boot)
    return tl::make_unexpected(boot.error());
  auto found = db.read_marks();
  if (!found)
    return tl::make_unexpected(found.error());
  at = *found;
  circumstances c{!db.is_new(), !db.is_new() && at.boot_id != *boot, at};
  auto tasks = gather(root, keys, damages);
  if (!tasks)
    return tl::make_unexpected(tasks.error());
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
  std::vector<std::pair<std::string, record>> into_database;
  for (auto& [task, e] : *tasks) {
    auto done = recover_task(e, c, into_database);
    if (!done && done.error().kind != fault::corrupt && done.error().kind != fault::refused)
      return done;
    // A link planted in one task's folder must not stop the others.
    if (!done)
      hurt(damage{task, std::string(path::journal), done.error().detail});
  }
  std::erase_if(
      chains, [](auto& entry) { return entry.second.records.empty() && !entry.second.is_damaged; });
  if (!into_database.empty()) {
    auto done = write([&]() -> result<void> {
      for (auto& [task, r] : into_database)
        if (auto added = db.add_line(at.last_id + 1, task, to_line(r)); !added)
          return added;
        else
          at.last_id += 1;
      return {};
    });
    if (!done)
      return done;
  }
  auto bytes = db.pending_bytes();
  if (!bytes)
    return tl::make_unexpected(bytes.error());
  pending_bytes = *bytes;
  // What a reboot or a lost database left to the folders alone is synced
  // before this boot's rules hold for it.
  if (!c.has_database || c.rebooted || !into_database.empty() || !healed.empty())
    return checkpoint(*boot);
  return write([&] { return db.set_mark("projected", std::to_string(at.last_id)); });
}

result<void> journal::impl::checkpoint(std::string_view boot_id) {
  if (auto done = root.sync_file_system(); !done)
    return give_up(done.error());
  std::vector<std::string> keep;
  for (auto& [task, c] : chains)
    if (c.is_damaged)
      keep.push_back(task); // A person may still need what was to be restored.
  auto id = std::to_string(projected_id());
  auto done = write([&]() -> result<void> {
    auto step = db.drop_pending(keep);
    if (step)
      step = db.set_mark("checkpoint", id);
    if (step)
      step = db.set_mark("projected", id);
    if (step && !boot_id.empty())
      step = db.set_mark("boot_id", boot_id);
    return step;
  });
  if (done)
    pending_bytes = 0;
  return done;
}

result<prepared> journal::impl::prepare_one(const append& a,
                                            std::map<std::string, chain_tip>& tips) {
  auto known = chains.find(a.task);
  if (known != chains.end() && known->second.is_damaged)
    return fail(
        fault::refused,
        fmt::format("append {}: its ledger is damaged; see `scheduler verify {}`", a.task, a.task),
        "damaged");
  // Several appends of one group may continue each other.
  auto staged = tips.find(a.task);
  static const chain_tip none;
  auto& before = staged != tips.end()    ? staged->second
                 : known != chains.end() ? known->second.tip
                                         : none;
  workshop w{root, keys, opts.hooks, opts.sync_directly_bytes};
  auto p = prepare(w, a, before);
  if (p)
    tips[a.task] = p->tip;
  return p;
}

result<void> journal::impl::commit(const std::vector<prepared>& ready) {
  auto id = at.last_id;
  std::uint64_t bytes = 0;
  auto done = write([&]() -> result<void> {
    for (auto& p : ready) {
      auto first = id + 1;
      for (auto& line : p.lines)
        if (auto added = db.add_line(++id, p.task, line); !added)
          return added;
      for (auto& b : p.pending) {
        if (auto added = db.add_pending(first + b.record, p.task, b.sha256, *b.content); !added)
          return added;
        bytes += b.content->size();
      }
    }
    return db.set_mark("projected", std::to_string(projected_id()));
  });
  if (!done)
    return done;
  pending_bytes += bytes;
  return {};
}

// The records are durable: from here on they are the truth.
void journal::impl::adopt(std::vector<prepared>& ready) {
  for (auto& p : ready) {
    backlog.push_back(projection_of(p, at.last_id + 1));
    at.last_id += p.lines.size();
    records_since_open += p.lines.size();
    auto& c = chains[p.task];
    c.records.insert(c.records.end(), p.records->begin(), p.records->end());
    c.tip = std::move(p.tip);
  }
}

void journal::impl::work_off_backlog() {
  std::set<std::string> blocked;
  std::deque<projection> left;
  for (auto& p : backlog) {
    auto& c = chains[p.task];
    if (c.is_damaged)
      continue;
    auto done = blocked.contains(p.task) ? result<void>(fail(fault::unavailable, ""))
                                         : project(root, keys, c, p);
    if (done)
      continue;
    if (done.error().kind == fault::corrupt) {
      hurt(damage{p.task, std::string(path::journal), done.error().detail});
      continue;
    }
    // A full disk, say: the record stands, its projection is tried again.
    blocked.insert(p.task);
    left.push_back(std::move(p));
  }
  backlog = std::move(left);
}

std::vector<result<appended>> journal::impl::append_group(std::span<const append> group) {
  std::vector<result<appended>> out;
  out.reserve(group.size());
  std::map<std::string, chain_tip> tips;
  std::vector<prepared> ready;
  std::vector<std::size_t> slots;
  if (!lost)
    work_off_backlog();
  for (auto& a : group) {
    auto p = lost ? result<prepared>(tl::make_unexpected(*lost)) : prepare_one(a, tips);
    if (!p && p.error().kind == fault::lost)
      static_cast<void>(give_up(p.error()));
    if (!p) {
      out.push_back(tl::make_unexpected(p.error()));
      continue;
    }
    slots.push_back(out.size());
    out.push_back(appended(p->records));
    ready.push_back(std::move(*p));
  }
  if (ready.empty())
    return out;
  auto done = lost ? result<void>(tl::make_unexpected(*lost)) : commit(ready);
  if (!done) {
    for (auto& p : ready)
      for (auto& s : p.staged)
        root.discard(s.temp);
    for (auto slot : slots)
      out[slot] = tl::make_unexpected(done.error());
    return out;
  }
  adopt(ready);
  if (opts.hooks.after_commit)
    opts.hooks.after_commit(records_since_open);
  work_off_backlog();
  // The group is durable whatever becomes of the checkpoint: a failed one is
  // what the next append hears of.
  if (pending_bytes >= opts.checkpoint_bytes && backlog.empty())
    static_cast<void>(checkpoint({}));
  return out;
}

// -- the public face -----------------------------------------------------------

journal::journal(std::unique_ptr<impl> i)
    : impl_(std::move(i)) {}
journal::journal(journal&&) noexcept = default;
journal& journal::operator=(journal&&) noexcept = default;
journal::~journal() = default;

result<journal> journal::open(options o, keyring keys) {
  std::error_code error;
  fs::create_directories(o.root, error);
  if (error)
    return fail(fault::unavailable, fmt::format("mkdir {}: {}", o.root.string(), error.message()));
  auto root = tree::open(o.root, true);
  if (!root)
    return tl::make_unexpected(root.error());
  // SQLite refuses every symlink in the name: those above the root are fine.
  auto real_root = fs::canonical(o.root, error);
  if (error)
    return fail(fault::unavailable, fmt::format("{}: {}", o.root.string(), error.message()));
  auto db = database::open(real_root / own_folder / "ledger.db");
  if (!db)
    return tl::make_unexpected(db.error());
  // The database's own name must outlive a power cut as well as its content.
  for (auto& folder : {real_root / own_folder, real_root, real_root.parent_path()}) {
    unique_fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd)
      return system_failure("open", folder.string(), errno);
    if (auto done = sync(fd.get(), folder.string()); !done)
      return tl::make_unexpected(done.error());
  }
  auto i = std::make_unique<impl>(std::move(o), std::move(keys), std::move(*root), std::move(*db));
  if (auto done = i->recover(); !done)
    return tl::make_unexpected(done.error());
  return journal(std::move(i));
}

std::vector<result<appended>> journal::append_group(std::span<const append> group) {
  return impl_->append_group(group);
}

result<appended> journal::append_one(append a) {
  return std::move(impl_->append_group(std::span<const append>(&a, 1)).front());
}

const std::vector<record>* journal::records_of(std::string_view task) const {
  auto it = impl_->chains.find(task);
  return it == impl_->chains.end() ? nullptr : &it->second.records;
}

std::vector<std::string> journal::tasks() const {
  std::vector<std::string> out;
  for (auto& [task, c] : impl_->chains)
    out.push_back(task);
  return out;
}

const std::vector<damage>& journal::damages() const noexcept {
  return impl_->damages;
}

const std::vector<std::string>& journal::healed() const noexcept {
  return impl_->healed;
}

const keyring& journal::keys() const noexcept {
  return impl_->keys;
}

const fs::path& journal::root() const noexcept {
  return impl_->opts.root;
}

fs::path journal::folder_of(std::string_view task) const {
  return impl_->opts.root / task;
}

result<void> journal::put_note(std::string_view key, std::string_view value) {
  return impl_->write([&] { return impl_->db.put_note(key, value); });
}

result<std::string> journal::note(std::string_view key) const {
  return impl_->db.note(key);
}

result<void> journal::close() {
  auto& i = *impl_;
  if (i.lost)
    return tl::make_unexpected(*i.lost);
  i.work_off_backlog();
  // With a backlog the next start has to find what is missing.
  if (i.backlog.empty())
    if (auto done = i.checkpoint({}); !done)
      return done;
  return i.db.close();
}

} // namespace ledger::disk
