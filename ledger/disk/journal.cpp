#include "ledger/disk/journal_impl.hpp"

#include "ledger/disk/picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>

namespace ledger::disk {

namespace fs = std::filesystem;

// Runs `body` in a transaction. What is lost stays lost.
result<void> journal::impl::write(const std::function<result<void>()>& body) {
  if (over)
    return tl::make_unexpected(*over);
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
    over = failure{fault::lost, f.detail + "; start again to replay the journal", f.code};
  return tl::make_unexpected(over ? *over : f);
}

void journal::impl::hurt(damage d) {
  chains[d.task].is_damaged = true;
  damages.push_back(std::move(d));
}

void journal::impl::hold(const std::string& task, const marks& since) {
  if (held.try_emplace(task, since).second)
    held_anew.insert(task);
}

bool journal::impl::waits_in_backlog(std::string_view task) const {
  return std::any_of(backlog.begin(), backlog.end(), [&](auto& p) { return p.task == task; });
}

bool journal::impl::lags(const std::string& task) const {
  auto known = chains.find(task);
  return (known != chains.end() && known->second.is_damaged) || waits_in_backlog(task);
}

// An approval follows no answer that is on record: only this tells, after a kill,
// a HUMAN_OK that was about to be recorded from one that a hand wrote.
result<void> journal::impl::announce(const append& a) {
  auto approves = [](auto& d) { return d.what == event::approved; };
  if (std::none_of(a.drafts.begin(), a.drafts.end(), approves))
    return {};
  return write([&] { return db.put_note(approval_note(a.task), std::to_string(a.after_seq)); });
}

// What one thread has to see to before several prepare.
result<void> journal::impl::admit(const append& a) {
  if (over)
    return tl::make_unexpected(*over);
  auto known = chains.find(a.task);
  if (known != chains.end())
    if (auto there = take_up(a.task, known->second); !there)
      return there;
  if (known != chains.end() && known->second.is_damaged)
    return fail(
        fault::refused,
        fmt::format("append {}: its ledger is damaged; see `scheduler verify {}`", a.task, a.task),
        "damaged");
  return announce(a);
}

// `staged`: the tip that the task has in this group; null: none yet.
result<prepared> journal::impl::prepare_one(const append& a, const chain_tip* staged) const {
  auto known = chains.find(a.task);
  static const chain_tip none;
  auto& durable = known != chains.end() ? known->second.tip : none;
  workshop w{root, keys, opts.hooks, opts.sync_directly_bytes};
  return prepare(w, a, staged ? *staged : durable, durable.expected);
}

namespace {

/// The indices of each task's items, in order: one after the other a task's, but
/// beside those of other tasks.
template <class Items, class TaskOf>
std::vector<std::vector<std::size_t>> by_task(const Items& items, TaskOf task_of) {
  std::vector<std::vector<std::size_t>> out;
  std::map<std::string_view, std::size_t> slots;
  for (std::size_t i = 0; i < items.size(); ++i) {
    auto [slot, is_new] = slots.try_emplace(task_of(items[i]), out.size());
    if (is_new)
      out.emplace_back();
    out[slot->second].push_back(i);
  }
  return out;
}

} // namespace

// Several appends of one group may continue each other.
std::vector<result<prepared>> journal::impl::prepare_all(std::span<const append* const> group) {
  std::vector<result<prepared>> out(group.size());
  for (std::size_t i = 0; i < group.size(); ++i)
    if (auto admitted = admit(*group[i]); !admitted)
      out[i] = tl::make_unexpected(admitted.error());
  auto parts = by_task(group, [](auto* a) { return std::string_view{a->task}; });
  hands.share_out(parts.size(), [&](std::size_t part) {
    const chain_tip* staged = nullptr;
    for (auto i : parts[part]) {
      if (out[i])
        out[i] = prepare_one(*group[i], staged);
      if (out[i])
        staged = &out[i]->tip;
    }
  });
  return out;
}

result<void> journal::impl::commit(const std::vector<prepared>& ready) {
  using clock = std::chrono::steady_clock;
  auto id = last_id;
  std::uint64_t bytes = 0;
  clock::time_point told_all;
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
    auto marked = mark_projected(); // Of the groups before: the folders follow this one later.
    told_all = clock::now();
    return marked;
  });
  if (!done)
    return done;
  commit_took = std::chrono::duration_cast<std::chrono::microseconds>(clock::now() - told_all);
  held_anew.clear();
  pending_bytes += bytes;
  return {};
}

// The records are durable: from here on they are the truth.
void journal::impl::adopt(std::vector<prepared>& ready) {
  for (auto& p : ready) {
    backlog.push_back(projection_of(p, last_id + 1));
    last_id += p.lines.size();
    records_since_open += p.lines.size();
    auto& c = chains[p.task];
    if (c.first_id == 0)
      c.first_id = backlog.back().first_id;
    c.last_id = last_id;
    if (!std::exchange(c.is_at_work, true))
      at_work.emplace(c.first_id, p.task);
    c.last = p.records->back().what;
    c.records.push_back(std::move(p.records));
    c.tip = std::move(p.tip);
    c.standing = std::move(p.standing);
  }
}

// What became of each item of the backlog. Behind one that failed, those of its
// task are as if it had failed again.
std::vector<result<void>> journal::impl::project_all() {
  std::vector<result<void>> out(backlog.size());
  auto parts = by_task(backlog, [](auto& p) { return std::string_view{p.task}; });
  hands.share_out(parts.size(), [&](std::size_t part) {
    auto& c = chains.find(backlog[parts[part].front()].task)->second;
    result<void> done;
    for (auto i : parts[part]) {
      if (done && !c.is_damaged)
        done = project(root, keys, c, backlog[i]);
      out[i] = done;
    }
  });
  return out;
}

void journal::impl::work_off_backlog() {
  std::set<std::string> waiting, followed;
  std::deque<projection> left;
  trouble.reset();
  auto results = project_all();
  for (std::size_t i = 0; i < backlog.size(); ++i) {
    auto& p = backlog[i];
    auto& done = results[i];
    if (done)
      followed.insert(p.task);
    if (done || chains[p.task].is_damaged)
      continue;
    if (waiting.insert(p.task).second) {
      hold(p.task, marks{at.boot_id, p.first_id - 1, at.checkpoint});
      if (done.error().kind != fault::unavailable) {
        hurt(damage{p.task, std::string(path::journal), done.error().detail});
        continue;
      }
      // A full disk, say: the record stands, its projection is tried again.
      trouble = failure{done.error().kind,
                        fmt::format("{}: its folder cannot be completed: {}; its records are safe "
                                    "in the database",
                                    p.task, done.error().detail),
                        done.error().code};
    }
    left.push_back(std::move(p));
  }
  backlog = std::move(left);
  for (auto& task : waiting)
    followed.erase(task);
  keep_standings(followed);
  for (auto& task : followed)
    chains[task].records = {};
}

std::vector<result<appended>> journal::impl::append_group(std::span<const append* const> group) {
  std::vector<result<appended>> out;
  out.reserve(group.size());
  std::vector<prepared> ready;
  std::vector<std::size_t> slots;
  if (!over)
    work_off_backlog();
  for (auto& p : prepare_all(group)) {
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
  auto done = over ? result<void>(tl::make_unexpected(*over)) : commit(ready);
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
  // The group is durable whatever becomes of the checkpoint: of a lost one the
  // next append hears, any other is tried again.
  if (auto synced = checkpoint_if_due(); !synced)
    trouble = synced.error();
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
  auto root = tree::open(o.root, true, o.hooks.sync_error);
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

std::size_t journal::usual_helpers() noexcept {
  return std::clamp(std::thread::hardware_concurrency(), 1U, 4U) - 1;
}

std::vector<result<appended>> journal::append_group(std::span<const append* const> group) {
  return impl_->append_group(group);
}

std::vector<result<appended>> journal::append_group(std::span<const append> group) {
  std::vector<const append*> all;
  for (auto& a : group)
    all.push_back(&a);
  return impl_->append_group(all);
}

result<appended> journal::append_one(append a) {
  return std::move(append_group(std::span<const append>(&a, 1)).front());
}

const std::vector<record>* journal::records_of(std::string_view task) const {
  auto it = impl_->chains.find(task);
  if (it == impl_->chains.end())
    return nullptr;
  static_cast<void>(impl_->recall(it->first, it->second));
  static const std::vector<record> none;
  return it->second.holds_all() ? it->second.records.front().get() : &none;
}

std::vector<std::string> journal::tasks() const {
  std::vector<std::string> out;
  for (auto& [task, c] : impl_->chains)
    out.push_back(task);
  std::sort(out.begin(), out.end());
  return out;
}

const std::vector<damage>& journal::damages() const noexcept {
  return impl_->damages;
}

const std::vector<std::string>& journal::healed() const noexcept {
  return impl_->healed;
}

bool journal::lags(std::string_view task) const {
  return impl_->waits_in_backlog(task);
}

void journal::catch_up() {
  if (!impl_->over)
    impl_->work_off_backlog();
}

const failure* journal::trouble() const noexcept {
  return impl_->trouble ? &*impl_->trouble : nullptr;
}

std::chrono::microseconds journal::commit_took() const noexcept {
  return impl_->commit_took;
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
  if (impl_->is_closed)
    return tl::make_unexpected(*impl_->over);
  return impl_->db.note(key);
}

result<void> journal::close() {
  auto& i = *impl_;
  if (i.is_closed)
    return {};
  if (i.over)
    return tl::make_unexpected(*i.over);
  i.work_off_backlog();
  if (auto done = i.checkpoint(); !done)
    return done;
  if (auto done = i.db.close(); !done)
    return done;
  if (auto left = identity_of(database_of(i.opts.root)))
    i.standings.close(*left);
  i.is_closed = true;
  i.over = failure{fault::refused, "the ledger is closed: nothing can be recorded any more", {}};
  // The next start finds what is missing. But nobody shall think that all is well.
  if (i.trouble)
    return tl::make_unexpected(*i.trouble);
  return {};
}

} // namespace ledger::disk
