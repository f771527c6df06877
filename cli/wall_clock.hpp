// wall_clock.hpp -- what time it is, for records.

#pragma once

#include <chrono>
#include <cstdint>

namespace cli {

/// Unix time.
inline std::int64_t wall_clock_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace cli
