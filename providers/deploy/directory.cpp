// Kind `directory`: publishes to a folder of this machine, by one rename.

#include "providers/deploy/building.hpp"
#include "providers/deploy/kinds.hpp"
#include "providers/deploy/published_folder.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

class directory_deployer final : public building_deployer {
public:
  explicit directory_deployer(deploy_context c)
      : building_deployer(std::move(c))
      , root_((context_.repository / config().deploy.directory).lexically_normal()) {}

  ledger::result<deploy_outcome> find(const deploy_request& r) override {
    std::error_code e;
    const auto type = fs::symlink_status(place(r), e).type();
    if (type == fs::file_type::none)
      return fail(fault::unavailable,
                  fmt::format("look at {}: {}", place(r).string(), e.message()));
    deploy_outcome d;
    d.ok = type == fs::file_type::directory;
    if (d.ok) {
      d.adopted = true;
      d.deploy_id = r.deploy_id;
      d.deploy_url = file_url(place(r));
    }
    return d;
  }

  ledger::result<deploy_outcome> deploy(const deploy_request& r) override {
    if (config().deploy.directory.empty())
      return fail(fault::refused, "[deploy] directory: missing; name the folder to publish to");
    auto there = find(r);
    if (!there || there->ok)
      return there;
    auto built = ensure_built(r);
    if (!built)
      return tl::make_unexpected(built.error());
    if (!built->ok)
      return failed_deploy("build: " + built->ended, built->log);
    auto copied = copy_published(kept_folder(r), place(r));
    if (!copied) {
      there = find(r); // Somebody was faster: the same commit, the same site.
      if (there && there->ok)
        return there;
      return tl::make_unexpected(copied.error());
    }
    drop(r);
    deploy_outcome d;
    d.ok = true;
    d.deploy_id = r.deploy_id;
    d.deploy_url = file_url(place(r));
    d.log = std::make_shared<const std::string>(fmt::format("published to {}\n", d.deploy_url));
    return d;
  }

private:
  fs::path place(const deploy_request& r) const { return root_ / r.task / r.deploy_id; }
  fs::path root_;
};

} // namespace

std::unique_ptr<deployer> make_directory_deployer(deploy_context c) {
  return std::make_unique<directory_deployer>(std::move(c));
}

} // namespace providers
