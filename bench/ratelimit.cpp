#include "bench/cases.hpp"
#include "bench/fake_service.hpp"
#include "bench/real_repository.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

namespace bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t latency_ms = 500;
/// What the page writer's pipeline asks for a task, tools included.
constexpr std::uint64_t calls_per_task = 9;
constexpr std::uint32_t in_flight = 64; ///< The configuration's own number.
/// Before the window begins: what the start does to the limit is over.
constexpr std::uint64_t settling_s = 15;
constexpr std::uint64_t settling_of_minutes_s = 60;
/// Of the window's work, for what is left when it ends.
constexpr double spare = 1.25;

/// Reads the server's counters when a window begins and ends.
class window_watch {
public:
  window_watch(const fake_service& server, std::uint64_t settle_s, std::uint64_t seconds)
      : thread_([this, &server, settle_s, seconds] {
        while (server.asked().answered == 0)
          std::this_thread::sleep_for(milliseconds(50));
        std::this_thread::sleep_for(std::chrono::seconds(settle_s));
        began_ = look(server);
        std::this_thread::sleep_for(std::chrono::seconds(seconds));
        ended_ = look(server);
        is_over_ = true;
      }) {}
  ~window_watch() { thread_.join(); }

  struct sight {
    clock::time_point at;
    fake_service::counts asked;
  };
  struct window {
    double seconds;
    std::uint64_t answered;
    std::uint64_t answered_by_its_end;
  };
  /// Once the batch is over. Nothing: that was too early.
  std::optional<window> seen() const {
    if (!is_over_)
      return std::nullopt;
    std::chrono::duration<double> took = ended_.at - began_.at;
    return window{took.count(), ended_.asked.answered - began_.asked.answered,
                  ended_.asked.answered};
  }

private:
  /// In the middle of the exchange.
  static sight look(const fake_service& server) {
    auto before = clock::now();
    auto asked = server.asked();
    return {before + (clock::now() - before) / 2, asked};
  }

  sight began_, ended_;
  std::atomic<bool> is_over_ = false;
  std::thread thread_; ///< Last: it uses the others.
};

std::string configuration(const std::string& url, const wishes& w) {
  std::string toml;
  for (auto* role : {"gemini", "claude", "codex"})
    toml += fmt::format("[roles.{}]\nprovider = \"api\"\n", role);
  toml += fmt::format("[providers.api]\nkind = \"openai-chat\"\nmodel = \"m\"\n"
                      "base_url = \"{}/v1\"\nprice = {{ input = 0, output = 0 }}\n",
                      url);
  // The default serves 600 a minute; what is faster needs more at a time.
  if (auto at_once = 2 * w.per_minute * latency_ms / 60'000; at_once > 16)
    toml += fmt::format("concurrency = {}\n", at_once);
  if (w.told)
    toml += fmt::format("requests_per_minute = {}\n", w.per_minute);
  return toml;
}

} // namespace

figures measure_ratelimit(const std::filesystem::path& folder, const wishes& w) {
  auto settle_s = w.window == "bucket" ? settling_s : settling_of_minutes_s;
  auto per_second = static_cast<double>(w.per_minute) / 60;
  auto work = per_second * static_cast<double>(settle_s + w.seconds) * spare;
  auto tasks = w.tasks != 0 ? w.tasks : static_cast<std::uint64_t>(work / calls_per_task) + 1;
  // A bucket of one second, as services have it: no minute's worth in advance.
  fake_service server({"--latency", std::to_string(latency_ms), "--window", w.window, "--rpm",
                       std::to_string(w.per_minute), "--burst",
                       std::to_string(std::max<std::uint64_t>(1, w.per_minute / 60))});
  make_repository(folder, configuration(server.url(), w), tasks);
  window_watch watch(server, settle_s, w.seconds);
  auto f = measure("ratelimit", tasks, [&] {
    run_whole_batch(folder, in_flight);
    return tasks * answers_per_task;
  });
  auto seen = watch.seen();
  auto asked = server.asked();
  if (!seen || asked.answered < seen->answered_by_its_end + in_flight)
    give_up("there was no work left when the window ended; give it more --tasks");
  auto allowed = per_second * seen->seconds;
  auto all = static_cast<double>(asked.answered + asked.refused + asked.other);
  f.ratio = static_cast<double>(seen->answered) / allowed;
  f.against = fmt::format("{:.0f} requests, what {} a minute allow in {:.1f} s", allowed,
                          w.per_minute, seen->seconds);
  f.further = {
      {"refused_share", static_cast<double>(asked.refused) / all},
      {"requests", all},
      {"server_cpu_s", server.end()},
  };
  return f;
}

} // namespace bench
