#include "ledger/disk/database.hpp"

#include "ledger/disk/files.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cassert>
#include <utility>

namespace ledger::disk {

namespace {

constexpr int schema_version = 1;
constexpr int busy_ms = 5000;

// No index on records: the journal holds every chain in memory, and a table
// that only grows at its end costs one page a commit.
constexpr const char* schema = R"(
  CREATE TABLE records (id INTEGER PRIMARY KEY, task TEXT NOT NULL, line TEXT NOT NULL);
  CREATE TABLE pending (id INTEGER NOT NULL, task TEXT NOT NULL, sha256 TEXT NOT NULL,
                        content BLOB NOT NULL);
  CREATE TABLE marks (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  PRAGMA user_version = 1;
)";

constexpr std::string_view held_prefix = "held ";

/// The number at the front of `text`; it and the blank behind it are taken off.
std::uint64_t take_number(std::string_view& text) noexcept {
  std::uint64_t n = 0;
  for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1))
    n = n * 10 + static_cast<std::uint64_t>(text.front() - '0');
  if (!text.empty())
    text.remove_prefix(1);
  return n;
}

fault fault_of(int code) noexcept {
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return fault::corrupt;
    case SQLITE_IOERR:
      // NOMEM wrote nothing; every other I/O error leaves the outcome unknown.
      return code == SQLITE_IOERR_NOMEM ? fault::unavailable : fault::lost;
    default:
      return fault::unavailable;
  }
}

} // namespace

struct database::impl {
  std::string name;
  sqlite3* db = nullptr;
  bool is_new = false;

  impl() = default;
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;
  ~impl() {
    finalize();
    sqlite3_close_v2(db);
  }

  tl::unexpected<failure> error(int code) const {
    auto remedy = fault_of(code) == fault::corrupt
                      ? "; move it away: the state is rebuilt from the tasks' folders"
                      : "";
    return fail(fault_of(code),
                fmt::format("{}: {} ({}){}", name, db ? sqlite3_errmsg(db) : sqlite3_errstr(code),
                            code, remedy),
                (code & 0xff) == SQLITE_FULL ? std::string{disk_full_code} : std::string{});
  }

  // The text of a statement is its key: literals, one address each.
  sqlite3_stmt* prepared(const char* sql) {
    for (auto& [text, statement] : statements)
      if (text == sql)
        return statement;
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK)
      return nullptr;
    statements.emplace_back(sql, made);
    return made;
  }

  void finalize() noexcept {
    for (auto& [text, statement] : statements)
      sqlite3_finalize(statement);
    statements.clear();
  }

  result<void> run(const char* sql) {
    int code = sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
      return error(sqlite3_extended_errcode(db));
    return {};
  }

private:
  std::vector<std::pair<const char*, sqlite3_stmt*>> statements;
};

namespace {

// A prepared statement in use; reset when it goes out of scope.
class use {
public:
  explicit use(sqlite3_stmt* s)
      : s_(s) {}
  use(const use&) = delete;
  use& operator=(const use&) = delete;
  ~use() {
    sqlite3_reset(s_);
    sqlite3_clear_bindings(s_);
  }
  explicit operator bool() const noexcept { return s_ != nullptr; }
  void number(int at, std::uint64_t value) {
    sqlite3_bind_int64(s_, at, static_cast<sqlite3_int64>(value));
  }
  // The caller's bytes outlive the step: nothing is copied.
  void text(int at, std::string_view value) {
    sqlite3_bind_text64(s_, at, value.data() ? value.data() : "", value.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void blob(int at, std::string_view value) {
    sqlite3_bind_blob64(s_, at, value.data() ? value.data() : "", value.size(), SQLITE_STATIC);
  }
  int step() { return sqlite3_step(s_); }
  std::uint64_t number_in(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(s_, column));
  }
  std::string bytes_in(int column) const {
    auto* data = static_cast<const char*>(sqlite3_column_blob(s_, column));
    auto size = static_cast<std::size_t>(sqlite3_column_bytes(s_, column));
    return data ? std::string(data, size) : std::string{};
  }

private:
  sqlite3_stmt* s_;
};

} // namespace

database::database(std::unique_ptr<impl> i)
    : impl_(std::move(i)) {}
database::database(database&&) noexcept = default;
database& database::operator=(database&&) noexcept = default;
database::~database() = default;

result<database> database::open(const std::filesystem::path& file) {
  auto i = std::make_unique<impl>();
  i->name = file.string();
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
              | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  if (int code = sqlite3_open_v2(i->name.c_str(), &i->db, flags, nullptr); code != SQLITE_OK)
    return i->error(code);
  sqlite3_busy_timeout(i->db, busy_ms);
  // journal_size_limit stays unset: the WAL keeps its full size and is reused.
  for (auto* sql : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                    "PRAGMA wal_autocheckpoint = 4096"})
    if (auto done = i->run(sql); !done)
      return tl::make_unexpected(done.error());
  int version = -1;
  if (auto s = use(i->prepared("PRAGMA user_version")); s && s.step() == SQLITE_ROW)
    version = static_cast<int>(s.number_in(0));
  if (version < 0)
    return i->error(sqlite3_extended_errcode(i->db));
  if (version > schema_version)
    return fail(fault::refused,
                fmt::format("{} was written by a newer version of this program (schema {}, this "
                            "one knows {}); use that version",
                            i->name, version, schema_version));
  i->is_new = version == 0;
  if (i->is_new) {
    auto made = i->run("BEGIN IMMEDIATE");
    if (made)
      made = i->run(schema);
    if (made)
      made = i->run("COMMIT");
    if (!made)
      return tl::make_unexpected(made.error());
  }
  return database(std::move(i));
}

namespace {

// SQLite decodes %xx and ends the path at `?` or `#`.
std::string uri_of(const std::filesystem::path& file) {
  std::string out = "file:";
  for (auto c : file.string())
    if (c == '%' || c == '?' || c == '#')
      out += fmt::format("%{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  return out;
}

// Without a log there is nothing but the file. With one, `unix-none` takes no
// lock, and the exclusive mode keeps the index of the log in memory instead of in
// a file beside it.
std::pair<std::string, const char*> how_to_read(const std::filesystem::path& file) {
  bool has_log = database::has_log(file);
  return {uri_of(file) + (has_log ? "?mode=ro&vfs=unix-none" : "?mode=ro&immutable=1"),
          has_log ? "PRAGMA locking_mode = EXCLUSIVE" : "PRAGMA locking_mode = NORMAL"};
}

} // namespace

bool database::has_log(const std::filesystem::path& file) {
  auto log = identity_of(std::filesystem::path(file.string() + "-wal"));
  return log && log->size != 0;
}

result<database> database::open_to_read(const std::filesystem::path& file) {
  auto i = std::make_unique<impl>();
  i->name = file.string();
  if (!identity_of(file))
    return fail(fault::corrupt, fmt::format("{}: it is no regular file", i->name));
  auto [uri, mode] = how_to_read(file);
  int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (int code = sqlite3_open_v2(uri.c_str(), &i->db, flags, nullptr); code != SQLITE_OK)
    return i->error(code);
  // Or the last reader to go would work the log into the file.
  sqlite3_db_config(i->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto done = i->run(mode); !done)
    return tl::make_unexpected(done.error());
  int version = -1;
  if (auto s = use(i->prepared("PRAGMA user_version")); s && s.step() == SQLITE_ROW)
    version = static_cast<int>(s.number_in(0));
  if (version < 0)
    return i->error(sqlite3_extended_errcode(i->db));
  if (version > schema_version)
    return fail(fault::refused, "ledger.db was written by a newer version of this program; use "
                                "that version");
  i->is_new = version == 0;
  return database(std::move(i));
}

result<void> database::check() const {
  std::string verdict;
  if (auto s = use(impl_->prepared("PRAGMA quick_check(1)")); s && s.step() == SQLITE_ROW)
    verdict = s.bytes_in(0);
  if (verdict != "ok")
    return fail(fault::corrupt,
                fmt::format("ledger.db: {}", verdict.empty() ? "cannot be read" : verdict));
  return {};
}

bool database::is_new() const noexcept {
  return impl_->is_new;
}

result<all_marks> database::read_marks() const {
  all_marks out;
  use s(impl_->prepared("SELECT key, value FROM marks"));
  int code = s ? s.step() : SQLITE_ERROR;
  for (; code == SQLITE_ROW; code = s.step()) {
    auto key = s.bytes_in(0);
    auto value = s.bytes_in(1);
    std::string_view rest = value;
    if (key == "boot_id")
      out.common.boot_id = value;
    else if (key == "projected")
      out.common.projected = take_number(rest);
    else if (key == "checkpoint")
      out.common.checkpoint = take_number(rest);
    else if (key.starts_with(held_prefix)) {
      auto& m = out.held[key.substr(held_prefix.size())];
      m.projected = take_number(rest);
      m.checkpoint = take_number(rest);
      m.boot_id = rest;
    }
  }
  if (code != SQLITE_DONE)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  use last(impl_->prepared("SELECT max(id) FROM records"));
  if (!last || last.step() != SQLITE_ROW)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  out.last_id = last.number_in(0);
  return out;
}

result<std::map<std::string, std::vector<stored_line>>>
database::lines(std::uint64_t from_id, const line_filter& keep) const {
  std::map<std::string, std::vector<stored_line>> out;
  use s(impl_->prepared("SELECT id, task, line FROM records WHERE id >= ? ORDER BY id"));
  if (s)
    s.number(1, from_id);
  int code = s ? s.step() : SQLITE_ERROR;
  for (; code == SQLITE_ROW; code = s.step()) {
    auto id = s.number_in(0);
    auto task = s.bytes_in(1);
    if (!keep || keep(id, task))
      out[std::move(task)].push_back(stored_line{id, s.bytes_in(2)});
  }
  if (code != SQLITE_DONE)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  return out;
}

result<std::optional<std::string>> database::pending(std::string_view task,
                                                     std::string_view sha256) const {
  use s(impl_->prepared("SELECT content FROM pending WHERE task = ? AND sha256 = ? LIMIT 1"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.text(1, task);
  s.text(2, sha256);
  int code = s.step();
  if (code == SQLITE_ROW)
    return std::optional<std::string>(s.bytes_in(0));
  if (code == SQLITE_DONE)
    return std::optional<std::string>{};
  return impl_->error(sqlite3_extended_errcode(impl_->db));
}

result<std::uint64_t> database::pending_bytes() const {
  use s(impl_->prepared("SELECT coalesce(sum(length(content)), 0) FROM pending"));
  if (!s || s.step() != SQLITE_ROW)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  return s.number_in(0);
}

result<void> database::begin() {
  return impl_->run("BEGIN IMMEDIATE");
}

result<void> database::add_line(std::uint64_t id, std::string_view task, std::string_view line) {
  use s(impl_->prepared("INSERT INTO records (id, task, line) VALUES (?, ?, ?)"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.number(1, id);
  s.text(2, task);
  s.text(3, line);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::add_pending(std::uint64_t id, std::string_view task, std::string_view sha256,
                                   std::string_view content) {
  use s(impl_->prepared("INSERT INTO pending (id, task, sha256, content) VALUES (?, ?, ?, ?)"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.number(1, id);
  s.text(2, task);
  s.text(3, sha256);
  s.blob(4, content);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::set_mark(std::string_view key, std::string_view value) {
  use s(impl_->prepared("INSERT OR REPLACE INTO marks (key, value) VALUES (?, ?)"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.text(1, key);
  s.text(2, value);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::set_held(std::string_view task, const marks& m) {
  return set_mark(fmt::format("{}{}", held_prefix, task),
                  fmt::format("{} {} {}", m.projected, m.checkpoint, m.boot_id));
}

result<void> database::drop_held(std::string_view task) {
  use s(impl_->prepared("DELETE FROM marks WHERE key = ?"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  auto key = fmt::format("{}{}", held_prefix, task);
  s.text(1, key);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::drop_pending(std::uint64_t up_to_id) {
  use s(impl_->prepared("DELETE FROM pending WHERE id <= ? AND "
                        "? || task NOT IN (SELECT key FROM marks)"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.number(1, up_to_id);
  s.text(2, held_prefix);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::put_note(std::string_view key, std::string_view value) {
  use s(impl_->prepared("INSERT OR REPLACE INTO notes (key, value) VALUES (?, ?)"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.text(1, key);
  s.text(2, value);
  if (int code = s.step(); code != SQLITE_DONE)
    return impl_->error(code);
  return {};
}

result<void> database::commit() {
  return impl_->run("COMMIT");
}

void database::rollback() noexcept {
  // SQLite may have rolled back by itself (full disk): then there is nothing to do.
  if (!sqlite3_get_autocommit(impl_->db))
    sqlite3_exec(impl_->db, "ROLLBACK", nullptr, nullptr, nullptr);
}

result<std::string> database::note(std::string_view key) const {
  use s(impl_->prepared("SELECT value FROM notes WHERE key = ?"));
  if (!s)
    return impl_->error(sqlite3_extended_errcode(impl_->db));
  s.text(1, key);
  int code = s.step();
  if (code == SQLITE_ROW)
    return s.bytes_in(0);
  if (code == SQLITE_DONE)
    return fail(fault::not_found, fmt::format("no note {}", key));
  return impl_->error(code);
}

result<void> database::close() {
  impl_->finalize();
  if (int code = sqlite3_close(impl_->db); code != SQLITE_OK)
    return impl_->error(code);
  impl_->db = nullptr;
  return {};
}

} // namespace ledger::disk
