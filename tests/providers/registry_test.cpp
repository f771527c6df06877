// Which providers there are, and what is said about those that are not.

#include "tests/support/offline_desk.hpp"

#include "providers/version.hpp"

#include <gtest/gtest.h>

namespace tests {
namespace {

struct registry_test : ::testing::Test {
  offline_desk desk{{{"a", "a\n"}}};

  std::string refusal(const std::string& name) {
    auto made = providers::make_provider(providers::builtin_providers(), desk.context(), name);
    EXPECT_FALSE(made) << name;
    if (made)
      return {};
    EXPECT_EQ(made.error().kind, ledger::fault::refused);
    EXPECT_EQ(made.error().detail.find('\n'), std::string::npos);
    return made.error().detail;
  }
};

TEST_F(registry_test, AKindServesWithoutATableOfItsOwn) {
  auto made = providers::make_provider(providers::builtin_providers(), desk.context(), "offline");
  ASSERT_TRUE(made) << made.error().detail;
  auto who = (*made)->who();
  EXPECT_EQ(who.provider, "offline");
  EXPECT_EQ(who.model, "none");
  EXPECT_EQ(who.version, providers::program_version);
}

TEST_F(registry_test, ATableGivesAKindAnotherName) {
  desk.config.providers["mine"] = {"offline", {}};
  EXPECT_TRUE(providers::make_provider(providers::builtin_providers(), desk.context(), "mine"));
}

TEST_F(registry_test, AnUnknownNameIsRefusedWithTheNearestOne) {
  auto text = refusal("ofline");
  EXPECT_NE(text.find("\"ofline\""), std::string::npos) << text;
  EXPECT_NE(text.find("Did you mean \"offline\"?"), std::string::npos) << text;
  desk.config.providers["house"] = {"offline", {}};
  text = refusal("horse");
  EXPECT_NE(text.find("Did you mean \"house\"?"), std::string::npos) << text;
}

TEST_F(registry_test, AFarNameGetsTheListButNoHint) {
  auto text = refusal("mistral-large");
  EXPECT_EQ(text.find("Did you mean"), std::string::npos) << text;
  EXPECT_NE(text.find("\"offline\""), std::string::npos) << text;
}

TEST_F(registry_test, AnUnknownKindNamesItsTable) {
  desk.config.providers["mine"] = {"oflin", {}};
  auto text = refusal("mine");
  EXPECT_NE(text.find("[providers.mine]"), std::string::npos) << text;
  EXPECT_NE(text.find("Did you mean \"offline\"?"), std::string::npos) << text;
}

// Without the key that is named the tool would run on the login of whoever
// started the batch.
TEST_F(registry_test, AKeyThatIsNamedHasToBeThere) {
  desk.config.roles[ledger::role::gemini] = {"mine"};
  auto& mine = desk.config.providers["mine"];
  mine.kind = "codex-cli";
  mine.api_key_env = "SCHEDULER_TEST_KEY_THAT_IS_NOT_SET";
  auto text = refusal("mine");
  EXPECT_NE(text.find("[providers.mine]: the variable " + mine.api_key_env + " is not set"),
            std::string::npos)
      << text;
}

TEST_F(registry_test, OfflineHasNoOptions) {
  desk.config.providers["mine"] = {"offline", {{"model", "big"}}};
  EXPECT_NE(refusal("mine").find("\"model\""), std::string::npos);
}

} // namespace
} // namespace tests
