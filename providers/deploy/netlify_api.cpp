// Kind `netlify-api`: deploys through Netlify's REST API.

#include "providers/deploy/kinds.hpp"
#include "providers/deploy/netlify_common.hpp"

#include <utility>

namespace providers {

using ledger::deploy_outcome;
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

} // namespace

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
