// sources.hpp -- where the files come from that a model sees.
//
// A *source* is a set of files: a tree of the repository, or a writer's
// *worktree*, which is the tree that was checked out there and what the
// conversation wrote since. The *curtain* is before what no role may see.
//
//   1. What is behind the curtain is in no listing.
//   2. A worktree's listing is the tree's, with what this conversation wrote and
//      deleted: whatever else lies there (build output, ignored files, what
//      somebody planted) is not in it. Contents are read from the disk, which is
//      what will be committed.
//   3. The tree is listed once, when it is first needed; a listing that failed
//      is tried again.
//   4. Paths are looked up in the listing, to the letter; git is asked for
//      objects by id only, so no path of a model's reaches its command line.
//
// Private to tools/. Not thread-safe. Everything here blocks.

#pragma once

#include "ledger/redact.hpp"
#include "ledger/result.hpp"
#include "providers/git.hpp"
#include "providers/tools/beneath.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace providers::tools {

class curtain {
public:
  explicit curtain(std::vector<std::string> secret_globs, const ledger::redactor* secrets = nullptr)
      : secret_globs_(std::move(secret_globs))
      , secrets_(secrets) {}
  /// Why nobody sees `path`, in words for a model; empty: it is to be seen.
  std::string why_hidden(std::string_view path) const;
  /// A line without the known secrets in it. To be cut, quoted or matched: half a
  /// secret is not known any more.
  std::string without_secrets(std::string_view line) const {
    return secrets_ ? secrets_->redact(std::string(line)) : std::string(line);
  }

private:
  std::vector<std::string> secret_globs_;
  const ledger::redactor* secrets_;
};

enum class file_kind : std::uint8_t { regular, link, submodule };

struct file_entry {
  std::string path;
  std::string id; ///< Of its blob in the tree; empty: new in this conversation.
  std::uint64_t bytes = 0;
  file_kind kind = file_kind::regular;
  bool executable = false;
};

/// Sorted by path.
using listing = std::vector<file_entry>;
using entry_range = std::pair<listing::const_iterator, listing::const_iterator>;

/// Null: not there.
const file_entry* find(const listing& files, std::string_view path);
/// The files below a folder; all of them, if it is empty.
entry_range files_below(const listing& files, std::string_view folder);
/// A sentence with the names that `path` may have been meant to be; may be empty.
std::string nearest_names(const listing& files, std::string_view path);

class file_source {
public:
  virtual ~file_source() = default;
  /// Valid until a file is written or deleted.
  virtual ledger::result<const listing*> files() = 0;
  /// Of a regular file. Errors: refused or not_found, in words for a model;
  /// unavailable.
  virtual ledger::result<std::string> read(const file_entry& file) = 0;
  /// The same for many, in their order; nothing: that one cannot be read.
  virtual ledger::result<std::vector<std::optional<std::string>>>
  read_all(const std::vector<const file_entry*>& files) = 0;
  /// Where a link leads, as its blob says.
  virtual ledger::result<std::string> target_of(const file_entry& link) = 0;
};

class tree_source final : public file_source {
public:
  tree_source(const git& repository, std::string tree, const curtain& c)
      : git_(repository)
      , tree_(std::move(tree))
      , curtain_(&c) {}
  ledger::result<const listing*> files() override;
  ledger::result<std::string> read(const file_entry& file) override;
  ledger::result<std::vector<std::optional<std::string>>>
  read_all(const std::vector<const file_entry*>& files) override;
  ledger::result<std::string> target_of(const file_entry& link) override { return read(link); }
  /// Asks git, whatever is known.
  ledger::result<listing> list() const;

private:
  git git_;
  std::string tree_;
  const curtain* curtain_;
  std::optional<listing> files_;
};

class worktree_source final : public file_source {
public:
  worktree_source(const git& repository, std::string tree, std::filesystem::path folder,
                  const curtain& c)
      : tree_(repository, std::move(tree), c)
      , folder_(std::move(folder)) {}
  ledger::result<const listing*> files() override;
  ledger::result<std::string> read(const file_entry& file) override;
  ledger::result<std::vector<std::optional<std::string>>>
  read_all(const std::vector<const file_entry*>& files) override;
  ledger::result<std::string> target_of(const file_entry& link) override {
    return tree_.target_of(link);
  }

  /// The disk below the worktree.
  ledger::result<const beneath*> disk();
  const std::filesystem::path& folder() const noexcept { return folder_; }
  /// Whether git knows the file, so that it ignores it no more.
  bool is_tracked(const std::string& path);
  void wrote(const std::string& path, std::uint64_t bytes, bool executable);
  void deleted(const std::string& path);

private:
  listing::iterator place_of(const std::string& path);

  tree_source tree_;
  std::filesystem::path folder_;
  std::optional<beneath> disk_;
  std::optional<listing> files_;
  std::set<std::string> deleted_; ///< Files of the tree.
};

/// A failure of git, whose words name places of this machine and are not for a
/// model: unavailable (or the end of the program), whatever it was.
tl::unexpected<ledger::failure> git_failed(ledger::failure f);

} // namespace providers::tools
