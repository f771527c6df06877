// workspace.hpp -- disposable checkouts, and the trees taken from them.
//
// A *slot* is a folder of ours outside the repository, reused from task to
// task; a *lease* is the right to use one. The *candidate tree* is what a slot's
// files are as a git tree, ignored files left out.
//
//   1. A lease begins as exactly the tree it was asked for, byte for byte:
//      nothing untracked, nothing ignored, no nested repository left behind.
//   2. A slot is never a source of truth: it can be thrown away at any time. Its
//      `.git` is a throw-away repository for those who work there: nothing that
//      is done to it reaches the user's, and we never look into it.
//   3. Slots number at most what runs at once; the end removes them all, and
//      open() those that a killed run left. The folder keeps its marker as long
//      as one of them could not be removed.
//   4. Candidate trees are durable when take() returns (L9).
//   5. A slot that could not be made ready is tried again last.
//
// `workspace` is a seam: actor tests have a fake one.

#pragma once

#include "ledger/landing_line.hpp"
#include "ledger/result.hpp"
#include "ledger/scope.hpp"
#include "providers/git.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// A changed file, before or after, whose content its diff does not show.
struct unshown_file {
  std::string path;
  std::string content;
};

struct candidate {
  std::string tree;
  std::vector<ledger::change> changes; ///< Base tree to candidate tree.
  std::string diff;                    ///< --binary --full-index
  std::vector<unshown_file> unshown;   ///< What is binary in the diff (L8 wants it searched).
  std::vector<std::string> hidden;     ///< Built-in protected names that git ignores, found new.
};

/// The right to use one checkout until destruction.
class lease {
public:
  virtual ~lease() = default;
  virtual const std::filesystem::path& folder() const = 0;
  /// Takes the candidate tree as the folder is now.
  virtual ledger::result<candidate> take(std::string_view base_tree) = 0;
  /// Puts tracked files back to what they were at the beginning, and `.git`;
  /// what is new or ignored stays. Gives the paths that had changed.
  virtual ledger::result<std::vector<std::string>> put_back() { return std::vector<std::string>{}; }
  /// The object folders that the folder's `.git` refers to: see cage::objects.
  virtual std::vector<std::string> objects() const { return {}; }
};

/// Whether to make another slot where all that there are are in use, or to see first
/// whether one becomes free in the time that making one takes. Either way only as many
/// are made at the same time as there are processors. Who waits may hold up nobody who
/// has one.
enum class slot_wish : std::uint8_t { at_once, soon };

class workspace {
public:
  virtual ~workspace() = default;
  /// A checkout of `tree` whose HEAD is `commit`. Blocks until a slot is free.
  virtual ledger::result<std::unique_ptr<lease>>
  checkout(std::string_view commit, std::string_view tree, slot_wish w = slot_wish::at_once) = 0;
  /// Makes sure that `tree` is in the object store, from base and diff if need
  /// be (unreferenced trees vanish on gc). Errors: corrupt, if the diff gives
  /// another tree.
  virtual ledger::result<void> ensure_tree(std::string_view base_tree, std::string_view diff,
                                           std::string_view tree) = 0;
  virtual ledger::result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                                              std::string_view tree) = 0;
  /// Whether a path is a file or folder of a tree.
  virtual bool exists(std::string_view tree, std::string_view path) = 0;
  /// Every path of a tree, files and folders, in no order.
  virtual ledger::result<std::vector<std::string>> paths(std::string_view tree) = 0;
  virtual ledger::result<std::string> commit(const commit_spec& c) = 0;
  virtual ledger::result<void> move_branch(std::string_view ref, std::string_view to,
                                           std::string_view expected) = 0;
  /// Empty: no such branch.
  virtual ledger::result<std::string> branch_tip(std::string_view ref) = 0;
  /// The one of `commits` (at least one) that holds all others, and its tree.
  /// Errors: refused, code apart_code, if there is none.
  virtual ledger::result<ledger::tip_of_branch> newest(const std::vector<std::string>& commits) = 0;
};

/// Commits none of which holds the others.
inline constexpr std::string_view apart_code = "dependencies-apart";

struct workspace_options {
  std::filesystem::path folder; ///< For the slots; made if missing.
  std::size_t slots = 4;
};

/// The real one. Removes slots that a killed run left behind.
ledger::result<std::unique_ptr<workspace>> open_git_workspace(const git& repository,
                                                              workspace_options o);

} // namespace providers
