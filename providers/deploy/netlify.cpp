// Kind `netlify`: deploys with Netlify's command line tool.
//
// The tool gets the built folder and the token, works in a folder of ours and
// sees nothing of the repository. Before it is started, and wherever its end is
// not clear, the REST API is asked what there is; a deploy that it began and did
// not finish is finished there.

#include "providers/deploy/kinds.hpp"
#include "providers/deploy/netlify_common.hpp"
#include "providers/full_disk.hpp"
#include "providers/redacted_output.hpp"
#include "providers/scratch_folder.hpp"
#include "providers/spawn.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;

constexpr const char* program = "netlify";
constexpr const char* no_program =
    "[deploy] kind = \"netlify\" needs the program `netlify` in PATH; install it (`npm install -g "
    "netlify-cli`), or deploy without it with kind = \"netlify-api\"";
constexpr std::size_t words_bytes_max = 1000;

/// What a tool needs to reach the network from where we are.
constexpr std::array passed_on{"HTTP_PROXY",     "HTTPS_PROXY",   "ALL_PROXY",           "NO_PROXY",
                               "http_proxy",     "https_proxy",   "all_proxy",           "no_proxy",
                               "SSL_CERT_DIR",   "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "PATH",
                               "NETLIFY_API_URL"};

class netlify_tool_deployer final : public netlify_deployer {
public:
  using netlify_deployer::netlify_deployer;

  ledger::result<deploy_outcome> find(const deploy_request& r) override {
    auto lock = take_lock(r); // A tool that outlived us may still be at it.
    if (!lock)
      return tl::make_unexpected(lock.error());
    auto found = netlify_deployer::find(r);
    lock->release();
    return found;
  }

  ledger::result<deploy_outcome> deploy(const deploy_request& r) override {
    auto service = open_service();
    if (!service)
      return tl::make_unexpected(service.error());
    auto built = ensure_built(r);
    if (!built)
      return tl::make_unexpected(built.error());
    if (!built->ok)
      return failed_deploy("build: " + built->ended, built->log);
    auto lock = take_lock(r);
    if (!lock)
      return tl::make_unexpected(lock.error());
    auto d = finish_what_was_begun(*service, r);
    if (d && !*d)
      d = run_tool(*service, r, *lock);
    if (!d)
      return tl::make_unexpected(d.error());
    if ((*d)->ok) {
      drop(r);
      remove_lock(r);
    }
    return std::move(**d);
  }

private:
  using maybe = ledger::result<std::optional<deploy_outcome>>;

  maybe finish_what_was_begun(netlify::service& service, const deploy_request& r) {
    auto files = netlify::read_folder(kept_folder(r));
    if (!files && files.error().kind == fault::refused)
      return std::optional(failed_deploy(files.error().detail, files.error().detail + "\n"));
    if (!files)
      return tl::make_unexpected(files.error());
    return run_of(service, r).go_on(*files);
  }

  maybe run_tool(netlify::service& service, const deploy_request& r, const deploy_lock& lock) {
    auto place = scratch_folder::make("netlify");
    if (!place)
      return tl::make_unexpected(place.error());
    auto ran = context_.children.run(spec_of(service.with(), r, place->path(), lock));
    if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
      return deploy_is_closing("deploy");
    if (!ran && ran.error().kind == fault::not_found)
      return fail(fault::refused, no_program, "no-program");
    if (!ran)
      return tl::make_unexpected(ran.error());
    if (ran->how == child_result::end::exited)
      lock.release(); // Else what it had begun may still be under way.
    const auto& secrets = service.with().secrets;
    ran->output = redacted(secrets, std::move(ran->output), ran->output_cut);
    ran->err = redacted(secrets, std::move(ran->err), ran->err_cut);
    if (auto s = ran->ok() ? netlify::read_tool_answer(ran->output) : std::nullopt) {
      deploy_outcome d;
      d.ok = true;
      d.deploy_id = secrets.redact(s->id); // JSON may have spelled a secret its own way.
      d.deploy_url = secrets.redact(s->url);
      d.log = std::make_shared<const std::string>(log_of(*ran));
      return std::optional(std::move(d));
    }
    return judge(service, r, *ran);
  }

  child_spec spec_of(const netlify::access& a, const deploy_request& r,
                     const std::filesystem::path& place, const deploy_lock& lock) const {
    const auto timeout = ledger::deploy_timeout_of(config());
    const auto where = netlify::placing_of(config().deploy.context, r.task);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
    child_spec spec;
    spec.argv = {program,     "deploy",
                 "--json",    "--no-build",
                 "--dir",     kept_folder(r).string(),
                 "--site",    a.site,
                 "--message", netlify::title_of(r),
                 "--timeout", std::to_string(seconds)};
    if (where.production)
      spec.argv.emplace_back("--prod");
    if (!where.branch.empty())
      spec.argv.insert(spec.argv.end(), {"--alias", where.branch});
    spec.directory = place.string(); // Not the repository: nothing of it is to be run.
    for (const char* name : passed_on)
      if (auto value = environment_of(name); !value.empty())
        spec.env[name] = std::move(value);
    spec.env.insert({{"LANG", "C.UTF-8"},
                     {"HOME", place.string()},
                     {"TMPDIR", place.string()},
                     {"CI", "true"},
                     {"NETLIFY_AUTH_TOKEN", a.token},
                     {"NETLIFY_SITE_ID", a.site},
                     {"NETLIFY_TELEMETRY_DISABLED", "1"}});
    spec.merge_stderr = false;
    spec.timeout = timeout;
    spec.max_output_bytes = deploy_log_bytes_max;
    spec.group_dies_with_us = true;
    spec.keep_fd = lock.descriptor();
    return spec;
  }

  /// Of an end that was no success: what the service says comes first.
  maybe judge(netlify::service& service, const deploy_request& r, const child_result& ran) {
    auto run = run_of(service, r);
    auto became = run.what_became();
    if (!became || *became) {
      if (became)
        (*became)->log = std::make_shared<const std::string>(log_of(ran) + run.log());
      return became;
    }
    const auto words = log_of(ran);
    const auto told =
        ran.how == child_result::end::exited ? netlify::status_told_by_tool(ran.err) : 0;
    if (told == 400 || told == 413 || told == 422)
      return std::optional(failed_deploy(
          fmt::format("Netlify refused the deploy: status {} ({})", told, ran.ended()), words));
    if (is_full(scratch()))
      return ended_on_a_full_disk("netlify deploy", scratch());
    return fail(fault::unavailable,
                fmt::format("netlify deploy: {}, and no deploy of this change is ready: {}",
                            ran.ended(), words.substr(0, words_bytes_max)),
                "tool");
  }
};

} // namespace

ledger::result<void> netlify_is_ready(const ledger::config& c) {
  if (auto ok = netlify_api_is_ready(c); !ok)
    return ok;
  child_spec spec;
  spec.argv = {program};
  spec.env["PATH"] = environment_of("PATH");
  if (!program_of(spec))
    return fail(fault::refused, no_program, "no-program");
  return {};
}

std::unique_ptr<deployer> make_netlify_deployer(deploy_context c) {
  return std::make_unique<netlify_tool_deployer>(std::move(c));
}

} // namespace providers
