// netlify_service.hpp -- Netlify's REST API, for a thread that may block.
//
// A *call* is a request until the service answered it for good. While the
// service says "later" (429, or nothing left of the rate limit) all calls of
// all deploys wait; what failed for a moment (no connection, 5xx) is asked again
// a few times.
//
//   1. Every call ends by its deadline, and soon after the program begins to
//      close (unavailable, code "closing").
//   2. What begins a deploy is never sent again unless it surely did not arrive:
//      its failure has the code "unclear", and whoever called looks first.
//   3. Few uploads are under way at once, and together they hold at most
//      `upload_bytes_max` of files in memory, or one file.
//   4. Neither the token nor what the service said unredacted is in a failure.
//
// Errors: refused (a bad token or site, with the variable that names it);
// unavailable.

#pragma once

#include "providers/deploy/netlify_words.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace providers::netlify {

using deadline = std::chrono::steady_clock::time_point;

inline constexpr std::size_t uploads_at_once = 6;
inline constexpr std::size_t upload_bytes_max = 64 * 1024 * 1024;

/// What a deploy is made with.
struct access {
  std::string base; ///< See api_base_of().
  std::string site, site_variable;
  std::string token, token_variable;
  ledger::redactor secrets; ///< With the token.
};

/// When the service may be asked again: one for all deploys of a run.
class pace {
public:
  void wait_until(deadline t);
  deadline next() const;

private:
  mutable std::mutex mutex_;
  deadline next_{};
};

/// A file to be uploaded.
struct upload {
  std::filesystem::path from;
  std::string path; ///< On the site.
};

/// What the service says to one call, besides what is an error of every call.
struct reply {
  http_response response;
  std::string why; ///< Its words, redacted, if its status is none of 2xx.
  bool ok() const noexcept { return response.status >= 200 && response.status < 300; }
};

class service {
public:
  service(access a, http& web, std::shared_ptr<pace> p, std::function<bool()> is_closing);

  /// The deploys that bear the request's title, the newest first.
  ledger::result<std::vector<status>> look(const deploy_request& r, deadline until);
  ledger::result<status> show(const std::string& id, deadline until);
  /// Errors also: unavailable, code "unclear": it may have been begun.
  ledger::result<reply> create(const std::string& title, const std::string& body, deadline until);
  ledger::result<reply> announce(const std::string& id, const std::string& body, deadline until);
  /// Gives the service's refusal of a file; one that is ok: all are there.
  ledger::result<reply> upload_all(const std::string& id, const std::vector<upload>& files,
                                   deadline until);
  /// Once, and whatever comes of it.
  void cancel(const std::string& id);

  /// Errors: unavailable, code "closing".
  ledger::result<void> pause(std::chrono::milliseconds time) const;
  const access& with() const noexcept { return access_; }

private:
  class uploading;
  enum class repeat : std::uint8_t { whenever, if_it_did_not_arrive };

  http_request request(std::string_view path, deadline until) const;
  ledger::result<reply> call(const http_request& r, repeat how, deadline until);
  ledger::result<void> wait_for_turn(deadline until) const;
  /// Takes note of the rate limit. Whether the answer was "later".
  bool is_told_to_wait(const http_response& r) const;
  ledger::result<reply> judged(http_response r) const;
  std::string site_path() const;

  access access_;
  http& web_;
  std::shared_ptr<pace> pace_;
  std::function<bool()> is_closing_;
};

} // namespace providers::netlify
