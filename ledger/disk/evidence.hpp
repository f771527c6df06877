// evidence.hpp -- reading from disk what a gate is judged on.
//
// Reads the step's input files, both contract files and, for a contract that
// stands, the signed line in journal.jsonl that wrote it. Nothing comes from
// memory or from the database: the folder is what the pipeline's rules are
// about. Writes nothing. Blocks.

#pragma once

#include "ledger/disk/keyring.hpp"
#include "ledger/gate.hpp"

#include <filesystem>
#include <string>

namespace ledger::disk {

/// What lies in `task_folder` for the step at which `s` stands.
gate_evidence collect_evidence(const std::filesystem::path& task_folder, const task_state& s,
                               const keyring& keys, const std::string& config_digest);

/// The bytes of a contract's file; nothing if it is not there. A file that
/// cannot be read counts as there, with bytes that no contract has.
std::optional<std::string> contract_bytes(const std::filesystem::path& task_folder, contract c);

/// Removes a contract's file that a kill left between "put" and "recorded":
/// only if the state stands at an unjudged answer of the step that wins that
/// contract, no record expects the file, and its bytes are exact. The answer is
/// judged again, and the contract then written anew.
void drop_interrupted_contract(const std::filesystem::path& task_folder, const task_state& s);

} // namespace ledger::disk
