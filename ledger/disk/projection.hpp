// projection.hpp -- from an append to records, and from records to the folder.
//
// A *chain* is what the journal knows of one task. Preparing an append puts
// its files and gives a *prepared* append, which the database then makes
// durable; *projecting* it afterwards completes the task's folder.
//
//   1. Preparing replaces no file that a record expects. A new file at such a
//      path (its predecessor moves away in the same append, or in an earlier one
//      of the group) is only *staged*; its name changes hands after the commit. So a process killed
//      in between leaves every recorded file as it was.
//   2. Preparing changes no chain: an append that fails half-way leaves orphans
//      at paths that no record expects, and nothing else.
//   3. Projecting can be repeated: what is done is not done again.
//   4. The append that begins a file puts it (1 holds for it). One that continues a
//      file writes nothing before the commit, but the file must be what was
//      recorded: the first time in a process its digest is compared, and kept as a
//      running sum; from then on its size. Projecting writes the chunk where the
//      recorded size ends, before the lines.
//   5. A file whose chunks wait (for the commit, or for room on the disk) is not
//      linked when it moves but written anew and synced: its name in `old/` has
//      all of it, and the chunks that waited are dropped.
//
// Private to ledger/disk.

#pragma once

#include "ledger/digest.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/disk/recovery.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/rare.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ledger::disk {

using content_ptr = std::shared_ptr<const std::string>;

/// A file that this process appends to.
struct open_file {
  sha256_stream sum;                  ///< Of all of it.
  std::uint64_t on_disk = 0;          ///< Its size, as far as projected.
  std::vector<content_ptr> waiting{}; ///< The chunks behind that, in order.
};

/// The end of a chain: all that a next record depends on.
struct chain_tip {
  std::uint64_t seq = 0;
  std::string line_sha256{no_predecessor};
  std::int64_t time_ms = 0;
  expected_files expected;
  /// Files of this group whose name changes hands after the commit.
  sparse<std::map<std::string, content_ptr, std::less<>>> late;
  /// Empty for a task that appends to nothing.
  sparse<std::map<std::string, open_file, std::less<>>> growing;
};

struct chain {
  /// The last records, in order and without a gap. The first ones may be missing:
  /// journal.jsonl has them. What it has not got yet is here.
  std::vector<appended> records;
  bool holds_all() const { return !records.empty() && records.front()->front().seq == 1; }
  event last = event::opened; ///< Of the last record.
  std::string standing;       ///< Its text (standing.hpp), if the last append ended the task.
  chain_tip tip;
  std::uint64_t first_id = 0, last_id = 0; ///< In the database; 0: none.
  std::uint64_t journal_bytes = 0;         ///< Of journal.jsonl, as far as projected.
  /// Neither records nor expected files are held; the tip knows the last line.
  bool is_put_away = false;
  bool is_at_work = false; ///< It has no row (standings.hpp).
  bool is_damaged = false;
};

/// Looked into some five times a record by the one thread that writes: with a hundred
/// thousand tasks a tree would make that a tenth of its time.
struct task_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view task) const noexcept {
    return std::hash<std::string_view>{}(task);
  }
};
using chains_by_task = std::unordered_map<std::string, chain, task_hash, std::equal_to<>>;

struct pending_bytes {
  std::size_t record = 0; ///< Index in prepared::records.
  std::string sha256;     ///< Of a whole file, or of a chunk.
  content_ptr content;
};

struct staged_file {
  std::string path; ///< Ledger path.
  std::string temp;
  std::string sha256;
  std::uint64_t begun_seq = 0; ///< As in expectation.
};

struct waiting_chunk {
  std::string path; ///< Ledger path.
  std::uint64_t begun_seq = 0;
  std::uint64_t at = 0;
  content_ptr content;
};

struct prepared {
  std::string task;
  std::shared_ptr<std::vector<record>> records = std::make_shared<std::vector<record>>();
  std::vector<std::string> lines;
  std::vector<pending_bytes> pending;
  std::vector<staged_file> staged;
  std::vector<waiting_chunk> chunks;
  std::vector<std::string> originals; ///< Ledger paths that moves left.
  chain_tip tip;                      ///< After the append.
  std::string standing;               ///< As in chain.
};

struct workshop {
  const tree& root;
  const keyring& keys;
  const journal_hooks& hooks;
  std::uint64_t sync_directly_bytes;
};

/// `before` is the tip in this group, `durable` what the records expect that are
/// durable already. Errors: refused (codes stale, occupied, tampered,
/// malformed), unavailable, lost. Does not look at damage: the caller does.
result<prepared> prepare(const workshop& w, const append& a, const chain_tip& before,
                         const expected_files& durable);

/// What is left to do in a task's folder.
struct projection {
  std::string task;
  std::uint64_t first_id = 0;
  std::string lines;
  std::vector<staged_file> staged;
  std::vector<waiting_chunk> chunks;
  std::vector<std::string> originals;
  std::optional<signed_head> head;
};

projection projection_of(prepared& p, std::uint64_t first_id);

/// Errors: corrupt (the folder was tampered with), unavailable (try again).
result<void> project(const tree& root, const keyring& keys, chain& c, projection& p);

/// Completes the files of a task whose last records the folder may lag behind:
/// see recovery.hpp, invariant 3, and growing.hpp. What moves comes first, so that
/// no new file takes the place of one that has no other name yet. Returns
/// sentences.
result<std::vector<std::string>> heal_files(const tree& root, const database& db, const copies& e,
                                            const finding& f, const circumstances& c);

/// Removes the originals of what moved, once journal.jsonl tells of it. Returns
/// sentences.
result<std::vector<std::string>> heal_originals(const tree& root, const database& db,
                                                const copies& e, const finding& f,
                                                const circumstances& c);

/// Cuts what stands behind the last chunk of a file, where journal.jsonl is the
/// only witness (growing.hpp, 5). Returns sentences.
result<std::vector<std::string>> cut_unrecorded_tails(const tree& root, const copies& e,
                                                      const finding& f, const circumstances& c);

/// Removes the contract's file that unrecorded_contract() tells of, if it has
/// exactly its bytes. Returns sentences.
result<std::vector<std::string>> drop_unrecorded_contract(const tree& root, const database& db,
                                                          const copies& e, const finding& f);

} // namespace ledger::disk
