#include "ledger/config.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace {

using namespace ledger;

TEST(Config, DigestIsSixtyFourHexDigitsAndStable) {
  auto d = digest_of(config{});
  EXPECT_EQ(d.size(), 64u);
  EXPECT_EQ(d, digest_of(config{}));
}

// Contracts in ledgers on disk hold this digest: a change of the spelling makes
// every one of them void (L5). Change it on purpose only.
TEST(Config, DigestOfTheDefaultsIsTheOneThatLedgersHold) {
  EXPECT_EQ(digest_of(config{}),
            "35eea9e3693912b18a6ebe04b202c3156057b662b4568ca43f90166e51eb5562");
}

TEST(Config, EveryFieldOfTheFourSectionsCounts) {
  std::vector<std::function<void(config&)>> edits{
      [](config& c) { c.checks.setup.command = "x"; },
      [](config& c) { c.checks.setup.fail_on = "x"; },
      [](config& c) { c.checks.test.command = "x"; },
      [](config& c) { c.checks.test.fail_on = "x"; },
      [](config& c) { c.checks.lint.command = "x"; },
      [](config& c) { c.checks.lint.fail_on = "x"; },
      [](config& c) { c.checks.schema_drift.command = "x"; },
      [](config& c) { c.checks.schema_drift.fail_on = "x"; },
      [](config& c) { c.checks.timeout += milliseconds(1); },
      [](config& c) { c.checks.network = true; },
      [](config& c) { c.scope.protected_globs.pop_back(); },
      [](config& c) { std::swap(c.scope.protected_globs[0], c.scope.protected_globs[1]); },
      [](config& c) { c.scope.schema_globs = {"x"}; },
      [](config& c) {
        c.scope.schema_globs = {"x", ""};
      },
      [](config& c) { c.scope.schema_globs = {"x\",\""}; },
      [](config& c) { c.scope.schema_globs = {"\xff"}; },
      [](config& c) { c.scope.schema_globs = {"\xfe"}; },
      [](config& c) { c.scope.schema_globs = {"\xef\xbf\xbd"}; },
      [](config& c) { c.scope.secret_globs.clear(); },
      [](config& c) { c.sandbox.kind = sandbox_kind::none; },
      [](config& c) { c.sandbox.read_only = {"/x"}; },
      [](config& c) {
        c.sandbox.read_only = {"/x", "/y"};
      },
      [](config& c) { c.sandbox.accept_unsandboxed = true; },
      [](config& c) { c.deploy.kind = deploy_kind::directory; },
      [](config& c) { c.deploy.kind = deploy_kind::command; },
      [](config& c) { c.deploy.build = "x"; },
      [](config& c) { c.deploy.publish = "x"; },
      [](config& c) { c.deploy.directory = "x"; },
      [](config& c) { c.deploy.command = "x"; },
      [](config& c) { c.deploy.token_env = "x"; },
      [](config& c) { c.deploy.build_network = true; },
      [](config& c) { c.deploy.context = "production"; },
      [](config& c) { c.deploy.kind = deploy_kind::netlify; },
      [](config& c) { c.deploy.kind = deploy_kind::netlify_api; },
      [](config& c) { c.deploy.site_id_env = "x"; },
      [](config& c) { c.deploy.timeout = milliseconds(1); },
  };
  std::set<std::string> seen{digest_of(config{})};
  for (std::size_t i = 0; i < edits.size(); ++i) {
    config c;
    edits[i](c);
    EXPECT_TRUE(seen.insert(digest_of(c)).second) << "edit " << i;
  }
}

TEST(Config, NothingElseCounts) {
  config c;
  c.repo.base = "main";
  c.limits.tries = 9;
  c.roles[role::codex].provider = "x";
  c.roles[role::codex].model = "m";
  c.roles[role::codex].fallback = {"y"};
  c.roles[role::codex].prompts = "p";
  c.providers["x"].kind = "offline";
  c.providers["x"].price = token_price{1, 1, 1, 1};
  c.providers["x"].concurrency = 3;
  c.budget.run_usd = 5;
  c.limits.turns = 7;
  EXPECT_EQ(digest_of(c), digest_of(config{}));
}

// A ledger's contracts hold the digest that an earlier version computed. Without
// the keys that it did not know, none of them may come out differently.
TEST(Config, AnOldConfigurationKeepsItsDigest) {
  config c;
  EXPECT_EQ(digest_of(c), "35eea9e3693912b18a6ebe04b202c3156057b662b4568ca43f90166e51eb5562");
  c.checks.test.command = "make test";
  c.deploy.kind = deploy_kind::command;
  c.deploy.command = "deploy-it";
  c.deploy.token_env = "DEPLOY_TOKEN";
  EXPECT_EQ(digest_of(c), "69a43ab9c5bda39d6c628f12e7f4d1da13c75a21de4cd4d9dee4bdef7357053d");
}

TEST(Config, AKindSaysWhatItDoesWithoutAWord) {
  config c;
  c.deploy.kind = deploy_kind::netlify_api;
  EXPECT_EQ(build_command_of(c.deploy), "");
  EXPECT_EQ(token_variable_of(c.deploy), "NETLIFY_AUTH_TOKEN");
  EXPECT_EQ(site_variable_of(c.deploy), "NETLIFY_SITE_ID");
  EXPECT_EQ(deploy_timeout_of(c), c.checks.timeout);
  c.deploy.kind = deploy_kind::netlify;
  EXPECT_EQ(build_command_of(c.deploy), "netlify build --offline");
  c.deploy.build = "make site";
  c.deploy.token_env = "T";
  c.deploy.site_id_env = "S";
  c.deploy.timeout = milliseconds(5);
  EXPECT_EQ(build_command_of(c.deploy), "make site");
  EXPECT_EQ(token_variable_of(c.deploy), "T");
  EXPECT_EQ(site_variable_of(c.deploy), "S");
  EXPECT_EQ(deploy_timeout_of(c), milliseconds(5));
  c.deploy.kind = deploy_kind::command;
  EXPECT_EQ(site_variable_of(c.deploy), "");
}

TEST(Config, NamesItsKinds) {
  for (auto name : deploy_kind_names())
    EXPECT_EQ(to_string(deploy_kind_named(name).value()), name);
  EXPECT_FALSE(deploy_kind_named("netlify_api"));
  EXPECT_EQ(to_string(deploy_kind::netlify_api), "netlify-api");
  EXPECT_EQ(to_string(deploy_kind::none), "none");
  EXPECT_EQ(to_string(deploy_kind::directory), "directory");
  EXPECT_EQ(to_string(deploy_kind::command), "command");
  EXPECT_EQ(to_string(sandbox_kind::bwrap), "bwrap");
  EXPECT_EQ(to_string(sandbox_kind::none), "none");
}

} // namespace
