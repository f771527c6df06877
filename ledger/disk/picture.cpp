#include "ledger/disk/picture.hpp"

#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace ledger::disk {

namespace fs = std::filesystem;

namespace {

constexpr int readings_max = 3;

// A checkpoint of SQLite while we read would tear the picture: it changes the
// database file, or starts the log again with another salt.
struct fingerprint {
  std::optional<file_identity> db;
  std::string log_header;
  bool operator==(const fingerprint&) const = default;
};

fingerprint fingerprint_of(const fs::path& db) {
  fingerprint out{identity_of(db), {}};
  unique_fd fd(
      ::open((db.string() + "-wal").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char header[32];
  if (auto n = fd ? ::read(fd.get(), header, sizeof header) : 0; n > 0)
    out.log_header.assign(header, static_cast<std::size_t>(n));
  return out;
}

result<void> read_once(const fs::path& file,
                       const std::function<result<void>(const database&)>& read) {
  auto db = database::open_to_read(file);
  if (!db)
    return tl::make_unexpected(db.error());
  return db->is_new() ? result<void>{} : read(*db);
}

} // namespace

fs::path database_of(const fs::path& root) {
  return root / own_folder / "ledger.db";
}

result<void> read_database(const fs::path& root,
                           const std::function<result<void>(const database&)>& read) {
  auto file = database_of(root);
  std::error_code error;
  if (fs::symlink_status(file, error).type() == fs::file_type::not_found)
    return {};
  result<void> done;
  for (int i = 0; i < readings_max; ++i) {
    auto before = fingerprint_of(file);
    done = read_once(file, read);
    if (before == fingerprint_of(file))
      return done;
  }
  return done ? fail(
             fault::unavailable,
             fmt::format("{}: cannot be read while it is written to; try again", file.string()))
              : done;
}

result<stored_state> read_stored(const fs::path& root, bool is_checked, std::uint64_t from_id,
                                 const database::line_filter& keep) {
  stored_state out;
  auto done = read_database(root, [&](const database& db) -> result<void> {
    if (auto sound = is_checked ? db.check() : result<void>{}; !sound)
      return sound;
    auto marked = db.read_marks();
    auto lines = db.lines(from_id, keep);
    if (!marked || !lines)
      return tl::make_unexpected(marked ? lines.error() : marked.error());
    out = {std::move(*marked), std::move(*lines)};
    return {};
  });
  if (!done)
    return tl::make_unexpected(done.error());
  return out;
}

void take_stored(const tree& t, copies& e, std::vector<stored_line> stored) {
  e.stored = std::move(stored);
  e.has_folder = t.has_folder(e.task);
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

bool tell(const std::string& task, const finding& f, bool is_named, std::vector<damage>& damages) {
  if (f.hurt && !is_named)
    damages.push_back(*f.hurt);
  if (!f.hurt && f.only_in_folder != 0)
    damages.push_back(damage{task, std::string(path::journal), told_of_strange_lines(f)});
  return f.hurt || is_named || !f.records.empty();
}

} // namespace ledger::disk
