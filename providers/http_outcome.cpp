// What came of a transfer, and how its failure is told.

#include "providers/http_transfer.hpp"

#include <fmt/format.h>

#include <system_error>

namespace providers {

namespace {

using ledger::fault;
using std::chrono::milliseconds;

/// CURLE_TOO_LARGE of later versions.
constexpr int curl_too_large = 100;

/// What libcurl tells about a certificate may hold a name that a stranger chose.
std::string printable(std::string_view text) {
  std::string out;
  for (const auto c : text.substr(0, 200))
    out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

bool is_certificate_trouble(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE
         || code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR
         || code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_CRL_BADFILE
         || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

/// "200 ms", "120 s".
std::string shown(milliseconds t) {
  if (t.count() % 1000 == 0)
    return fmt::format("{} s", t.count() / 1000);
  return fmt::format("{} ms", t.count());
}

} // namespace

bool http_transfer::may_have_arrived() const {
  long request_bytes = 0;
  if (easy_ != nullptr)
    ::curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
  return connections_ > 1 || (connections_ == 1 && request_bytes > 0);
}

http_failure http_transfer::failed(fault kind, const char* code, std::string_view why) const {
  return {{kind, fmt::format("{} {}: {}", method_of(request_), url_.shown, why), code},
          may_have_arrived()};
}

http_failure http_transfer::too_large() const {
  return failed(fault::refused, "too-large",
                fmt::format("the response is larger than {} bytes, or its headers than {}; see "
                            "whether this is the right service",
                            request_.max_response_bytes, max_header_bytes));
}

/// libcurl's own text is used for TLS only: that of others may quote the
/// environment's proxy with its password, or what a server said.
http_failure http_transfer::not_connected(CURLcode code) const {
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return failed(fault::refused, "url",
                  fmt::format("{}; correct the URL", ::curl_easy_strerror(code)));
  if (code == CURLE_OPERATION_TIMEDOUT)
    return failed(fault::unavailable, "connect",
                  fmt::format("no connection within {}; see whether the service is up and the "
                              "network lets us through",
                              shown(request_.connect_timeout)));
  std::string why = ::curl_easy_strerror(code);
  long proxy_status = 0, os_error = 0;
  ::curl_easy_getinfo(easy_, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  ::curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);
  if (proxy_status >= 300)
    why = fmt::format("the proxy answered CONNECT with {}", proxy_status);
  else if (code == CURLE_SSL_CONNECT_ERROR && error_[0] != '\0')
    why += ": " + printable(error_);
  else if (os_error != 0)
    why += ": " + std::generic_category().message(static_cast<int>(os_error));
  return failed(fault::unavailable, "connect",
                why + "; see whether the service is up and the URL names it");
}

http_failure http_transfer::of_curl(CURLcode code) const {
  // A single line of headers beyond 100 KB is "out of memory" to libcurl.
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED || static_cast<int>(code) == curl_too_large
      || (code == CURLE_OUT_OF_MEMORY && connections_ > 0 && !headers_ended_))
    return too_large();
  if (is_certificate_trouble(code))
    return failed(fault::refused, "certificate",
                  fmt::format("its certificate is not trusted ({}); see whether this is the right "
                              "host and the system knows who signed its certificate",
                              error_[0] != '\0' ? printable(error_) : ::curl_easy_strerror(code)));
  if (connections_ == 0)
    return not_connected(code);
  if (would_repeat_)
    return failed(fault::unavailable, "cut",
                  "the connection, which had been used before, ended before any answer; ask again");
  if (code == CURLE_OPERATION_TIMEDOUT)
    return failed(fault::unavailable, "timeout", "no whole response in time; ask again");
  return failed(fault::unavailable, "cut",
                fmt::format("no whole response came ({}); ask again", ::curl_easy_strerror(code)));
}

tl::expected<http_response, http_failure> http_transfer::outcome(CURLcode code) {
  if (code != CURLE_OK)
    return tl::make_unexpected(of_curl(code));
  ::curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &response_.status);
  if (!headers_ended_ || response_.status < 200)
    return tl::make_unexpected(of_curl(CURLE_GOT_NOTHING));
  return std::move(response_);
}

http_failure http_transfer::overdue(clock::time_point now) const {
  if (now >= began_ + request_.total_timeout)
    return failed(fault::unavailable, "timeout",
                  fmt::format("no whole response within {}; ask again, or allow more time",
                              shown(request_.total_timeout)));
  if (connections_ == 0)
    return not_connected(CURLE_OPERATION_TIMEDOUT);
  return failed(fault::unavailable, "idle",
                fmt::format("no byte in either direction for {}; ask again, or allow more time",
                            shown(request_.idle_timeout)));
}

http_failure http_transfer::closing() const {
  return failed(fault::unavailable, "closing", "ended, since the program is closing");
}

http_failure http_transfer::no_memory() const {
  return failed(fault::unavailable, "connect", "no memory for one more request; free some");
}

} // namespace providers
