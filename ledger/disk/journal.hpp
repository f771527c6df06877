// journal.hpp -- the durable journal of all tasks.
//
// The *journal* is `ledger.db` (SQLite, WAL, synchronous=FULL); a task's
// `journal.jsonl` and its files are its *projection* into the readable folder.
// An *append* is a list of drafts for one task that become records together.
// A *group* is what one transaction makes durable: the appends of many tasks.
// A *checkpoint* syncs the projection and then drops the bytes that the
// database held for it. With helpers that goes on beside appends: one that ends late, or
// fails, is heard of by a later append.
//
// Invariants:
//   1. append() returns only after the group is durable (L1).
//   2. Order within a group: new files are put and copies for `old/` linked;
//      then the commit; then the files that grow get their new bytes, the lines are
//      appended to each journal.jsonl, the originals of moved files are removed,
//      signed heads remembered.
//   3. No append overwrites a ledger path that a record still expects: it must
//      move it away in the same or an earlier draft; else refused. A file that an
//      append began is continued only if it is what was recorded, by size and, the
//      first time, by digest; else refused with code "tampered".
//   4. An append names the last record it knows (`after_seq`). If another came
//      in between it is refused with code "stale": a dead actor cannot write.
//   5. Within one boot a recorded file that is missing or differs is never
//      restored. After a reboot, files not yet checkpointed are restored. What a
//      kill can leave of a file that grows is completed: growing.hpp.
//   6. A task whose folder cannot follow (it is damaged, or cannot be written
//      to) loses nothing by it: what its folder lacks stays in the database
//      until it can, however often others checkpoint or the ledger is opened.
//   7. A failure of one append (its files cannot be put) does not touch the
//      others of its group; a failed commit fails the whole group; a failed
//      fsync is `lost` and the journal refuses everything afterwards (L6).
//
// One thread at a time.

#pragma once

#include "ledger/disk/keyring.hpp"
#include "ledger/record.hpp"
#include "ledger/result.hpp"
#include "ledger/standing.hpp"
#include "ledger/state.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace ledger::disk {

struct append {
  std::string task;
  std::uint64_t after_seq = 0;
  std::vector<draft> drafts; ///< At least one.
  /// What the records up to after_seq fold to, if the caller has it and this may end the
  /// task: then nobody reads and folds them again to tell where it stands.
  std::shared_ptr<const task_state> before = nullptr;
};

/// The records of one append, in order; shared because they travel to actors.
using appended = std::shared_ptr<const std::vector<record>>;

/// Seams for the tests: called at the named points if set.
struct journal_hooks {
  std::function<std::int64_t()> now_ms; ///< Unix time; unset: the clock.
  std::function<std::string()> boot_id; ///< Unset: the kernel's.
  std::function<result<void>(const std::string& path)> before_put;
  std::function<void(std::uint64_t records)> after_commit; ///< Total since open.
  /// The errno that a sync of the ledger's file `name` ("": of its whole file
  /// system) shall fail with; 0: ask the kernel.
  std::function<int(std::string_view name)> sync_error;
};

/// A task's chain as a reader finds it.
struct chain_state {
  std::vector<record> records;
  /// What records after this one tell of may be unfinished in the folder: the
  /// next start finishes it.
  std::uint64_t settled_seq = 0;
};

/// Something in the ledger that is not as it was written.
struct damage {
  std::string task;
  std::string file; ///< Ledger path or file name; never empty.
  std::string why;
};

class journal {
public:
  struct options {
    std::filesystem::path root; ///< `.ai-stack-trace`; made if missing.
    journal_hooks hooks;
    std::uint64_t checkpoint_bytes = 8 * 1024 * 1024;
    /// Larger files bypass the database. What is appended to a file never does.
    std::uint64_t sync_directly_bytes = 1024 * 1024;
    /// Threads that put and complete files of a group's tasks beside the caller's, and
    /// whether a checkpoint's sync has one; none where hooks are set that must be called
    /// one at a time.
    std::size_t helpers = 0;
  };

  /// A helper for each processor but the caller's, at most three.
  static std::size_t usual_helpers() noexcept;

  /// Opens or makes the journal and recovers every task (L3, L9 aside).
  /// Damage to single tasks is not an error here: see damages(). Errors:
  /// corrupt (the database is no database), unavailable, lost.
  static result<journal> open(options o, keyring keys);

  journal(journal&&) noexcept;
  journal& operator=(journal&&) noexcept;
  ~journal(); ///< Closes without a checkpoint; see close().

  /// Makes one group durable. One result for each append, in their order.
  std::vector<result<appended>> append_group(std::span<const append* const> group);
  std::vector<result<appended>> append_group(std::span<const append> group);

  /// For callers with a single append.
  result<appended> append_one(append a);

  /// The records of a task, until the journal is used again; null: never heard of.
  /// They are read from its folder: none, if they cannot be read, or are no longer what
  /// was recorded, which is damage.
  const std::vector<record>* records_of(std::string_view task) const;

  /// All tasks, sorted.
  std::vector<std::string> tasks() const;

  /// What recovery found and could not accept, by task.
  const std::vector<damage>& damages() const noexcept;

  /// What recovery completed, or took from the folders: sentences for the log.
  const std::vector<std::string>& healed() const noexcept;

  /// Whether the folder of a task is still to follow its records: whoever reads
  /// it does not find what was appended. Not of a damaged task, which never will.
  bool lags(std::string_view task) const;
  /// Tries again what a folder lacks, without appending anything.
  void catch_up();

  /// Why a folder does not follow its records, or why no checkpoint is made, at
  /// the moment: tried again with every group. Null: all is well.
  const failure* trouble() const noexcept;

  /// How long the disk took to make the last group durable, which costs the same for
  /// one append and for a thousand.
  std::chrono::microseconds commit_took() const noexcept;

  const keyring& keys() const noexcept;
  const std::filesystem::path& root() const noexcept;
  std::filesystem::path folder_of(std::string_view task) const;

  /// A small value that is not a task's: results of base checks. Durable on
  /// return.
  result<void> put_note(std::string_view key, std::string_view value);
  /// Errors: not_found.
  result<std::string> note(std::string_view key) const;

  /// Checkpoint, then close: everything is refused afterwards. Errors: lost;
  /// unavailable, if a folder could not be completed (the next start tries
  /// again) or the checkpoint failed (still open).
  result<void> close();

private:
  struct impl;
  explicit journal(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

/// Every task's chain, read without writing anything: for status, show and
/// verify. Works beside a running scheduler. Errors: not_found (no ledger),
/// corrupt, unavailable.
struct snapshot {
  std::map<std::string, chain_state> tasks;
  std::vector<damage> damages;
};
result<snapshot> read_snapshot(const std::filesystem::path& root, const keyring& keys);

/// Where every task stands, as a snapshot would show it. What was found sound when
/// a task came to rest is not gone through again while its journal.jsonl is the
/// same file: standings.hpp says what holds. Errors: as of read_snapshot.
struct overview {
  std::map<std::string, standing> standings;
  std::vector<damage> damages;
};
result<overview> read_overview(const std::filesystem::path& root, const keyring& keys);

/// journal::note() for who must not write. Errors: not_found, corrupt,
/// unavailable.
result<std::string> read_note(const std::filesystem::path& root, std::string_view key);

} // namespace ledger::disk
