#include "bench/cases.hpp"
#include "bench/fake_service.hpp"

#include "providers/http.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>

namespace bench {

namespace {

/// As long as a prompt of an early step.
constexpr std::size_t prompt_bytes = 4096;

providers::http_request a_request(const std::string& url) {
  providers::http_request r;
  r.url = url + "/v1/chat/completions";
  r.body = fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]}})",
                       std::string(prompt_bytes, 'x'));
  return r;
}

/// All at once; gives when all have come back.
void ask_at_once(providers::http& web, const std::string& url, std::uint64_t requests) {
  std::atomic<std::uint64_t> left{requests}, failed{0};
  auto over = std::make_shared<std::promise<void>>(); // It may still be at work when we go on.
  std::string why;                                    // Of the engine's thread until all are back.
  for (std::uint64_t i = 0; i < requests; ++i)
    web.send(a_request(url), [&, over](auto got) {
      if (!got || got->status != 200) {
        ++failed;
        why = got ? fmt::format("status {}", got->status) : got.error().what.detail;
      }
      if (--left == 0)
        over->set_value();
    });
  over->get_future().get();
  if (failed > 0)
    give_up(fmt::format("{} of {} requests failed: {}; do they have descriptors (ulimit -n)?",
                        failed.load(), requests, why));
}

} // namespace

figures measure_inflight(const std::filesystem::path&, const wishes& w) {
  auto requests = w.tasks != 0 ? w.tasks : 5000;
  fake_service server({"--latency", std::to_string(w.latency_ms)});
  providers::http_engine web;
  auto before_mb = resident_mb();
  auto f = measure("inflight", requests, [&] {
    ask_at_once(web, server.url(), requests);
    return requests;
  });
  auto asked = server.asked();
  auto ideal_s = static_cast<double>(w.latency_ms) / 1000;
  f.ratio = f.seconds / std::max(ideal_s, 1e-3);
  f.against = fmt::format("{} s, what the server takes for each", ideal_s);
  f.further = {
      {"over_ideal_s", f.seconds - ideal_s},
      {"at_once", static_cast<double>(asked.in_flight_max)},
      {"kb_per_request", (f.rss_mb - before_mb) * 1024 / static_cast<double>(requests)},
      {"server_cpu_s", server.end()},
  };
  return f;
}

} // namespace bench
