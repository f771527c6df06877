#include "providers/deploy.hpp"

#include "providers/deploy/kinds.hpp"

#include <array>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_kind;

struct registered {
  deploy_kind kind;
  std::unique_ptr<deployer> (*make)(deploy_context);
  ledger::result<void> (*is_ready)(const ledger::config&);
};

ledger::result<void> needs_nothing(const ledger::config&) {
  return {};
}

constexpr std::array registry{
    registered{deploy_kind::none, make_no_deployer, needs_nothing},
    registered{deploy_kind::directory, make_directory_deployer, needs_nothing},
    registered{deploy_kind::command, make_command_deployer, needs_nothing},
    registered{deploy_kind::netlify, make_netlify_deployer, netlify_is_ready},
    registered{deploy_kind::netlify_api, make_netlify_api_deployer, netlify_api_is_ready},
};

const registered& entry_of(deploy_kind k) {
  for (const auto& r : registry)
    if (r.kind == k)
      return r;
  return registry.front();
}

} // namespace

ledger::result<void> deploy_is_ready(const ledger::config& c) {
  return entry_of(c.deploy.kind).is_ready(c);
}

std::unique_ptr<deployer> make_deployer(deploy_context c) {
  const auto& entry = entry_of(c.config.deploy.kind);
  return entry.make(std::move(c));
}

} // namespace providers
