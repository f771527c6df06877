#include "ledger/disk/keyring.hpp"

#include "tests/disk/ledger_fixture.hpp"

namespace ledger::disk {
namespace {

constexpr auto id = "0123456789abcdef";

class Keyring : public ledger_test {
protected:
  Keyring() { ::unsetenv("SCHEDULER_KEY_FILE"); }
  ~Keyring() override { ::unsetenv("SCHEDULER_KEY_FILE"); }
};

TEST_F(Keyring, MakesAKeyOnceAndOnlyIfItMay) {
  EXPECT_EQ(keyring::open(keys_, id, false).error().kind, fault::not_found);
  auto made = keyring::open(keys_, id, true);
  ASSERT_TRUE(made);
  EXPECT_EQ(fs::status(keys_ / id).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto again = keyring::open(keys_, id, false);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->trusts("text", made->sign("text")));
  EXPECT_FALSE(again->trusts("texT", made->sign("text")));
}

TEST_F(Keyring, ThePublicHalfChecksButCannotSign) {
  auto k = open_keys();
  auto p = keyring::open_public(keys_, id);
  EXPECT_FALSE(p.can_sign());
  EXPECT_TRUE(p.trusts("text", k.sign("text")));
  EXPECT_FALSE(keyring::open_public(base_ / "none", id).trusts("text", k.sign("text")));
  EXPECT_FALSE(fs::exists(base_ / "none"));
}

TEST_F(Keyring, NeverMakesANewKeyOverSignedHistory) {
  open_keys();
  fs::remove(keys_ / id);
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::not_found);
  fs::remove(keys_ / (std::string(id) + ".trusted"));
  EXPECT_TRUE(keyring::open(keys_, id, true));
  ASSERT_TRUE(open_keys().remember_head("T", {1, sha256("line")}));
  fs::remove(keys_ / id);
  fs::remove(keys_ / (std::string(id) + ".trusted"));
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::not_found);
}

TEST_F(Keyring, AKeyFileThatIsNoneIsCorrupt) {
  write(keys_ / id, "no key");
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::corrupt);
}

TEST_F(Keyring, TheEnvironmentNamesAnotherKeyFile) {
  auto first = open_keys();
  auto file = base_ / "elsewhere";
  ::setenv("SCHEDULER_KEY_FILE", file.c_str(), 1);
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::not_found);
  write(file, signing_key::generate().seed_hex() + "\n");
  auto other = keyring::open(keys_, id, true);
  ASSERT_TRUE(other);
  EXPECT_FALSE(first.trusts("text", other->sign("text")));
  EXPECT_TRUE(other->trusts("text", first.sign("text"))); // History stays trusted.
  EXPECT_TRUE(keyring::open_public(keys_, id).trusts("text", other->sign("text")));
}

TEST_F(Keyring, RemembersTheHeadOfEachTask) {
  auto k = open_keys();
  EXPECT_FALSE(k.head_of("T"));
  ASSERT_TRUE(k.remember_head("T", {3, sha256("a")}));
  ASSERT_TRUE(k.remember_head("T", {4, sha256("b")}));
  ASSERT_TRUE(k.remember_head("S", {1, sha256("c")}));
  ASSERT_TRUE(k.head_of("T"));
  EXPECT_EQ(k.head_of("T")->seq, 4u);
  EXPECT_EQ(k.head_of("T")->line_sha256, sha256("b"));
  EXPECT_EQ(k.tasks_with_heads(), (std::vector<std::string>{"S", "T"}));
  for (auto text : {"", "4", "x ", "0 aa", "4 short\n"}) {
    write(keys_ / (std::string(id) + ".heads") / "T", text);
    EXPECT_FALSE(k.head_of("T")) << text;
  }
}

TEST_F(Keyring, TheRepositoryIdIsOfItsPath) {
  EXPECT_EQ(repository_id("/a/.git"), sha256("/a/.git").substr(0, 16));
  ::setenv("XDG_STATE_HOME", "/state", 1);
  EXPECT_EQ(default_state_dir(), "/state/scheduler/keys");
  ::setenv("XDG_STATE_HOME", "relative", 1);
  ::setenv("HOME", "/home/me", 1);
  EXPECT_EQ(default_state_dir(), "/home/me/.local/state/scheduler/keys");
  ::unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(default_state_dir(), "/home/me/.local/state/scheduler/keys");
}

} // namespace
} // namespace ledger::disk
