#include "bench/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <sys/resource.h>
#include <unistd.h>

namespace bench {

namespace {

double seconds_of(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

double cpu_seconds(int who) {
  rusage u{};
  ::getrusage(who, &u);
  return seconds_of(u.ru_utime) + seconds_of(u.ru_stime);
}

/// Of this process and of its ended children.
double cpu_seconds() {
  return cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN);
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
  figures f;
  f.name = name;
  f.tasks = tasks;
  f.steps = work();
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  f.seconds = took.count();
  f.cpu_s = cpu_seconds() - cpu;
  f.rss_mb = peak_mb();
  return f;
}

double resident_mb() {
  std::ifstream statm("/proc/self/statm");
  double all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024.0 / 1024.0;
}

double children_cpu_s() {
  return cpu_seconds(RUSAGE_CHILDREN);
}

void print_head() {
  fmt::print("{:<10} {:>8} {:>8} {:>9} {:>10} {:>9} {:>8} {:>8} {:>7}\n", "case", "tasks", "steps",
             "seconds", "steps/s", "tasks/s", "cpu s", "RSS MB", "ratio");
  std::fflush(stdout);
}

void print_row(const figures& f) {
  auto ratio = f.against.empty() ? std::string{} : fmt::format("{:.3f}", f.ratio);
  fmt::print("{:<10} {:>8} {:>8} {:>9.2f} {:>10.0f} {:>9.1f} {:>8.2f} {:>8.1f} {:>7}\n", f.name,
             f.tasks, f.steps, f.seconds, per_second(f.steps, f.seconds),
             per_second(f.tasks, f.seconds), f.cpu_s, f.rss_mb, ratio);
  if (!f.against.empty())
    fmt::print("           ratio: to {}{}\n", f.against,
               f.ratio_highest > 0
                   ? fmt::format(", {:.3f} to {:.3f}", f.ratio_lowest, f.ratio_highest)
                   : std::string{});
  for (auto& [name, value] : f.further)
    fmt::print("           {}: {:.4g}\n", name, value);
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
  j["ratio"] = nullptr;
  j["against"] = nullptr;
  if (!f.against.empty()) {
    j["ratio"] = f.ratio;
    j["against"] = f.against;
  }
  if (f.ratio_highest > 0) {
    j["ratio_lowest"] = f.ratio_lowest;
    j["ratio_highest"] = f.ratio_highest;
  }
  for (auto& [name, value] : f.further)
    j[name] = value;
  return j.dump();
}

figures figures_of(const std::string& json_line) {
  constexpr std::array derived{"steps_per_s", "tasks_per_s"};
  figures f;
  const auto told = nlohmann::ordered_json::parse(json_line);
  for (auto& [key, value] : told.items()) {
    if (key == "case")
      f.name = value;
    else if (key == "tasks")
      f.tasks = value;
    else if (key == "steps")
      f.steps = value;
    else if (key == "seconds")
      f.seconds = value;
    else if (key == "cpu_s")
      f.cpu_s = value;
    else if (key == "rss_mb")
      f.rss_mb = value;
    else if (key == "against" && value.is_string())
      f.against = value;
    else if (key == "ratio" && value.is_number())
      f.ratio = value;
    else if (value.is_number() && std::find(derived.begin(), derived.end(), key) == derived.end())
      f.further.emplace_back(key, value);
  }
  return f;
}

void give_up(const std::string& why) {
  fmt::print(stderr, "scheduler_bench: {}\n", why);
  std::exit(1);
}

} // namespace bench
