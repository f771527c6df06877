// sandbox.hpp -- what a child may see and touch.
//
// A *cage* is what one child gets: a folder that it sees as /workspace, the
// programs of the machine read-only, a private /tmp, no other file of the
// user's. With kind `none` the command runs as it is, in the folder itself.
//
//   1. With bwrap the root starts empty: only what a child needs is mounted
//      (/usr, /bin, /sbin, /lib*, /opt, chosen files of /etc, the folders of PATH), read-only.
//   2. User, PID, IPC, UTS and (unless allowed) network namespaces are new, all
//      capabilities dropped, no nested user namespaces; nothing survives the
//      end of the child or of this process.
//   3. The environment is built anew (PATH, HOME=/tmp/home, LANG, TERM, CI=true
//      and what the caller adds); nothing of ours is inherited.
//   4. `.git` of a worktree is mounted read-only.
//   5. A folder of PATH is mounted only if it is absolute and does not hold
//      the user's home, keys or state.
//   6. With kind `none` HOME and TMPDIR are a folder made for this child below
//      TMPDIR or /tmp; it is removed when the command ends by itself (a child
//      ended by SIGKILL leaves it there).

#pragma once

#include "ledger/config.hpp"
#include "ledger/result.hpp"
#include "providers/process.hpp"

#include <map>
#include <string>
#include <vector>

namespace providers {

struct cage {
  std::string folder;                 ///< Mounted writable as /workspace.
  std::vector<std::string> read_only; ///< Further absolute paths, at the same place.
  bool network = false;
  std::map<std::string, std::string> env; ///< Added to the basic environment.
};

/// Turns `sh -c command` into a child in the cage. Time-outs are the caller's.
child_spec caged_shell(ledger::sandbox_kind kind, const cage& c, const std::string& command);

/// Whether the kind works here: starts a trivial child. Errors: unavailable,
/// with the reason and the remedy.
ledger::result<void> sandbox_works(processes& children, ledger::sandbox_kind kind);

} // namespace providers
