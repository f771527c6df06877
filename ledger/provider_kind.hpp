// provider_kind.hpp -- the kinds of provider that the configuration knows.
//
// A *kind* is a way to get an answer: a service's HTTP API, a vendor's command
// line tool, any program, an earlier ledger, or nobody at all. Which kinds a
// build can make its registry says; what keys a kind may have follows from its
// *sort*.
//
//   1. A key's variable that nobody named is the vendor's own, and only for the
//      vendor's own address: a key never goes to a host that it is not for.
//
// Pure.

#pragma once

#include "ledger/config.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ledger {

enum class kind_sort : std::uint8_t {
  none = 0,    ///< Asks nobody.
  http = 1,    ///< A service's API.
  tool = 2,    ///< A vendor's command line tool.
  program = 4, ///< Any other program.
  replay = 8,  ///< An earlier ledger.
};

struct provider_kind {
  std::string_view name;
  kind_sort sort;
  std::string_view key_variable = {}; ///< Of kinds with an API: the vendor's own.
  std::string_view program = {};      ///< Of tools: its name in PATH.
  std::string_view login_file = {};   ///< Of tools: where it keeps its login, below the home.
};

/// All that the design knows, in the order in which people are told of them.
std::span<const provider_kind> provider_kinds() noexcept;

/// Null: no such kind (a test build may know it all the same).
const provider_kind* provider_kind_named(std::string_view name) noexcept;

/// The table of [providers] that `name` means; for a kind's name without a
/// table, one with that kind alone.
provider_config provider_named(const config& c, const std::string& name);

/// The variable that holds the provider's key; empty: it is asked without one
/// (a tool then uses its own login).
std::string key_variable_of(const provider_config& p);

} // namespace ledger
