#include "tests/support/fake_netlify.hpp"

namespace tests {

fake_netlify::fake_netlify(std::vector<std::string> arguments)
    : server_child(FAKE_NETLIFY, std::move(arguments)) {}

} // namespace tests
