// recovery.hpp -- two copies of a chain, one truth (L3).
//
// Of every task the database and the folder hold a copy of its chain, and the
// state folder its last signed *head*. `examine` compares the three and says
// what stands, what is to be completed on which side, and what is damage. It
// writes nothing: the journal carries the *finding* out, a snapshot only
// reads it.
//
//   1. The chain that extends the other wins; a fork is damage that names both
//      heads.
//   2. The database is ahead by design for an instant (commit, then lines), so
//      a folder that lags is completed. A journal.jsonl that is gone is damage
//      unless no line of it can have been there yet.
//   3. What the kernel may have lost in a reboot (after the last checkpoint) is
//      written again; within one boot the same sight is damage.
//   4. A signed record must verify, and the head must lie on the chain.
//
// Private to ledger/disk.

#pragma once

#include "ledger/disk/database.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/record.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger::disk {

/// What is known of one task before anything is judged.
struct copies {
  std::string task;
  std::vector<stored_line> stored;    ///< Of the database.
  std::optional<std::string> journal; ///< Content of journal.jsonl; nothing: not there.
  bool has_folder = false;
  std::optional<signed_head> head;
};

/// What is known of the ledger as a whole.
struct circumstances {
  bool has_database = false; ///< It was there before this start.
  bool rebooted = false;     ///< Since the database was last written.
  marks at;

  /// Up to this id, whatever was projected must still be there.
  std::uint64_t settled() const noexcept { return rebooted ? at.checkpoint : at.projected; }
};

struct finding {
  std::vector<record> records;
  std::string last_line_sha256;
  std::optional<damage> hurt;
  std::uint64_t journal_bytes = 0; ///< Size of the whole chain as text.

  /// To be done, if not hurt: records from this index on go into the database.
  std::size_t missing_in_database = 0;
  std::size_t in_database = 0;
  /// journal.jsonl keeps so many bytes and gets `journal_tail` behind them.
  std::uint64_t journal_keep = 0;
  std::string journal_tail;
  bool rewrite = false;
  std::string healed; ///< A sentence, if anything is to be done.
};

finding examine(const copies& e, const circumstances& c, const keyring& keys);

/// A file that a task's records expect on disk.
struct expectation {
  file_ref file;
  std::uint64_t seq = 0; ///< Of the record that put or moved it there.
  bool is_signed = false;
};
using expected_files = std::map<std::string, expectation, std::less<>>;

/// Carries the expectations on by one record. What a stop found missing or
/// altered is expected no longer: it may be written again, never restored.
void expect(expected_files& files, const record& r);
/// Ledger paths that a stop found missing or altered.
std::vector<std::string> gone_of(const record& r);
expected_files expected_after(const std::vector<record>& records);

/// The copies of every task in the folders and of the heads; links in the
/// place of a task's folder or journal are named in `damages`.
result<std::map<std::string, copies>> gather(const tree& root, const keyring& keys,
                                             std::vector<damage>& damages);

/// The kernel's boot id. Errors: unavailable.
result<std::string> kernel_boot_id();

} // namespace ledger::disk
