// netlify_fixture.hpp -- a small site, a fake Netlify, and whoever deploys there.

#pragma once

#include "providers/deploy.hpp"
#include "providers/deploy/netlify_words.hpp"
#include "tests/providers/scratch_repository.hpp"
#include "tests/providers/variable.hpp"
#include "tests/support/asking.hpp"
#include "tests/support/fake_netlify.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace test {

inline constexpr auto token = "a-token-of-some-length";

class NetlifyFixture : public ::testing::Test {
protected:
  NetlifyFixture() {
    repository.write("site/index.html", "<h1>hello</h1>\n");
    repository.write("site/css/a.css", "body{}\n");
    request.commit = repository.commit("site");
    request.base = request.commit;
    request.tree = repository.git({"rev-parse", "HEAD^{tree}"});
    request.task = "Fix-Footer";
    request.deploy_id = "0123456789abcdef";
    config.deploy.kind = ledger::deploy_kind::netlify_api;
    config.deploy.publish = "site";
    config.checks.timeout = std::chrono::seconds(60);
    config.sandbox.kind = ledger::sandbox_kind::none; // Of builds, which other tests look at.
    auto w = providers::open_git_workspace(repository.open(), {repository.folder() / "slots", 1});
    if (!w)
      throw std::runtime_error(w.error().detail);
    files = std::move(*w);
  }

  /// A fake Netlify that misbehaves so, and the variables that lead to it.
  void serve(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--retry-after", retry_after, "--watch", token});
    server = std::make_unique<tests::fake_netlify>(arguments);
    ASSERT_TRUE(server->is_up()) << server->why();
    for (auto* old : {&url, &secret, &site})
      old->reset(); // Before the new ones, which would be taken back with them.
    url = std::make_unique<variable>("NETLIFY_API_URL", server->url());
    secret = std::make_unique<variable>("NETLIFY_AUTH_TOKEN", token);
    site = std::make_unique<variable>("NETLIFY_SITE_ID", "site-1");
  }
  void serve_with_faults(const std::vector<std::string>& faults) {
    std::vector<std::string> arguments;
    for (const auto& f : faults)
      arguments.insert(arguments.end(), {"--fault", f});
    serve(arguments);
  }

  std::unique_ptr<providers::deployer> make() { return make(repository.children()); }
  std::unique_ptr<providers::deployer> make(providers::processes& children) {
    return providers::make_deployer(
        {config, *files, children, repository.top(), scratch(), {}, &web});
  }
  std::filesystem::path scratch() const { return repository.folder() / "scratch"; }

  /// What somebody else asks the server, and what it says.
  ledger::json ask(const std::string& path, const std::string& body = {}) {
    auto r = tests::post(server->url() + "/api/v1" + path, body);
    r.headers = {{"Authorization", "Bearer another-token"}};
    auto said = tests::ask(web, std::move(r));
    return said ? ledger::json::parse(said->body, nullptr, false) : ledger::json();
  }
  /// A deploy of the request's title that was begun and got no further.
  ledger::json begin(const std::string& body = R"({"draft": true})") {
    return ask("/sites/site-1/deploys?title="
                   + providers::netlify::escaped(providers::netlify::title_of(request)),
               body);
  }
  std::uint64_t calls(const char* route) const {
    return server->counters()["routes"].value(route, std::uint64_t{0});
  }
  /// How many deploys are in a state.
  std::uint64_t in_state(const char* state) const {
    return server->counters()["states"].value(state, std::uint64_t{0});
  }

  std::string retry_after = "0"; ///< What the server says with 429 and 503, s.
  scratch_repository repository;
  ledger::config config;
  std::unique_ptr<providers::workspace> files;
  providers::deploy_request request;
  providers::http_engine web;
  std::unique_ptr<tests::fake_netlify> server;
  std::unique_ptr<variable> url, secret, site;
};

} // namespace test
