#include "providers/deploy/netlify_common.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace providers {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;

namespace {

ledger::result<std::string> required(const std::string& variable, const char* key, const char* what,
                                     const char* code) {
  auto value = environment_of(variable);
  if (value.empty())
    return fail(fault::refused,
                fmt::format("[deploy]: the variable {} is not set; put {} there, or name another "
                            "variable with {}",
                            variable, what, key),
                code);
  if (value.find_first_of("\r\n") != std::string::npos)
    return fail(fault::refused,
                fmt::format("[deploy]: the value of {} has a line break in it, so it is not {}",
                            variable, what),
                code);
  return value;
}

} // namespace

ledger::result<netlify::access> netlify_access(const ledger::deploy_config& c) {
  netlify::access a;
  a.token_variable = ledger::token_variable_of(c);
  a.site_variable = ledger::site_variable_of(c);
  auto token = required(a.token_variable, "token_env", "an access token of Netlify", "no-token");
  if (!token)
    return tl::make_unexpected(token.error());
  auto site = required(a.site_variable, "site_id_env", "the id of the site", "no-site");
  if (!site)
    return tl::make_unexpected(site.error());
  auto base = netlify::api_base_of(environment_of("NETLIFY_API_URL"));
  if (!base)
    return tl::make_unexpected(base.error());
  a.token = std::move(*token);
  a.site = std::move(*site);
  a.base = std::move(*base);
  return a;
}

ledger::result<netlify::service> netlify_deployer::open_service() {
  auto a = netlify_access(config().deploy);
  if (!a)
    return tl::make_unexpected(a.error());
  if (context_.web == nullptr)
    return fail(fault::refused, "[deploy]: nothing here can ask a service");
  a->secrets = secrets_with(a->token);
  return netlify::service(std::move(*a), *context_.web, pace_,
                          [&children = context_.children] { return children.is_closing(); });
}

netlify::run netlify_deployer::run_of(netlify::service& s, const deploy_request& r) const {
  return {s, r, netlify::placing_of(config().deploy.context, r.task),
          std::chrono::steady_clock::now() + ledger::deploy_timeout_of(config())};
}

ledger::result<deploy_outcome> netlify_deployer::find(const deploy_request& r) {
  auto service = open_service();
  if (!service)
    return tl::make_unexpected(service.error());
  auto found = run_of(*service, r).adopt();
  if (found && found->ok)
    drop(r);
  return found;
}

} // namespace providers
