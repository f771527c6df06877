// picture.hpp -- reading the ledger beside a scheduler that writes to it.
//
// Folders are read first and the database after them, so that a running
// scheduler can only make the database the longer copy, which is the side that
// wins. What the folders had not got by then is read once more.
//
//   1. Nothing is written, and no lock is taken: a read-only copy will do.
//
// Private to ledger/disk.

#pragma once

#include "ledger/disk/database.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace ledger::disk {

/// ledger.db of the ledger `root`.
std::filesystem::path database_of(const std::filesystem::path& root);

/// Hands ledger.db to `read`, again from the beginning if the writer's checkpoint
/// came in between. Not called if there is no database, or an empty one.
result<void> read_database(const std::filesystem::path& root,
                           const std::function<result<void>(const database&)>& read);

/// What the database holds of the tasks: as of one reading.
struct stored_state {
  all_marks marked;
  std::map<std::string, std::vector<stored_line>> lines; ///< By task.
};

/// The lines from this id on that `keep` says yes to (unset: all); with `is_checked`
/// its structure is looked through first. Nothing of all, if there is no database.
result<stored_state> read_stored(const std::filesystem::path& root, bool is_checked,
                                 std::uint64_t from_id = 0, const database::line_filter& keep = {});

/// Gives `e` what the database has of its task, and the journal as it is by now:
/// what is settled in the database is in the folder, what is newer is none of
/// this picture.
void take_stored(const tree& t, copies& e, std::vector<stored_line> stored);

/// Names what examine() found, unless the task is named already. Whether there is
/// such a task at all.
bool tell(const std::string& task, const finding& f, bool is_named, std::vector<damage>& damages);

} // namespace ledger::disk
