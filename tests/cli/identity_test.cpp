#include "cli/identity.hpp"

#include "ledger/disk/keyring.hpp"
#include "tests/cli/told_ledger.hpp"

#include <filesystem>

namespace {

namespace fs = std::filesystem;
using cli::exit_code;
using test::has;
using test::telling;

class Identity : public test::told_ledger {
public:
  cli::place found(const fs::path& top) {
    auto p = cli::find_place(top.string());
    EXPECT_TRUE(p) << (p ? "" : p.error().detail);
    return std::move(*p);
  }
  fs::path copy_of_repository(const char* name) {
    auto to = repository.folder() / name;
    fs::copy(repository.top(), to, fs::copy_options::recursive);
    return to;
  }
  /// A done task, and the identity kept.
  void begin() {
    tell("A", [](telling& t) { t.finish(); });
    ASSERT_TRUE(cli::keep_identity(here));
  }
};

TEST_F(Identity, IsMadeOfThePathAndWrittenBesideTheLock) {
  EXPECT_EQ(here.repo_id, ledger::disk::repository_id(here.common_dir));
  EXPECT_FALSE(fs::exists(here.common_dir / "scheduler.id")) << "finding a place writes nothing";
  begin();
  EXPECT_EQ(test::read_file(here.common_dir / "scheduler.id"), here.repo_id + "\n");
  EXPECT_TRUE(found(repository.top()).who.is_kept);
}

// The id was the path's: after `mv` every contract looked forged, and every
// signed task lost.
TEST_F(Identity, ARepositoryThatWasMovedKeepsItsLedger) {
  begin();
  auto moved = repository.folder() / "moved";
  fs::rename(repository.top(), moved);
  auto p = found(moved);
  EXPECT_EQ(p.repo_id, here.repo_id);
  EXPECT_EQ(p.who.moved_from, here.common_dir.string());
  auto s = run(cli::verify, cli::verify_options{moved.string(), {}, false});
  EXPECT_EQ(s.code, exit_code::all_done) << s.out << s.err;
  EXPECT_EQ(test::read_file(here.state_dir / (here.repo_id + ".path")),
            here.common_dir.string() + "\n")
      << "verify writes nothing";
  ASSERT_TRUE(cli::keep_identity(p));
  EXPECT_TRUE(found(moved).who.is_kept);
  fs::rename(moved, repository.top());
}

// Two ledgers under one id make each other look cut off.
TEST_F(Identity, ACopyMayNotWriteAndIsToldHow) {
  begin();
  auto copy = copy_of_repository("copy");
  auto p = found(copy);
  EXPECT_EQ(p.who.copy_of, here.common_dir.string());
  auto may = cli::may_write(p);
  ASSERT_FALSE(may);
  EXPECT_TRUE(has(may.error().detail, (copy / ".git/scheduler.id").string())) << may.error().detail;
  auto s = retry({copy.string(), "A", {}, ledger::step::ingest, {}});
  EXPECT_EQ(s.code, exit_code::usage) << s.out;
  EXPECT_TRUE(has(s.err, "is a copy")) << s.err;
  EXPECT_TRUE(cli::may_write(found(repository.top()))) << "the original goes on";
  // The remedy, to the letter.
  fs::remove(copy / ".git/scheduler.id");
  fs::remove_all(copy / ".ai-stack-trace");
  auto own = found(copy);
  EXPECT_NE(own.repo_id, here.repo_id);
  EXPECT_TRUE(cli::may_write(own));
}

TEST_F(Identity, AnotherRepositoryAtThePlaceOfAMovedOneGetsAnIdOfItsOwn) {
  begin();
  auto moved = repository.folder() / "moved";
  fs::rename(repository.top(), moved);
  ASSERT_TRUE(cli::keep_identity(found(moved)));
  fs::create_directories(repository.top());
  fs::copy(moved, repository.top(), fs::copy_options::recursive);
  fs::remove(repository.top() / ".git/scheduler.id");
  auto p = found(repository.top());
  EXPECT_NE(p.repo_id, here.repo_id);
  EXPECT_TRUE(cli::may_write(p));
  ASSERT_TRUE(cli::keep_identity(p));
  EXPECT_EQ(found(repository.top()).repo_id, p.repo_id) << "the same the next time";
}

TEST_F(Identity, AMissingIdFileOverKnownKeysIsWrittenAgain) {
  begin();
  fs::remove(here.common_dir / "scheduler.id");
  auto p = found(repository.top());
  EXPECT_EQ(p.repo_id, here.repo_id);
  EXPECT_FALSE(p.who.is_kept);
  ASSERT_TRUE(cli::keep_identity(p));
  EXPECT_TRUE(fs::exists(here.common_dir / "scheduler.id"));
}

TEST_F(Identity, AnIdFileThatHoldsNoIdIsRefused) {
  begin();
  test::write_file(here.common_dir / "scheduler.id", "../../etc\n");
  auto p = cli::find_place(top());
  ASSERT_FALSE(p);
  EXPECT_TRUE(has(p.error().detail, "scheduler.id holds no repository id")) << p.error().detail;
}

} // namespace
