#include "cli/place.hpp"

#include "ledger/disk/files.hpp"
#include "ledger/paths.hpp"

#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace cli {

namespace fs = std::filesystem;

namespace {

/// $XDG_CACHE_HOME/scheduler; a relative value is ignored, as the XDG base
/// directory specification demands.
fs::path cache_home() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache && *cache == '/')
    return fs::path(cache) / "scheduler";
  const char* home = std::getenv("HOME");
  return fs::path(home && *home ? home : "/") / ".cache" / "scheduler";
}

/// The ledger lies in the main worktree; lock, keys and branches are those of
/// the whole repository. In a linked worktree the ones would be without the other.
ledger::result<void> is_main_worktree(const fs::path& top, const fs::path& common) {
  auto text = ledger::disk::read_file(top / ".git", 4096);
  constexpr std::string_view intro = "gitdir: ";
  if (!text || !text->starts_with(intro))
    return {};
  auto named = fs::path(text->substr(intro.size(), text->find('\n') - intro.size()));
  std::error_code e;
  if (fs::equivalent(named.is_absolute() ? named : top / named, common, e))
    return {}; // A submodule, or a git folder at a place of its own.
  auto remedy =
      common.filename() == ".git"
          ? "work in the main worktree: --repo " + common.parent_path().string()
          : "its repository " + common.string() + " has no main worktree: work in a clone of it";
  return ledger::fail(ledger::fault::refused,
                      top.string()
                          + " is a linked worktree; a repository has one ledger, in its main "
                            "worktree; "
                          + remedy);
}

} // namespace

ledger::result<place> find_place(const std::string& repo_option) {
  place p;
  p.children = std::make_shared<providers::processes>();
  std::error_code e;
  auto here = repo_option.empty() ? fs::current_path(e) : fs::path(repo_option);
  if (e)
    return ledger::fail(ledger::fault::not_found, "the current folder is gone (" + e.message()
                                                      + "); change to one that is there");
  using providers::git;
  auto found = git::open(*p.children, here,
                         repo_option.empty() ? git::chosen::by_place : git::chosen::by_name);
  if (!found)
    return tl::make_unexpected(found.error());
  auto common = fs::canonical(found->common_dir(), e);
  if (e)
    return ledger::fail(ledger::fault::not_found, "the git folder " + found->common_dir().string()
                                                      + " cannot be found: " + e.message());
  if (auto main = is_main_worktree(found->top(), common); !main)
    return tl::make_unexpected(main.error());
  auto repository = std::make_shared<git>(std::move(*found));
  p.repository = repository;
  p.ledger_root = p.repository->top() / ledger::ledger_root;
  p.common_dir = common;
  p.state_dir = ledger::disk::default_state_dir();
  auto who = identity_of(p.common_dir, p.state_dir);
  if (!who)
    return tl::make_unexpected(who.error());
  p.who = std::move(*who);
  p.repo_id = p.who.repo_id;
  p.cache_dir = cache_home() / p.repo_id;
  repository->keep_private_in(p.cache_dir / "git");
  return p;
}

ledger::result<void> may_write(const place& p) {
  if (p.who.copy_of.empty())
    return {};
  return ledger::fail(ledger::fault::refused,
                      why_no_copy(p.who, p.common_dir, p.repository->top()));
}

ledger::result<void> keep_identity(const place& p) {
  return remember_identity(p.who, p.common_dir, p.state_dir);
}

} // namespace cli
