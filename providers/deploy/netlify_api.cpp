// Kind `netlify-api`: deploys through Netlify's REST API.

#include "providers/deploy/kinds.hpp"
#include "providers/deploy/netlify_common.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace providers {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;

namespace {

class netlify_api_deployer final : public netlify_deployer {
public:
  using netlify_deployer::netlify_deployer;

  ledger::result<deploy_outcome> deploy(const deploy_request& r) override {
    auto service = open_service();
    if (!service)
      return tl::make_unexpected(service.error());
    auto built = ensure_built(r);
    if (!built)
      return tl::make_unexpected(built.error());
    if (!built->ok)
      return failed_deploy("build: " + built->ended, built->log);
    auto files = netlify::read_folder(kept_folder(r));
    if (!files && files.error().kind == fault::refused)
      return failed_deploy(files.error().detail, files.error().detail + "\n");
    if (!files)
      return tl::make_unexpected(files.error());
    auto run = run_of(*service, r);
    auto begun = run.go_on(*files);
    if (!begun)
      return tl::make_unexpected(begun.error());
    auto d = *begun ? std::move(**begun) : run.make(*files);
    if (d && d->ok)
      drop(r);
    return d;
  }
};

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

ledger::result<void> netlify_api_is_ready(const ledger::config& c) {
  auto a = netlify_access(c.deploy);
  if (!a)
    return tl::make_unexpected(a.error());
  return {};
}

std::unique_ptr<deployer> make_netlify_api_deployer(deploy_context c) {
  return std::make_unique<netlify_api_deployer>(std::move(c));
}

} // namespace providers
