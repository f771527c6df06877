// private_git.hpp -- a git folder that nobody's settings reach.
//
// The *private git folder* is a bare git folder of our own without objects: a
// HEAD that is not born, no refs, and two files that this program wrote. With
// GIT_OBJECT_DIRECTORY pointing into the user's repository, git commands that
// turn files into blobs and blobs into files run in it:
//
//   1. No configuration is read but its own, which names the object format and
//      core.sharedRepository: no filter, driver, monitor, alias or hook of the
//      user's exists here, so a tree that names one runs nothing.
//   2. Its info/attributes come before those of any tree and undo all of them: a
//      file is, byte for byte, what its blob is (no line ends, no encodings, no
//      $Id$), and a diff shows text as text.
//   3. It is never written once it is made. One that is not exactly ours is
//      removed and made anew.
//
// Thread-safe. Private to git*.cpp and the slots.

#pragma once

#include "ledger/result.hpp"
#include "providers/scratch_folder.hpp"

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace providers {

/// Undoes every attribute that changes what git makes of a file's bytes. Of all
/// lines the first that matches decides, and info/attributes is asked first. `!`
/// is "as if nothing was said"; `-working-tree-encoding` would be an error.
inline constexpr const char* no_attributes =
    "* -text -crlf -ident !eol !filter !working-tree-encoding !diff !whitespace !merge\n";

struct private_git_spec {
  std::filesystem::path objects; ///< The object folder of the user's repository.
  std::string object_format;     ///< "sha1" or "sha256".
  std::string shared;            ///< core.sharedRepository; may be empty.
};

class private_git {
public:
  /// Where it is made; empty: a temporary folder that goes with this object.
  void keep_in(std::filesystem::path folder);
  bool made() const;
  ledger::result<void> make(const private_git_spec& spec);

  /// Valid once made.
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// The whole environment of a command.
  std::map<std::string, std::string> environment() const;

private:
  mutable std::mutex mutex_; // Of making it.
  bool made_ = false;
  std::filesystem::path folder_;
  std::filesystem::path objects_;
  std::optional<scratch_folder> scratch_;
};

} // namespace providers
