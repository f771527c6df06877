// fake_ai.hpp -- the fake AI server, as long as a test needs it.
//
// Link fake_ai_child.

#pragma once

#include "tests/support/server_child.hpp"

#include <string>
#include <vector>

namespace tests {

class fake_ai : public server_child {
public:
  /// `arguments` of the program: {"--script", folder, "--latency", "100"}.
  explicit fake_ai(std::vector<std::string> arguments = {});
};

} // namespace tests
