// told_ledger.hpp -- a real repository with a ledger that the real journal wrote.
//
// The fixture has a repository with one commit, and XDG folders of its own.
// `tell` plays a task through the journal up to a step: real files, real
// signatures, a real commit on a real branch.

#pragma once

#include "cli/commands.hpp"
#include "cli/place.hpp"
#include "ledger/approving.hpp"
#include "ledger/disk/journal.hpp"
#include "ledger/drafts.hpp"
#include "tests/providers/scratch_repository.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace test {

/// Sets variables for as long as it lives.
class environment {
public:
  using values = std::map<std::string, std::optional<std::string>>;

  explicit environment(const values& wanted) {
    for (auto& [name, value] : wanted) {
      const char* old = std::getenv(name.c_str());
      before_[name] = old ? std::optional<std::string>(old) : std::nullopt;
      set(name, value);
    }
  }
  environment(const environment&) = delete;
  environment& operator=(const environment&) = delete;
  ~environment() {
    for (auto& [name, value] : before_)
      set(name, value);
  }

private:
  static void set(const std::string& name, const std::optional<std::string>& value) {
    if (value)
      ::setenv(name.c_str(), value->c_str(), 1);
    else
      ::unsetenv(name.c_str());
  }
  values before_;
};

inline ledger::text_ptr text(std::string s) {
  return std::make_shared<const std::string>(std::move(s));
}

inline bool has(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

/// Changes one letter in the middle of a journal: no accident leaves that.
inline void alter(const std::filesystem::path& journal) {
  auto text = read_file(journal);
  auto at = text.find("offline");
  ASSERT_NE(at, std::string::npos);
  text[at] = '0';
  write_file(journal, text);
}

/// What a command said, and how it ended.
struct said {
  cli::exit_code code;
  std::string out, err;
};

/// One task, told through a journal.
class telling {
public:
  telling(ledger::disk::journal& journal, const cli::place& at, std::string task)
      : journal_(journal)
      , place_(at) {
    state.task = std::move(task);
    config.deploy.kind = ledger::deploy_kind::directory;
  }

  void add(ledger::draft d) {
    auto done = journal_.append_one({state.task, state.seq, {std::move(d)}});
    ASSERT_TRUE(done) << done.error().detail;
    for (auto& r : **done) {
      auto next = ledger::apply(state, r);
      ASSERT_TRUE(next) << next.error().detail;
      state = *next;
    }
  }

  void open(const std::string& prompt = "do it") {
    auto base = *place_.repository->resolve_commit("HEAD");
    add(ledger::draft_opened({text(prompt),
                              place_.repo_id,
                              base,
                              *place_.repository->tree_of(base),
                              digest_of(config),
                              0,
                              {}},
                             state.task));
  }

  void grant() {
    ledger::gate_decision d;
    d.open = true;
    auto needs = ledger::row_of(state.at).needs;
    if (auto* c = ledger::contract_of(state, needs))
      d.evidence = {{"contract", path_of(needs)},
                    {"record", c->seq},
                    {"text_sha256", c->text_sha256},
                    {"tree", c->tree}};
    add(ledger::draft_granted(state, d));
  }

  void answer(const std::string& says) {
    add(ledger::draft_asked(state, {"offline", "none", "1", ledger::sha256("in"), 0}));
    ledger::answering a;
    a.text = text(says);
    a.provider = "offline";
    a.model = "none";
    a.version = "1";
    a.took_ms = 7;
    if (ledger::row_of(state.at).writes_code) {
      a.tree = tree;
      a.diff = text(diff);
    }
    add(ledger::draft_answered(state, a));
  }

  void judge_as(ledger::judged j, std::vector<std::string> reasons = {}) {
    add(ledger::draft_judged(state, {j, std::move(reasons)}));
  }

  void checks(bool ok) {
    ledger::checks_outcome c;
    c.tree = state.tree;
    c.ok = ok;
    c.results.push_back({"test", ok, false, ok ? 0 : 1, ok ? "exit 0" : "exit 1", 5});
    c.run_log = text("the tests ran");
    add(ledger::draft_checked(state, c));
  }

  /// Everything goes well up to (not including) `end`.
  void until(ledger::step end) {
    if (state.seq == 0)
      open();
    while (state.at < end && !::testing::Test::HasFatalFailure()) {
      grant();
      if (state.at == ledger::step::test) {
        checks(true);
        continue;
      }
      answer("answer of " + std::string{to_string(state.at)});
      judge_as(ledger::judged::accepted);
    }
  }

  void intend() {
    until(ledger::step::deliver);
    grant();
    add(ledger::draft_intended(state, 1'700'000'000, state.branch_commit));
  }

  /// Makes the intended commit, and moves the branch to it.
  std::string make_commit() {
    auto& o = *state.out;
    auto id = place_.repository->commit_tree(
        {o.tree, o.parent, o.message, "scheduler", "scheduler@localhost", o.time_s});
    EXPECT_TRUE(id) << (id ? "" : id.error().detail);
    auto moved = place_.repository->move_ref(state.branch, *id, o.replaces);
    EXPECT_TRUE(moved) << (moved ? "" : moved.error().detail);
    return *id;
  }

  void finish() {
    intend();
    add(ledger::draft_committed(state, make_commit()));
    add(ledger::draft_built(state, true, "", nullptr));
    add(ledger::draft_deploying(state));
    ledger::deploy_outcome d;
    d.ok = true;
    d.deploy_id = state.out->deploy_id;
    d.deploy_url = "file:///deployed";
    add(ledger::draft_deployed(state, d));
    add(ledger::draft_finished(state, ledger::status::done, config, 1'700'000'000'000));
  }

  /// Waits for a person before the step at hand.
  void wait_for_person() { add(ledger::draft_awaiting(state, "somebody wishes it", "look")); }

  void park() { add(ledger::draft_parked(state, "tries-used", "three times no", "add a note")); }

  ledger::task_state state;
  ledger::config config;
  std::string tree; ///< The candidate tree: the base with another page.
  std::string diff = "diff --git a/page b/page\n";

private:
  ledger::disk::journal& journal_;
  const cli::place& place_;
};

class told_ledger : public ::testing::Test {
public:
  told_ledger()
      : variables_({{"XDG_STATE_HOME", (repository.folder() / "state").string()},
                    {"XDG_CACHE_HOME", (repository.folder() / "cache").string()},
                    {"SCHEDULER_KEY_FILE", std::nullopt},
                    {"GIT_CONFIG_NOSYSTEM", "1"},
                    {"GIT_CONFIG_GLOBAL", "/dev/null"}}) {
    repository.write("page", "old\n");
    repository.commit();
    auto found = cli::find_place(repository.top().string());
    if (!found)
      throw std::runtime_error(found.error().detail);
    here = std::move(*found);
    tree = *here.repository->tree_with("HEAD", "diff --git a/page b/page\n--- a/page\n+++ b/page\n"
                                               "@@ -1 +1 @@\n-old\n+new\n");
  }

  /// Opens the ledger, has `story` told of a task, and closes the ledger.
  template <class Story>
  ledger::task_state tell(const std::string& task, Story story) {
    auto journal = open_journal();
    telling t(journal, here, task);
    t.tree = tree;
    if (auto* known = journal.records_of(task))
      t.state = *ledger::fold(task, *known);
    story(t);
    EXPECT_TRUE(journal.close());
    return t.state;
  }

  ledger::disk::journal open_journal() {
    auto keys = ledger::disk::keyring::open(here.state_dir, here.repo_id, true);
    if (!keys)
      throw std::runtime_error(keys.error().detail);
    ledger::disk::journal::options o;
    o.root = here.ledger_root;
    auto journal = ledger::disk::journal::open(std::move(o), std::move(*keys));
    if (!journal)
      throw std::runtime_error(journal.error().detail);
    return std::move(*journal);
  }

  ledger::task_state state_of(const std::string& task) {
    return tell(task, [](telling&) {});
  }

  template <class Command, class Options>
  static said run(Command command, const Options& o) {
    std::ostringstream out, err;
    auto code = command(o, out, err);
    return {code, out.str(), err.str()};
  }

  said status(bool json = false) { return run(cli::status, cli::status_options{top(), json}); }
  said show(const std::string& task, bool diff = false, bool json = false) {
    return run(cli::show, cli::show_options{top(), task, diff, json});
  }
  said verify(std::vector<std::string> tasks = {}, bool json = false) {
    return run(cli::verify, cli::verify_options{top(), std::move(tasks), json});
  }
  said retry(const std::string& task, std::optional<ledger::step> from = {},
             const std::string& note = {}) {
    return retry(cli::retry_options{top(), task, note, from, {}});
  }
  static said retry(const cli::retry_options& o) {
    std::ostringstream out, err;
    auto code = cli::retry(o, cli::seams{}, out, err);
    return {code, out.str(), err.str()};
  }
  said approve(const std::string& task, std::optional<ledger::step> at = {}) {
    return run(cli::approve, cli::approve_options{top(), task, at});
  }
  said cancel(const std::string& task) {
    return run(cli::cancel, cli::cancel_options{top(), task});
  }

  /// Writes a configuration that offline plays; `more` is appended.
  void configure(const std::string& more = {}) {
    std::string roles;
    for (auto* role : {"gemini", "claude", "codex"})
      roles += std::string("[roles.") + role + "]\nprovider = \"offline\"\n";
    repository.write("scheduler.toml", roles
                                           + "[checks]\ntest = \"true\"\nlint = \"none\"\n"
                                             "schema_drift = \"none\"\n[sandbox]\nkind = \"none\"\n"
                                           + more);
  }

  std::string top() const { return repository.top().string(); }
  std::filesystem::path folder(const std::string& task) const { return here.ledger_root / task; }

  scratch_repository repository;
  cli::place here;
  std::string tree;

private:
  environment variables_;
};

} // namespace test
