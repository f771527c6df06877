// git_talk.hpp -- git processes that stay, for questions about objects.
//
// Most of what is asked of git is small: is this object there, what is in it, in
// what do two trees differ, write this object, move this ref. A git process for each costs two
// milliseconds, most of them its start. Here some gits stay and answer one question
// after the other (talker.hpp).
//
//   1. Objects are named by their ids, and read from the object store each time: gc
//      may have removed what was there before. Refs are read under their lock.
//   2. An answer that is not exactly of the expected form is none. Whoever asked
//      then starts a git for this one question, and learns from it what is wrong:
//      no error is ever told on the word of one that stays.
//   3. A process that began before the folder of packs changed is not asked again
//      (it may still see a pack that is gone), nor one that was asked very often
//      (git keeps what it read in memory).
//
// Thread-safe: as many processes as threads ask at once, of which a few are kept.
// Private to git*.cpp.

#pragma once

#include "providers/talker.hpp"

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers {

class git_talk {
public:
  enum class kind : std::uint8_t {
    objects, ///< cat-file --batch-command
    changes, ///< diff-tree --stdin --raw
    diffs,   ///< diff-tree --stdin --patch
    refs,    ///< update-ref --stdin
    blobs,   ///< hash-object -w --stdin-paths, of each kind of object
    trees,
    commits
  };
  using starter = std::function<ledger::result<std::unique_ptr<talker>>()>;

  /// The answer; nothing: see 2. `start` is called if none of this kind is free.
  std::optional<std::string> ask(kind k, const std::filesystem::path& objects,
                                 std::string_view question, const talker::judge& how_far,
                                 const starter& start);

private:
  using stamp = std::filesystem::file_time_type;
  struct known {
    std::unique_ptr<talker> it;
    stamp packs; ///< Of the folder of packs, before it was started.
  };
  static stamp packs_in(const std::filesystem::path& objects);

  std::mutex mutex_; // free_
  std::array<std::vector<known>, 7> free_;
};

/// What `git cat-file --batch`, or `--batch-check`, prints of `count` objects:
/// whether that is all here. A judge for talkers.
talker::judge batch_of(std::size_t count, bool with_contents);

/// For `diff-tree --stdin`: two trees, and a line that git repeats behind the
/// answer because it is none; whoever wrote the files of the trees cannot know it.
struct tree_question {
  tree_question(std::string_view from, std::string_view to);
  std::string head, end;
  std::string text() const { return head + end; }
  talker::judge how_far() const;
  /// What stands between the two.
  std::string answer_in(std::string said) const;
};

} // namespace providers
