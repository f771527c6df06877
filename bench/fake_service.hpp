// fake_service.hpp -- the fake AI server under load, and what it cost.

#pragma once

#include "tests/support/fake_ai.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

class fake_service {
public:
  /// `arguments` of the server; see `fake_ai --help`. Ends the program with a
  /// sentence if it does not start.
  explicit fake_service(std::vector<std::string> arguments);

  std::string url() const { return server_.url(); }

  struct counts {
    std::uint64_t answered = 0; ///< With status 200.
    std::uint64_t refused = 0;  ///< With status 429.
    std::uint64_t other = 0;
    std::uint64_t in_flight_max = 0;
  };
  counts asked() const;

  /// Ends the server; its processor time. Once, and while no other child ends.
  double end();

private:
  tests::fake_ai server_;
};

} // namespace bench
