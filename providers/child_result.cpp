#include "providers/child.hpp"

#include <fmt/format.h>

#include <sys/wait.h>
#include <utility>

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

child_result result_of(child& c) {
  child_result r;
  r.kept = std::move(c.kept);
  r.how = c.how;
  r.limit = c.limit;
  r.took = std::chrono::duration_cast<std::chrono::milliseconds>(c.ended - c.started);
  if (WIFSIGNALED(c.status)) {
    r.exit_code = 128 + WTERMSIG(c.status);
    if (!c.signalled)
      r.how = child_result::end::signalled;
  } else {
    r.exit_code = WEXITSTATUS(c.status);
  }
  r.dropped_bytes = c.output.dropped_bytes() + c.errors.dropped_bytes();
  r.output_cut = {c.output.head_bytes(), c.output.dropped_bytes()};
  r.err_cut = {c.errors.head_bytes(), c.errors.dropped_bytes()};
  r.output = c.output.take();
  r.err = c.errors.take();
  return r;
}

} // namespace providers
