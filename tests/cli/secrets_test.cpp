// Which texts are secrets.

#include "cli/secrets.hpp"

#include "tests/cli/told_ledger.hpp"

namespace {

using test::environment;

class Secrets : public test::told_ledger {
public:
  /// Known with codex-cli as codex and `home` as the user's.
  ledger::redactor known() {
    environment at(environment::values{{"HOME", (repository.folder() / "home").string()}});
    ledger::config c;
    c.roles[ledger::role::codex] = {"codex-cli"};
    auto place = cli::find_place(top());
    EXPECT_TRUE(place) << place.error().detail;
    auto found = cli::known_secrets(*place, &c);
    EXPECT_TRUE(found) << found.error().detail;
    return found.value();
  }

  void log_in(const std::string& content) {
    test::write_file(repository.folder() / "home/.codex/auth.json", content);
  }
};

// A run of the tool has a copy of its login, which a model's commands can read.
TEST_F(Secrets, AreTheTokensOfALoginThatAToolIsLent) {
  log_in(R"({"OPENAI_API_KEY":null,"tokens":{"access_token":"canary-access-01",)"
         R"("refresh_token":"canary-refresh-2","note":["canary-in-a-list"]},)"
         R"("last_refresh":"2026-11-20T10:00:00Z"})");
  auto secrets = known();
  for (std::string token : {"canary-access-01", "canary-refresh-2", "canary-in-a-list"})
    EXPECT_EQ(secrets.line_of_secret("a " + token + " b"), 1u) << token;
  EXPECT_EQ(secrets.line_of_secret("on 2026-11-20T10:00:00Z"), 0u) << "not all of it is secret";
}

TEST_F(Secrets, OfALoginThatIsNoneAreNone) {
  log_in("no JSON, canary-access-01");
  EXPECT_EQ(known().line_of_secret("no JSON, canary-access-01"), 0u);
}

} // namespace
