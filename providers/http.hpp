// http.hpp -- requests to services, many at once.
//
// An *engine* keeps thousands of requests in flight on one thread of its own
// (libcurl's multi interface). HTTP/2 where the server offers it.
//
//   1. `done` is called exactly once, from the engine's thread (from the
//      caller's, if the request could not begin). It must not block.
//   2. Every request ends: *connect*, *idle* (connected, and no byte in either
//      direction for so long) and *total* time-outs; a response larger than its
//      cap, headers included and unpacked, is ended at once, and so is one with
//      more than 256 KB of headers.
//   3. Plain http only to loopback, or where the request says so; certificates
//      are always checked; no redirect is followed; proxies only as the
//      environment names them.
//   4. No header that was sent, no query and no body stands in a failure's
//      text: scheme, host, port and path only.
//   5. A failure says whether the request can have reached the service: what
//      may have reached it may be billed. A request that is no GET is never sent
//      twice.
//   6. The destructor ends what is in flight with `unavailable`, code
//      "closing", and waits for its thread. No callback may destroy the engine.
//
// `http` is a seam: tests of providers have a fake one.

#pragma once

#include "ledger/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

namespace providers {

/// `by_body`: POST if there is a body, else GET.
enum class http_method : std::uint8_t { by_body, post, put };

struct http_request {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers; ///< Besides Content-Type: JSON.
  std::string body;                                         ///< Any bytes.
  http_method method = http_method::by_body;
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds idle_timeout{120'000};
  std::chrono::milliseconds total_timeout{600'000};
  std::size_t max_response_bytes = 32 * 1024 * 1024;
  bool plain_http_anywhere = false; ///< The configuration's word; see 3 above.
};

/// "GET", "POST" or "PUT".
std::string_view method_of(const http_request& r) noexcept;

struct http_response {
  long status = 0;
  std::vector<std::pair<std::string, std::string>> headers; ///< Names in lower case.
  std::string body;
  std::string_view header(std::string_view name) const; ///< Empty if it is not there.
};

/// Why there is no response. `what.kind` is `unavailable` (asking again may
/// help) or `refused` (it cannot: a bad URL, a certificate, plain http to
/// somewhere else, a flood); `what.code` is a stable word: "connect", "idle",
/// "timeout", "cut", "too-large", "certificate", "url", "header", "closing".
struct http_failure {
  ledger::failure what;
  bool may_have_arrived = false;
};

using http_callback = std::function<void(tl::expected<http_response, http_failure>)>;

class http {
public:
  virtual ~http() = default;
  virtual void send(http_request r, http_callback done) = 0;
};

/// Why a URL is no base for requests; empty: it is. For the configuration.
std::string why_no_base_url(std::string_view url, bool plain_http_anywhere);

class http_engine final : public http {
public:
  http_engine();
  ~http_engine() override;
  void send(http_request r, http_callback done) override;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace providers
