#include "providers/pull_request.hpp"

#include "providers/full_disk.hpp"
#include "providers/git_words.hpp"
#include "providers/service_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;
namespace fs = std::filesystem;

constexpr std::string_view heads = "refs/heads/";
/// Of what the command printed, in the text of a refusal.
constexpr std::size_t quoted_bytes_max = 1000;

std::string short_name(std::string_view ref) {
  return std::string(ref.substr(0, heads.size()) == heads ? ref.substr(heads.size()) : ref);
}

/// "https://name:password@host/…" without what stands before the host.
std::string without_login(std::string url) {
  const auto scheme = url.find("://");
  if (url.substr(0, 4) != "http" || scheme == std::string::npos)
    return url;
  const auto host = scheme + 3;
  const auto at = url.rfind('@', std::min(url.find('/', host), url.size()));
  if (at != std::string::npos && at >= host)
    url.erase(host, at + 1 - host);
  return url;
}

/// Where a remote is; empty: there is none of that name.
ledger::result<std::string> address_of(const git& repository, const std::string& remote) {
  auto said =
      repository.run({{"config", "--get", fmt::format("remote.{}.url", remote)}, {}, {}, false});
  if (!said)
    return tl::make_unexpected(said.error());
  return said->ok() ? without_newline(std::move(said->output)) : std::string();
}

ledger::result<void> write_text(const fs::path& name, std::string_view text) {
  errno = 0;
  std::ofstream out(name, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out)
    return cannot("write", name, {errno, std::generic_category()});
  return {};
}

class command_requests final : public pull_requests {
public:
  explicit command_requests(pull_request_context c)
      : context_(std::move(c)) {}

  ledger::result<void> reach() override {
    auto tip = context_.repository.remote_tip(landing().push, "refs/heads/main");
    if (!tip)
      return tl::make_unexpected(tip.error());
    return {};
  }

  ledger::result<std::string> target() override {
    if (!landing().branch.empty())
      return landing().branch;
    const auto& base = context_.config.repo.base;
    auto tip = context_.repository.ref(std::string(heads) + short_name(base));
    if (!tip)
      return tl::make_unexpected(tip.error());
    return *tip ? short_name(base) : std::string();
  }

  ledger::result<void> push(const pull_request_order& o) override {
    const auto& git = context_.repository;
    auto now = git.remote_tip(o.remote, o.branch);
    if (!now)
      return tl::make_unexpected(now.error());
    if (*now == o.commit)
      return {}; // A run that was killed had pushed it.
    if (!now->empty() && std::find(o.ours.begin(), o.ours.end(), *now) == o.ours.end())
      return moved(o, *now);
    auto pushed = git.push(o.remote, o.branch, o.commit, *now);
    if (!pushed && pushed.error().code == "ref-moved")
      return moved(o, "another commit");
    return pushed;
  }

  ledger::result<std::optional<opened_request>> find(const pull_request_order& o) override {
    auto ready = prepare(o);
    if (!ready)
      return tl::make_unexpected(ready.error());
    auto found = find_with(ready->command, ready->lock, context_.children);
    if (!found)
      return tl::make_unexpected(found.error());
    if (!*found)
      return std::nullopt;
    tidy(o);
    return request_of(**found);
  }

  ledger::result<opened_request> open(const pull_request_order& o) override {
    auto ready = prepare(o);
    if (!ready)
      return tl::make_unexpected(ready.error());
    auto made = make_with(ready->command, "open", ready->lock, context_.children);
    if (!made)
      return tl::make_unexpected(made.error());
    if (!made->ok())
      return fail(fault::refused,
                  fmt::format("{}, open: {}: {}", ready->command.name, made->ended,
                              made->log.substr(0, quoted_bytes_max)),
                  std::string(pull_request_refused_code));
    tidy(o);
    return request_of(*made);
  }

private:
  struct prepared {
    service_command command;
    deploy_lock lock;
  };

  const ledger::landing_config& landing() const noexcept { return context_.config.landing; }

  static opened_request request_of(const service_answer& a) {
    return {a.values.at(0), a.values.at(1)};
  }

  static tl::unexpected<ledger::failure> moved(const pull_request_order& o, std::string_view at) {
    return fail(
        fault::refused,
        fmt::format("push {0} to {1}: it is at {2} there, which this task did not push, and "
                    "is not overwritten; see whose it is, then rename or delete it there "
                    "(`git push {1} --delete {0}`)",
                    short_name(o.branch), o.remote, at),
        std::string(remote_branch_moved_code));
  }

  fs::path body_file(const pull_request_order& o) const {
    return context_.scratch / (o.task + ".md");
  }
  /// Of the task, not of the commit: whatever opens a pull request for its branch.
  fs::path lock_file(const pull_request_order& o) const {
    return context_.scratch / (o.task + ".lock");
  }

  /// Nobody waits for the lock: one scheduler has one order for a task (L7).
  void tidy(const pull_request_order& o) const {
    std::error_code e;
    fs::remove(body_file(o), e);
    fs::remove(lock_file(o), e);
  }

  ledger::result<prepared> prepare(const pull_request_order& o) const {
    const auto variable = ledger::token_variable_of(landing());
    auto token = token_of("landing", variable);
    if (!token)
      return tl::make_unexpected(token.error());
    auto url = address_of(context_.repository, o.remote);
    if (!url)
      return tl::make_unexpected(url.error());
    std::error_code e;
    fs::create_directories(context_.scratch, e);
    if (e)
      return cannot("make", context_.scratch, e);
    service_command c;
    c.name = "[landing] command";
    c.command = landing().command;
    c.folder = context_.scratch;
    c.told = {{"SCHEDULER_TASK", o.task},
              {"SCHEDULER_COMMIT", o.commit},
              {"SCHEDULER_BRANCH", short_name(o.branch)},
              {"SCHEDULER_TARGET", o.target},
              {"SCHEDULER_REMOTE", o.remote},
              {"SCHEDULER_REMOTE_URL", without_login(*url)},
              {"SCHEDULER_TITLE", o.title},
              {"SCHEDULER_BODY_FILE", body_file(o).string()}};
    c.token_variable = variable;
    c.token = *token;
    c.wanted = {"pr_id", "pr_url"};
    c.timeout = context_.config.checks.timeout;
    c.secrets = context_.secrets; // Whoever made us need not have known the token.
    c.secrets.add(*token);
    auto lock = deploy_lock::take(lock_file(o), c.timeout, context_.children);
    if (!lock)
      return tl::make_unexpected(lock.error());
    if (auto ok = write_text(body_file(o), o.body); !ok)
      return tl::make_unexpected(ok.error());
    return prepared{std::move(c), std::move(*lock)};
  }

  pull_request_context context_;
};

} // namespace

std::unique_ptr<pull_requests> make_pull_requests(pull_request_context c) {
  return std::make_unique<command_requests>(std::move(c));
}

ledger::result<void> pull_requests_are_ready(const ledger::config& c, const git& repository) {
  if (c.landing.mode != ledger::landing_mode::pr)
    return {};
  if (auto token = token_of("landing", ledger::token_variable_of(c.landing)); !token)
    return tl::make_unexpected(token.error());
  auto url = address_of(repository, c.landing.push);
  if (!url)
    return tl::make_unexpected(url.error());
  if (url->empty())
    return fail(
        fault::refused,
        fmt::format("[landing] push = \"{0}\": there is no such remote; make it with `git "
                    "remote add {0} URL`, or name another (an address would be in every record)",
                    c.landing.push),
        "no-remote");
  return {};
}

} // namespace providers
