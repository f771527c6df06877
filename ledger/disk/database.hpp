// database.hpp -- ledger.db: tables and statements, and nothing that decides.
//
// Every line of every journal stands in `records` in the order of its commit;
// its *id* grows by one and is never reused. `pending` holds the bytes of
// files, and of what files got at their end, that no checkpoint has seen. `marks` holds three
// facts:
//   boot_id     the boot in which the ledger was last opened
//   projected   up to this id, journal.jsonl and the moves were done
//   checkpoint  up to this id, everything is on the disk itself
// A task whose folder could not follow (it is damaged, or could not be written
// to) is *held*: it keeps the marks of the moment at which it fell behind.
//
//   1. A failed commit is rolled back: either all of a group is there or none.
//   2. An I/O error of SQLite is `lost`; a full disk or a locked database is
//      `unavailable`; a file that is no database is `corrupt`.
//
// Private to ledger/disk.

#pragma once

#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace ledger::disk {

struct stored_line {
  std::uint64_t id = 0;
  std::string line;
};

struct marks {
  std::string boot_id; ///< Empty: no start has come to its end yet.
  std::uint64_t projected = 0;
  std::uint64_t checkpoint = 0;
};

struct all_marks {
  marks common;
  std::map<std::string, marks> held; ///< By task.
  std::uint64_t last_id = 0;
};

class database {
public:
  /// Opens or makes it. Errors: corrupt, refused (a newer version's),
  /// unavailable, lost.
  static result<database> open(const std::filesystem::path& file);
  /// To be read where it lies: nothing is written, no lock is taken. What its log
  /// held at the first look is what is read. A writer's checkpoint meanwhile tears
  /// it: the caller has to notice (snapshot.cpp).
  static result<database> open_to_read(const std::filesystem::path& file);

  /// Whether beside the file there is something that is not in it yet.
  static bool has_log(const std::filesystem::path& file);

  database(database&&) noexcept;
  database& operator=(database&&) noexcept;
  ~database();

  bool is_new() const noexcept;
  result<all_marks> read_marks() const;
  /// The lines of each task, from this id on, of those that `keep` says yes to
  /// (unset: all).
  using line_filter = std::function<bool(std::uint64_t id, std::string_view task)>;
  result<std::map<std::string, std::vector<stored_line>>> lines(std::uint64_t from_id = 0,
                                                                const line_filter& keep = {}) const;
  /// Errors: corrupt, if its structure is damaged.
  result<void> check() const;
  /// Bytes of a pending file of `task` with this digest.
  result<std::optional<std::string>> pending(std::string_view task, std::string_view sha256) const;
  result<std::uint64_t> pending_bytes() const;

  result<void> begin();
  result<void> add_line(std::uint64_t id, std::string_view task, std::string_view line);
  result<void> add_pending(std::uint64_t id, std::string_view task, std::string_view sha256,
                           std::string_view content);
  result<void> set_mark(std::string_view key, std::string_view value);
  result<void> set_held(std::string_view task, const marks& m);
  result<void> drop_held(std::string_view task);
  /// Drops the pending bytes of records up to this id, except those of held tasks.
  result<void> drop_pending(std::uint64_t up_to_id);
  result<void> put_note(std::string_view key, std::string_view value);
  result<void> commit(); ///< Durable on return.
  void rollback() noexcept;

  result<std::string> note(std::string_view key) const;
  result<void> close();

private:
  struct impl;
  explicit database(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

} // namespace ledger::disk
