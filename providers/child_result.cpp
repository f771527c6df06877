#include "providers/process.hpp"

#include <fmt/format.h>

namespace providers {

namespace {

std::string seconds_of(std::chrono::milliseconds t) {
  if (t < std::chrono::seconds(1))
    return fmt::format("{} ms", t.count());
  return fmt::format("{:g} s", static_cast<double>(t.count()) / 1000);
}

} // namespace

std::string child_result::ended() const {
  switch (how) {
    case end::timed_out:
      return "timed out after " + seconds_of(limit);
    case end::idle:
      return "silent for " + seconds_of(limit);
    case end::signalled:
      return fmt::format("killed by signal {}", exit_code - 128);
    case end::killed:
      return "ended by the scheduler";
    case end::exited:
      break;
  }
  return fmt::format("exit {}", exit_code);
}

} // namespace providers
