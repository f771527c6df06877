#include "ledger/config.hpp"

#include "ledger/digest.hpp"
#include "ledger/record.hpp"
#include "ledger/text.hpp"

#include <array>
#include <utility>

namespace ledger {

namespace {

constexpr std::array kinds_of_deploy{
    std::pair{deploy_kind::none, std::string_view{"none"}},
    std::pair{deploy_kind::directory, std::string_view{"directory"}},
    std::pair{deploy_kind::command, std::string_view{"command"}},
    std::pair{deploy_kind::netlify, std::string_view{"netlify"}},
    std::pair{deploy_kind::netlify_api, std::string_view{"netlify-api"}},
};

bool has_sites(deploy_kind k) noexcept {
  return k == deploy_kind::netlify || k == deploy_kind::netlify_api;
}

// Every struct is taken apart by structured binding, so that a field added to
// the configuration does not compile until it is part of the digest.

/// Text as JSON. What is no UTF-8 is an array of bytes: no two values of the
/// configuration may have one spelling.
json spelled(std::string_view text) {
  if (is_utf8(text))
    return json(std::string(text));
  auto out = json::array();
  for (auto c : text)
    out.push_back(static_cast<unsigned>(static_cast<unsigned char>(c)));
  return out;
}

json spelled(const std::vector<std::string>& list) {
  auto out = json::array();
  for (auto& text : list)
    out.push_back(spelled(text));
  return out;
}

json spelled(const check_config& c) {
  const auto& [command, fail_on] = c;
  json out = json::object();
  out["command"] = spelled(command);
  out["fail_on"] = spelled(fail_on);
  return out;
}

json spelled(const checks_config& c) {
  const auto& [setup, test, lint, schema_drift, timeout, network] = c;
  json out = json::object();
  out["setup"] = spelled(setup);
  out["test"] = spelled(test);
  out["lint"] = spelled(lint);
  out["schema_drift"] = spelled(schema_drift);
  out["timeout_ms"] = timeout.count();
  out["network"] = network;
  return out;
}

json spelled(const scope_config& c) {
  const auto& [protected_globs, schema_globs, secret_globs] = c;
  json out = json::object();
  out["protected"] = spelled(protected_globs);
  out["schema"] = spelled(schema_globs);
  out["secrets"] = spelled(secret_globs);
  return out;
}

json spelled(const deploy_config& c) {
  const auto& [kind, build, publish, directory, command, token_env, build_network, context,
               site_id_env, timeout] = c;
  json out = json::object();
  out["kind"] = spelled(to_string(kind));
  out["build"] = spelled(build);
  out["publish"] = spelled(publish);
  out["directory"] = spelled(directory);
  out["command"] = spelled(command);
  out["token_env"] = spelled(token_env);
  out["build_network"] = build_network;
  out["context"] = spelled(context);
  // These are younger than ledgers whose contracts hold a digest.
  if (!site_id_env.empty())
    out["site_id_env"] = spelled(site_id_env);
  if (timeout)
    out["timeout_ms"] = timeout->count();
  return out;
}

json spelled(const sandbox_config& c) {
  const auto& [kind, read_only, accept_unsandboxed] = c;
  json out = json::object();
  out["kind"] = spelled(to_string(kind));
  // These are younger than ledgers whose contracts hold a digest.
  if (!read_only.empty())
    out["read_only"] = spelled(read_only);
  if (accept_unsandboxed)
    out["accept_unsandboxed"] = true;
  return out;
}

} // namespace

std::string digest_of(const config& c) {
  json out = json::object();
  out["checks"] = spelled(c.checks);
  out["scope"] = spelled(c.scope);
  out["deploy"] = spelled(c.deploy);
  out["sandbox"] = spelled(c.sandbox);
  return sha256(out.dump());
}

std::string build_command_of(const deploy_config& c) {
  return c.build.empty() && c.kind == deploy_kind::netlify ? "netlify build --offline" : c.build;
}

bool has_nothing_to_build(const deploy_config& c) {
  return c.kind == deploy_kind::none && build_command_of(c).empty();
}

std::string token_variable_of(const deploy_config& c) {
  return c.token_env.empty() && has_sites(c.kind) ? "NETLIFY_AUTH_TOKEN" : c.token_env;
}

std::string token_variable_of(const landing_config& c) {
  return c.mode == landing_mode::pr ? c.token_env : std::string{};
}

std::string site_variable_of(const deploy_config& c) {
  if (!has_sites(c.kind))
    return {};
  return c.site_id_env.empty() ? "NETLIFY_SITE_ID" : c.site_id_env;
}

milliseconds deploy_timeout_of(const config& c) {
  return c.deploy.timeout.value_or(c.checks.timeout);
}

std::vector<std::string_view> deploy_kind_names() {
  std::vector<std::string_view> names;
  names.reserve(kinds_of_deploy.size());
  for (const auto& [kind, name] : kinds_of_deploy)
    names.push_back(name);
  return names;
}

std::optional<deploy_kind> deploy_kind_named(std::string_view name) noexcept {
  for (const auto& [kind, its_name] : kinds_of_deploy)
    if (its_name == name)
      return kind;
  return std::nullopt;
}

std::string_view to_string(deploy_kind k) noexcept {
  for (const auto& [kind, name] : kinds_of_deploy)
    if (kind == k)
      return name;
  return "unknown";
}

std::string_view to_string(sandbox_kind k) noexcept {
  switch (k) {
    case sandbox_kind::bwrap:
      return "bwrap";
    case sandbox_kind::none:
      return "none";
  }
  return "unknown";
}

std::string_view to_string(landing_mode m) noexcept {
  switch (m) {
    case landing_mode::none:
      return "none";
    case landing_mode::branch:
      return "branch";
    case landing_mode::pr:
      return "pr";
  }
  return "unknown";
}

std::string landing_ref(const config& c) {
  return c.landing.branch.empty() ? std::string{} : "refs/heads/" + c.landing.branch;
}

} // namespace ledger
