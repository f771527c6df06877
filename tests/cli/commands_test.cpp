#include "cli/commands.hpp"

#include "ledger/disk/lock.hpp"
#include "tests/cli/told_ledger.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>

#include <poll.h>
#include <pty.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using cli::exit_code;
using ledger::step;
using test::alter;
using test::has;
using test::telling;

/// Name, size and time of every file: what must not change.
std::map<std::string, std::string> picture_of(const fs::path& folder) {
  std::map<std::string, std::string> all;
  for (auto& e : fs::recursive_directory_iterator(folder))
    if (e.is_regular_file())
      all[e.path().string()] = test::read_file(e.path());
    else
      all[e.path().string()] = "";
  return all;
}

class Commands : public test::told_ledger {};

// -- status ---------------------------------------------------------------------

TEST_F(Commands, StatusSaysThatThereIsNoTaskYetAndMakesNothing) {
  auto s = status();
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.out, "there is no task yet")) << s.out;
  EXPECT_FALSE(fs::exists(here.ledger_root));
  EXPECT_EQ(status(true).out, "{\"tasks\":[],\"damaged\":[]}\n");
}

TEST_F(Commands, StatusShowsEveryTaskAndCounts) {
  tell("Done", [](telling& t) { t.finish(); });
  tell("Parked", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  tell("Young", [](telling& t) { t.until(step::decide); });
  auto s = status();
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.out, "Parked  parked   plan     1      tries-used  2")) << s.out;
  EXPECT_TRUE(has(s.out, "Young   running  decide   1      -           2")) << s.out;
  EXPECT_TRUE(has(s.out, "3 tasks: 1 done, 1 parked, 1 running")) << s.out;
  auto j = nlohmann::json::parse(status(true).out);
  ASSERT_EQ(j["tasks"].size(), 3u);
  EXPECT_EQ(j["tasks"][0]["state"], "done");
  EXPECT_EQ(j["tasks"][0]["deploy_url"], "file:///deployed");
  EXPECT_EQ(j["tasks"][1]["reason"], "tries-used");
}

TEST_F(Commands, StatusNamesDamageAndExitsFive) {
  tell("Bad", [](telling& t) { t.until(step::plan); });
  tell("Good", [](telling& t) { t.until(step::plan); });
  alter(folder("Bad") / "journal.jsonl");
  auto s = status();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.err, "damaged: Bad: journal.jsonl")) << s.err;
  EXPECT_TRUE(has(s.out, "Good  running")) << s.out;
  EXPECT_TRUE(has(s.out, "Bad   damaged")) << s.out;
  EXPECT_EQ(nlohmann::json::parse(status(true).out)["damaged"][0]["task"], "Bad");
}

TEST_F(Commands, ALedgerThatIsGoneIsDamageNotABeginning) {
  tell("Done", [](telling& t) { t.finish(); });
  fs::remove_all(here.ledger_root);
  EXPECT_EQ(status().code, exit_code::damaged);
  EXPECT_EQ(verify().code, exit_code::damaged);
  EXPECT_EQ(retry("Done", step::ingest).code, exit_code::damaged);
  EXPECT_FALSE(fs::exists(here.ledger_root)) << "no fresh start over it";
  // The branch alone says so too.
  fs::remove_all(here.state_dir);
  auto s = status();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.err, "refs/heads/ai-gated/Done")) << s.err;
}

TEST_F(Commands, OutsideARepositoryEveryCommandIsAUsageError) {
  auto elsewhere = repository.folder() / "plain";
  fs::create_directories(elsewhere);
  auto s = run(cli::status, cli::status_options{elsewhere.string(), false});
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "--repo")) << s.err;
  EXPECT_EQ(run(cli::cancel, cli::cancel_options{elsewhere.string(), "A"}).code, exit_code::usage);
}

TEST_F(Commands, ReadingCommandsWriteNothing) {
  tell("Done", [](telling& t) { t.finish(); });
  auto before = picture_of(repository.folder());
  status();
  status(true);
  show("Done", true);
  verify();
  verify({"Done"});
  EXPECT_EQ(picture_of(repository.folder()), before);
}

TEST_F(Commands, ReadingCommandsWorkBesideAScheduler) {
  tell("Done", [](telling& t) { t.finish(); });
  auto journal = open_journal();
  auto lock = ledger::disk::repository_lock::take(here.repository->common_dir());
  ASSERT_TRUE(lock);
  auto s = status();
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.out, "a scheduler is at work")) << s.out;
  EXPECT_EQ(show("Done").code, exit_code::all_done);
  EXPECT_EQ(verify().code, exit_code::all_done);
}

TEST_F(Commands, DamageIsToldAlsoWhileASchedulerWorks) {
  tell("Done", [](telling& t) { t.finish(); });
  auto lock = ledger::disk::repository_lock::take(here.repository->common_dir());
  ASSERT_TRUE(lock);
  test::write_file(folder("Done") / "codex/plan.md", "another plan");
  EXPECT_EQ(verify().code, exit_code::damaged);
}

// -- show -----------------------------------------------------------------------

TEST_F(Commands, ShowTellsTheWholeStory) {
  auto done = tell("Fix-Footer", [](telling& t) {
    t.until(step::plan);
    t.grant();
    t.answer("too short");
    t.judge_as(ledger::judged::rejected, {"it names no file"});
    t.finish();
  });
  auto s = show("Fix-Footer");
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  for (auto words :
       {std::string("State      done, at step deliver, round 1"), done.base, done.tree,
        done.out->commit, std::string("file:///deployed"), std::string("gemini: offline/none"),
        std::string("answered by offline/none (gemini/audit.md, "),
        std::string("asking codex (offline/none, input "),
        std::string("answer refused: it names no file; kept as codex/old/plan.rejected-1.md"),
        std::string("contract/CLAUDE_DECISIONS_OK (record "), std::string("CLAUDE_FINAL_OK: YES"),
        std::string("accepted (signed)"), std::string("checks green: test exit 0, 5 ms"),
        std::string("committed ") + done.out->commit.substr(0, 12)})
    EXPECT_TRUE(has(s.out, words)) << words << "\n" << s.out;
  auto lines = std::count(s.out.begin(), s.out.end(), '\n');
  EXPECT_GT(lines, static_cast<long>(done.seq)) << "a line for each record";
  EXPECT_FALSE(has(s.out, "diff --git"));
}

TEST_F(Commands, ShowTellsWhyATaskIsParkedAndWhatToDo) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  auto s = show("A");
  EXPECT_TRUE(has(s.out, "Reason     tries-used")) << s.out;
  EXPECT_TRUE(has(s.out, "Remedy     add a note")) << s.out;
}

TEST_F(Commands, ShowSaysOfEachFileWhetherItIsAsRecorded) {
  tell("A", [](telling& t) { t.until(step::deliver); });
  EXPECT_TRUE(has(show("A").out, "as recorded"));
  EXPECT_FALSE(has(show("A").out, "DAMAGED"));
  test::write_file(folder("A") / "gemini/audit.md", "changed by hand");
  test::write_file(folder("A") / "gemini/mine.txt", "a stranger");
  fs::remove(folder("A") / "codex/plan.md");
  auto s = show("A");
  EXPECT_EQ(s.code, exit_code::damaged);
  for (std::string name : {"gemini/audit.md", "codex/plan.md"}) {
    EXPECT_TRUE(has(s.err, "damaged: A: " + name)) << s.err;
    auto at = s.out.rfind("\n" + name);
    ASSERT_NE(at, std::string::npos);
    EXPECT_TRUE(has(s.out.substr(at + 1, s.out.find('\n', at + 1) - at), "DAMAGED")) << s.out;
  }
  EXPECT_TRUE(has(s.out, "gemini/mine.txt")) << s.out;
  EXPECT_TRUE(has(s.out, "not recorded")) << s.out;
}

TEST_F(Commands, ShowDiffPrintsTheRecordedChange) {
  tell("A", [](telling& t) { t.until(step::deliver); });
  auto s = show("A", true);
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.out, "\ndiff --git a/page b/page\n")) << s.out;
  test::write_file(folder("A") / "codex/changes.diff", "diff --git a/evil b/evil\n");
  s = show("A", true);
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_FALSE(has(s.out, "evil")) << "what was not recorded is not the change";
}

TEST_F(Commands, ShowDiffOfATaskWithoutAChangeSaysSo) {
  tell("A", [](telling& t) { t.until(step::plan); });
  auto s = show("A", true);
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.err, "no change yet")) << s.err;
}

TEST_F(Commands, AnUnknownTaskIsAUsageErrorThatNamesNearOnes) {
  tell("Fix-Footer", [](telling& t) { t.open(); });
  for (auto& s :
       {show("Fix-Foter"), verify({"Fix-Foter"}), retry("Fix-Foter"), cancel("Fix-Foter")}) {
    EXPECT_EQ(s.code, exit_code::usage);
    EXPECT_TRUE(has(s.err, "did you mean `Fix-Footer`?")) << s.err;
  }
  EXPECT_TRUE(has(show("Other").err, "`scheduler status`"));
}

// A build failed after the commit: the table said COMMIT "-" while the branch
// looked like one to be merged.
TEST_F(Commands, ACommitOfATaskThatIsNotDoneIsShownAsUnfinished) {
  auto a = tell("A", [](telling& t) {
    t.intend();
    t.add(ledger::draft_committed(t.state, t.make_commit()));
    t.add(ledger::draft_built(t.state, false, "exit 1", test::text("cc: no such file\n")));
    t.park();
  });
  auto commit = a.branch_commit.substr(0, 12);
  auto s = status();
  EXPECT_TRUE(has(s.out, commit + " (unfinished)")) << s.out;
  EXPECT_TRUE(has(s.out, "A: its commit " + commit
                             + " is on branch ai-gated/A, but the task is not "
                               "done: do not merge it"))
      << s.out;
  EXPECT_TRUE(has(show("A").out, "do not merge it"));
  auto j = nlohmann::json::parse(status(true).out);
  EXPECT_EQ(j["tasks"][0]["branch_commit"], a.branch_commit);
  EXPECT_EQ(j["tasks"][0]["branch"], "refs/heads/ai-gated/A");
  tell("B", [](telling& t) { t.finish(); });
  EXPECT_FALSE(has(show("B").out, "do not merge")) << "a done one is to be merged";
}

// "Needs a person" said that a build had failed, not why nor where to look.
TEST_F(Commands, ShowNamesTheFolderTheLogAndItsLastLines) {
  tell("A", [](telling& t) {
    t.intend();
    t.add(ledger::draft_committed(t.state, t.make_commit()));
    t.add(
        ledger::draft_built(t.state, false, "exit 1", test::text("first\ncc: no \x1b[31msuch\n")));
    t.park();
  });
  auto s = show("A");
  EXPECT_TRUE(has(s.out, "Folder     " + folder("A").string())) << s.out;
  EXPECT_TRUE(has(s.out, "cause: build-failed: exit 1")) << s.out;
  EXPECT_TRUE(has(s.out, "log: " + (folder("A") / "final/build.log").string())) << s.out;
  EXPECT_TRUE(has(s.out, "| cc: no \\x1b[31msuch")) << s.out;
}

TEST_F(Commands, ShowAsJsonHasTheTaskItsRecordsAndItsFiles) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  auto j = nlohmann::json::parse(show("A", true, true).out);
  EXPECT_EQ(j["task"], "A");
  EXPECT_EQ(j["folder"], folder("A").string());
  EXPECT_EQ(j["records"].size(), a.seq);
  EXPECT_EQ(j["records"][0]["event"], "opened");
  EXPECT_TRUE(has(j["diff"], "diff --git"));
  EXPECT_EQ(j["exit_code"], 0);
  auto unknown = show("B", false, true);
  EXPECT_EQ(nlohmann::json::parse(unknown.out)["exit_code"], 2) << unknown.out;
}

TEST_F(Commands, ShowOfATaskWithoutItsFolderSaysSo) {
  tell("A", [](telling& t) { t.finish(); });
  tell("B", [](telling& t) { t.open(); });
  fs::remove_all(folder("A"));
  auto s = show("A");
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, folder("A").string())) << s.out;
  EXPECT_TRUE(has(s.err, "remedy: ")) << s.err;
}

/// A terminal of our own in the place of stdout, for as long as it lives.
class terminal {
public:
  terminal() {
    std::cout.flush();
    kept_ = ::dup(STDOUT_FILENO);
    int slave = -1;
    EXPECT_EQ(::openpty(&master_, &slave, nullptr, nullptr, nullptr), 0);
    ::dup2(slave, STDOUT_FILENO);
    ::close(slave);
  }
  ~terminal() { ::close(master_); }
  /// What was written up to `last`; stdout is what it was before.
  std::string end(const std::string& last) {
    std::cout.flush();
    std::string text, some(4096, '\0');
    // A terminal hands on a few thousand bytes at a time.
    for (pollfd ready{master_, POLLIN, 0}; !has(text, last) && ::poll(&ready, 1, 10'000) == 1;) {
      auto n = ::read(master_, some.data(), some.size());
      text.append(some, 0, n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    ::dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
    return text;
  }

private:
  int kept_ = -1, master_ = -1;
};

// A diff with escape sequences moved the cursor of whoever looked at it.
TEST_F(Commands, ShowDiffSendsNoEscapeSequencesToATerminal) {
  tell("A", [](telling& t) {
    t.diff = "diff --git a/page b/page\n+\x1b[2Jgone\n";
    t.until(step::deliver);
  });
  EXPECT_TRUE(has(show("A", true).out, "\x1b[2Jgone")) << "byte for byte into a file";
  std::ostringstream err;
  terminal pty;
  cli::show({top(), "A", true, false}, std::cout, err);
  auto seen = pty.end("gone");
  EXPECT_FALSE(has(seen, "\x1b")) << seen;
  EXPECT_TRUE(has(seen, "\\x1b[2Jgone")) << seen;
}

// -- verify ---------------------------------------------------------------------

TEST_F(Commands, VerifyCountsWhatIsAsWritten) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  auto b = tell("B", [](telling& t) { t.until(step::plan); });
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_EQ(s.out, "2 tasks, " + std::to_string(a.seq + b.seq) + " records, all as written\n");
  EXPECT_EQ(verify({"B"}).out, "1 task, " + std::to_string(b.seq) + " records, all as written\n");
}

TEST_F(Commands, VerifyNamesEachDamagedFile) {
  struct row {
    const char* name;
    std::function<void(Commands&)> damage;
    const char* want;
  };
  auto in = [](const char* file) { return [file](Commands& c) { return c.folder("A") / file; }; };
  std::vector<row> rows{
      {"altered", [&](auto& c) { test::write_file(in("gemini/audit.md")(c), "x"); },
       "A: gemini/audit.md: "},
      {"removed", [&](auto& c) { fs::remove(in("claude/decisions.md")(c)); },
       "A: claude/decisions.md: "},
      {"forged contract",
       [&](auto& c) { test::write_file(in("contract/CLAUDE_FINAL_OK")(c), "CLAUDE_FINAL_OK:B\n"); },
       "A: contract/CLAUDE_FINAL_OK: "},
      {"stray contract", [&](auto& c) { test::write_file(in("contract/HUMAN_OK")(c), "x"); },
       "A: contract/HUMAN_OK: "},
      {"altered journal", [&](auto& c) { alter(in("journal.jsonl")(c)); }, "A: journal.jsonl: "},
      {"no folder", [&](auto& c) { fs::remove_all(c.folder("A")); }, "A: "},
  };
  auto whole = tell("A", [](telling& t) { t.finish(); });
  tell("B", [](telling& t) { t.until(step::plan); });
  auto kept = repository.folder() / "kept";
  fs::copy(here.ledger_root, kept, fs::copy_options::recursive);
  for (auto& r : rows) {
    SCOPED_TRACE(r.name);
    r.damage(*this);
    auto s = verify();
    EXPECT_EQ(s.code, exit_code::damaged);
    EXPECT_TRUE(has(s.out, r.want)) << s.out;
    EXPECT_FALSE(has(s.out, "all as written")) << s.out;
    EXPECT_EQ(verify({"B"}).code, exit_code::all_done) << "the other task is sound";
    fs::remove_all(here.ledger_root);
    fs::copy(kept, here.ledger_root, fs::copy_options::recursive);
  }
  EXPECT_EQ(verify().code, exit_code::all_done);
}

TEST_F(Commands, ABranchThatPointsElsewhereIsDamage) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  repository.git({"update-ref", a.branch, "HEAD"});
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "A: refs/heads/ai-gated/A: it points at ")) << s.out;
  EXPECT_TRUE(has(s.out, a.out->commit)) << s.out;
}

TEST_F(Commands, ADeletedBranchIsTheUsersBusiness) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  repository.git({"update-ref", "-d", a.branch});
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_TRUE(has(s.out, "note: A: refs/heads/ai-gated/A is gone")) << s.out;
  EXPECT_TRUE(has(s.out, "all as written")) << s.out;
}

// A commit of the user's own on top of ours was called damage.
TEST_F(Commands, ACommitOnTopOfABranchIsTheUsersBusiness) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  auto on_top = *here.repository->commit_tree(
      {a.tree, a.out->commit, "mine", "me", "me@localhost", 1'700'000'001});
  repository.git({"update-ref", a.branch, on_top});
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
  EXPECT_TRUE(has(s.out, "note: A: refs/heads/ai-gated/A has commits of yours on top")) << s.out;
}

TEST_F(Commands, VerifyAsJsonNamesDamageAndRemedy) {
  tell("A", [](telling& t) { t.finish(); });
  test::write_file(folder("A") / "gemini/audit.md", "x");
  auto j = nlohmann::json::parse(verify({}, true).out);
  EXPECT_EQ(j["exit_code"], 5);
  EXPECT_EQ(j["damaged"][0]["task"], "A");
  EXPECT_EQ(j["damaged"][0]["file"], "gemini/audit.md");
  EXPECT_FALSE(j["damaged"][0]["remedy"].get<std::string>().empty());
}

TEST_F(Commands, AMissingCommitIsDamage) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  repository.git({"update-ref", "-d", a.branch});
  auto& id = a.out->commit;
  ASSERT_TRUE(fs::remove(repository.top() / ".git/objects" / id.substr(0, 2) / id.substr(2)));
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "A: commit " + id + ": it is recorded, but")) << s.out;
}

TEST_F(Commands, AMissingTreeIsDamage) {
  auto a = tell("A", [](telling& t) { t.finish(); });
  auto& id = a.tree;
  ASSERT_TRUE(fs::remove(repository.top() / ".git/objects" / id.substr(0, 2) / id.substr(2)));
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "A: tree " + id)) << s.out;
}

TEST_F(Commands, ARecordedCommitMustBeTheIntendedOne) {
  // A receipt for a commit whose tree nobody approved.
  auto a = tell("A", [this](telling& t) {
    t.intend();
    auto& o = *t.state.out;
    auto base_tree = *here.repository->tree_of("HEAD");
    auto id = *here.repository->commit_tree(
        {base_tree, o.parent, o.message, "scheduler", "scheduler@localhost", o.time_s});
    ASSERT_TRUE(here.repository->move_ref(t.state.branch, id, ""));
    t.add(ledger::draft_committed(t.state, id));
  });
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "A: commit " + a.out->commit + ": its tree is ")) << s.out;
}

TEST_F(Commands, AnIntendedCommitWithoutItsReceiptIsNoDamage) {
  tell("A", [](telling& t) {
    t.intend();
    t.make_commit();
  });
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::all_done) << s.out;
}

TEST_F(Commands, ABranchThatNoTaskExplainsIsDamage) {
  tell("A", [](telling& t) { t.until(step::plan); });
  repository.git({"update-ref", "refs/heads/ai-gated/Gone", "HEAD"});
  repository.git({"update-ref", "refs/heads/ai-gated/A", "HEAD"});
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.out, "Gone: refs/heads/ai-gated/Gone: the branch is there")) << s.out;
  EXPECT_TRUE(has(s.out, "A: refs/heads/ai-gated/A: it points at ")) << s.out;
  EXPECT_FALSE(has(verify({"A"}).out, "Gone"));
}

TEST_F(Commands, VerifyOfAnEmptyRepositoryIsContent) {
  auto s = verify();
  EXPECT_EQ(s.code, exit_code::all_done);
  EXPECT_EQ(s.out, "0 tasks, 0 records, all as written\n");
}

} // namespace
