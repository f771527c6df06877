// http_url.hpp -- what a request may be sent to.
//
// *Loopback* is 127.0.0.0/8, ::1 and the name localhost: this machine. Other
// names that lead to this machine do not count, since whoever answers for
// names decides where they lead.
//
//   1. What cannot be read is refused, and so is what the reader and libcurl
//      might read differently (a user before the host, a zero byte).
//   2. `shown` and every error hold scheme, host, port and path only.

#pragma once

#include "ledger/result.hpp"

#include <string>
#include <string_view>

namespace providers {

struct http_url {
  std::string shown;  ///< "https://api.example:8443/v1/messages"
  std::string origin; ///< "https://api.example:8443": what shares connections.
  bool https = false;
  bool loopback = false;
};

/// Errors: refused, code "url": no http or https, a user or a fragment, plain
/// http to somewhere else.
ledger::result<http_url> read_http_url(std::string_view url, bool plain_http_anywhere);

} // namespace providers
