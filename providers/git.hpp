// git.hpp -- the repository, through the git program.
//
// Every command runs with a cleaned environment, explicit GIT_DIR (never found
// through a file that an agent could write), no hooks, no fsmonitor, no
// optional locks, submodules ignored, and core.fsync=all where its result is
// recorded (L9; an index of ours goes with the call and is left out). A command
// runs in one of two places: *in the repository*, if it asks for refs, settings or
// objects by their id, or makes a commit; else *apart*, in the private git folder
// (private_git.hpp) on the same objects.
//
//   1. Nothing here writes the user's checkout, index or HEAD.
//   2. Whatever looks into files or makes trees and diffs runs apart: neither
//      the user's settings (filters, ignoreCase, fileMode, symlinks, attributes)
//      nor attributes of a tree change a byte of it. Which commands may run in
//      the repository is an allow-list.
//   3. All functions block: call them from an executor.
//   4. Errors: not_found (no such object); refused only where the meaning of
//      git's answer is known (a patch that does not apply, a ref that moved); all
//      else is unavailable, with disk_full_code if there is no space.
//   5. What is asked about objects, or made of them, is asked of a git that stays
//      (git_talk.hpp), and of one that is started for it where that has no answer:
//      same options, same place, same words, same ids. What tree a patch makes of another is
//      remembered, and told again only while that tree is whole.
//   6. git's guard against repositories of another owner stays on, unless the
//      user named the repository or owns its `.git`.
//
// Thread-safe.

#pragma once

#include "ledger/result.hpp"
#include "ledger/scope.hpp"
#include "providers/git_talk.hpp"
#include "providers/process.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

class index_store;
class private_git;

/// An entry of a tree, as `git ls-tree -r -z -l` gives it.
struct tree_entry {
  std::string mode, id, path;
  std::uint64_t bytes = 0;
};

/// What a commit is made of; the same values give the same id (L9).
struct commit_spec {
  std::string tree, parent, message;
  std::string name, email;
  std::int64_t time_s = 0;
};

/// What becomes of a file of a tree.
struct file_edit {
  std::string path;
  std::string mode; ///< "100644" or "100755"; empty: it goes.
  std::string content;
};

/// What bringing a change onto another tree comes to.
struct merged_trees {
  /// The combination. Of a file that clashes it has the version of `onto`, so
  /// that no mark of a conflict is ever in a candidate.
  std::string tree;
  std::vector<std::string> clashes; ///< Paths; empty: it combines.
  std::string log;                  ///< What clashes, with both versions; for people and roles.
  bool same_patch = false;          ///< Nobody else changed a file of the change.
};

class git {
public:
  /// Who chose the directory: the user by name, or whoever started us in it.
  enum class chosen : std::uint8_t { by_place, by_name };
  /// Finds the repository that holds `directory`. Errors: not_found with the
  /// remedy; refused (bare, or not ours to use: see 6).
  static ledger::result<git> open(processes& children, const std::filesystem::path& directory,
                                  chosen how = chosen::by_place);

  const std::filesystem::path& top() const noexcept { return top_; }
  const std::filesystem::path& common_dir() const noexcept { return common_dir_; }
  /// "sha1" or "sha256".
  const std::string& object_format() const noexcept { return object_format_; }
  /// Where the private git folder is made when it is first needed; else it is a
  /// temporary one.
  void keep_private_in(std::filesystem::path folder);
  /// A setting of the user's; empty if it is not there. `type` as git-config
  /// knows it ("path"), or empty.
  ledger::result<std::string> setting(const std::string& name, const std::string& type = {}) const;

  /// Commit id of a revision. Errors: not_found.
  ledger::result<std::string> resolve_commit(std::string_view revision) const;
  ledger::result<std::string> tree_of(std::string_view commit) const;
  /// The commit a full ref name points at; nothing: no such ref.
  ledger::result<std::optional<std::string>> ref(std::string_view name) const;
  /// Whether there is no such ref; false: there may be one.
  bool is_surely_absent(std::string_view name) const;
  /// Full names below a prefix ("refs/heads/ai-gated/"), sorted.
  ledger::result<std::vector<std::string>> refs_below(std::string_view prefix) const;
  bool has_object(std::string_view id) const;
  /// Whether a tree is there, with everything in it that `base_tree` has not: gc
  /// removes object by object, a tree may outlive its files.
  bool is_whole(std::string_view base_tree, std::string_view tree) const;
  /// What `git cat-file --batch` prints of objects, or `--batch-check`: their
  /// contents, or but a line each.
  ledger::result<std::string> objects(const std::vector<std::string>& ids,
                                      bool with_contents) const;
  /// Whether `commit` is `tip` or one of those before it.
  ledger::result<bool> is_ancestor(std::string_view commit, std::string_view tip) const;
  /// The folder in which a branch is checked out; empty: nowhere.
  ledger::result<std::string> checked_out_in(std::string_view ref) const;

  ledger::result<std::vector<tree_entry>> list_tree(std::string_view tree) const;
  /// Content of a file in a tree or commit. Errors: not_found.
  ledger::result<std::string> read_blob(std::string_view treeish, std::string_view path) const;
  /// Raw differences of two trees, renames split.
  ledger::result<std::vector<ledger::change>> changes(std::string_view base_tree,
                                                      std::string_view tree) const;
  /// `git diff --binary --full-index` of two trees. Text is shown as text
  /// whatever attributes say.
  ledger::result<std::string> diff(std::string_view base_tree, std::string_view tree) const;
  /// Lends tree_with() a folder for indexes that it may use again, as files
  /// `index-kept-N`; empty: takes it back, and removes them.
  void keep_indexes_in(const std::filesystem::path& folder) const;
  /// The tree that `patch` makes of `base_tree`, in a temporary index. Errors:
  /// refused, with git's words, if it does not apply.
  ledger::result<std::string> tree_with(std::string_view base_tree, std::string_view patch) const;
  /// The tree that edits make of `base_tree`, durable: bytes are bytes, nothing is
  /// ignored. Nothing: no git that stays could make it; ask git with an index.
  std::optional<std::string> tree_edited(const std::string& base_tree,
                                         std::vector<file_edit> edits) const;
  /// Brings the change from `base_tree` to `tree` onto `onto_tree`, durable. A
  /// rename is a file less and a file more: what is judged by paths stays so.
  ledger::result<merged_trees> merge_trees(std::string_view base_tree, std::string_view onto_tree,
                                           std::string_view tree) const;
  /// Whether the reverse of `patch` applies to `tree`.
  ledger::result<bool> applies_reversed(std::string_view tree, std::string_view patch) const;
  /// Refused, with a sentence, if the user's git would check out files of `tree`
  /// through a filter or in another encoding: here a file is what its blob is.
  ledger::result<void> needs_no_filter(std::string_view tree) const;

  /// Removes the lock files of refs below `prefix`, which a git that was killed
  /// left there. Only for whoever alone moves these refs: a lock in use would go too.
  void drop_stale_locks(std::string_view prefix) const;

  /// Makes the commit object, durable.
  ledger::result<std::string> commit_tree(const commit_spec& c) const;
  /// Moves `ref` from `expected` (empty: must not exist) to `commit`, durable.
  /// Errors: refused, code "ref-moved".
  ledger::result<void> move_ref(std::string_view ref, std::string_view commit,
                                std::string_view expected) const;
  /// The same for a branch that may be checked out: call follow() then.
  ledger::result<void> move_ref_here(std::string_view ref, std::string_view commit,
                                     std::string_view expected) const;

  /// Lets a clean checkout of `from`, in whose folder the branch was just moved,
  /// follow to `to`; done already is fine. Errors: refused, if it is not clean.
  ledger::result<void> follow(const std::string& checkout, std::string_view from,
                              std::string_view to) const;
  /// Refused, with a sentence, unless a checkout is as its HEAD.
  ledger::result<void> is_clean(const std::string& checkout) const;

  // At a remote, by its name or address, with the user's own access to it. A
  // push runs no hook. Errors: unavailable; refused only as said.

  /// Where a ref is there; empty: not there.
  ledger::result<std::string> remote_tip(const std::string& remote, std::string_view ref) const;
  /// Gets the objects of a remote's ref; moves nothing here.
  ledger::result<void> fetch_objects(const std::string& remote, std::string_view ref) const;
  /// Moves it there from `expected` (empty: must not be there). Errors: refused,
  /// code "ref-moved".
  ledger::result<void> push(const std::string& remote, std::string_view ref,
                            std::string_view commit, std::string_view expected) const;

  /// Adds a line to info/exclude unless it is there.
  ledger::result<void> exclude(std::string_view line) const;

  struct call {
    std::vector<std::string> args;          ///< After `git -c …`; may begin with `-c …`.
    std::map<std::string, std::string> env; ///< Added: GIT_INDEX_FILE, GIT_WORK_TREE…
    std::string input;
    bool durable = false;    ///< With core.fsync=all.
    std::string work = {};   ///< Runs in this checkout of the user's, which it may change.
    bool has_access = false; ///< With what the user's access to remotes needs.
  };
  /// Runs git; a non-zero exit is in the result.
  ledger::result<child_result> run(call c) const;
  /// run(), where a non-zero exit is an error: unavailable. Gives stdout.
  ledger::result<std::string> must(call c) const;

private:
  git(processes& children, std::filesystem::path top, std::filesystem::path common_dir,
      std::filesystem::path git_dir, std::string object_format);
  /// What an exit says that nobody can interpret.
  ledger::failure failure_of(const call& c, const child_result& r) const;
  ledger::result<void> place(const call& c, child_spec& spec) const;
  ledger::result<child_spec> spec_of(call c) const;
  /// Nothing: a git that stays has no answer.
  std::optional<std::string> ask(git_talk::kind k, const std::string& question,
                                 const talker::judge& how_far) const;
  ledger::result<std::string> between(git_talk::kind k, std::string_view base_tree,
                                      std::string_view tree) const;
  std::optional<std::string> put_object(git_talk::kind k, std::string_view content) const;
  std::optional<std::string> edited(const std::string& tree, std::size_t known_bytes,
                                    std::span<const file_edit> edits) const;
  std::optional<std::string> quick_commit(const commit_spec& c) const;
  bool has_all(const std::vector<std::string>& ids) const;
  bool ask_to_move(std::string_view name, std::string_view commit, std::string_view expected) const;
  ledger::result<std::string> id_of(std::string_view tree) const;
  ledger::result<std::string> tree_without_clashes(std::string_view onto_tree,
                                                   std::string_view merged,
                                                   const std::vector<ledger::change>& mine,
                                                   const std::vector<std::string>& clashes) const;
  ledger::result<std::map<std::string, std::string>>
  index_of(std::string_view tree, const std::filesystem::path& folder) const;
  ledger::result<std::set<std::string>> configured_filters() const;
  /// Whether a patch applies to an index. Errors: refused, if not.
  ledger::result<void> check_patch(const std::map<std::string, std::string>& env,
                                   std::string_view patch, bool reversed) const;

  processes* children_;
  std::filesystem::path top_, common_dir_, git_dir_;
  std::string object_format_;
  std::shared_ptr<private_git> private_;
  std::shared_ptr<git_talk> talk_;
  std::shared_ptr<index_store> indexes_;
};

} // namespace providers
