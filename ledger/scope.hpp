// scope.hpp -- which paths a task may change, judged on every route.
//
// A *change* is one entry of the raw difference between two trees. A *breach*
// is a change that the rules forbid. An *allowance* is what Claude's decisions
// allow and forbid; *protection* is what no model may allow.
//
//   1. Forbidden wins over allowed; protection wins over both.
//   2. Renames are judged as a deletion and an addition.
//   3. Symlinks (120000) and gitlinks (160000) are breaches on either side, and
//      so is a change of the executable bit of a file that is not allowed.
//   4. Two paths of the new tree, or folders in it, that fold to the same name
//      are a breach if one of them is new.
//   5. What permits (allowed, planned, `allow:`) is compared to the letter; what
//      protects, forbids or is schema is compared in every reading (glob.hpp, 3),
//      and covers what lies below.
//   6. Built-in protection cannot be lifted: .git, .gitmodules, .gitattributes
//      (each at any depth, also spelled `git~1` and the like), the ledger,
//      scheduler.toml, .env*, key files (*.pem, *.key, id_rsa*, id_ed25519*,
//      *.p12, *.pfx, .netrc, .git-credentials).
//
// Pure. Source: design, "Scope"; git's raw diff format.

#pragma once

#include "ledger/config.hpp"
#include "ledger/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace ledger {

/// One line of `git diff-tree -r -z --raw --no-renames`.
struct change {
  std::string old_mode, new_mode; ///< Six octal digits; 000000: absent.
  std::string old_id, new_id;
  char kind = 'M'; ///< A, D, M, T.
  std::string path;
  friend bool operator==(const change&, const change&) = default;
};

/// Parses the `-z` output. Errors: corrupt.
result<std::vector<change>> parse_raw_diff(std::string_view bytes);

struct breach {
  std::string path;
  std::string why; ///< "is protected (.env*)", "is not in Claude's list", …
};

/// What a task's rules protect whatever a model says.
struct protection {
  std::vector<std::string> globs;       ///< scope.protected less those that `allow:` names.
  std::vector<std::string> lifted = {}; ///< Globs of `allow:`: what they match is not protected
                                        ///< by `globs`.
};

/// `scope.protected` of `c` with a prompt's `allow:`, which lifts every
/// configured glob that it names to the letter, and else only the paths that
/// its own globs match; never the built-in list.
protection protection_for(const scope_config& c, const std::vector<std::string>& allow);

/// Why `path` is protected ("built in: .env*"), or empty.
std::string why_protected(const protection& p, std::string_view path);

/// Whether `path` is on the built-in list that nothing lifts.
bool is_built_in_protected(std::string_view path);

struct allowance {
  std::vector<std::string> allowed;   ///< Literal paths, or folders ending in `/**`.
  std::vector<std::string> forbidden; ///< The same, or globs; a literal covers what is below it.
  bool schema_changes = false;        ///< *Schema changes: YES*.
};

/// Whether `path` is allowed and not forbidden (protection not considered).
bool allows(const allowance& a, std::string_view path);

struct scope_question {
  std::vector<change> changes;         ///< Base tree to candidate tree.
  std::vector<std::string> hidden;     ///< Protected names found that git ignores.
  std::vector<std::string> base_paths; ///< Of changed folders, for rule 4; may be empty.
  std::vector<std::string> planned;    ///< The plan's files (and the fix's further ones).
};

/// Every breach of a candidate tree, one for each path, in the order of its
/// changes, then `hidden`; empty: in scope. Paths of `scope.schema` need
/// schema_changes.
std::vector<breach> judge_scope(const scope_question& q, const allowance& a, const protection& p,
                                const std::vector<std::string>& schema_globs);

} // namespace ledger
