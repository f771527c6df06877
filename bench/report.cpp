#include "bench/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

#include <sys/resource.h>

namespace bench {

namespace {

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

/// User and system time of this process and of its ended children.
double cpu_seconds() {
  double sum = 0;
  for (auto who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage u{};
    ::getrusage(who, &u);
    sum += seconds_of(u.ru_utime) + seconds_of(u.ru_stime);
  }
  return sum;
}

double peak_mb() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_maxrss) / 1024.0;
}

double per_second(std::uint64_t n, double seconds) {
  return seconds > 0 ? static_cast<double>(n) / seconds : 0;
}

} // namespace

figures measure(const std::string& name, std::uint64_t tasks,
                const std::function<std::uint64_t()>& work) {
  auto cpu = cpu_seconds();
  auto start = std::chrono::steady_clock::now();
  auto steps = work();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return {name, tasks, steps, took.count(), cpu_seconds() - cpu, peak_mb()};
}

void print_row(const figures& f) {
  static bool head = true;
  if (head)
    fmt::print("{:<10} {:>8} {:>8} {:>9} {:>10} {:>9} {:>8} {:>8}\n", "case", "tasks", "steps",
               "seconds", "steps/s", "tasks/s", "cpu s", "RSS MB");
  head = false;
  fmt::print("{:<10} {:>8} {:>8} {:>9.2f} {:>10.0f} {:>9.1f} {:>8.2f} {:>8.1f}\n", f.name, f.tasks,
             f.steps, f.seconds, per_second(f.steps, f.seconds), per_second(f.tasks, f.seconds),
             f.cpu_s, f.rss_mb);
  std::fflush(stdout);
}

std::string json_line(const figures& f) {
  nlohmann::ordered_json j;
  j["case"] = f.name;
  j["tasks"] = f.tasks;
  j["steps"] = f.steps;
  j["seconds"] = f.seconds;
  j["steps_per_s"] = per_second(f.steps, f.seconds);
  j["tasks_per_s"] = per_second(f.tasks, f.seconds);
  j["cpu_s"] = f.cpu_s;
  j["rss_mb"] = f.rss_mb;
  return j.dump();
}

} // namespace bench
