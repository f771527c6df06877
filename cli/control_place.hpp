// control_place.hpp -- where a scheduler at work can be spoken to.
//
// The *control folder* is `$XDG_RUNTIME_DIR/scheduler`; without that variable
// `run` beside the keys' folder in the state folder. In it each repository has
// one *socket*, named by its id. No sandbox is shown either folder
// (providers/sandbox.cpp, secret_places).
//
//   1. A control folder is used only if it is a folder of ours, no link, that
//      nobody else may enter (0700). The socket is 0600.
//   2. A socket's address holds 108 bytes at most. Ours never needs them: it is
//      bound and found as /proc/self/fd/<its folder>/<repo id>, however long the
//      folder's name is. Without /proc nobody can be spoken to, and says so.
//   3. Whoever binds holds the repository's lock: what lies there is of the dead.

#pragma once

#include "cli/place.hpp"
#include "ledger/disk/tree.hpp"
#include "ledger/result.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace cli {

/// Where a scheduler with our environment listens, then where one with another
/// environment may.
std::vector<std::filesystem::path> control_folders(const place& p);

/// Opens a control folder; makes it if `may_make`. Errors: not_found, refused (see
/// 1), unavailable.
ledger::result<ledger::disk::unique_fd> open_control_folder(const std::filesystem::path& folder,
                                                            bool may_make);

/// A socket that listens in `folder`. Errors: unavailable.
ledger::result<ledger::disk::unique_fd> listen_in(int folder, const std::string& name);

/// A connection to it. Errors: not_found (nobody listens), unavailable.
ledger::result<ledger::disk::unique_fd> connect_in(int folder, const std::string& name);

/// The user at the other end of a connection; -1: nobody knows.
uid_t peer_of(int connection);

} // namespace cli
