// report.hpp -- what a case measured.
//
// A *case* drives a batch and measures the whole of it: wall time, processor
// time of this process and its children, the most memory it ever held. A
// *step* is one AI answer that was made durable (in `inflight`, one that came
// in). Its *ratio* is what was measured over what it is measured against, which
// a case that has one names: by itself, or a *yardstick*, a case that was run right
// before it; then both run several times in turn, and the *spread* is the lowest
// and highest of those ratios. *Further* figures are the case's own.
//
// Machines differ: only ratios of one run say something.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct figures {
  std::string name;
  std::uint64_t tasks = 0;
  std::uint64_t steps = 0;
  double seconds = 0;
  double cpu_s = 0;
  double rss_mb = 0; ///< Peak of this process, so far.
  double ratio = 0;
  double ratio_lowest = 0, ratio_highest = 0; ///< Both 0: there is no spread.
  std::string against = {};                   ///< Empty: there is no ratio.
  std::vector<std::pair<std::string, double>> further = {};
};

/// Runs `work`, which gives the number of steps, and measures it.
figures measure(const std::string& name, std::uint64_t tasks,
                const std::function<std::uint64_t()>& work);

/// What this process holds now.
double resident_mb();
/// User and system time of the children that have ended.
double children_cpu_s();

void print_head();
/// A row for people, and lines for what only some cases have.
void print_row(const figures& f);

/// One JSON object, one line: case, tasks, steps, seconds, steps_per_s,
/// tasks_per_s, cpu_s, rss_mb, ratio and against (null where there is none),
/// and what is further.
std::string json_line(const figures& f);

/// The figures of such a line.
figures figures_of(const std::string& json_line);

/// Ends the program with a sentence.
[[noreturn]] void give_up(const std::string& why);

} // namespace bench
