// record.hpp -- one line of a task's journal.
//
// A *record* says that something happened to a task. Records of a task form a
// *chain*: each holds the SHA-256 of the line before it. Most are *signed*:
// Ed25519 over the line without its signature. A *draft* is a record that has
// no place in the chain yet; the journal gives it sequence, time, predecessor
// and signature, puts its files into place and makes it durable.
//
// Invariants:
//   1. A line is one JSON object without a newline, its keys in this order:
//      seq, time, event, step, round, attempt, files, detail, prev, sig
//      (sig only where signed).
//   2. parse_line(to_line(r)) == r, and to_line(parse_line(l)) == l for every
//      line that this program wrote: a line in any other spelling is corrupt.
//   3. seq starts at 1 and has no holes; prev of the first is 64 zeros.
//   4. Unknown events and steps are corrupt, never skipped.
//   5. A file that grows is named twice: `files` has all of it as it is after the
//      record, detail.appended the bytes that are new. So whoever looks at
//      `files` needs to know nothing of growing.
//
// Pure.

#pragma once

#include "ledger/result.hpp"
#include "ledger/step_table.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// Keys keep the order in which they were written (invariant 1).
using json = nlohmann::ordered_json;

/// What can happen to a task. The name of each is in every journal: never
/// rename one. transitions.cpp has one function an event, in this order.
enum class event : std::uint8_t {
  opened,       ///< Step 0: the prompt is in the ledger, base and branch are fixed.
  resumed,      ///< A run took up an unfinished task; grants of former runs are void.
  reconfigured, ///< [checks], [scope], [deploy] or [sandbox] changed since.
  granted,      ///< The supervisor let a step begin, on the evidence in detail.
  asked,        ///< A provider is about to be called (L1).
  answered,     ///< Its answer is a file.
  turned,       ///< It called tools: what it said is on record before they run.
  accepted,     ///< The answer passed its validator; a YES wrote its contract.
  said_no,      ///< A valid NO. It always stands.
  rejected,     ///< The validator refused the answer, which moved to old/.
  voided,       ///< Scope breach: the worktree is thrown away.
  failed,       ///< The attempt ended without an answer.
  deferred,     ///< The provider is to be left alone until a time: nobody's attempt.
  fell_back,    ///< The role goes on with its next provider.
  restarted,    ///< The task's actor died and was started again.
  checked,      ///< Test, lint and drift ran on a clean checkout.
  round_opened, ///< A fix is due; the former round's evidence moved to old/.
  placed,       ///< The landing gave the change its base: as it is, or combined with others.
  intended,     ///< Signed: this commit is about to be made.
  committed,    ///< The branch points at the commit.
  built,        ///< The build ran.
  landing,      ///< Signed: the landing branch is about to move onto the commit, or past it;
                ///< or a pull request for it is about to be opened.
  landed,       ///< The branch holds the commit; or the pull request is open.
  deploying,    ///< Signed: this deploy is about to be made.
  deployed,     ///< The service (or folder) has it.
  finished,     ///< Signed: done, or no-change.
  stopped,      ///< A NO in step 2, or a contract missing or forged.
  parked,       ///< A person is needed: reason and remedy in detail.
  awaiting,     ///< A person is to approve the step at hand.
  cancelled,    ///< By a person.
  approved,     ///< By a person: HUMAN_OK for this step and tree.
  retried,      ///< By a person: goes on from a step.
};

std::string_view to_string(event e) noexcept;

/// Whether a record of this event counts only with a signature: everything that
/// brings content, judges it, or opens or closes a way. Without one are only
/// those that say that work began, failed or rests; to add such a line by hand
/// gains nothing, because a step's grant is void in the next run.
bool is_signed(event e) noexcept;

result<event> event_named(std::string_view name);

/// A ledger file as a record names it.
struct file_ref {
  std::string path;   ///< Ledger path.
  std::string sha256; ///< Lower-case hex, of the content.
  std::uint64_t bytes = 0;
  friend bool operator==(const file_ref&, const file_ref&) = default;
};

inline const std::string& path_of(const file_ref& f) noexcept {
  return f.path;
}

struct record {
  std::uint64_t seq = 0;
  std::string time; ///< RFC 3339, UTC, milliseconds.
  event what = event::opened;
  step at = step::ingest;
  std::uint32_t round = 1;
  std::uint32_t attempt = 1;
  std::vector<file_ref> files; ///< New files, with their content.
  json detail = json::object();
  std::string prev; ///< SHA-256 of the line before, hex.
  std::string sig;  ///< Base64; empty if unsigned.
  /// SHA-256 of the line that it was read from or written as, hex; empty: of none
  /// yet. No part of the line, nor of what makes two records equal.
  std::string line_sha256 = {};
  friend bool operator==(const record& a, const record& b);
};

/// A file to be put into the ledger together with a record.
struct file_write {
  std::string path;                           ///< Ledger path.
  std::shared_ptr<const std::string> content; ///< Never null.
};

/// A file that leaves its place because it was rejected or superseded.
/// Recorded as detail.moved = [{from, to, sha256, bytes}].
struct file_move {
  std::string from;
  std::string to;
  std::string sha256;
  std::uint64_t bytes = 0;
};

/// Bytes that a file gets at its end. The first ones make the file; until it
/// moves, later ones continue it.
struct file_append {
  std::string path;                           ///< Ledger path.
  std::shared_ptr<const std::string> content; ///< Neither null nor empty.
};

/// What an append added. Recorded as detail.appended = [{path, at, sha256,
/// bytes}]; the whole file is among the record's files.
struct file_growth {
  std::string path;
  std::uint64_t at = 0; ///< Size of the file before; 0: the record made it.
  std::string sha256;   ///< Of the new bytes alone.
  std::uint64_t bytes = 0;
};

/// A record to be. See the head of this file.
struct draft {
  event what = event::opened;
  step at = step::ingest;
  std::uint32_t round = 1;
  std::uint32_t attempt = 1;
  std::vector<file_write> files;
  std::vector<file_move> moves;
  std::vector<file_append> appends; ///< After the moves.
  json detail = json::object();
  bool sign = false;
};

/// The moves that a record holds in detail.moved.
std::vector<file_move> moves_of(const record& r);

/// The growths that a record holds in detail.appended.
std::vector<file_growth> growths_of(const record& r);

/// `prev` of the first record.
inline constexpr std::string_view no_predecessor =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// The line of `r`, without a newline.
std::string to_line(const record& r);

/// The same, if parse_line reads it again as this record. Errors: corrupt, saying
/// what is wrong with it.
result<std::string> readable_line(const record& r);

/// The bytes that a signature covers: the line of `r` without its sig.
std::string signed_part(const record& r);

/// The record of a line (without its newline). Errors: corrupt, saying what is
/// wrong with it.
result<record> parse_line(std::string_view line);

/// The records of a whole journal file whose chain holds. Errors: corrupt,
/// naming the line. `torn_tail` (may be null) gets the number of bytes after
/// the last newline; they are no part of the chain.
result<std::vector<record>> parse_journal(std::string_view text, std::size_t* torn_tail = nullptr);

/// `2026-11-22T17:14:49.123Z` of milliseconds since 1970.
std::string format_time(std::int64_t unix_ms);

/// The inverse. Errors: corrupt.
result<std::int64_t> parse_time(std::string_view text);

} // namespace ledger
