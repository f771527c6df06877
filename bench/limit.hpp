// limit.hpp -- what the disk gives to whoever only writes files.
//
// A *yardstick* writes, for each task, the files that the ledger has of one that
// does well: the same folders, names and sizes, each into a temporary file that is
// renamed, and the lines of its journal appended with the files that they tell of.
// It schedules nothing, hashes nothing, signs nothing and keeps no database. Its
// *round* is one answer of each task of a batch of 256, as many as the ledger
// makes durable together at most times.
//
//   1. None of the product's code writes: what is to be written is learnt from one
//      task that went through the pipeline before, and not measured.
//   2. One thread.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

struct written_file {
  std::string path; ///< Below the task's folder.
  std::uint64_t bytes = 0;
};

/// What is written at once: files, and the lines that tell of them and of what
/// came before.
struct written_at_once {
  std::vector<written_file> files;
  std::uint64_t line_bytes = 0;
};

struct written_task {
  std::vector<std::string> folders; ///< Each after the one that holds it.
  std::vector<written_at_once> writes;
  std::uint64_t bytes = 0; ///< Of files and lines together.
  std::size_t files = 0;   ///< The journal counts.
};

/// Of a task in the ledger `root`, which is whole.
written_task read_written_task(const std::filesystem::path& root, const std::string& task);

} // namespace bench
