// What a kill leaves of an approval, and what a hand left instead.

#include "ledger/approving.hpp"
#include "tests/disk/ledger_fixture.hpp"
#include "tests/disk/told_task.hpp"

namespace ledger::disk {
namespace {

class Approvals : public ledger_test {
protected:
  /// A task that waits before step 4.
  static void wait(told_task& t) {
    t.until_decisions();
    t.judge();
    t.answer("plan");
    t.judge();
    ASSERT_EQ(t.state.at, step::implement);
    t.tell(draft_awaiting(t.state, "a person is to look", "look"));
  }

  static draft approved(const journal& j, const told_task& t) {
    auto seen = collect_evidence(j.folder_of("T"), t.state, j.keys(), t.state.config_digest);
    seen.approve.implement = true;
    auto d = draft_approved(t.state, std::nullopt, seen, {"alice", 1000, 0});
    EXPECT_TRUE(d) << d.error().detail;
    return *d;
  }

  std::string one_damage() const {
    auto all = verify();
    return all.size() == 1 ? all[0].file + ": " + all[0].why
                           : fmt::format("{} damages", all.size());
  }

  const std::string human_ok_ = "HUMAN_OK:T\n";
};

TEST_F(Approvals, KilledBeforeItsRecordTheContractIsRemovedAndTheTaskWaitsOn) {
  hooks_.before_put = [this](const std::string& file) -> result<void> {
    if (file.find("HUMAN_OK") != std::string::npos)
      photograph();
    return {};
  };
  {
    auto j = open();
    told_task t(j, "T");
    wait(t);
    t.tell(approved(j, t));
  }
  restart_from_image();
  write(at("T", path::human_ok), human_ok_); // The put that the kill came after.
  auto j = open();
  ASSERT_EQ(j.healed().size(), 1u);
  EXPECT_NE(j.healed()[0].find("approve again"), std::string::npos) << j.healed()[0];
  EXPECT_FALSE(fs::exists(at("T", path::human_ok)));
  EXPECT_EQ(told_task(j, "T").state.is, status::waiting);
  EXPECT_TRUE(verify().empty()) << one_damage();
}

TEST_F(Approvals, OneThatNobodyAnnouncedIsForgedAndLeftWhereItIs) {
  {
    auto j = open();
    told_task t(j, "T");
    wait(t);
    ASSERT_TRUE(j.close());
  }
  write(at("T", path::human_ok), human_ok_);
  auto j = open();
  EXPECT_TRUE(j.healed().empty());
  EXPECT_TRUE(fs::exists(at("T", path::human_ok)));
  EXPECT_EQ(one_damage().find("contract/HUMAN_OK: contract-forged"), 0u) << one_damage();
}

TEST_F(Approvals, KilledAfterItsRecordItStands) {
  photograph_commits();
  {
    auto j = open();
    told_task t(j, "T");
    wait(t);
    t.tell(approved(j, t));
  }
  restart_from_image();
  auto j = open();
  told_task t(j, "T");
  EXPECT_TRUE(is_approved(t.state));
  EXPECT_EQ(text_at("T", path::human_ok), human_ok_);
  EXPECT_TRUE(verify().empty()) << one_damage();
}

} // namespace
} // namespace ledger::disk
