// A checkpoint beside which appends go on.
//
// The story behind it: whoever appended when the database had 8 MB of files waited for
// a sync of the whole file system, and all other tasks with it: 0.3 to 0.7 s, again and
// again.

#include "tests/disk/ledger_fixture.hpp"

#include "ledger/digest.hpp"
#include "ledger/disk/database.hpp"

#include <cerrno>
#include <future>
#include <optional>

namespace ledger::disk {
namespace {

class Checkpoint : public ledger_test {
protected:
  Checkpoint() {
    checkpoint_bytes_ = 100;
    hooks_.sync_error = [this](std::string_view name) {
      if (!name.empty() || !held_up_)
        return 0;
      auto may_go_on = std::exchange(held_up_, std::nullopt);
      return may_go_on->get();
    };
  }

  // With a helper, as the program has: its clock then is the system's.
  journal open_with_helper() {
    auto o = options();
    o.hooks.now_ms = nullptr;
    o.helpers = 1;
    auto j = journal::open(std::move(o), open_keys());
    if (!j)
      throw std::runtime_error(j.error().detail);
    return std::move(*j);
  }

  /// A checkpoint whose sync waits until `synced_` is given the errno that it ends with;
  /// it has begun with all of `task`.
  void begin_held_up(journal& j, const std::string& task) {
    held_up_ = synced_.get_future();
    begin(j, task);
    answer(j, task, 1, "large.md", large_);
  }

  fs::path heads() const { return keys_ / (std::string(test_repository) + ".heads"); }

  bool is_in_database(const std::string& task, const std::string& content) const {
    auto db = database::open_to_read(root_ / ".scheduler/ledger.db");
    EXPECT_TRUE(db);
    if (!db)
      return false;
    auto found = db->pending(task, sha256(content));
    EXPECT_TRUE(found);
    return found && found->has_value();
  }

  const std::string large_ = std::string(200, 'l'), small_ = "small", next_ = std::string(150, 'n');
  std::promise<int> synced_;

private:
  std::optional<std::future<int>> held_up_;
};

TEST_F(Checkpoint, NobodyWaitsForItsSync) {
  auto j = open_with_helper();
  begin_held_up(j, "T");
  answer(j, "T", 2, "small.md", small_);
  begin(j, "S");
  EXPECT_TRUE(is_in_database("T", large_)) << "it is not on the disk itself yet";
  synced_.set_value(0);
  EXPECT_TRUE(j.close());
  EXPECT_FALSE(is_in_database("T", large_));
  EXPECT_FALSE(is_in_database("T", small_));
}

TEST_F(Checkpoint, WhatCameAfterItsBeginningWaitsForTheNextOne) {
  auto j = open_with_helper();
  begin_held_up(j, "T");
  answer(j, "T", 2, "small.md", small_);
  synced_.set_value(0);
  answer(j, "T", 3, "next.md", next_); // So much that it waits for the sync.
  EXPECT_FALSE(is_in_database("T", large_));
  EXPECT_TRUE(is_in_database("T", small_));
  EXPECT_TRUE(is_in_database("T", next_));
  photograph();
  restart_from_image();
  fs::remove(at("T", "small.md"));
  fs::remove(at("T", "next.md"));
  boot_ = "boot-2";
  auto after = open();
  EXPECT_TRUE(after.damages().empty()) << why(after, "T");
  EXPECT_EQ(text_at("T", "small.md"), small_);
  EXPECT_EQ(text_at("T", "next.md"), next_);
}

TEST_F(Checkpoint, WhatItBeganWithMustBeThereAfterAReboot) {
  auto j = open_with_helper();
  begin(j, "T");
  answer(j, "T", 1, "large.md", large_);
  answer(j, "T", 2, "next.md", next_); // Ends the first checkpoint.
  photograph();
  restart_from_image();
  fs::remove(at("T", "large.md"));
  boot_ = "boot-2";
  auto after = open();
  EXPECT_EQ(text_at("T", "large.md"), "(missing)") << "never put back";
}

// L6, where nobody waits: whoever comes next hears of it.
TEST_F(Checkpoint, ASyncThatFailedBesideAppendsEndsTheJournal) {
  auto j = open_with_helper();
  begin_held_up(j, "T");
  answer(j, "T", 2, "small.md", small_); // Durable: the database's own syncs are sound.
  synced_.set_value(EIO);
  answer(j, "T", 3, "next.md", next_);
  ASSERT_TRUE(j.trouble());
  EXPECT_EQ(j.trouble()->kind, fault::lost);
  auto refused = j.append_one(append_of("T", 4, {draft_of(event::answered, {{"b.md", "b"}})}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, fault::lost);
  EXPECT_TRUE(is_in_database("T", large_)) << "the next start puts it";
  auto closed = j.close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().kind, fault::lost);
}

TEST_F(Checkpoint, ASyncThatFailsBehindTheLastAppendIsHeardAtTheEnd) {
  auto j = open_with_helper();
  begin_held_up(j, "T");
  synced_.set_value(EIO);
  auto closed = j.close();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().kind, fault::lost);
  EXPECT_TRUE(is_in_database("T", large_));
}

TEST_F(Checkpoint, WhoFallsBehindMeanwhileLosesNothing) {
  {
    auto j = open_with_helper();
    begin_held_up(j, "S");
    write(heads(), "in the way");
    begin(j, "T", true); // Its head cannot be written.
    EXPECT_TRUE(j.trouble());
    synced_.set_value(0);
    answer(j, "S", 2, "next.md", next_);
    EXPECT_FALSE(is_in_database("S", large_));
    EXPECT_TRUE(is_in_database("T", "prompt"));
    fs::remove(heads());
    answer(j, "S", 3, "small.md", small_);
    EXPECT_FALSE(j.trouble());
    EXPECT_TRUE(j.close());
    EXPECT_FALSE(is_in_database("T", "prompt"));
  }
  EXPECT_TRUE(verify().empty());
}

// The sync had begun before the folder had what its records tell.
TEST_F(Checkpoint, WhoCatchesUpMeanwhileIsHeldUntilTheNextOne) {
  auto j = open_with_helper();
  write(heads(), "in the way");
  begin(j, "T", true);
  ASSERT_TRUE(j.trouble());
  begin_held_up(j, "S");
  fs::remove(heads());
  answer(j, "S", 2, "small.md", small_);
  EXPECT_FALSE(j.trouble());
  synced_.set_value(0);
  answer(j, "S", 3, "next.md", next_);
  EXPECT_FALSE(is_in_database("S", large_));
  EXPECT_TRUE(is_in_database("T", "prompt"));
  EXPECT_TRUE(j.close());
  EXPECT_FALSE(is_in_database("T", "prompt"));
}

} // namespace
} // namespace ledger::disk
