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
//      a folder that lags is completed. What was *settled* (was in the folder
//      for certain) and is missing from it is damage: a line, many, or all of
//      journal.jsonl.
//   3. What the kernel may have lost in a reboot (after the last checkpoint) is
//      written again; within one boot the same sight is damage.
//   4. Signed records name this task and this repository; the first record names
//      the task's branch; the head must lie on the chain. Of the signatures the last
//      one must verify: it covers, by `prev`, every line before it, whose
//      signatures had been checked by who gave it. `verify` checks each.
//   5. The folder is never ahead by design. Beside a database that was there
//      before, lines that only the folder has come from a restored database or
//      from somebody's hand: they are taken (1), and never in silence.
//
// Private to ledger/disk.

#pragma once

#include "ledger/by_path.hpp"
#include "ledger/disk/crew.hpp"
#include "ledger/disk/database.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/keyring.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/record.hpp"
#include "ledger/step_table.hpp"

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
  bool has_head = false; ///< There is a file for it, whether or not it can be read.
  std::optional<signed_head> head;
};

/// How far a task's folder must have followed the database.
struct circumstances {
  bool has_database = false; ///< It was there before this start.
  bool rebooted = false;     ///< Since the folder last followed it.
  marks at;                  ///< The task's own if it is held, else the common ones.

  /// Up to this id, whatever was projected must still be there.
  std::uint64_t settled() const noexcept { return rebooted ? at.checkpoint : at.projected; }
};

/// Those of `task`, in the boot `boot_id` (empty: unknown, taken as the same).
circumstances circumstances_of(const std::string& task, const all_marks& m,
                               std::string_view boot_id);

struct finding {
  std::vector<record> records;
  std::string last_line_sha256;
  std::optional<damage> hurt;
  std::uint64_t journal_bytes = 0; ///< Size of the whole chain as text.
  /// Up to this record the folder must be complete; what later records tell of
  /// may be unfinished in it.
  std::uint64_t settled_seq = 0;
  /// The first record that only the folder has, beside a database that was
  /// there before; 0: none.
  std::uint64_t only_in_folder = 0;

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

/// What journal.jsonl has and the database has not, as a sentence.
std::string told_of_strange_lines(const finding& f);

/// Why `r` cannot be a record of this task: its signature, or whose it is.
std::optional<std::string> not_of_this_task(const record& r, std::string_view task,
                                            const keyring& keys);

/// The contract that a process killed between "put" and "recorded" may have
/// left: these records end in an unjudged answer of the step that wins it, and
/// none of them expects its file. Its answer is judged again. HUMAN_OK, where
/// they end in a task that waits: but for it no answer is on record, so the
/// database must tell that it was about to be put (is_announced).
contract unrecorded_contract(std::string_view task, const std::vector<record>& records);

/// The database's note for a task whose approval is about to be put, and whether
/// what it holds is about the end of `records`.
std::string approval_note(std::string_view task);
bool is_announced(const result<std::string>& note, const std::vector<record>& records);

/// A file that a task's records expect on disk.
struct expectation {
  file_ref file;
  std::uint64_t seq = 0; ///< Of the record that put or moved it there, or added to it.
  bool is_signed = false;
  /// The record whose append began it; 0: it was put, or has moved, and does not
  /// grow (growing.hpp).
  std::uint64_t begun_seq = 0;
};
inline const std::string& path_of(const expectation& e) noexcept {
  return e.file.path;
}
using expected_files = by_path<expectation>;

/// Carries the expectations on by one record. What a stop found missing or
/// altered is expected no longer: it may be written again, never restored.
void expect(expected_files& files, const record& r);
/// Ledger paths that a stop found missing or altered.
std::vector<std::string> gone_of(const record& r);
expected_files expected_after(const std::vector<record>& records);

/// Every task that has a folder or a head: only that is filled in. Links in the
/// place of a task's folder are named in `damages`.
result<std::map<std::string, copies>> tasks_in_sight(const tree& root, const keyring& keys,
                                                     std::vector<damage>& damages);

/// Reads journal and head of a task in sight. What stands in the place of its
/// journal, and a head that cannot be read, are named in `damages`.
result<void> gather_one(const tree& root, const keyring& keys, copies& e,
                        std::vector<damage>& damages);

/// Both, of every task; those that have a folder and nothing else are left out.
result<std::map<std::string, copies>> gather(const tree& root, const keyring& keys, crew& hands,
                                             std::vector<damage>& damages);

/// The kernel's boot id. Errors: unavailable.
result<std::string> kernel_boot_id();

} // namespace ledger::disk
