#include "cli/commands.hpp"
#include "cli/secrets.hpp"
#include "ledger/disk/lock.hpp"
#include "ledger/prompt.hpp"
#include "tests/cli/told_ledger.hpp"

#include <filesystem>
#include <utility>

#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using cli::exit_code;
using ledger::step;
using test::alter;
using test::has;
using test::telling;

class Retry : public test::told_ledger {};

// -- retry ----------------------------------------------------------------------

TEST_F(Retry, RetryTakesUpAParkedTaskWhereItStands) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_EQ(s.out, "A will go on from step plan with the next `scheduler --tasks DIR` (its prompt "
                   "A.md has to lie in DIR)\n");
  auto after = state_of("A");
  EXPECT_EQ(after.is, ledger::status::running);
  EXPECT_EQ(after.at, step::plan);
  EXPECT_EQ(verify().code, exit_code::all_done);
}

TEST_F(Retry, RetryGoesBackToAStepAndKeepsTheOldWork) {
  tell("A", [](telling& t) {
    t.until(step::deliver);
    t.park();
  });
  auto s = retry("A", step::decide);
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_TRUE(has(s.out, "from step decide")) << s.out;
  EXPECT_FALSE(fs::exists(folder("A") / "contract/CLAUDE_DECISIONS_OK"));
  EXPECT_TRUE(fs::exists(folder("A") / "contract/old/CLAUDE_DECISIONS_OK.retried-1"));
  EXPECT_EQ(verify().code, exit_code::all_done);
}

TEST_F(Retry, RetryFilesANote) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  configure();
  auto note = repository.folder() / "note.md";
  test::write_file(note, "look at the footer\n");
  auto s = retry("A", {}, note.string());
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_TRUE(has(s.out, "inputs/note-1.md")) << s.out;
  EXPECT_EQ(test::read_file(folder("A") / "inputs/note-1.md"), "look at the footer\n");
}

TEST_F(Retry, RetryRefusesANoteThatMustNotReachTheLedger) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  configure();
  repository.write(".gitignore", ".env\n");
  repository.write(".env", "API=correct-horse-battery-staple\n");
  repository.write("site/.env.local", "in-a-file-that-was-committed\n");
  repository.commit();
  fs::remove(repository.top() / "site/.env.local");
  test::environment token(test::environment::values{{"SOME_TOKEN", "value-of-the-token-1"}});
  auto note = repository.folder() / "note.md";
  struct row {
    std::string content, want;
  };
  std::vector<row> rows{
      {"fine\nuse correct-horse-battery-staple\n", "line 2 holds a known secret"},
      {"in-a-file-that-was-committed", "line 1 holds a known secret"},
      {"value-of-the-token-1", "line 1 holds a known secret"},
      {"ok\n\xff\n", "line 2 is no UTF-8 text"},
      {" \n", "it is empty"},
      {std::string(ledger::max_prompt_bytes + 1, 'x'), "at most 1048576 bytes"},
  };
  for (auto& r : rows) {
    test::write_file(note, r.content);
    auto s = retry("A", {}, note.string());
    EXPECT_EQ(s.code, exit_code::usage) << r.want;
    EXPECT_TRUE(has(s.err, r.want)) << s.err;
    EXPECT_FALSE(has(s.err, "correct-horse")) << s.err;
  }
  EXPECT_EQ(retry("A", {}, "/no/such/note").code, exit_code::usage);
  EXPECT_EQ(state_of("A").is, ledger::status::parked);
}

// Only <top>/scheduler.toml was read, and without it the defaults held: what a
// batch with --config knew as a secret went into the ledger through a note.
TEST_F(Retry, ANoteIsSearchedForTheSecretsOfTheConfigurationThatIsNamed) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  repository.write("keys/live.txt", "token: value-in-the-keys-folder\n");
  auto note = repository.folder() / "note.md";
  test::write_file(note, "use value-in-the-keys-folder\n");
  auto none = retry("A", {}, note.string());
  EXPECT_EQ(none.code, exit_code::usage) << "nobody knows what is secret";
  EXPECT_TRUE(has(none.err, "--config FILE")) << none.err;

  configure("[scope]\nsecrets = [\"keys/**\"]\n");
  auto elsewhere = repository.folder() / "elsewhere.toml";
  fs::rename(repository.top() / "scheduler.toml", elsewhere);
  auto s = retry({top(), "A", note.string(), {}, elsewhere.string()});
  EXPECT_EQ(s.code, exit_code::usage) << s.out;
  EXPECT_TRUE(has(s.err, "line 1 holds a known secret")) << s.err;
  EXPECT_EQ(state_of("A").is, ledger::status::parked);
  test::write_file(note, "be careful\n");
  EXPECT_EQ(retry({top(), "A", note.string(), {}, elsewhere.string()}).code, exit_code::all_done);
}

TEST_F(Retry, ANoteUnderAConfigurationWithErrorsIsRefused) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  repository.write("scheduler.toml", "[chekcs]\n");
  auto note = repository.folder() / "note.md";
  test::write_file(note, "hello\n");
  auto s = retry("A", {}, note.string());
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "cannot be searched for secrets")) << s.err;
}

TEST_F(Retry, ASecretsFileThatIsTooLargeToSearchIsRefusedNotSkipped) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  configure();
  repository.write(".env", std::string(1024 * 1024 + 1, 'x'));
  auto note = repository.folder() / "note.md";
  test::write_file(note, "hello\n");
  auto s = retry("A", {}, note.string());
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, ".env matches scope.secrets, but is too large")) << s.err;
}

TEST_F(Retry, RetryOfAnUnfinishedTaskNeedsAStep) {
  tell("A", [](telling& t) { t.until(step::implement); });
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "goes on with it by itself")) << s.err;
  EXPECT_EQ(retry("A", step::deliver).code, exit_code::usage) << "it cannot skip ahead";
  EXPECT_EQ(retry("A", step::ingest).code, exit_code::all_done);
  EXPECT_EQ(state_of("A").at, step::ingest);
}

TEST_F(Retry, RetryOfAFinishedTaskNeedsAStep) {
  tell("A", [](telling& t) { t.finish(); });
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "--from")) << s.err;
}

TEST_F(Retry, RetryAndCancelLeaveARunningSchedulerAlone) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  auto lock = ledger::disk::repository_lock::take(here.repository->common_dir());
  ASSERT_TRUE(lock);
  auto before = test::read_file(folder("A") / "journal.jsonl");
  for (auto& s : {retry("A"), cancel("A")}) {
    EXPECT_EQ(s.code, exit_code::locked);
    EXPECT_TRUE(has(s.err, "another scheduler")) << s.err;
  }
  EXPECT_EQ(test::read_file(folder("A") / "journal.jsonl"), before);
}

TEST_F(Retry, RetryAndCancelGiveTheLockBack) {
  tell("A", [](telling& t) { t.until(step::plan); });
  EXPECT_EQ(cancel("A").code, exit_code::all_done);
  EXPECT_EQ(retry("A").code, exit_code::all_done);
  EXPECT_FALSE(ledger::disk::repository_lock::is_held(here.repository->common_dir()));
}

TEST_F(Retry, RetryOfADamagedTaskIsRefused) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  auto file = folder("A") / "journal.jsonl";
  alter(file);
  auto before = test::read_file(file);
  for (auto& s : {retry("A"), cancel("A")}) {
    EXPECT_EQ(s.code, exit_code::damaged);
    EXPECT_TRUE(has(s.err, "journal.jsonl")) << s.err;
  }
  EXPECT_EQ(test::read_file(file), before);
}

// Exit 2, and words of the journal's own.
TEST_F(Retry, RetryOverAnAlteredContractIsDamageWithARemedy) {
  tell("A", [](telling& t) { t.finish(); });
  test::write_file(folder("A") / "contract/CLAUDE_FINAL_OK", "CLAUDE_FINAL_OK:B\n");
  auto s = retry("A", step::review);
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.err, "contract/CLAUDE_FINAL_OK")) << s.err;
  EXPECT_TRUE(has(s.err, "remedy: ")) << s.err;
}

// The remedy that is printed, to the letter.
TEST_F(Retry, ADamagedTaskThatWasGivenUpBeginsAnew) {
  tell("A", [](telling& t) { t.finish(); });
  tell("B", [](telling& t) { t.finish(); });
  alter(folder("A") / "journal.jsonl");
  auto s = status();
  ASSERT_EQ(s.code, exit_code::damaged);
  auto head = here.state_dir / (here.repo_id + ".heads") / "A";
  for (auto& path : {folder("A"), head, here.ledger_root / ".scheduler/ledger.db*"})
    EXPECT_TRUE(has(s.err, path.string())) << s.err;
  fs::remove_all(folder("A"));
  fs::remove(head);
  for (auto* end : {"", "-wal", "-shm"})
    fs::remove(here.ledger_root / (".scheduler/ledger.db" + std::string(end)));
  repository.git({"branch", "-D", "ai-gated/A"});
  EXPECT_EQ(status().code, exit_code::all_done);
  EXPECT_EQ(verify().code, exit_code::all_done);
  EXPECT_EQ(state_of("A").seq, 0u);
  EXPECT_EQ(state_of("B").is, ledger::status::done) << "the other one is as it was";
}

TEST_F(Retry, RetryWithoutTheSigningKeyIsDamage) {
  tell("A", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  fs::remove(here.state_dir / here.repo_id);
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_FALSE(fs::exists(here.state_dir / here.repo_id)) << "no new key over signed history";
}

TEST_F(Retry, WithoutALedgerRetryMakesNone) {
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "there is no ledger yet")) << s.err;
  EXPECT_FALSE(fs::exists(here.ledger_root));
}

TEST_F(Retry, SecretsAreThoseOfTheConfigurationWhereThereIsOne) {
  repository.write("keys/live.txt", "token: value-in-the-keys-folder\n");
  repository.write(".env", "A=value-in-the-dot-env-file\n");
  test::environment named(test::environment::values{{"NETLIFY", "value-of-the-variable"},
                                                    {"GATEWAY", "value-of-the-gateway"}});
  ledger::config c;
  c.scope.secret_globs = {"keys"};
  c.deploy.token_env = "NETLIFY";
  c.providers["p"].api_key_env = "GATEWAY";
  auto with = cli::known_secrets(here, &c);
  auto without = cli::known_secrets(here, nullptr);
  ASSERT_TRUE(with && without);
  for (auto* text : {"value-in-the-keys-folder", "value-of-the-variable", "value-of-the-gateway"}) {
    EXPECT_EQ(with->line_of_secret(text), 1u) << text;
    EXPECT_EQ(without->line_of_secret(text), 0u) << text;
  }
  EXPECT_EQ(with->line_of_secret("value-in-the-dot-env-file"), 0u);
  EXPECT_EQ(without->line_of_secret("value-in-the-dot-env-file"), 1u);
}

// -- approve -------------------------------------------------------------------

TEST_F(Retry, ApproveLetsAWaitingTaskGoOn) {
  tell("A", [](telling& t) {
    t.until(step::deliver);
    t.wait_for_person();
  });
  EXPECT_TRUE(has(status().out, "waiting")) << status().out;
  auto shown = show("A").out;
  EXPECT_TRUE(has(shown, "waiting, at step deliver")) << shown;
  auto s = approve("A", step::implement);
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "waits at step deliver")) << s.err;
  s = approve("A");
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_TRUE(has(s.out, "A: step deliver is approved, for tree " + tree.substr(0, 12))) << s.out;
  EXPECT_EQ(test::read_file(folder("A") / "contract/HUMAN_OK"), "HUMAN_OK:A\n");
  auto after = state_of("A");
  EXPECT_EQ(after.is, ledger::status::running);
  ASSERT_TRUE(after.human_ok);
  EXPECT_EQ(after.human_ok->tree, tree);
  EXPECT_EQ(verify().code, exit_code::all_done);
  EXPECT_TRUE(has(show("A").out, "uid " + std::to_string(::getuid()))) << show("A").out;
}

TEST_F(Retry, ApproveSaysWhereATaskStandsThatDoesNotWait) {
  tell("Running", [](telling& t) { t.until(step::plan); });
  tell("Parked", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  for (auto& [task, words] : {std::pair<std::string, std::string>{"Running", "is at step plan"},
                              {"Parked", "is parked at step plan"},
                              {"Nobody", "there is no task Nobody"}}) {
    auto s = approve(task);
    EXPECT_EQ(s.code, exit_code::usage);
    EXPECT_TRUE(has(s.err, words)) << s.err;
  }
  EXPECT_FALSE(fs::exists(folder("Running") / "contract/HUMAN_OK"));
}

TEST_F(Retry, ApproveOverAContractWrittenByHandIsDamage) {
  auto before = tell("A", [](telling& t) {
    t.until(step::deliver);
    t.wait_for_person();
  });
  test::write_file(folder("A") / "contract/HUMAN_OK", "HUMAN_OK:A\n");
  EXPECT_EQ(verify().code, exit_code::damaged) << "no record stands behind it";
  auto s = approve("A");
  EXPECT_EQ(s.code, exit_code::damaged);
  EXPECT_TRUE(has(s.err, "contract-forged")) << s.err;
  EXPECT_EQ(state_of("A").seq, before.seq);
  fs::remove(folder("A") / "contract/HUMAN_OK");
  EXPECT_EQ(approve("A").code, exit_code::all_done);
  EXPECT_EQ(verify().code, exit_code::all_done);
}

TEST_F(Retry, AnApprovalThatIsAlteredOrRemovedIsDamage) {
  tell("A", [](telling& t) {
    t.until(step::deliver);
    t.wait_for_person();
  });
  ASSERT_EQ(approve("A").code, exit_code::all_done);
  auto file = folder("A") / "contract/HUMAN_OK";
  test::write_file(file, "HUMAN_OK:A");
  EXPECT_EQ(verify().code, exit_code::damaged);
  fs::remove(file);
  EXPECT_EQ(verify().code, exit_code::damaged);
}

TEST_F(Retry, RetryOfAWaitingTaskNamesApprove) {
  tell("A", [](telling& t) {
    t.until(step::deliver);
    t.wait_for_person();
  });
  auto s = retry("A");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "`scheduler approve A`")) << s.err;
  EXPECT_EQ(retry("A", step::implement).code, exit_code::all_done);
  EXPECT_EQ(state_of("A").at, step::implement);
}

// -- cancel ---------------------------------------------------------------------

TEST_F(Retry, CancelEndsAnUnfinishedTask) {
  tell("A", [](telling& t) { t.until(step::plan); });
  auto s = cancel("A");
  EXPECT_EQ(s.code, exit_code::all_done) << s.err;
  EXPECT_TRUE(has(s.out, "A is cancelled, at step plan")) << s.out;
  EXPECT_EQ(state_of("A").is, ledger::status::cancelled);
  s = cancel("A");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "cancelled already")) << s.err;
}

TEST_F(Retry, CancelOfAParkedTaskIsAllowedOfADoneOneNot) {
  tell("Parked", [](telling& t) {
    t.until(step::plan);
    t.park();
  });
  auto done = tell("Done", [](telling& t) { t.finish(); });
  EXPECT_EQ(cancel("Parked").code, exit_code::all_done);
  auto s = cancel("Done");
  EXPECT_EQ(s.code, exit_code::usage);
  EXPECT_TRUE(has(s.err, "nothing left to cancel")) << s.err;
  EXPECT_EQ(state_of("Done").seq, done.seq);
}

} // namespace
