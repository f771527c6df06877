#include "providers/deploy/building.hpp"

#include "ledger/glob.hpp"
#include "providers/deploy/published_folder.hpp"
#include "providers/full_disk.hpp"
#include "providers/redacted_output.hpp"

#include <fmt/format.h>

#include <memory>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_kind;
using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// A shell says so of a program that it cannot find.
constexpr int exit_no_such_program = 127;

} // namespace

tl::unexpected<ledger::failure> deploy_is_closing(std::string_view what) {
  return fail(fault::unavailable, fmt::format("{}: not finished, the program is ending", what),
              "closing");
}

ledger::deploy_outcome failed_deploy(std::string why, std::string log) {
  ledger::deploy_outcome d;
  d.ended = std::move(why);
  d.log = std::make_shared<const std::string>(std::move(log));
  return d;
}

ledger::result<build_outcome> building_deployer::build(const deploy_request& r) {
  build_outcome out;
  out.ok = true;
  if (ledger::has_nothing_to_build(config().deploy))
    return out;
  const auto builds = !ledger::build_command_of(config().deploy).empty();
  auto checkout = context_.files.checkout(r.commit, r.tree, slot_wish::soon);
  if (!checkout)
    return tl::make_unexpected(checkout.error());
  if (builds) {
    auto ran = run_build(**checkout);
    if (!ran)
      return tl::make_unexpected(ran.error());
    out.ok = ran->ok();
    out.ended = out.ok ? "" : ran->ended();
    if (ran->how == child_result::end::exited && ran->exit_code == exit_no_such_program)
      if (const auto hint = missing_program_hint(config().sandbox); !hint.empty())
        out.ended += "; " + hint;
    out.log = redacted(context_.secrets, std::move(ran->output), ran->output_cut);
  }
  if (!out.ok || config().deploy.kind == deploy_kind::none)
    return out;
  auto kept = keep((*checkout)->folder(), r);
  if (!kept && kept.error().kind != fault::refused)
    return tl::make_unexpected(kept.error());
  if (!kept) {
    out.ok = false;
    out.ended = kept.error().detail;
    out.log += out.ended + "\n";
  }
  return out;
}

/// Errors: whatever says nothing about the change.
ledger::result<child_result> building_deployer::run_build(const lease& l) {
  auto shown = shown_folders(config().sandbox);
  if (!shown)
    return tl::make_unexpected(shown.error());
  cage c;
  c.folder = l.folder().string();
  c.network = config().deploy.build_network;
  c.read_only = std::move(*shown);
  c.objects = l.objects();
  auto spec = caged_shell(config().sandbox.kind, c, ledger::build_command_of(config().deploy));
  spec.timeout = config().checks.timeout;
  spec.max_output_bytes = deploy_log_bytes_max;
  auto ran = context_.children.run(std::move(spec));
  if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
    return deploy_is_closing("build");
  if (ran && !ran->ok() && is_full(l.folder()))
    return ended_on_a_full_disk("build", l.folder());
  return ran;
}

fs::path building_deployer::kept_folder(const deploy_request& r) const {
  return scratch() / (r.task + "-" + r.deploy_id);
}

ledger::result<build_outcome> building_deployer::ensure_built(const deploy_request& r) {
  std::error_code e;
  if (!fs::is_directory(fs::symlink_status(kept_folder(r), e)))
    return build(r);
  build_outcome out;
  out.ok = true;
  return out;
}

void building_deployer::drop(const deploy_request& r) const {
  std::error_code e;
  fs::remove_all(kept_folder(r), e);
}

/// Errors: refused, if it is the change's fault.
ledger::result<void> building_deployer::keep(const fs::path& checkout,
                                             const deploy_request& r) const {
  const auto& publish = config().deploy.publish;
  const auto missing = [&](std::string_view why) {
    return fail(fault::refused, fmt::format("[deploy] publish = \"{}\": {}", publish, why));
  };
  if (publish != "." && !ledger::is_repository_path(publish))
    return missing("not a path inside the repository");
  std::error_code e;
  auto folder = checkout;
  for (const auto& part : fs::path(publish)) {
    folder /= part;
    if (!fs::is_directory(fs::symlink_status(folder, e)))
      return missing(ledger::build_command_of(config().deploy).empty()
                         ? "no such folder in the commit; correct the configuration"
                         : "no such folder after the build; correct the configuration, if "
                           "the build is to leave another one");
  }
  fs::remove_all(kept_folder(r), e);
  return copy_published(folder, kept_folder(r));
}

ledger::result<std::string> building_deployer::read_token() const {
  return token_of("deploy", ledger::token_variable_of(config().deploy));
}

ledger::redactor building_deployer::secrets_with(const std::string& token) const {
  auto all = context_.secrets;
  all.add(token);
  return all;
}

fs::path building_deployer::lock_file(const deploy_request& r) const {
  return scratch() / (r.task + "-" + r.deploy_id + ".lock");
}

ledger::result<deploy_lock> building_deployer::take_lock(const deploy_request& r) const {
  std::error_code e;
  fs::create_directories(scratch(), e);
  if (e)
    return cannot("make", scratch(), e);
  return deploy_lock::take(lock_file(r), ledger::deploy_timeout_of(config()), context_.children);
}

void building_deployer::remove_lock(const deploy_request& r) const {
  std::error_code e;
  fs::remove(lock_file(r), e);
}

} // namespace providers
