#include "providers/api_key.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace providers {

ledger::result<std::string> api_key_of(const std::string& name, const std::string& variable) {
  if (variable.empty())
    return std::string{};
  auto* value = std::getenv(variable.c_str());
  if (!value || *value == '\0')
    return ledger::fail(ledger::fault::refused,
                        fmt::format("scheduler.toml, [providers.{}]: the variable {} is not set; "
                                    "put the service's key there, or name another variable with "
                                    "api_key_env",
                                    name, variable),
                        "key-missing");
  std::string key = value;
  if (key.find_first_of("\r\n") != std::string::npos)
    return ledger::fail(ledger::fault::refused,
                        fmt::format("scheduler.toml, [providers.{}]: the value of {} has a line "
                                    "break in it, so it is no key",
                                    name, variable),
                        "key-missing");
  return key;
}

} // namespace providers
