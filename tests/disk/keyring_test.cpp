#include "ledger/disk/keyring.hpp"

#include "tests/disk/ledger_fixture.hpp"

#include <cstdint>
#include <set>

#include <sys/stat.h>

namespace ledger::disk {
namespace {

constexpr auto id = "0123456789abcdef";

class Keyring : public ledger_test {
protected:
  Keyring() { ::unsetenv("SCHEDULER_KEY_FILE"); }
  ~Keyring() override { ::unsetenv("SCHEDULER_KEY_FILE"); }
  fs::path trusted() const { return keys_ / (std::string(id) + ".trusted"); }
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

// A run with another key signed what nobody trusted: `verify` said 5 for ever.
TEST_F(Keyring, AnotherKeySignsNothingUntilAPersonPublishesIt) {
  auto first = open_keys();
  auto file = base_ / "elsewhere";
  ::setenv("SCHEDULER_KEY_FILE", file.c_str(), 1);
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::not_found);
  auto fresh = signing_key::generate();
  write(file, fresh.seed_hex() + "\n");
  for (bool may_create : {true, false}) {
    auto other = keyring::open(keys_, id, may_create);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, fault::refused);
    EXPECT_NE(other.error().detail.find(fresh.pub()), std::string::npos);
    EXPECT_NE(other.error().detail.find(trusted().string()), std::string::npos);
  }
  auto text = "# of the first machine\n" + read_file(trusted()).value() + fresh.pub() + "\n";
  write(trusted(), text);
  auto other = keyring::open(keys_, id, false);
  ASSERT_TRUE(other);
  EXPECT_FALSE(first.trusts("text", other->sign("text")));
  EXPECT_TRUE(other->trusts("text", first.sign("text"))); // History stays trusted.
  EXPECT_TRUE(keyring::open_public(keys_, id).trusts("text", other->sign("text")));
  EXPECT_EQ(read_file(trusted()).value(), text);
}

TEST_F(Keyring, TheFirstKeyMayLieElsewhere) {
  auto file = base_ / "elsewhere";
  write(file, signing_key::generate().seed_hex() + "\n");
  ::setenv("SCHEDULER_KEY_FILE", file.c_str(), 1);
  auto k = keyring::open(keys_, id, true);
  ASSERT_TRUE(k);
  EXPECT_TRUE(keyring::open_public(keys_, id).trusts("text", k->sign("text")));
  EXPECT_FALSE(fs::exists(keys_ / id));
}

// Only the list was lost, the key is there: it was used and not published.
TEST_F(Keyring, ALostListOfTrustedKeysIsWrittenAgain) {
  auto k = open_keys();
  ASSERT_TRUE(k.remember_head("T", {1, sha256("line")}));
  for (bool empty : {false, true}) {
    fs::remove(trusted());
    if (empty)
      write(trusted(), "");
    ASSERT_TRUE(keyring::open(keys_, id, false));
    EXPECT_TRUE(keyring::open_public(keys_, id).trusts("text", k.sign("text")));
  }
}

// An error while reading the list was taken for an empty list, which was then
// written: without the other keys.
TEST_F(Keyring, AListThatCannotBeReadIsNotTakenForAnEmptyOne) {
  auto k = open_keys();
  fs::remove(trusted());
  fs::create_directories(trusted() / "x");
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::corrupt);
  auto p = keyring::open_public(keys_, id);
  EXPECT_FALSE(p.trusts("text", k.sign("text")));
  EXPECT_NE(p.trouble().find(trusted().string()), std::string::npos) << p.trouble();
  fs::create_directories(root_);
  auto told = verify();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].why, p.trouble());
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

// Heads are written over in place: who reads one meanwhile may find half of each.
TEST_F(Keyring, AHeadThatIsHalfOldAndHalfNewIsNone) {
  auto k = open_keys();
  ASSERT_TRUE(k.remember_head("T", {9, sha256("a")}));
  auto before = read_file(keys_ / (std::string(id) + ".heads") / "T").value_or("");
  ASSERT_TRUE(k.remember_head("T", {10, sha256("b")}));
  auto after = read_file(keys_ / (std::string(id) + ".heads") / "T").value_or("");
  ASSERT_GT(after.size(), before.size());
  std::set<std::uint64_t> found;
  for (std::size_t n = 0; n <= after.size(); ++n) {
    auto old_rest = n < before.size() ? before.substr(n) : std::string{};
    write(keys_ / (std::string(id) + ".heads") / "T", after.substr(0, n) + old_rest);
    auto head = k.head_of("T");
    if (!head)
      continue;
    found.insert(head->seq);
    EXPECT_EQ(head->line_sha256, sha256(head->seq == 9 ? "a" : "b")) << n;
  }
  EXPECT_EQ(found, (std::set<std::uint64_t>{9, 10})); // Whole ones are heads.
}

TEST_F(Keyring, AFifoInTheWayOfAHeadIsToldAndHangsNobody) {
  auto k = open_keys();
  auto heads = keys_ / (std::string(id) + ".heads");
  fs::create_directories(heads);
  ASSERT_EQ(::mkfifo((heads / "T").c_str(), 0600), 0);
  auto told = k.remember_head("T", {1, sha256("a")});
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error().kind, fault::unavailable);
}

record first_record() {
  record r;
  r.seq = 1;
  r.time = format_time(0);
  r.prev = no_predecessor;
  return r;
}

TEST_F(Keyring, KnowsASignedLineByAllOfItsBytes) {
  auto k = open_keys();
  auto r = first_record();
  r.sig = k.sign(signed_part(r));
  auto line = to_line(r);
  for (int again = 0; again < 2; ++again) {
    auto known = k.signed_record(line);
    ASSERT_TRUE(known);
    EXPECT_EQ(*known, r);
  }
  for (std::size_t i = 0; i < line.size(); ++i) {
    auto other = line;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(k.signed_record(other)) << other;
  }
  r.sig.clear();
  EXPECT_FALSE(k.signed_record(to_line(r)));
  EXPECT_FALSE(keyring::open_public(keys_, "another").signed_record(line));
}

TEST_F(Keyring, DoesNotCheckWhatItSignedItselfButEveryOtherLine) {
  auto k = open_keys();
  auto r = first_record();
  r.sig = k.sign("something else"); // What a check would find.
  auto line = to_line(r);
  EXPECT_FALSE(k.signed_record(line));
  k.vouch_for(sha256(line));
  auto known = k.signed_record(line);
  ASSERT_TRUE(known);
  EXPECT_EQ(*known, r);
  r.seq = 2;
  EXPECT_FALSE(k.signed_record(to_line(r)));
}

// A head that could not be read was no head: a cut-off journal went unnoticed.
TEST_F(Keyring, AHeadThatCannotBeReadIsNotTakenForNone) {
  auto heads = keys_ / (std::string(id) + ".heads");
  {
    auto j = open();
    begin(j, "S");
    begin(j, "T", true);
    ASSERT_TRUE(j.close());
  }
  fs::remove(heads / "T");
  fs::create_directories(heads / "T");
  {
    auto j = open();
    EXPECT_NE(why(j, "T").find("its signed head"), std::string::npos) << why(j, "T");
    EXPECT_EQ(j.damages().size(), 1u);
  }
  EXPECT_EQ(verify().size(), 1u);
  fs::remove_all(heads);
  write(heads, "in the way");
  EXPECT_EQ(journal::open(options(), open_keys()).error().kind, fault::unavailable);
  // Nor is a new key made over it.
  fs::remove(keys_ / id);
  fs::remove(trusted());
  EXPECT_EQ(keyring::open(keys_, id, true).error().kind, fault::unavailable);
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
