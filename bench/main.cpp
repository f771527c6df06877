#include "bench/cases.hpp"
#include "bench/plot.hpp"
#include "bench/report.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;

struct bench_case {
  const char* name;
  bench::figures (*measure)(const fs::path&, const bench::wishes&);
  const char* yardstick = nullptr; ///< The case that it is measured against.
};

constexpr std::array cases{
    bench_case{"limit", bench::measure_limit},
    bench_case{"limit-sync", bench::measure_limit_sync},
    bench_case{"limit-log", bench::measure_limit_log},
    bench_case{"ledger", bench::measure_ledger, "limit"},
    bench_case{"durable", bench::measure_durable, "limit"},
    bench_case{"memory", bench::measure_memory},
    bench_case{"resume", bench::measure_resume},
    bench_case{"status", bench::measure_status},
    bench_case{"inflight", bench::measure_inflight},
    bench_case{"latency", bench::measure_latency},
    bench_case{"ratelimit", bench::measure_ratelimit},
    // Last: the shell removes its worktrees, which makes new files dear for minutes.
    bench_case{"shell", bench::measure_shell},
    bench_case{"governed", bench::measure_governed, "shell"},
};

const bench_case& case_named(std::string_view name) {
  return *std::find_if(cases.begin(), cases.end(), [&](auto& c) { return c.name == name; });
}

/// Folders of ours beside the current one, so that the disk under test is the one
/// that projects lie on, not a memory file system. They stay until the end: where
/// many files were removed ext4 is slow for minutes, and what is measured then is
/// the removing.
class folders {
public:
  fs::path make(const std::string& name) {
    made_.push_back(fs::current_path() / fmt::format("bench-{}-{}-{}", name, ::getpid(), ++last_));
    fs::remove_all(made_.back());
    fs::create_directories(made_.back());
    return made_.back();
  }
  explicit folders(bool keep)
      : keep_(keep) {}
  ~folders() {
    std::error_code ignored;
    if (!keep_)
      for (auto& folder : made_)
        fs::remove_all(folder, ignored);
  }

private:
  bool keep_;
  std::vector<fs::path> made_;
  std::uint64_t last_ = 0;
};

std::string read_to_end(int fd) {
  std::string all;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
    all.append(buffer.data(), static_cast<std::size_t>(n));
  return all;
}

/// In a child, so that no case has the memory and the actors of another. Nothing:
/// it did not go well, and said so.
std::optional<bench::figures> run_apart(const bench_case& c, const fs::path& folder,
                                        const bench::wishes& w) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    bench::give_up("no pipe");
  auto child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    auto line = bench::json_line(c.measure(folder, w));
    bool told = ::write(ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size());
    std::_Exit(told ? 0 : 1); // Actors are not waited for, as in the program itself.
  }
  ::close(ends[1]);
  auto line = read_to_end(ends[0]);
  ::close(ends[0]);
  int status = -1;
  bool ended = child > 0 && ::waitpid(child, &status, 0) == child;
  if (!ended || WIFSIGNALED(status))
    fmt::print(stderr, "scheduler_bench: {} crashed\n", c.name);
  if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return std::nullopt;
  return bench::figures_of(line);
}

double rate_of(const bench::figures& f) {
  return static_cast<double>(f.steps) / f.seconds;
}

/// What there is to tell of a case; nothing: it failed. In turn with its yardstick, it
/// is the run with the median ratio, behind the run of the yardstick before it.
std::vector<bench::figures> run_in_turn(const bench_case& c, folders& all, std::size_t times,
                                        const bench::wishes& w) {
  struct turn {
    bench::figures yardstick, run;
  };
  std::vector<turn> turns;
  for (std::size_t i = 0; c.yardstick && i < times; ++i) {
    auto yardstick = run_apart(case_named(c.yardstick), all.make(c.yardstick), w);
    auto run = yardstick ? run_apart(c, all.make(c.name), w) : yardstick;
    if (!run)
      return {};
    run->ratio = rate_of(*run) / rate_of(*yardstick);
    run->against = fmt::format("the steps/s of {} before it", c.yardstick);
    turns.push_back({*yardstick, *run});
  }
  if (turns.empty()) {
    auto alone = run_apart(c, all.make(c.name), w);
    return alone ? std::vector{*alone} : std::vector<bench::figures>{};
  }
  std::sort(turns.begin(), turns.end(), [](auto& a, auto& b) { return a.run.ratio < b.run.ratio; });
  auto median = turns[turns.size() / 2];
  median.run.ratio_lowest = turns.front().run.ratio;
  median.run.ratio_highest = turns.back().run.ratio;
  return {median.yardstick, median.run};
}

/// Whether another case runs it anyway.
bool is_yardstick(const bench_case& c) {
  return std::any_of(cases.begin(), cases.end(), [&](auto& other) {
    return other.yardstick && std::string_view(other.yardstick) == c.name;
  });
}

/// Cost of a task of `durable` and of `limit` against the number of tasks.
int plot(folders& all, std::uint64_t most, const std::string& file) {
  constexpr std::uint64_t fewest = 250;
  bench::curve wall{"durable", {}}, cpu{"durable, processor", {}}, limit{"limit", {}};
  auto add = [](bench::curve& c, const bench::figures& f, double seconds) {
    auto n = static_cast<double>(f.tasks);
    c.points.emplace_back(n, seconds * 1000 / n);
  };
  bench::print_head();
  bench::wishes w;
  for (w.tasks = fewest; w.tasks <= most; w.tasks *= 4) {
    auto yardstick = run_apart(case_named("limit"), all.make("limit"), w);
    auto run = yardstick ? run_apart(case_named("durable"), all.make("durable"), w) : yardstick;
    if (!run)
      return 1;
    for (auto* f : {&*yardstick, &*run})
      bench::print_row(*f);
    add(limit, *yardstick, yardstick->seconds);
    add(wall, *run, run->seconds);
    add(cpu, *run, run->cpu_s);
  }
  std::ofstream out(file);
  out << bench::svg_of({"Cost of a task against the number of tasks",
                        "tasks",
                        "milliseconds a task",
                        {std::move(wall), std::move(cpu), std::move(limit)}});
  out.close();
  fmt::print("{} {}\n", out ? "plotted to" : "cannot write", file);
  return out ? 0 : 1;
}

void add_options(CLI::App& app, bench::wishes& w) {
  app.add_option("--tasks", w.tasks,
                 "tasks of each case (default: 2000 durable and latency, 100 governed, 10000 "
                 "memory, resume and status, what ratelimit needs), or requests (5000 inflight)");
  app.add_option("--files", w.files, "governed, shell: files of the repository")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
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
  std::vector<std::string> names{"all", "plot"};
  for (auto& c : cases)
    names.emplace_back(c.name);
  std::string name = "all";
  std::size_t times = 3;
  std::string plot_file = "bench-plot.svg";
  std::uint64_t most = 16'000;
  bool json = false, keep = false;
  bench::wishes w;
  app.add_option("case", name, "which; see bench/cases.hpp; plot: durable at 250, 1000, ... tasks")
      ->check(CLI::IsMember(names));
  add_options(app, w);
  app.add_option("--times", times, "how often a case and its yardstick are run in turn")
      ->check(CLI::Range(1, 99))
      ->capture_default_str();
  app.add_flag("--keep", keep,
               "leave the folders: where many files were removed, ext4 is slow for five minutes");
  app.add_option("--most", most, "plot: up to so many tasks")
      ->check(CLI::Range(250, 1'000'000))
      ->capture_default_str();
  app.add_option("--plot", plot_file, "plot: the SVG file")->capture_default_str();
  app.add_flag("--json", json, "one JSON line per case instead of the table");
  CLI11_PARSE(app, argc, argv);
  folders all{keep};
  if (name == "plot")
    return plot(all, most, plot_file);
  if (!json)
    bench::print_head();
  bool well = true;
  for (auto& c : cases) {
    if (name == "all" ? is_yardstick(c) : name != c.name)
      continue;
    auto told = run_in_turn(c, all, times, w);
    well = !told.empty() && well;
    for (auto& f : told) {
      if (json)
        std::cout << bench::json_line(f) << std::endl;
      else
        bench::print_row(f);
    }
  }
  return well ? 0 : 1;
}
