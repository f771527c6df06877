// site.hpp -- the deploys of one site, as Netlify keeps them.
//
// A *deploy* has files by digest. What the site has never seen is *required*
// and has to be uploaded; then the deploy is processed for some polls, and is
// ready. An asynchronous one is first *preparing* for some polls.
//
//   1. A body is stored only if its SHA-1 is the announced digest of its path.
//   2. No deploy leaves `ready` or `error`.
//
// Pure.

#pragma once

#include "ledger/record.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace fake_netlify {

using ledger::json;

struct site_options {
  std::string id = "site-1";
  std::uint64_t polls = 1;        ///< Of a deploy that is processed, until it is ready.
  std::uint64_t digest_polls = 1; ///< Of an asynchronous one, until it is prepared.
  std::uint64_t page_max = 100;   ///< Deploys of a page.
  std::string error_title;        ///< Deploys whose title holds it fail.
};

struct no {
  int status;
  std::string message;
};
template <class T>
using answered = tl::expected<T, no>;

std::string sha1_of(std::string_view bytes);

struct deploy {
  std::string id, title, branch, state = "new", error_message, created_at;
  bool draft = false;
  std::map<std::string, std::string> files; ///< Path, with a leading slash, to SHA-1.
  std::set<std::string> required;
  std::uint64_t polls_left = 0;
};

class site {
public:
  explicit site(site_options o)
      : options_(std::move(o)) {}

  const site_options& options() const noexcept { return options_; }
  /// `n` deploys of others, ready, each an hour older than the one after it.
  void seed(std::uint64_t n, std::int64_t newest_ms);

  answered<deploy*> create(const std::string& title, const json& body, std::int64_t unix_ms);
  answered<deploy*> update(deploy& d, const json& body);
  answered<deploy*> upload(deploy& d, const std::string& path, const std::string& bytes);
  void poll(deploy& d);
  void cancel(deploy& d);
  void spoil(deploy& d); ///< Its state is `error` from now on.

  deploy* find(const std::string& id);
  /// The newest first. `page` counts from 1.
  json list(std::uint64_t page, std::uint64_t per_page, bool& is_last) const;
  json show(const deploy& d) const;
  /// The content of a deploy's file; null: there is none.
  const std::string* content(const deploy& d, const std::string& path) const;
  /// {deploys, states, ready: {title: n}}
  json counters() const;

private:
  answered<deploy*> announce(deploy& d, const json& body);
  void went_on(deploy& d);

  site_options options_;
  std::deque<deploy> deploys_; ///< The oldest first.
  std::map<std::string, std::string> store_;
  std::uint64_t serial_ = 0;
};

/// "2026-01-31T12:00:05Z"
std::string rfc3339(std::int64_t unix_ms);

} // namespace fake_netlify
