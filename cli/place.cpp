#include "cli/place.hpp"

#include "ledger/paths.hpp"

#include <cstdlib>
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

} // namespace

ledger::result<place> find_place(const std::string& repo_option) {
  place p;
  p.children = std::make_shared<providers::processes>();
  std::error_code e;
  auto here = repo_option.empty() ? fs::current_path(e) : fs::path(repo_option);
  if (e)
    return ledger::fail(ledger::fault::not_found, "the current folder is gone (" + e.message()
                                                      + "); change to one that is there");
  auto found = providers::git::open(*p.children, here);
  if (!found)
    return tl::make_unexpected(found.error());
  auto common = fs::canonical(found->common_dir(), e);
  if (e)
    return ledger::fail(ledger::fault::not_found, "the git folder " + found->common_dir().string()
                                                      + " cannot be found: " + e.message());
  p.repository = std::make_shared<const providers::git>(std::move(*found));
  p.ledger_root = p.repository->top() / ledger::ledger_root;
  p.repo_id = ledger::disk::repository_id(common);
  p.state_dir = ledger::disk::default_state_dir();
  p.cache_dir = cache_home() / p.repo_id;
  return p;
}

} // namespace cli
