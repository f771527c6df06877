// growing.hpp -- files that grow by appends.
//
// A *chunk* is what one record added to a file; all chunks of a file in their
// order are its *growth*. A file grows only in its place: what moved is whole,
// and an append to its old name begins another file.
//
//   1. A chunk is in the database with its record (of any size: it cannot be
//      renamed into place), in the file after the commit, and only then is the
//      record's line in journal.jsonl: no line tells of bytes that are not there.
//   2. Until that is done the file is a *part*: chunks from the front to the byte,
//      then at most a beginning of the next one. The chunks of settled records
//      (recovery.hpp), and the first one, which is put like any new file, are
//      always there.
//   3. Within one boot a part is completed, and nothing else: what is neither a
//      part nor whole was somebody's hand, also bytes behind the last chunk, as
//      they would be behind the last line of journal.jsonl.
//   4. After a reboot the chunks that a checkpoint saw must be there to the byte.
//      What follows them is written again, and cut where the records end.
//   5. Where journal.jsonl is the only witness (the database is lost, or older than
//      the folder), bytes behind the last chunk are those of a record that has no
//      line yet, and are cut off, as its unfinished line is.
//
// Private to ledger/disk.

#pragma once

#include "ledger/record.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ledger::disk {

struct chunk {
  std::uint64_t seq = 0; ///< Of the record that brought it.
  std::uint64_t at = 0;
  std::uint64_t bytes = 0;
  std::string sha256;       ///< Of the chunk.
  std::string whole_sha256; ///< Of the file up to its end.
  std::uint64_t end() const noexcept { return at + bytes; }
};

using growth = std::vector<chunk>;

/// By ledger path; what moved is found under its last name.
using growths = std::map<std::string, growth, std::less<>>;

growths growths_after(const std::vector<record>& records);

/// The growth of the file with this digest; null: none ends so.
const growth* growth_to(const growths& all, std::string_view whole_sha256);

/// How many chunks come from records up to this one.
std::size_t settled_chunks(const growth& g, std::uint64_t settled_seq);

/// How many chunks, from the front, `content` has to the byte.
std::size_t chunks_in(std::string_view content, const growth& g);

struct part {
  std::size_t chunks = 0; ///< At least one.
  std::string_view rest;  ///< Behind them.
};

/// `content` taken apart; nothing if a chunk is missing that must be there (2).
/// Whether the rest begins the next chunk only the database can tell.
std::optional<part> part_of(std::string_view content, const growth& g, std::uint64_t settled_seq);

} // namespace ledger::disk
