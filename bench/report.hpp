// report.hpp -- what a case measured.
//
// A *case* drives a batch and measures the whole of it: wall time, processor
// time of this process and its children, the most memory it ever held. A
// *step* is one AI answer that was made durable.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bench {

struct figures {
  std::string name;
  std::uint64_t tasks = 0;
  std::uint64_t steps = 0;
  double seconds = 0;
  double cpu_s = 0;
  double rss_mb = 0; ///< Peak of this process, so far.
};

/// Runs `work`, which gives the number of steps, and measures it.
figures measure(const std::string& name, std::uint64_t tasks,
                const std::function<std::uint64_t()>& work);

/// A row for people; the first call prints the head as well.
void print_row(const figures& f);

/// One JSON object, one line: case, tasks, steps, seconds, steps_per_s,
/// tasks_per_s, cpu_s, rss_mb.
std::string json_line(const figures& f);

} // namespace bench
