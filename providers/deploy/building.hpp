// building.hpp -- what all kinds of deploys share: the build, and what is kept.
//
// What a build published is *kept* in the scratch folder under the task's name
// and the deploy id, until it was deployed: a copy that nothing of the
// repository can change any more.
//
//   1. The build sees no token and, unless the configuration says so, no
//      network.
//   2. What a run that was killed kept is used by the next; else it is built
//      again.
//
// Private to providers/deploy.

#pragma once

#include "providers/deploy.hpp"
#include "providers/deploy/deploy_lock.hpp"
#include "providers/process.hpp"
#include "providers/service_command.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

namespace providers {

/// Of what a build or a deploy prints.
inline constexpr std::size_t deploy_log_bytes_max = 16 * 1024 * 1024;

/// `what` was not finished, because the program ends.
tl::unexpected<ledger::failure> deploy_is_closing(std::string_view what);

/// A deploy that failed because of the change.
ledger::deploy_outcome failed_deploy(std::string why, std::string log = {});

class building_deployer : public deployer {
public:
  explicit building_deployer(deploy_context c)
      : context_(std::move(c)) {}

  ledger::result<build_outcome> build(const deploy_request& r) override;

protected:
  const ledger::config& config() const noexcept { return context_.config; }
  const std::filesystem::path& scratch() const noexcept { return context_.scratch; }

  std::filesystem::path kept_folder(const deploy_request& r) const;
  /// Builds unless what build() kept is still there. A build that failed is
  /// the change's fault.
  ledger::result<build_outcome> ensure_built(const deploy_request& r);
  void drop(const deploy_request& r) const;

  /// The value of token_variable_of(); empty if none is named. Errors: refused,
  /// naming the variable.
  ledger::result<std::string> read_token() const;
  /// Whoever made us need not have known the token.
  ledger::redactor secrets_with(const std::string& token) const;

  /// See deploy_lock.hpp. Makes the scratch folder as well.
  ledger::result<deploy_lock> take_lock(const deploy_request& r) const;
  void remove_lock(const deploy_request& r) const;

  deploy_context context_;

private:
  ledger::result<child_result> run_build(const lease& l);
  ledger::result<void> keep(const std::filesystem::path& checkout, const deploy_request& r) const;
  std::filesystem::path lock_file(const deploy_request& r) const;
};

} // namespace providers
