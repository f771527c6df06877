#include "providers/deploy.hpp"

#include "ledger/glob.hpp"
#include "ledger/record.hpp"
#include "providers/deploy_lock.hpp"
#include "providers/full_disk.hpp"
#include "providers/published_folder.hpp"
#include "providers/redacted_output.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::deploy_kind;
using ledger::deploy_outcome;
using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

/// Exit codes that a deploy command may use to say what happened.
constexpr int exit_not_there = 3;
constexpr int exit_outage = 75; // EX_TEMPFAIL, sysexits.h.
/// A shell says so of a command that a signal ended: 128 + its number.
constexpr int exit_signal_first = 129, exit_signal_last = 128 + 64;
/// A shell says so of a program that it cannot find.
constexpr int exit_no_such_program = 127;

constexpr std::size_t log_bytes_max = 16 * 1024 * 1024;

tl::unexpected<ledger::failure> ending(std::string_view what) {
  return fail(fault::unavailable, fmt::format("{}: not finished, the program is ending", what),
              "closing");
}

deploy_outcome failed(std::string why, std::string log = {}) {
  deploy_outcome d;
  d.ended = std::move(why);
  d.log = std::make_shared<const std::string>(std::move(log));
  return d;
}

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

/// Building and keeping the publish folder: what all kinds share.
class building_deployer : public deployer {
public:
  building_deployer(const ledger::config& c, workspace& w, processes& children, fs::path scratch,
                    ledger::redactor secrets)
      : config_(c)
      , workspace_(w)
      , children_(children)
      , scratch_(std::move(scratch))
      , secrets_(std::move(secrets)) {}

  ledger::result<build_outcome> build(const deploy_request& r) override {
    auto checkout = workspace_.checkout(r.commit, r.tree);
    if (!checkout)
      return tl::make_unexpected(checkout.error());
    build_outcome out;
    out.ok = true;
    if (!config_.deploy.build.empty()) {
      auto ran = run_build(**checkout);
      if (!ran)
        return tl::make_unexpected(ran.error());
      out.ok = ran->ok();
      out.ended = out.ok ? "" : ran->ended();
      if (ran->how == child_result::end::exited && ran->exit_code == exit_no_such_program)
        if (const auto hint = missing_program_hint(config_.sandbox); !hint.empty())
          out.ended += "; " + hint;
      out.log = redacted(secrets_, std::move(ran->output), ran->output_cut);
    }
    if (!out.ok || config_.deploy.kind == deploy_kind::none)
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

protected:
  /// Errors: whatever says nothing about the change.
  ledger::result<child_result> run_build(const lease& l) {
    auto shown = shown_folders(config_.sandbox);
    if (!shown)
      return tl::make_unexpected(shown.error());
    cage c;
    c.folder = l.folder().string();
    c.network = config_.deploy.build_network;
    c.read_only = std::move(*shown);
    c.objects = l.objects();
    auto spec = caged_shell(config_.sandbox.kind, c, config_.deploy.build);
    spec.timeout = config_.checks.timeout;
    spec.max_output_bytes = log_bytes_max;
    auto ran = children_.run(std::move(spec));
    if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
      return ending("build");
    if (ran && !ran->ok() && is_full(l.folder()))
      return ended_on_a_full_disk("build", l.folder());
    return ran;
  }

  fs::path kept_folder(const deploy_request& r) const {
    return scratch_ / (r.task + "-" + r.deploy_id);
  }

  /// Builds unless what build() kept is still there. A build that failed is
  /// the change's fault.
  ledger::result<build_outcome> ensure_built(const deploy_request& r) {
    std::error_code e;
    if (!fs::is_directory(fs::symlink_status(kept_folder(r), e)))
      return build(r);
    build_outcome out;
    out.ok = true;
    return out;
  }

  void drop(const deploy_request& r) const {
    std::error_code e;
    fs::remove_all(kept_folder(r), e);
  }

  const ledger::config& config_;
  workspace& workspace_;
  processes& children_;
  fs::path scratch_;
  ledger::redactor secrets_;

private:
  /// Errors: refused, if it is the change's fault.
  ledger::result<void> keep(const fs::path& checkout, const deploy_request& r) const {
    const auto& publish = config_.deploy.publish;
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
        return missing(config_.deploy.build.empty()
                           ? "no such folder in the commit; correct the configuration"
                           : "no such folder after the build; correct the configuration, if "
                             "the build is to leave another one");
    }
    fs::remove_all(kept_folder(r), e);
    return copy_published(folder, kept_folder(r));
  }
};

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

class directory_deployer final : public building_deployer {
public:
  directory_deployer(const ledger::config& c, workspace& w, processes& children,
                     const fs::path& repository, fs::path scratch, ledger::redactor secrets)
      : building_deployer(c, w, children, std::move(scratch), std::move(secrets))
      , root_((repository / c.deploy.directory).lexically_normal()) {}

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
    if (config_.deploy.directory.empty())
      return fail(fault::refused, "[deploy] directory: missing; name the folder to publish to");
    auto there = find(r);
    if (!there || there->ok)
      return there;
    auto built = ensure_built(r);
    if (!built)
      return tl::make_unexpected(built.error());
    if (!built->ok)
      return failed("build: " + built->ended, built->log);
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
    auto d = failed("", log_of(*ran));
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
      return failed("build: " + built->ended, built->log);
    auto lock = take_lock(r);
    if (!lock)
      return tl::make_unexpected(lock.error());
    auto ran = run("deploy", r, *token, lock->descriptor());
    if (!ran)
      return tl::make_unexpected(ran.error());
    if (ran->how == child_result::end::exited)
      lock->release(); // Else what it had begun may still be under way.
    auto d = failed("", log_of(*ran));
    if (is_outage(*ran))
      return fail(fault::unavailable, fmt::format("[deploy] command: outage ({}): {}", ran->ended(),
                                                  d.log->substr(0, 1000)));
    if (!ran->ok() && is_full(scratch_))
      return ended_on_a_full_disk("[deploy] command", scratch_);
    if (!ran->ok()) {
      d.ended = ran->ended();
    } else if (!read_answer(last_line(ran->output), secrets_with(*token), d)) {
      d.ended = bad_answer;
    } else {
      d.ok = true;
      drop(r);
      std::error_code e;
      fs::remove(lock_file(r), e);
    }
    return d;
  }

private:
  static constexpr int no_descriptor = -1;
  static constexpr const char* bad_answer = "exit 0, but the last line of its output is not "
                                            "{\"deploy_id\": \"…\", \"deploy_url\": \"…\"}";

  fs::path lock_file(const deploy_request& r) const {
    return scratch_ / (r.task + "-" + r.deploy_id + ".lock");
  }

  /// Makes the scratch folder as well.
  ledger::result<deploy_lock> take_lock(const deploy_request& r) const {
    std::error_code e;
    fs::create_directories(scratch_, e);
    if (e)
      return cannot("make", scratch_, e);
    return deploy_lock::take(lock_file(r), config_.checks.timeout, children_);
  }

  /// The token's value; empty if none is named.
  ledger::result<std::string> read_token() const {
    const auto& name = config_.deploy.token_env;
    const char* value = name.empty() ? "" : std::getenv(name.c_str());
    if (value == nullptr || (*value == '\0' && !name.empty()))
      return fail(fault::refused,
                  fmt::format("[deploy] token_env = \"{}\": that variable is not set", name),
                  "no-token");
    return std::string(value);
  }

  /// Whoever made us need not have known the token.
  ledger::redactor secrets_with(const std::string& token) const {
    auto all = secrets_;
    all.add(token);
    return all;
  }

  static std::string log_of(const child_result& ran) {
    auto log = ran.output;
    if (!log.empty() && log.back() != '\n')
      log += '\n';
    return log + ran.err;
  }

  /// Output and errors are redacted when this returns.
  ledger::result<child_result> run(const char* action, const deploy_request& r,
                                   const std::string& token, int kept_descriptor) {
    child_spec spec;
    spec.argv = {"/bin/sh", "-c", config_.deploy.command};
    spec.directory = scratch_.string(); // Not the repository: nothing of it is to be run.
    spec.env = {{"LANG", "C.UTF-8"}};
    for (const char* name : {"PATH", "HOME", "TMPDIR"})
      if (const char* value = std::getenv(name))
        spec.env[name] = value;
    spec.env["SCHEDULER_ACTION"] = action;
    spec.env["SCHEDULER_TASK"] = r.task;
    spec.env["SCHEDULER_COMMIT"] = r.commit;
    spec.env["SCHEDULER_DEPLOY_ID"] = r.deploy_id;
    spec.env["SCHEDULER_PUBLISH"] = kept_folder(r).string();
    if (!config_.deploy.token_env.empty())
      spec.env[config_.deploy.token_env] = token;
    const auto secrets = secrets_with(token);
    spec.merge_stderr = false;
    spec.timeout = config_.checks.timeout;
    spec.max_output_bytes = log_bytes_max;
    spec.group_dies_with_us = true;
    spec.keep_fd = kept_descriptor;
    auto ran = children_.run(std::move(spec));
    if (ran ? ran->how == child_result::end::killed : ran.error().code == "closing")
      return ending("deploy");
    if (ran) {
      ran->output = redacted(secrets, std::move(ran->output), ran->output_cut);
      ran->err = redacted(secrets, std::move(ran->err), ran->err_cut);
    }
    return ran;
  }
};

} // namespace

std::unique_ptr<deployer> make_deployer(const ledger::config& c, workspace& w, processes& children,
                                        fs::path repository, fs::path scratch,
                                        ledger::redactor secrets) {
  switch (c.deploy.kind) {
    case deploy_kind::directory:
      return std::make_unique<directory_deployer>(c, w, children, repository, std::move(scratch),
                                                  std::move(secrets));
    case deploy_kind::command:
      return std::make_unique<command_deployer>(c, w, children, std::move(scratch),
                                                std::move(secrets));
    case deploy_kind::none:
      break;
  }
  return std::make_unique<no_deployer>(c, w, children, std::move(scratch), std::move(secrets));
}

} // namespace providers
