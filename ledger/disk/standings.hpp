// standings.hpp -- where the tasks at rest stand, kept beside the keys.
//
// When a task comes to rest the journal keeps its standing (../standing.hpp) as
// a *row*, with the identity (files.hpp) of its journal.jsonl and the id of its
// last record. Who finds that file as it was need not read it, nor the
// database, nor check a signature: `status` of a hundred thousand tasks.
//
//   1. A row is written by who holds the ledger, after folder, database, head and
//      last signature of the task were found to agree. It holds as long as its
//      journal.jsonl has that identity, no later record of the task is in the
//      database and the list of trusted keys is the same file.
//   2. The file stands in the state folder, where only those write who can sign.
//   3. Nothing depends on it: no gate, no start and no `verify` goes by what it
//      says. (A start carries on the rows of chains that it has found sound itself.)
//      What cannot be written or believed is as if there were none.
//   4. Rows are not synced. Those of another boot are believed only if the journal
//      was *closed* behind them: a power cut may have taken what they tell of.
//   5. *low*: each record with a smaller id is of a task that has a row. A database
//      that is as a closed journal left it has no record that is news.
//
// Private to ledger/disk.

#pragma once

#include "ledger/disk/files.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/disk/tree.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ledger::disk {

struct standings_row {
  std::uint64_t last_id = 0;
  file_identity journal;
  std::string_view text; ///< standing_in() reads it.
};

struct kept_standings {
  std::string content;                                      ///< What the views below are of.
  std::unordered_map<std::string_view, standings_row> rows; ///< By task; the last row of each.
  std::uint64_t low = 0;
  std::uint64_t last_id = 0; ///< The highest of a row.
  /// The database as a closed journal left it; nothing: it was not closed.
  std::optional<file_identity> closed;
};

/// What is kept for this repository and can be believed in the boot `boot_id`;
/// nothing: none.
std::unique_ptr<const kept_standings> read_standings(const keyring& keys, std::string_view boot_id);

/// One row as a line.
std::string row_line(std::uint64_t last_id, const file_identity& journal, std::string_view text);

/// The writer's side. A failure ends it: the file is removed.
class standings_writer {
public:
  /// Begins the file anew with these rows. `keys` must outlive it.
  void begin(const keyring& keys, std::string_view boot_id, const std::vector<std::string>& rows,
             std::uint64_t low);
  void add(const std::vector<std::string>& rows, std::uint64_t low);
  /// The last line. Synced.
  void close(const file_identity& database);

private:
  void write(std::string_view text);
  void give_up() noexcept;

  std::filesystem::path file_;
  unique_fd fd_;
};

} // namespace ledger::disk
