// fake_netlify.hpp -- the fake Netlify server, as long as a test needs it.
//
// Link fake_netlify_child.

#pragma once

#include "tests/support/server_child.hpp"

#include <string>
#include <vector>

namespace tests {

class fake_netlify : public server_child {
public:
  /// `arguments` of the program: {"--fault", "create#1=status-503"}.
  explicit fake_netlify(std::vector<std::string> arguments = {});
};

} // namespace tests
