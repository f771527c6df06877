// Kind `none`: what there is to build is built, and nothing is deployed.

#include "providers/deploy/building.hpp"
#include "providers/deploy/kinds.hpp"

#include <utility>

namespace providers {

namespace {

using ledger::deploy_outcome;

class no_deployer final : public building_deployer {
public:
  using building_deployer::building_deployer;
  ledger::result<deploy_outcome> find(const deploy_request&) override { return deploy_outcome{}; }
  ledger::result<deploy_outcome> deploy(const deploy_request&) override {
    deploy_outcome d;
    d.ok = d.nothing_to_do = true;
    return d;
  }
};

} // namespace

std::unique_ptr<deployer> make_no_deployer(deploy_context c) {
  return std::make_unique<no_deployer>(std::move(c));
}

} // namespace providers
