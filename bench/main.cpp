#include "bench/cases.hpp"
#include "bench/report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

struct bench_case {
  const char* name;
  bench::figures (*measure)(const fs::path&, const bench::wishes&);
};

constexpr std::array cases{
    bench_case{"durable", bench::measure_durable},
    bench_case{"governed", bench::measure_governed},
    bench_case{"inflight", bench::measure_inflight},
    bench_case{"latency", bench::measure_latency},
    bench_case{"ratelimit", bench::measure_ratelimit},
};

/// A folder of ours beside the current one, so that the disk under test is
/// the one that projects lie on, not a memory file system.
fs::path fresh_folder(const std::string& name) {
  auto folder = fs::current_path() / fmt::format("bench-{}-{}", name, ::getpid());
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

/// In a child, so that no case has the memory and the actors of another.
/// Whether it went well.
bool run_apart(const bench_case& c, const bench::wishes& w, bool json) {
  auto folder = fresh_folder(c.name);
  auto child = ::fork();
  if (child == 0) {
    auto f = c.measure(folder, w);
    if (json)
      std::cout << bench::json_line(f) << std::endl;
    else
      bench::print_row(f);
    std::_Exit(0); // Actors are not waited for, as in the program itself.
  }
  int status = -1;
  bool ended = child > 0 && ::waitpid(child, &status, 0) == child;
  fs::remove_all(folder);
  if (!ended || WIFSIGNALED(status))
    fmt::print(stderr, "scheduler_bench: {} crashed\n", c.name);
  return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void add_options(CLI::App& app, bench::wishes& w) {
  app.add_option("--tasks", w.tasks,
                 "tasks of each case (default: 2000 durable and latency, 200 governed, what "
                 "ratelimit needs), or requests (5000 inflight)");
  app.add_option("--latency", w.latency_ms, "inflight, latency: milliseconds of each answer")
      ->capture_default_str();
  app.add_option("--rpm", w.per_minute, "ratelimit: requests that the server allows a minute")
      ->check(CLI::Range(60, 60'000))
      ->capture_default_str();
  app.add_option("--seconds", w.seconds, "ratelimit: how long is measured")
      ->check(CLI::Range(5, 3600))
      ->capture_default_str();
  app.add_option("--window", w.window, "ratelimit: how the server counts a minute")
      ->check(CLI::IsMember({"bucket", "fixed", "sliding"}))
      ->capture_default_str();
  app.add_flag("--told", w.told,
               "ratelimit: the limit stands in the configuration; else only "
               "the server's headers tell it");
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app{"Drives whole batches and measures them."};
  std::vector<std::string> names{"all"};
  for (auto& c : cases)
    names.emplace_back(c.name);
  std::string name = "all";
  bool json = false;
  bench::wishes w;
  app.add_option("case", name, "which; see bench/cases.hpp")->check(CLI::IsMember(names));
  add_options(app, w);
  app.add_flag("--json", json, "one JSON line per case instead of the table");
  CLI11_PARSE(app, argc, argv);
  if (!json)
    bench::print_head();
  bool well = true;
  for (auto& c : cases)
    if (name == "all" || name == c.name)
      well = run_apart(c, w, json) && well;
  return well ? 0 : 1;
}
