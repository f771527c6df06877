#include "providers/cli/login.hpp"

#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

namespace {

using namespace providers::cli;

constexpr const char* lent = R"({"tokens":{"access":"a","id":null},"at":1,"scopes":["x"]})";
constexpr const char* fresh = R"({"tokens":{"access":"b","id":"c"},"at":2,"scopes":["x","y"]})";

class CliLogin : public ::testing::Test {
protected:
  CliLogin() { test::write_file(file, lent); }
  test::scratch home;
  std::filesystem::path file = home.path() / ".tool/auth.json";
};

TEST_F(CliLogin, ARenewedLoginComesBack) {
  EXPECT_EQ(return_login(file, lent, fresh), returned::kept);
  EXPECT_EQ(test::read_file(file), fresh);
  EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
}

TEST_F(CliLogin, AnUnchangedOrVanishedOneChangesNothing) {
  EXPECT_EQ(return_login(file, lent, lent), returned::unchanged);
  EXPECT_EQ(return_login(file, lent, ""), returned::unchanged);
  EXPECT_EQ(test::read_file(file), lent);
}

TEST_F(CliLogin, OnlyTheShapeThatWasLentComesBack) {
  for (const char* after :
       {"{", "[]", "null", "{}", R"({"tokens":{"access":"b"},"at":2,"scopes":["x"]})",
        R"({"tokens":{"access":"b","id":"c"},"at":2,"scopes":["x"],"hook":"sh"})",
        R"({"tokens":{"access":{"a":1},"id":"c"},"at":2,"scopes":["x"]})",
        R"({"tokens":{"access":"b","id":["c"]},"at":2,"scopes":["x"]})",
        R"({"tokens":{"access":"b","id":"c"},"at":"2","scopes":["x"]})"}) {
    EXPECT_EQ(return_login(file, lent, after), returned::misshapen) << after;
    EXPECT_EQ(test::read_file(file), lent);
  }
}

TEST_F(CliLogin, WhoeverWroteMeanwhileWins) {
  const std::string theirs = R"({"tokens":{"access":"z","id":"z"},"at":9,"scopes":[]})";
  test::write_file(file, theirs);
  EXPECT_EQ(return_login(file, lent, fresh), returned::overtaken);
  EXPECT_EQ(test::read_file(file), theirs);
  std::filesystem::remove(file); // Logged out.
  EXPECT_EQ(return_login(file, lent, fresh), returned::overtaken);
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(CliLogin, ALinkStaysALink) {
  const auto link = home.path() / "link.json";
  std::filesystem::create_symlink(file, link);
  EXPECT_EQ(return_login(link, lent, fresh), returned::kept);
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(test::read_file(file), fresh);
}

TEST_F(CliLogin, NoLoginReadsAsEmpty) {
  auto none = read_login(home.path() / "missing");
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, "");
  EXPECT_FALSE(read_login(home.path()));
}

} // namespace
