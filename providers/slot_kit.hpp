// slot_kit.hpp -- what all slots of a workspace share.
//
// A slot's `.git` is a *throw-away repository*: HEAD detached at the commit, an
// index that is the tree, the user's tags, and for objects a reference to the
// user's object folders. So `git diff` says what a check changed and
// `git describe` works, in a cage too; commits, refs and settings that somebody
// makes there go with the slot.
//
//   1. The reference is relative and leads to `objects` beside the slot's folder:
//      links to the real ones here, mounts in a cage (cage::objects).
//   2. `rules` holds what the user ignores besides .gitignore: his own excludes
//      file, then info/exclude, as git would read them.
//
// Private to workspace.cpp and slot.cpp; ignore_rules() also to tools/.

#pragma once

#include "ledger/result.hpp"
#include "providers/git.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

/// What the user ignores besides .gitignore, see 2 above.
ledger::result<std::string> ignore_rules(const git& repository);

/// A copy with the same time: git decides by the index's time which files it
/// must look into because they may have changed within one clock tick.
ledger::result<void> copy_index(const std::filesystem::path& from, const std::filesystem::path& to);

class slot_kit {
public:
  /// Finds out what slots need, and puts it into the folder of the slots.
  static ledger::result<slot_kit> make(const git& repository, const std::filesystem::path& folder);

  const std::filesystem::path& rules() const noexcept { return rules_; }
  const std::vector<std::string>& objects() const noexcept { return objects_; }
  /// Makes `slot`/.git anew, whatever it is now.
  ledger::result<void> put_repository(const std::filesystem::path& slot,
                                      const std::filesystem::path& index,
                                      std::string_view commit) const;
  /// The same where nobody touched it since: only HEAD and index are put.
  ledger::result<void> renew_repository(const std::filesystem::path& slot,
                                        const std::filesystem::path& index,
                                        std::string_view commit) const;
  /// Removes what make() put there.
  void remove() const;

private:
  std::filesystem::path folder_, rules_;
  std::vector<std::string> objects_;
  std::map<std::string, std::string> files_; // Of a throw-away repository.
};

} // namespace providers
