// Kind `command`: a program of the user's deploys.

#include "providers/deploy/building.hpp"
#include "providers/deploy/kinds.hpp"
#include "providers/service_command.hpp"

#include <utility>

namespace providers {

namespace {

using ledger::deploy_outcome;

class command_deployer final : public building_deployer {
public:
  using building_deployer::building_deployer;

  ledger::result<deploy_outcome> find(const deploy_request& r) override {
    auto token = read_token();
    if (!token)
      return tl::make_unexpected(token.error());
    auto lock = take_lock(r);
    if (!lock)
      return tl::make_unexpected(lock.error());
    auto found = find_with(command_for(r, *token), *lock, context_.children);
    if (!found) {
      auto why = found.error();
      if (why.code == bad_answer_code)
        why.code = "bad-deploy-answer";
      return tl::make_unexpected(std::move(why));
    }
    if (!*found)
      return deploy_outcome{};
    auto d = outcome_of(**found);
    d.adopted = true;
    return d;
  }

  ledger::result<deploy_outcome> deploy(const deploy_request& r) override {
    auto token = read_token();
    if (!token)
      return tl::make_unexpected(token.error());
    auto built = ensure_built(r);
    if (!built)
      return tl::make_unexpected(built.error());
    if (!built->ok)
      return failed_deploy("build: " + built->ended, built->log);
    auto lock = take_lock(r);
    if (!lock)
      return tl::make_unexpected(lock.error());
    auto made = make_with(command_for(r, *token), "deploy", *lock, context_.children);
    if (!made)
      return tl::make_unexpected(made.error());
    if (made->ok()) {
      drop(r);
      remove_lock(r);
    }
    return outcome_of(*made);
  }

private:
  static deploy_outcome outcome_of(const service_answer& a) {
    auto d = failed_deploy(a.ended, a.log);
    d.ok = a.ok();
    if (d.ok) {
      d.deploy_id = a.values.at(0);
      d.deploy_url = a.values.at(1);
    }
    return d;
  }

  service_command command_for(const deploy_request& r, const std::string& token) const {
    service_command c;
    c.name = "[deploy] command";
    c.command = config().deploy.command;
    c.folder = scratch();
    c.told = {{"SCHEDULER_TASK", r.task},
              {"SCHEDULER_COMMIT", r.commit},
              {"SCHEDULER_DEPLOY_ID", r.deploy_id},
              {"SCHEDULER_PUBLISH", kept_folder(r).string()}};
    c.token_variable = config().deploy.token_env;
    c.token = token;
    c.wanted = {"deploy_id", "deploy_url"};
    c.timeout = ledger::deploy_timeout_of(config());
    c.secrets = secrets_with(token);
    return c;
  }
};

} // namespace

std::unique_ptr<deployer> make_command_deployer(deploy_context c) {
  return std::make_unique<command_deployer>(std::move(c));
}

} // namespace providers
