// service.hpp -- Netlify's REST API, as far as a deploy needs it.
//
//   1. A request is checked in the order of a service: the token, the rate
//      limit, the site; only then is anything done.
//   2. Every answer below /api/ says what is left of the rate limit.
//   3. Every request below /api/ is counted and logged once, whatever became of
//      it.
//
// Pure but for its counters and SIGKILL, if it is told to: the time is handed in.

#pragma once

#include "tests/fake_netlify/faults.hpp"
#include "tests/fake_netlify/site.hpp"
#include "tests/fake_server/limiter.hpp"
#include "tests/fake_server/wire.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fake_netlify {

struct service_options {
  std::string token;         ///< Empty: any but "bad-token".
  std::uint64_t limit = 500; ///< Requests in a window.
  std::int64_t window_ms = 60'000;
  std::string retry_after = "1"; ///< Of status 429 and 503; empty: not said.
  int latency_ms = 0;
  std::vector<std::string> watched; ///< The log tells which of these a request holds.
  std::function<void()> kill;       ///< What kill and kill-first do.
};

class service final : public fake_server::mind {
public:
  service(service_options o, site s, faults f);

  fake_server::wire_answer answer(const fake_server::http_question& q, std::int64_t now_ms,
                                  std::int64_t unix_ms) override;

private:
  struct call; ///< One request below /api/, as far as it is known.

  void route(call& c);
  void perform(call& c);
  void perform_on(call& c, deploy& d);
  void list(call& c);
  void misbehave(call& c);
  fake_server::wire_answer wired(call& c);
  json shown_site() const;
  json counters() const;

  service_options options_;
  site site_;
  faults faults_;
  fake_server::limiter limiter_;
  std::map<std::string, std::uint64_t> routes_, statuses_, done_faults_;
  std::vector<std::string> log_;
};

/// Bytes that %XX stands for; what is no such is left as it is.
std::string percent_decoded(std::string_view text);
/// The decoded value of `key` in a query; empty: it is not there.
std::string query_value(std::string_view query, std::string_view key);

} // namespace fake_netlify
