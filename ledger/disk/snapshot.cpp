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
  circumstances c;
  std::error_code error;
  if (fs::exists(root / own_folder / "ledger.db", error)) {
    private_folder temp;
    if (temp.path().empty())
      return fail(fault::unavailable, "no temporary folder can be made; set TMPDIR");
    auto db = open_copied(root, temp.path());
    if (!db)
      return tl::make_unexpected(db.error());
    c.has_database = !db->is_new();
    auto stored =
        c.has_database ? db->lines() : result<std::map<std::string, std::vector<stored_line>>>{};
    auto marked = c.has_database ? db->read_marks() : result<marks>{};
    if (!stored || !marked)
      return tl::make_unexpected(stored ? marked.error() : stored.error());
    c.at = *marked;
    auto boot = kernel_boot_id();
    c.rebooted = c.has_database && boot && c.at.boot_id != *boot;
    for (auto& [task, lines] : *stored) {
      auto& e = (*tasks)[task];
      e.task = task;
      e.stored = std::move(lines);
      e.has_folder = t->has_folder(task);
      // Begun after we looked at the folders: look again.
      if (auto text = t->read(task + "/" + std::string(path::journal)); !e.journal && text)
        e.journal = std::move(*text);
    }
  }
  for (auto& [task, e] : *tasks) {
    auto f = examine(e, c, keys);
    bool named = false;
    for (auto& d : out.damages)
      named = named || d.task == task;
    if (f.hurt && !named)
      out.damages.push_back(*f.hurt);
    if (f.hurt || named || !f.records.empty())
      out.tasks[task].records = std::move(f.records);
  }
  return out;
}

} // namespace ledger::disk
