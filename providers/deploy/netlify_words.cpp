#include "providers/deploy/netlify_words.hpp"

#include "ledger/detail.hpp"
#include "ledger/digest.hpp"
#include "ledger/text.hpp"
#include "providers/bounded_json.hpp"
#include "providers/dialects/hints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace providers::netlify {

namespace {

using ledger::json;
using ledger::text_at;
using std::chrono::milliseconds;

constexpr std::string_view vendors_address = "https://api.netlify.com";
constexpr std::string_view api_path = "/api/v1";
constexpr std::size_t alias_max = 37, alias_digest_digits = 8;
/// As the vendor's tool has it.
constexpr std::size_t files_compared_at_once = 100;
constexpr std::int64_t clocks_differ_ms = 24LL * 3600 * 1000;
constexpr std::size_t refusal_bytes_max = 300;
/// A reset beyond it tells of clocks that differ: limits are a minute's.
constexpr milliseconds longest_window = std::chrono::minutes(2);

/// What the tool tells instead of a number: the words of the status line.
constexpr std::array words_of_statuses{
    std::pair{std::string_view{"Unprocessable"}, 422},
    std::pair{std::string_view{"Bad Request"}, 400},
    std::pair{std::string_view{"Too Large"}, 413},
    std::pair{std::string_view{"Unauthorized"}, 401},
    std::pair{std::string_view{"Forbidden"}, 403},
    std::pair{std::string_view{"Not Found"}, 404},
    std::pair{std::string_view{"Too Many Requests"}, 429},
    std::pair{std::string_view{"Internal Server Error"}, 500},
};

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string begin_of_title(const deploy_request& r) {
  return fmt::format("scheduler {}: ", r.deploy_id);
}

/// With its keys sorted: the other kind of object searches from the front for
/// each of thousands of files.
nlohmann::json body_of(const placing& p, const announced_files& files) {
  nlohmann::json j;
  j["files"] = files;
  j["draft"] = p.draft;
  j["async"] = files.size() > files_compared_at_once;
  if (!p.branch.empty())
    j["branch"] = p.branch;
  return j;
}

std::string text_of(const nlohmann::json& j) {
  return j.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<status> read_one(const json& j) {
  status s;
  s.id = text_at(j, "id");
  s.state = text_at(j, "state");
  if (s.id.empty() || s.state.empty())
    return std::nullopt;
  s.title = text_at(j, "title");
  s.context = text_at(j, "context");
  s.error_message = text_at(j, "error_message");
  s.url = text_at(j, "deploy_ssl_url");
  if (s.url.empty())
    s.url = text_at(j, "deploy_url");
  s.created_ms = dialects::rfc3339_ms(text_at(j, "created_at"));
  if (auto all = j.find("required"); all != j.end() && all->is_array())
    for (const auto& digest : *all)
      if (digest.is_string())
        s.required.push_back(digest.get<std::string>());
  return s;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t n = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, n);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  return n;
}

std::string percent(std::string_view text, std::string_view also_plain) {
  std::string out;
  for (const auto c : text)
    if (is_alnum(c) || std::string_view("-._~").find(c) != text.npos
        || also_plain.find(c) != text.npos)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
  return out;
}

} // namespace

std::string title_of(const deploy_request& r) {
  return fmt::format("{}{} at {}", begin_of_title(r), r.task, r.commit);
}

bool is_title_of(std::string_view title, const deploy_request& r) {
  return !r.deploy_id.empty() && title.starts_with(begin_of_title(r));
}

std::string alias_of(std::string_view task) {
  std::string alias = "ai-";
  bool is_whole = true;
  for (const auto c : ledger::lowered_ascii(task)) {
    const auto plain = is_alnum(c) || c == '-';
    is_whole = is_whole && plain;
    if (plain || alias.back() != '-')
      alias += plain ? c : '-';
  }
  is_whole = is_whole && alias.size() <= alias_max && alias.back() != '-';
  if (is_whole)
    return alias;
  alias.resize(std::min(alias.size(), alias_max - alias_digest_digits - 1));
  while (alias.back() == '-')
    alias.pop_back();
  // Names of tasks differ in more than letter case.
  return alias + "-" + ledger::sha256(ledger::lowered_ascii(task)).substr(0, alias_digest_digits);
}

placing placing_of(std::string_view context, std::string_view task) {
  placing p;
  p.production = context == "production";
  if (context == "branch-deploy")
    p.branch = alias_of(task);
  p.draft = !p.production && p.branch.empty();
  return p;
}

std::string creation_of(const placing& p, const std::string& title, const announced_files& files) {
  auto j = body_of(p, files);
  j["title"] = title;
  return text_of(j);
}

std::string announcement_of(const placing& p, const announced_files& files) {
  return text_of(body_of(p, files));
}

std::optional<status> read_status(std::string_view body) {
  const auto j = parse_bounded(body);
  if (!j || !j->is_object())
    return std::nullopt;
  return read_one(*j);
}

std::optional<std::vector<status>> read_listing(std::string_view body) {
  const auto j = parse_bounded(body);
  if (!j || !j->is_array())
    return std::nullopt;
  std::vector<status> all;
  for (const auto& one : *j)
    if (auto s = read_one(one))
      all.push_back(std::move(*s));
    else
      return std::nullopt; // It might be ours.
  return all;
}

stage stage_of(const status& s) {
  const auto is = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), s.state) != words.end();
  };
  if (is({"ready"}))
    return stage::ready;
  if (is({"error", "rejected"}))
    return ledger::lowered_ascii(s.error_message).find("cancel") != std::string::npos
               ? stage::cancelled
               : stage::failed;
  if (is({"new"}))
    return stage::begun;
  if (is({"preparing"}))
    return stage::preparing;
  if (is({"prepared", "uploading"}))
    return stage::uploading;
  return stage::processing;
}

bool has_next_page(const http_response& r, std::size_t deploys_in_it) {
  if (const auto link = r.header("link"); !link.empty())
    return link.find("rel=\"next\"") != link.npos || link.find("rel=next") != link.npos;
  return deploys_in_it > 0;
}

bool is_before(const std::vector<status>& page, const deploy_request& r) {
  if (r.since_s == 0 || page.empty())
    return false;
  const auto since = r.since_s * 1000 - clocks_differ_ms;
  return std::all_of(page.begin(), page.end(),
                     [&](const status& s) { return s.created_ms && *s.created_ms < since; });
}

std::optional<milliseconds> asked_to_wait(const http_response& r, std::int64_t unix_ms) {
  const auto is_told = r.status == 429 || r.status == 503;
  if (is_told)
    if (auto wait = dialects::retry_after(r, unix_ms))
      return wait;
  if (r.status != 429 && r.header("x-ratelimit-remaining") != "0")
    return std::nullopt;
  const auto reset_s = number_in(r.header("x-ratelimit-reset"));
  constexpr std::uint64_t farthest_s = 1ULL << 40;
  if (!reset_s || *reset_s > farthest_s)
    return std::nullopt;
  const milliseconds until(static_cast<std::int64_t>(*reset_s) * 1000 - unix_ms);
  return std::clamp<milliseconds>(until, milliseconds{0}, longest_window);
}

std::string words_of_refusal(const http_response& r) {
  std::string words;
  if (const auto j = parse_bounded(r.body); j && j->is_object())
    for (const char* key : {"message", "error", "errors"})
      if (auto found = j->find(key); words.empty() && found != j->end())
        words = found->is_string() ? found->get<std::string>() : dump_valid(*found);
  if (words.empty())
    words = r.body;
  for (auto& c : words)
    if (c == '\n' || c == '\r' || c == '\t')
      c = ' ';
  return words.substr(0, refusal_bytes_max);
}

std::optional<status> read_tool_answer(std::string_view output) {
  // Words may stand before it; it may span several lines.
  for (auto at = output.find('{'); at != output.npos; at = output.find("\n{", at + 1)) {
    auto text = output.substr(at);
    const auto j = parse_bounded(text.substr(0, text.rfind('}') + 1));
    if (!j || !j->is_object())
      continue;
    status s;
    s.id = text_at(*j, "deploy_id");
    s.url = text_at(*j, "deploy_url");
    s.state = "ready";
    if (!s.id.empty() && !s.url.empty())
      return s;
  }
  return std::nullopt;
}

int status_told_by_tool(std::string_view errors) {
  for (std::string_view words : {"Invalid filename", "No files or functions to deploy"})
    if (errors.find(words) != errors.npos)
      return 422;
  for (std::string_view name : {"JSONHTTPError: ", "TextHTTPError: "}) {
    const auto at = errors.find(name);
    if (at == errors.npos)
      continue;
    auto line = errors.substr(at, errors.find('\n', at) - at);
    for (const auto& [words, status] : words_of_statuses)
      if (line.find(words) != line.npos)
        return status;
    while (!line.empty() && (line.back() < '0' || line.back() > '9'))
      line.remove_suffix(1);
    if (const auto blank = line.rfind(' '); blank != line.npos)
      if (auto n = number_in(line.substr(blank + 1)); n && *n >= 100 && *n < 600)
        return static_cast<int>(*n);
  }
  return 0;
}

std::string escaped(std::string_view text) {
  return percent(text, "");
}

std::string escaped_path(std::string_view path) {
  return percent(path, "/");
}

ledger::result<std::string> api_base_of(std::string_view url) {
  if (url.empty())
    return fmt::format("{}{}", vendors_address, api_path);
  if (auto why = why_no_base_url(url, false); !why.empty())
    return ledger::fail(ledger::fault::refused, "NETLIFY_API_URL: " + why, "url");
  auto base = std::string(url);
  while (base.back() == '/')
    base.pop_back();
  const auto host = base.find("://") + 3;
  return base.find('/', host) == base.npos ? base.append(api_path) : base;
}

} // namespace providers::netlify
