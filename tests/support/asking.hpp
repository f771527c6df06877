// asking.hpp -- a request to an engine, and the wait for what comes of it.

#pragma once

#include "providers/http.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

namespace tests {

using http_outcome = tl::expected<providers::http_response, providers::http_failure>;

/// A POST with time-outs that a broken test passes soon.
inline providers::http_request post(std::string url, std::string body = "{}") {
  providers::http_request r;
  r.url = std::move(url);
  r.body = std::move(body);
  r.connect_timeout = std::chrono::seconds{10};
  r.idle_timeout = std::chrono::seconds{20};
  r.total_timeout = std::chrono::seconds{20};
  return r;
}

inline std::future<http_outcome> send(providers::http& engine, providers::http_request r) {
  auto p = std::make_shared<std::promise<http_outcome>>();
  auto later = p->get_future();
  engine.send(std::move(r), [p](http_outcome o) { p->set_value(std::move(o)); });
  return later;
}

inline http_outcome ask(providers::http& engine, providers::http_request r) {
  auto later = send(engine, std::move(r));
  if (later.wait_for(std::chrono::seconds{60}) == std::future_status::ready)
    return later.get();
  return tl::make_unexpected(providers::http_failure{
      {ledger::fault::lost, "the callback was never called", "never"}, false});
}

} // namespace tests
