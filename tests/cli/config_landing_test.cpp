#include "cli/config_file.hpp"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using ledger::landing_mode;

/// A complete file, to which `more` is added from line 8 on.
ledger::result<ledger::config> parse(std::string_view more) {
  const std::string text = "[checks]\ntest = \"t\"\nlint = \"none\"\nschema_drift = \"none\"\n"
                           "[roles]\ngemini.provider = \"offline\"\nclaude.provider = \"offline\"\n"
                           "codex.provider = \"offline\"\n";
  return cli::parse_config(text + std::string(more), "scheduler.toml", {"offline"});
}

TEST(config_landing, ReadsWhatAPullRequestTakes) {
  auto c = parse("[landing]\nmode = \"pr\"\npush = \"origin\"\ncommand = \"sh pr.sh\"\n"
                 "branch = \"main\"\ntoken_env = \"GH_TOKEN\"\n");
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->landing.mode, landing_mode::pr);
  EXPECT_EQ(c->landing.push, "origin");
  EXPECT_EQ(c->landing.command, "sh pr.sh");
  EXPECT_EQ(c->landing.branch, "main");
  EXPECT_EQ(c->landing.token_env, "GH_TOKEN");
}

TEST(config_landing, TheBranchOfAPullRequestMayBeLeftOut) {
  auto c = parse("[landing]\nmode = \"pr\"\npush = \"origin\"\ncommand = \"sh pr.sh\"\n");
  ASSERT_TRUE(c) << c.error().detail;
  EXPECT_EQ(c->landing.branch, "");
}

TEST(config_landing, AnExplicitNoneSwitchesACompleteSectionOff) {
  for (auto keys : {"branch = \"main\"\ntrain = 3\n", "command = \"sh pr.sh\"\npush = \"o\"\n"}) {
    auto c = parse(std::string("[landing]\nmode = \"none\"\n") + keys);
    ASSERT_TRUE(c) << c.error().detail;
    EXPECT_EQ(c->landing.mode, landing_mode::none);
  }
}

struct refusal {
  std::string_view name;
  std::string_view keys; ///< Of [landing], from line 10.
  std::vector<std::string_view> want;
};

void PrintTo(const refusal& r, std::ostream* out) {
  *out << r.name;
}

class landings_refused : public testing::TestWithParam<refusal> {};

TEST_P(landings_refused, NameThePlaceTheThingAndTheRemedy) {
  auto c = parse("[landing]\n" + std::string(GetParam().keys));
  ASSERT_FALSE(c);
  for (auto part : GetParam().want)
    EXPECT_NE(c.error().detail.find(part), std::string::npos)
        << "wanted: " << part << "\ngot: " << c.error().detail;
  EXPECT_EQ(c.error().detail.find('\n'), std::string::npos) << c.error().detail;
}

INSTANTIATE_TEST_SUITE_P(
    Landing, landings_refused,
    testing::Values(
        refusal{"mode", "mode = \"prs\"\n", {":10:1:", "mean \"pr\"?"}},
        refusal{"no_branch", "mode = \"branch\"\n", {":10:1:", "needs branch"}},
        refusal{"no_push", "mode = \"pr\"\ncommand = \"c\"\n", {":10:1:", "needs push"}},
        refusal{"no_command", "mode = \"pr\"\npush = \"origin\"\n", {":10:1:", "needs command"}},
        refusal{"blank_command",
                "mode = \"pr\"\npush = \"origin\"\ncommand = \" \"\n",
                {":10:1:", "needs command"}},
        refusal{"review_of_pr",
                "mode = \"pr\"\npush = \"o\"\ncommand = \"c\"\nreview = \"patch\"\n",
                {":13:1:", "\"review\" has no effect with mode \"pr\""}},
        refusal{"train_of_pr",
                "mode = \"pr\"\npush = \"o\"\ncommand = \"c\"\ntrain = 3\n",
                {":13:1:", "\"train\" has no effect with mode \"pr\""}},
        refusal{"checkout_of_pr",
                "mode = \"pr\"\npush = \"o\"\ncommand = \"c\"\nupdate_checkout = true\n",
                {":13:1:", "\"update_checkout\" has no effect with mode \"pr\""}},
        refusal{"command_of_branch",
                "mode = \"branch\"\nbranch = \"main\"\ncommand = \"c\"\n",
                {":12:1:", "\"command\" has no effect with mode \"branch\""}},
        refusal{"token_of_branch",
                "mode = \"branch\"\nbranch = \"main\"\ntoken_env = \"T\"\n",
                {":12:1:", "\"token_env\" has no effect with mode \"branch\""}},
        refusal{"command_alone", "command = \"c\"\n", {":10:1:", "add mode = \"pr\""}},
        refusal{"train_alone", "train = 3\n", {":10:1:", "add mode = \"branch\""}},
        refusal{"push_alone", "push = \"origin\"\n", {":10:1:", "without a mode"}},
        refusal{"option_as_push",
                "mode = \"pr\"\npush = \"--all\"\ncommand = \"c\"\n",
                {":11:1:", "no name of a remote"}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(config_landing, NeverShowsATokenThatWasWrittenInPlaceOfItsVariable) {
  auto c = parse("[landing]\nmode = \"pr\"\npush = \"o\"\ncommand = \"c\"\ntoken_env = "
                 "\"ghp-9aB/3xYz\"\n");
  ASSERT_FALSE(c);
  EXPECT_NE(c.error().detail.find("\"token_env\""), std::string::npos) << c.error().detail;
  EXPECT_EQ(c.error().detail.find("9aB"), std::string::npos) << c.error().detail;
}

} // namespace
