// identity.hpp -- which repository this is, wherever its folder lies.
//
// The *repository id* names the keys and the signed heads of a repository in
// the state folder, and stands in its signed records. It is kept in the *id
// file*, `scheduler.id` in the git common directory; the state folder
// remembers in `<repo id>.path` where that directory was last.
//
//   1. Without an id file the id is made of the path of the common directory
//      (ledger::disk::repository_id); if another place has that one already
//      (it was moved away from here), of the path and a number.
//   2. A repository whose remembered place is gone, or holds another id, was
//      *moved*: it keeps its id. One whose remembered place still holds the
//      same id is a *copy*: two ledgers under one id would make each other look
//      cut off, so a copy may not write until it has an id of its own.
//   3. identity_of() writes nothing. remember_identity() is for whoever holds
//      the repository's lock.

#pragma once

#include "ledger/result.hpp"

#include <filesystem>
#include <string>

namespace cli {

struct identity {
  std::string repo_id;
  std::string moved_from; ///< Where it was before; empty: here, or nobody knows.
  std::string copy_of;    ///< The place whose copy it is; empty: none.
  bool is_kept = false;   ///< Id file and remembered place are as they should be.
};

/// `common_dir` must be canonical. Errors: corrupt (the id file), unavailable.
ledger::result<identity> identity_of(const std::filesystem::path& common_dir,
                                     const std::filesystem::path& state_dir);

/// Writes down what identity_of() found. Errors: unavailable, lost.
ledger::result<void> remember_identity(const identity& i, const std::filesystem::path& common_dir,
                                       const std::filesystem::path& state_dir);

/// What to tell the owner of a copy: a sentence with the remedy. `top` is the
/// working folder.
std::string why_no_copy(const identity& i, const std::filesystem::path& common_dir,
                        const std::filesystem::path& top);

} // namespace cli
