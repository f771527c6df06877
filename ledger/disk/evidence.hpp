// evidence.hpp -- reading from disk what a gate is judged on.
//
// Reads the files that the gate asks for, the contract files and, for a contract that
// stands, the signed line in journal.jsonl that wrote it. Nothing comes from
// memory or from the database: the folder is what the pipeline's rules are
// about. Writes nothing. Blocks.
//
//   1. No link is followed, wherever in the task's folder it stands: what is
//      reached through one is not there, and a contract there is no contract.

#pragma once

#include "ledger/disk/keyring.hpp"
#include "ledger/gate.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace ledger::disk {

/// What lies in `task_folder` for the step at which `s` stands.
gate_evidence collect_evidence(const std::filesystem::path& task_folder, const task_state& s,
                               const keyring& keys, const std::string& config_digest);

/// Ledger paths among `files` at which there is not what was recorded, sorted. A
/// file that grows may lag behind its records (a full disk, say): then it ends
/// where the lines of journal.jsonl say, and is not altered.
std::vector<std::string> altered_files(const std::filesystem::path& task_folder,
                                       const by_path<file_ref>& files);

} // namespace ledger::disk
