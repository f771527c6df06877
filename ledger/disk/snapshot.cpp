// The reader's side of journal.hpp: read_snapshot. Folders are read first and
// the database after them, so that a running scheduler can only make the
// database the longer copy, which is the side that wins.

#include "ledger/disk/database.hpp"
#include "ledger/disk/files.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

constexpr int copies_max = 3;

class private_folder {
public:
  private_folder() {
    std::error_code error;
    auto pattern = (fs::temp_directory_path(error) / "scheduler-XXXXXX").string();
    if (!error && ::mkdtemp(pattern.data()))
      path_ = pattern;
  }
  private_folder(const private_folder&) = delete;
  private_folder& operator=(const private_folder&) = delete;
  ~private_folder() {
    std::error_code error;
    if (!path_.empty())
      fs::remove_all(path_, error);
  }
  const fs::path& path() const noexcept { return path_; }

private:
  fs::path path_;
};

// A checkpoint of SQLite between the two copies would tear them apart: it
// changes the database file, or starts the log again with another salt.
struct fingerprint {
  std::int64_t changed_s = 0, changed_ns = 0, size = 0;
  std::string log_header;
  bool operator==(const fingerprint&) const = default;
};

fingerprint fingerprint_of(const fs::path& db, const fs::path& log) {
  fingerprint out;
  struct stat st {};
  if (::stat(db.c_str(), &st) == 0)
    out = {st.st_mtim.tv_sec, st.st_mtim.tv_nsec, st.st_size, {}};
  unique_fd fd(::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char header[32];
  if (auto n = fd ? ::read(fd.get(), header, sizeof header) : 0; n > 0)
    out.log_header.assign(header, static_cast<std::size_t>(n));
  return out;
}

result<void> copy_if_there(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(fault::unavailable, fmt::format("read {}: {}", from.string(), error.message()));
  if (error)
    fs::remove(to, error);
  return {};
}

result<database> open_copied(const fs::path& root, const fs::path& folder) {
  auto db = root / own_folder / "ledger.db";
  auto log = root / own_folder / "ledger.db-wal";
  auto out = result<database>(fail(fault::unavailable, fmt::format("{}: cannot be copied while it "
                                                                   "is written to; try again",
                                                                   db.string())));
  for (int i = 0; i < copies_max; ++i) {
    auto before = fingerprint_of(db, log);
    auto done = copy_if_there(db, folder / "ledger.db");
    if (done)
      done = copy_if_there(log, folder / "ledger.db-wal");
    if (!done)
      return tl::make_unexpected(done.error());
    if (before != fingerprint_of(db, log))
      continue;
    out = database::open_copy(folder / "ledger.db");
    if (out || out.error().kind == fault::refused)
      return out;
  }
  return out;
}

using stored_chains = std::map<std::string, std::vector<stored_line>>;

result<std::string> stored_note(const fs::path& root, std::string_view key) {
  private_folder temp;
  if (temp.path().empty())
    return fail(fault::unavailable, "no temporary folder can be made; set TMPDIR");
  auto db = open_copied(root, temp.path());
  if (!db)
    return tl::make_unexpected(db.error());
  if (db->is_new())
    return fail(fault::not_found, fmt::format("no note {}", key));
  return db->note(key);
}

result<stored_chains> stored_state(const fs::path& root, all_marks& marked) {
  private_folder temp;
  if (temp.path().empty())
    return fail(fault::unavailable, "no temporary folder can be made; set TMPDIR");
  auto db = open_copied(root, temp.path());
  if (!db)
    return tl::make_unexpected(db.error());
  if (db->is_new())
    return stored_chains{};
  auto found = db->read_marks();
  if (!found)
    return tl::make_unexpected(found.error());
  marked = std::move(*found);
  return db->lines();
}

// A running scheduler may have written between our look at the folder and the
// copy of the database. What the copy knows as settled is in the folder by now;
// what is newer than the copy is none of this picture.
void look_again(const tree& t, copies& e) {
  auto lines = [](std::string_view text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  };
  if (e.journal && lines(*e.journal) >= e.stored.size())
    return;
  auto text = t.read(e.task + "/" + std::string(path::journal));
  if (!text && text.error().kind == fault::not_found)
    e.journal.reset();
  if (!text)
    return;
  if (lines(*text) >= e.stored.size()) {
    std::size_t end = 0;
    for (std::size_t n = 0; n < e.stored.size(); ++n)
      end = text->find('\n', end) + 1;
    text->resize(end);
  }
  e.journal = std::move(*text);
}

} // namespace

result<snapshot> read_snapshot(const fs::path& root, const keyring& keys) {
  auto t = tree::open(root, false);
  if (!t && t.error().kind == fault::not_found)
    return fail(fault::not_found, fmt::format("there is no ledger {}", root.string()));
  if (!t)
    return tl::make_unexpected(t.error());
  snapshot out;
  auto tasks = gather(*t, keys, out.damages);
  if (!tasks)
    return tl::make_unexpected(tasks.error());
  all_marks marked;
  auto boot = kernel_boot_id().value_or("");
  std::error_code error;
  if (fs::exists(root / own_folder / "ledger.db", error)) {
    auto db = stored_state(root, marked);
    if (!db)
      return tl::make_unexpected(db.error());
    for (auto& [task, lines] : *db) {
      auto& e = (*tasks)[task];
      e.task = task;
      e.stored = std::move(lines);
      e.has_folder = t->has_folder(task);
      look_again(*t, e);
    }
  }
  for (auto& [task, e] : *tasks) {
    auto f = examine(e, circumstances_of(task, marked, boot), keys);
    auto is_named = std::any_of(out.damages.begin(), out.damages.end(),
                                [&, name = task](auto& d) { return d.task == name; });
    if (f.hurt && !is_named)
      out.damages.push_back(*f.hurt);
    if (!f.hurt && f.only_in_folder != 0)
      out.damages.push_back(damage{task, std::string(path::journal), told_of_strange_lines(f)});
    if (f.hurt || is_named || !f.records.empty())
      out.tasks[task] = chain_state{std::move(f.records), f.settled_seq};
  }
  return out;
}

result<std::string> read_note(const fs::path& root, std::string_view key) {
  std::error_code error;
  if (!fs::exists(root / own_folder / "ledger.db", error))
    return fail(fault::not_found, fmt::format("there is no ledger {}", root.string()));
  return stored_note(root, key);
}

} // namespace ledger::disk
