#include "providers/http_transfer.hpp"

#include "providers/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace providers {

namespace {

using ledger::fault;
using std::chrono::milliseconds;

/// A time-out is no promise to keep a connection for ever.
constexpr milliseconds longest_timeout = std::chrono::hours{24 * 7};
/// How long an idle connection may be used again. Many servers close theirs
/// after a minute or less, and a request that meets that moment fails.
constexpr long reuse_within_s = 30;

char lower(char c) {
  return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view blank = " \t\r\n";
  const auto from = s.find_first_not_of(blank);
  if (from == std::string_view::npos)
    return {};
  return s.substr(from, s.find_last_not_of(blank) - from + 1);
}

bool is_token(std::string_view name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z')
           || others.find(c) != std::string_view::npos;
  });
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

template <class Value>
void set(CURL* easy, CURLoption option, Value value) {
  ::curl_easy_setopt(easy, option, value);
}

} // namespace

std::string_view http_response::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (same_name(key, name))
      return value;
  return {};
}

std::string_view method_of(const http_request& r) noexcept {
  if (r.method == http_method::put)
    return "PUT";
  return r.method == http_method::post || !r.body.empty() ? "POST" : "GET";
}

http_transfer::http_transfer(http_request r, http_url url, http_callback done)
    : request_(std::move(r))
    , url_(std::move(url))
    , done_(std::move(done)) {
  for (auto* timeout : {&request_.connect_timeout, &request_.idle_timeout, &request_.total_timeout})
    *timeout = std::clamp(*timeout, milliseconds{1}, longest_timeout);
}

bool http_transfer::is_get() const noexcept {
  return method_of(request_) == "GET";
}

http_transfer::~http_transfer() {
  ::curl_slist_free_all(headers_);
}

std::string http_transfer::why_no_headers(const http_request& r) {
  for (const auto& [name, value] : r.headers) {
    if (!is_token(name))
      return "the name of a header holds what no name may hold; correct it";
    if (value.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos)
      return fmt::format("the value of header {} holds a line break; take it out", name);
  }
  return {};
}

bool http_transfer::set_headers() {
  const auto add = [&](const std::string& line) {
    auto* longer = ::curl_slist_append(headers_, line.c_str());
    headers_ = longer != nullptr ? longer : headers_;
    return longer != nullptr;
  };
  // Without the empty Expect libcurl would wait a second before a large body.
  bool all = add("Expect:"), typed = is_get();
  for (const auto& [name, value] : request_.headers) {
    all = all && add(value.empty() ? name + ";" : name + ": " + value);
    typed = typed || same_name(name, "content-type");
  }
  if (!typed)
    all = all && add("Content-Type: application/json");
  set(easy_, CURLOPT_HTTPHEADER, headers_);
  return all;
}

/// Where requests may go, and what is never sent along.
void http_transfer::set_safety() {
  set(easy_, CURLOPT_PROTOCOLS_STR, url_.https ? "https" : "http");
  set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy_, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (url_.loopback) // No proxy of the environment leads to this machine.
    set(easy_, CURLOPT_PROXY, "");
}

bool http_transfer::begin(CURL* easy, http_load& load) {
  easy_ = easy;
  load_ = &load;
  set(easy_, CURLOPT_URL, request_.url.c_str());
  set(easy_, CURLOPT_ERRORBUFFER, error_);
  set(easy_, CURLOPT_NOSIGNAL, 1L);
  // Else ending a transfer waits for its look-up of a name, and all others too.
  set(easy_, CURLOPT_QUICK_EXIT, 1L);
  set(easy_, CURLOPT_USERAGENT, fmt::format("scheduler/{}", program_version).c_str());
  set(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(easy_, CURLOPT_MAXAGE_CONN, reuse_within_s);
  // A model may think for minutes; what stands between must not forget us.
  set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy_, CURLOPT_TCP_KEEPIDLE, 60L);
  set(easy_, CURLOPT_TCP_KEEPINTVL, 30L);
  set(easy_, CURLOPT_ACCEPT_ENCODING, "");
  set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  // Wait to learn whether a connection can be shared. Plain http tells so only
  // in its first answer, and nobody is to wait for that.
  set(easy_, CURLOPT_PIPEWAIT, url_.https ? 1L : 0L);
  set_safety();
  if (!is_get()) { // An empty body as well: it has a length, 0.
    set(easy_, CURLOPT_POST, 1L);
    set(easy_, CURLOPT_CUSTOMREQUEST, std::string(method_of(request_)).c_str());
    set(easy_, CURLOPT_POSTFIELDS, request_.body.data());
    set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  // A content-length beyond the cap ends it before the first byte of the body.
  constexpr std::size_t most = std::numeric_limits<curl_off_t>::max();
  set(easy_, CURLOPT_MAXFILESIZE_LARGE,
      static_cast<curl_off_t>(std::min(request_.max_response_bytes, most)));
  set_callbacks();
  return set_headers();
}

void http_transfer::set_callbacks() {
  using self = http_transfer;
  set(easy_, CURLOPT_HEADERDATA, this);
  set(
      easy_, CURLOPT_HEADERFUNCTION,
      +[](char* at, std::size_t size, std::size_t n, void* me) noexcept {
        return static_cast<self*>(me)->take_header({at, size * n});
      });
  set(easy_, CURLOPT_WRITEDATA, this);
  set(
      easy_, CURLOPT_WRITEFUNCTION,
      +[](char* at, std::size_t size, std::size_t n, void* me) noexcept {
        return static_cast<self*>(me)->take_body({at, size * n});
      });
  set(easy_, CURLOPT_NOPROGRESS, 0L);
  set(easy_, CURLOPT_XFERINFODATA, this);
  set(
      easy_, CURLOPT_XFERINFOFUNCTION,
      +[](void* me, curl_off_t, curl_off_t received, curl_off_t, curl_off_t sent) noexcept {
        const auto go_on = static_cast<self*>(me)->note_progress(
            static_cast<std::uint64_t>(received), static_cast<std::uint64_t>(sent));
        return go_on ? 0 : 1;
      });
  set(easy_, CURLOPT_PREREQDATA, this);
  set(
      easy_, CURLOPT_PREREQFUNCTION, +[](void* me, char*, char*, int, int) noexcept {
        return static_cast<self*>(me)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
      });
}

void http_transfer::open() {
  ++load_->opening;
  opened_ = true;
  opened_at_ = clock::now();
}

CURL* http_transfer::take_handle() {
  if (std::exchange(opened_, false))
    --(connections_ > 0 ? load_->connected : load_->opening);
  if (easy_ != nullptr)
    ::curl_easy_reset(easy_);
  return std::exchange(easy_, nullptr);
}

/// libcurl repeats a request on its own if the connection had been used before
/// and ends without a byte of an answer: often nobody has seen the request, but
/// a service may as well have died over it, or a proxy in front of it. A model
/// that is asked twice is paid twice, so a request that is no GET and was sent,
/// be it in part, goes out once: whoever sent it decides about another try, as
/// after any failure. Connections are used again all the same: a fresh one for
/// each request would cost a handshake each and share no HTTP/2 connection.
bool http_transfer::may_send() {
  curl_off_t sent_bytes = 0;
  long request_bytes = 0;
  ::curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
  ::curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &sent_bytes);
  would_repeat_ = connections_ > 0 && !is_get() && (request_bytes > 0 || sent_bytes > 0);
  if (would_repeat_)
    return false;
  moved_ = clock::now();
  if (++connections_ == 1) {
    --load_->opening;
    ++load_->connected;
    load_->last_connected = moved_;
  }
  return true;
}

bool http_transfer::is_over_cap(std::uint64_t body_bytes) const {
  return header_bytes_ + body_bytes > request_.max_response_bytes;
}

std::size_t http_transfer::take_header(std::string_view line) {
  moved_ = clock::now();
  header_bytes_ += line.size();
  if (header_bytes_ > max_header_bytes || is_over_cap(response_.body.size())) {
    too_large_ = true;
    return 0;
  }
  if (headers_ended_) // A trailer counts, but says nothing that anybody reads.
    return line.size();
  const auto text = trimmed(line);
  if (text.empty()) {
    headers_ended_ = block_status_ >= 200; // Below that another block follows.
  } else if (line.substr(0, 5) == "HTTP/") {
    response_.headers.clear();
    block_status_ = 0;
    const auto number = trimmed(text.substr(std::min(text.find(' '), text.size())));
    std::from_chars(number.data(), number.data() + number.size(), block_status_);
  } else if (line.front() == ' ' || line.front() == '\t') { // Folded, as of old.
    if (!response_.headers.empty())
      response_.headers.back().second += " " + std::string{text};
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    std::string name{trimmed(text.substr(0, colon))};
    std::transform(name.begin(), name.end(), name.begin(), lower);
    response_.headers.emplace_back(std::move(name), trimmed(text.substr(colon + 1)));
  }
  return line.size();
}

std::size_t http_transfer::take_body(std::string_view bytes) {
  moved_ = clock::now();
  if (is_over_cap(response_.body.size() + bytes.size())) {
    too_large_ = true;
    return 0;
  }
  response_.body += bytes;
  return bytes.size();
}

bool http_transfer::note_progress(std::uint64_t received, std::uint64_t sent) {
  if (received != received_ || sent != sent_)
    moved_ = clock::now();
  received_ = received;
  sent_ = sent;
  // As it came over the wire: what unpacks to nothing counts as well.
  too_large_ = too_large_ || is_over_cap(received);
  return !too_large_;
}

http_transfer::clock::time_point http_transfer::connect_began() const {
  if (opened_ || load_ == nullptr)
    return opened_at_;
  return std::max(began_, load_->last_connected);
}

http_transfer::clock::time_point http_transfer::next_look(clock::time_point now) const {
  const auto total = began_ + request_.total_timeout;
  const auto idle = request_.idle_timeout;
  if (connections_ > 0)
    return std::min(total, moved_ + idle);
  // It may be connected at any time, and cannot be idle before `now + idle`.
  return std::min({total, connect_began() + request_.connect_timeout, now + idle});
}

bool http_transfer::is_overdue(clock::time_point now) const {
  const auto since = connections_ > 0 ? moved_ + request_.idle_timeout
                                      : connect_began() + request_.connect_timeout;
  return now >= since || now >= began_ + request_.total_timeout;
}

} // namespace providers
