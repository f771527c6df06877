// Kind `command`: a program of the user's deploys.

#include "ledger/record.hpp"
#include "providers/deploy/building.hpp"
#include "providers/deploy/kinds.hpp"
#include "providers/full_disk.hpp"
#include "providers/redacted_output.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;

/// Exit codes that a deploy command may use to say what happened.
constexpr int exit_not_there = 3;
constexpr int exit_outage = 75; // EX_TEMPFAIL, sysexits.h.
/// A shell says so of a command that a signal ended: 128 + its number.
constexpr int exit_signal_first = 129, exit_signal_last = 128 + 64;

/// The last line that is not empty.
std::string_view last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const auto at = text.rfind('\n');
  return at == std::string_view::npos ? text : text.substr(at + 1);
}

/// Whether a deploy ended in a way that says nothing about the change.
bool is_outage(const child_result& ran) {
  return ran.how != child_result::end::exited || ran.exit_code == exit_outage
         || (ran.exit_code >= exit_signal_first && ran.exit_code <= exit_signal_last);
}

/// Reads `{"deploy_id": …, "deploy_url": …}`; both must be text, not empty.
/// JSON may spell a secret in a way of its own, so what was read is redacted
/// as well.
bool read_answer(std::string_view line, const ledger::redactor& secrets, deploy_outcome& d) {
  const auto j = ledger::json::parse(line, nullptr, false);
  if (!j.is_object())
    return false;
  for (const char* key : {"deploy_id", "deploy_url"})
    if (!j.contains(key) || !j[key].is_string() || j[key].get<std::string>().empty())
      return false;
  d.deploy_id = secrets.redact(j["deploy_id"].get<std::string>());
  d.deploy_url = secrets.redact(j["deploy_url"].get<std::string>());
  return true;
}

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
    auto ran = run("find", r, *token, no_descriptor);
    lock->release();
    if (!ran)
      return tl::make_unexpected(ran.error());
    if (ran->how == child_result::end::exited && ran->exit_code == exit_not_there)
      return deploy_outcome{};
    auto d = failed_deploy("", log_of(*ran));
    if (!ran->ok())
      return fail(fault::unavailable, fmt::format("[deploy] command, find: {}: {}", ran->ended(),
                                                  d.log->substr(0, 1000)));
    if (!read_answer(last_line(ran->output), secrets_with(*token), d))
      return fail(fault::refused, std::string("[deploy] command, find: ") + bad_answer,
                  "bad-deploy-answer");
    d.ok = d.adopted = true;
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
    auto ran = run("deploy", r, *token, lock->descriptor());
    if (!ran)
      return tl::make_unexpected(ran.error());
    if (ran->how == child_result::end::exited)
      lock->release(); // Else what it had begun may still be under way.
    auto d = failed_deploy("", log_of(*ran));
    if (is_outage(*ran))
      return fail(fault::unavailable, fmt::format("[deploy] command: outage ({}): {}", ran->ended(),
                                                  d.log->substr(0, 1000)));
    if (!ran->ok() && is_full(scratch()))
      return ended_on_a_full_disk("[deploy] command", scratch());
    if (!ran->ok()) {
      d.ended = ran->ended();
    } else if (!read_answer(last_line(ran->output), secrets_with(*token), d)) {
      d.ended = bad_answer;
    } else {
      d.ok = true;
      drop(r);
      remove_lock(r);
    }
    return d;
  }

private:
  static constexpr int no_descriptor = -1;
  static constexpr const char* bad_answer = "exit 0, but the last line of its output is not "
                                            "{\"deploy_id\": \"…\", \"deploy_url\": \"…\"}";

  /// Output and errors are redacted when this returns.
  ledger::result<child_result> run(const char* action, const deploy_request& r,
                                   const std::string& token, int kept_descriptor) {
    child_spec spec;
    spec.argv = {"/bin/sh", "-c", config().deploy.command};
    spec.directory = scratch().string(); // Not the repository: nothing of it is to be run.
    spec.env = {{"LANG", "C.UTF-8"}};
    for (const char* name : {"PATH", "HOME", "TMPDIR"})
      if (const char* value = std::getenv(name))
        spec.env[name] = value;
    spec.env["SCHEDULER_ACTION"] = action;
    spec.env["SCHEDULER_TASK"] = r.task;
    spec.env["SCHEDULER_COMMIT"] = r.commit;
    spec.env["SCHEDULER_DEPLOY_ID"] = r.deploy_id;
    spec.env["SCHEDULER_PUBLISH"] = kept_folder(r).string();
    if (!config().deploy.token_env.empty())
      spec.env[config().deploy.token_env] = token;
    const auto secrets = secrets_with(token);
    spec.merge_stderr = false;
    spec.timeout = ledger::deploy_timeout_of(config());
    spec.max_output_bytes = deploy_log_bytes_max;
    spec.group_dies_with_us = true;
    spec.keep_fd = kept_descriptor;
    auto ran = context_.children.run(std::move(spec));
    if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
      return deploy_is_closing("deploy");
    if (ran) {
      ran->output = redacted(secrets, std::move(ran->output), ran->output_cut);
      ran->err = redacted(secrets, std::move(ran->err), ran->err_cut);
    }
    return ran;
  }
};

} // namespace

std::unique_ptr<deployer> make_command_deployer(deploy_context c) {
  return std::make_unique<command_deployer>(std::move(c));
}

} // namespace providers
