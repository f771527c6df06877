// netlify_words.hpp -- what is said to Netlify, and what it says, as pure functions.
//
// The *title* of a deploy begins with `scheduler <deploy id>: `: by that a later
// run knows its own deploy again, whichever kind made it. An *announcement* is
// the list of a deploy's files with their SHA-1; what the service *requires* of
// them is to be uploaded.
//
//   1. One task and commit have one title, and no other has it.
//   2. The alias of a task has at most 37 characters of [a-z0-9-]: `ai-`, then
//      the task's name in lower case. Where the name has other characters (each
//      run of them becomes one `-`) or is too long, the first 8 hex digits of the
//      SHA-256 of the name end it, so that two tasks never share one. The prefix
//      keeps it apart from the production branch.
//   3. What cannot be read is nothing; nothing throws.
//
// Pure.

#pragma once

#include "providers/deploy.hpp"
#include "providers/http.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace providers::netlify {

/// A file of the published folder: where it is on the site ("/index.html"),
/// with its SHA-1.
using announced_files = std::map<std::string, std::string>;

std::string title_of(const deploy_request& r);
/// Also of a title that the service cut short behind the deploy id.
bool is_title_of(std::string_view title, const deploy_request& r);

std::string alias_of(std::string_view task);

/// Where a deploy goes, by deploy.context.
struct placing {
  bool production = false;
  bool draft = true;
  std::string branch; ///< Of a branch deploy: the alias.
};
placing placing_of(std::string_view context, std::string_view task);

/// The body that begins a deploy. Beyond a hundred files the service is to
/// compare them by and by.
std::string creation_of(const placing& p, const std::string& title, const announced_files& files);
/// The body that tells a deploy which was begun what it consists of.
std::string announcement_of(const placing& p, const announced_files& files);

/// A deploy as the service shows it.
struct status {
  std::string id, state, title, url, context, error_message;
  std::vector<std::string> required; ///< SHA-1 of files.
  std::optional<std::int64_t> created_ms;
};
/// Nothing: no deploy, or none with an id and a state. Its URL is the one of
/// this very deploy, encrypted where there is such a one.
std::optional<status> read_status(std::string_view body);
/// Nothing: no list of deploys.
std::optional<std::vector<status>> read_listing(std::string_view body);

enum class stage : std::uint8_t {
  begun,      ///< Not told yet what it consists of.
  preparing,  ///< The service compares.
  uploading,  ///< It waits for what it requires.
  processing, ///< All is there.
  ready,
  failed,
  cancelled,
};
stage stage_of(const status& s);
inline bool is_unfinished(stage s) noexcept {
  return s < stage::ready;
}

/// The page after a listing's: what its Link header says, or whether it had
/// anything in it.
bool has_next_page(const http_response& r, std::size_t deploys_in_it);
/// Whether everything in a page is so old that nothing of the request's can
/// follow (a day is allowed for clocks that differ).
bool is_before(const std::vector<status>& page, const deploy_request& r);

/// How long the service wants to be left alone: told with 429 or 503, or when
/// nothing is left of the rate limit.
std::optional<std::chrono::milliseconds> asked_to_wait(const http_response& r,
                                                       std::int64_t unix_ms);
/// The service's words about a refusal, at most some hundred bytes.
std::string words_of_refusal(const http_response& r);

/// What the vendor's tool said on stdout. Nothing: no deploy with id and URL.
std::optional<status> read_tool_answer(std::string_view output);
/// The status that the tool tells of on stderr, by its number or its words
/// ("JSONHTTPError: Unprocessable Entity"), or 422 where it refused the files by
/// itself. 0: it tells of none that we know.
int status_told_by_tool(std::string_view errors);

/// A text as a part of a path, or the value of a query.
std::string escaped(std::string_view text);
/// A path: the same, but for its slashes.
std::string escaped_path(std::string_view path);

/// The address that everything is below: of NETLIFY_API_URL as the vendor's
/// tool reads it (a path in it takes the place of /api/v1); empty: the vendor's.
/// Errors: refused.
ledger::result<std::string> api_base_of(std::string_view url);

} // namespace providers::netlify
