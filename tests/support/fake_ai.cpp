#include "tests/support/fake_ai.hpp"

namespace tests {

fake_ai::fake_ai(std::vector<std::string> arguments)
    : server_child(FAKE_AI, std::move(arguments)) {}

} // namespace tests
