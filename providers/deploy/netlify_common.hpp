// netlify_common.hpp -- what the two kinds of Netlify deploys share: who we are
// there, and the look for what is there.
//
// Private to providers/deploy.

#pragma once

#include "providers/deploy/building.hpp"
#include "providers/deploy/netlify_run.hpp"

#include <memory>
#include <string>

namespace providers {

class netlify_deployer : public building_deployer {
public:
  using building_deployer::building_deployer;
  ledger::result<ledger::deploy_outcome> find(const deploy_request& r) override;

protected:
  /// Errors: refused.
  ledger::result<netlify::service> open_service();
  netlify::run run_of(netlify::service& s, const deploy_request& r) const;

private:
  std::shared_ptr<netlify::pace> pace_ = std::make_shared<netlify::pace>();
};

/// From the environment. Errors: refused, naming the variable.
ledger::result<netlify::access> netlify_access(const ledger::deploy_config& c);

} // namespace providers
