// sandbox.hpp -- what a child may see and touch.
//
// A *cage* is what one child gets: a folder that it sees as /workspace, the
// programs of the machine read-only, a private /tmp and home, no other file of
// the user's. With kind `none` the command runs as it is, in the folder itself.
//
//   1. With bwrap the root starts empty: only what a child needs is mounted
//      (/usr, /bin, /sbin, /lib*, /opt, chosen files of /etc, the folders of
//      PATH, those that the configuration names), read-only.
//   2. User, PID, IPC, UTS and (unless allowed) network namespaces are new, all
//      capabilities dropped, no nested user namespaces; nothing survives the
//      end of the child or of this process.
//   3. The environment is built anew (PATH, HOME=/tmp/home, LANG, TERM, CI=true
//      and what the caller adds); nothing of ours is inherited.
//   4. What the folder's `.git` refers to, the object folders of the repository,
//      is mounted read-only (as /objects, /objects-1, …): a child may read what
//      was ever committed there, and change nothing of it. Not so where a file
//      of the folder is *masked*: its content would be among them.
//   5. A folder of PATH is mounted only if it is absolute and does not hold
//      the user's home, keys or state. A folder that the configuration names may
//      neither hold such a place nor lie in one (in the home itself it may).
//   6. With kind `none` HOME and TMPDIR are a folder made for this child below
//      TMPDIR or /tmp; it goes with the child's result (child_spec::kept; only if
//      we are killed it stays). What the command started ends with us.

#pragma once

#include "ledger/config.hpp"
#include "ledger/result.hpp"
#include "providers/process.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// What a child in bubblewrap sees its folder and its home as.
inline constexpr std::string_view caged_folder = "/workspace";
inline constexpr std::string_view caged_home = "/tmp/home";

struct cage {
  std::string folder;                 ///< Mounted as /workspace.
  bool folder_read_only = false;      ///< With kind `none` nobody enforces it.
  std::string home;                   ///< A folder of ours as HOME, writable; empty: one that goes.
  std::vector<std::string> writable;  ///< Further absolute paths of ours, at the same place.
  std::vector<std::string> read_only; ///< Further absolute paths, at the same place.
  std::vector<std::string> objects;   ///< Git's object folders (lease::objects).
  std::vector<std::string> masked;    ///< Files below the folder, shown as empty and unwritable;
                                      ///< with kind `none` nobody enforces it.
  std::string mask;                   ///< An empty file of ours, shown in their place.
  bool network = false;
  std::map<std::string, std::string> env; ///< Added to the basic environment.
};

/// Turns `sh -c command` into a child in the cage. Time-outs are the caller's.
child_spec caged_shell(ledger::sandbox_kind kind, const cage& c, const std::string& command);

/// The same for a program and its arguments, without a shell. Of kind `none` and
/// with a `home` it is that program itself that is started.
child_spec caged_program(ledger::sandbox_kind kind, const cage& c,
                         const std::vector<std::string>& argv);

/// The folders that a cage must be shown (`read_only`) for a program of the
/// user's to run: where the link in PATH leads to, or where it lies if `name` is
/// a path. None for programs of the system. Errors: not_found; refused (there is
/// something private in them).
ledger::result<std::vector<std::string>> folders_of_program(const std::string& name);

/// The folders of `read_only` as they are to be mounted, `~/` replaced; none if
/// there is no sandbox. Errors: refused (see 5 above, or no such folder).
ledger::result<std::vector<std::string>> shown_folders(const ledger::sandbox_config& c);

/// Whether every child in bubblewrap sees what lies at `path`, whatever its cage.
bool is_shown_to_children(const std::filesystem::path& path);

/// Whether the kind works here: starts a trivial child. Errors: unavailable,
/// with the reason and the remedy; those of shown_folders().
ledger::result<void> sandbox_works(processes& children, const ledger::sandbox_config& c);
ledger::result<void> sandbox_works(processes& children, ledger::sandbox_kind kind);

/// For a command that found a program missing (exit 127): a folder of PATH whose
/// programs are links to where the sandbox shows nothing, as nvm's and pyenv's
/// are, and what to do. Empty: that is not the reason.
std::string missing_program_hint(const ledger::sandbox_config& c);

} // namespace providers
