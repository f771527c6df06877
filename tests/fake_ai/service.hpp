// service.hpp -- the fake server without its sockets: a request in, bytes out.
//
//   1. A request is checked in the order of a service: its key, its shape, the
//      limits; only then is it answered, and only an answer is billed.
//   2. A conversation of a task and step begins with a first turn that is
//      answered without a fault: what was refused can be asked again.
//
// Pure but for its counters: the time is handed in.

#pragma once

#include "tests/fake_ai/script.hpp"
#include "tests/fake_ai/tally.hpp"
#include "tests/fake_ai/vendor.hpp"
#include "tests/fake_server/limiter.hpp"

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace fake_ai {

using fake_server::limiter;
using fake_server::window;

struct service_options {
  int latency_ms = 0, jitter_ms = 0;
  std::uint64_t rpm = 0, tpm = 0, burst = 0;
  window manner = window::bucket;
  std::int64_t minute_ms = 60'000;
  double fail_rate = 0;
  std::uint64_t seed = 1;
  bool thoughts = false;
  bool persona = true; ///< What no script answers, the page writer does.
  std::string task_header = "x-fake-task", step_header = "x-fake-step";
  std::size_t log_max = 200'000;
  std::vector<std::string> watched; ///< The log tells which of these a request holds.
  std::uint64_t first_serial = 1;   ///< Ids of different runs must differ.
};

class service final : public fake_server::mind {
public:
  service(service_options o, script s);

  wire_answer answer(const http_question& q, std::int64_t now_ms, std::int64_t unix_ms) override;
  bool counts(const http_question& q) const override {
    return q.method == "POST" && vendor_at(q.path) != nullptr;
  }
  void begun() override { tally_.begun(); }
  void ended() override { tally_.ended(); }

private:
  struct limits {
    limiter requests, tokens;
  };
  struct asked; ///< One request, as far as it is known.

  void reply_to(asked& a);
  std::optional<refusal> why_not_now(asked& a);
  reply choose(const question& q, std::size_t& conversation);
  wire_answer wired(asked& a);
  int delay(const asked& a);

  service_options options_;
  script script_;
  tally tally_;
  std::map<const vendor*, limits> limits_;
  std::map<std::pair<std::string, std::string>, std::size_t> conversations_;
  std::mt19937_64 chance_;
  std::uint64_t serial_;
};

} // namespace fake_ai
