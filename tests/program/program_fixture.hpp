// program_fixture.hpp -- the whole program at work on a practice site.
//
// A *practice site* is a copy of examples/site as a git repository of its own
// in a temporary folder that goes with it, with the user's state and cache
// folders beside it. The *program* is the test build (test_program_main.cpp),
// run as a child process. The sandbox is bubblewrap; only where the machine
// forbids namespaces it is `none`, and the test says so.
//
//   1. What the tests read of the ledger they read as `status` does: from the
//      journal, through read_snapshot and fold.
//   2. Whatever the program leaves running becomes a child of the test
//      (PR_SET_CHILD_SUBREAPER), so nothing can hide from leftovers().

#pragma once

#include "ledger/disk/journal.hpp"
#include "ledger/paths.hpp"
#include "ledger/state.hpp"
#include "tests/support/answers.hpp"
#include "tests/support/small_repository.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace tests {

/// How the program ended, and what it said.
struct ended {
  int exit_code = -1; ///< 128 + n if signal n ended it.
  std::string out, err;
  std::chrono::milliseconds took{0};
};

using words = std::vector<std::string>;

class practice_site {
public:
  practice_site();

  fs::path home() const { return folder_.path(); }
  fs::path top() const { return home() / "site"; }
  fs::path tasks() const { return home() / "tasks"; }
  fs::path ledger() const { return top() / ledger::ledger_root; }
  fs::path deployed() const { return home() / "deployed"; }
  fs::path calls_file() const { return home() / "calls"; }
  fs::path scripts() const { return home() / "scripts"; }
  /// A file of a task's folder in the ledger.
  fs::path file(const std::string& task, std::string_view ledger_path) const {
    return ledger() / task / ledger_path;
  }

  // -- before the program runs -------------------------------------------------

  void prompt(const std::string& task, const std::string& text) const;
  /// Replaces scheduler.toml by `text` (with the sandbox that works here) and
  /// commits it.
  void configure(const std::string& text);
  /// Replaces `from`, which must be there, in the present scheduler.toml.
  void reconfigure(const std::string& from, const std::string& to);
  /// Writes a file of the site and commits it.
  void commit_file(const std::string& path, const std::string& text);
  /// A file of the site as it is in the working folder.
  std::string site_file(const std::string& path) const { return read_file(top() / path); }
  /// The diff that makes `changed` of the base, as git writes it. An empty
  /// content deletes.
  std::string diff(const files& changed, bool reversed = false);
  /// src/index.html with a paragraph of its own.
  std::string index_with(const std::string& paragraph) const;
  /// A prompt with a correct plain edit of src/index.html.
  void plain_prompt(const std::string& task, const std::string& paragraph = "Rye on Fridays.");
  /// A prompt that adds a file of the task's own: unlike plain ones, any number of
  /// these write code at once. Gives the file's path.
  std::string own_prompt(const std::string& task, const std::string& content);
  /// All roles are `scripted`; good default answers that change src/index.html.
  void play_scripts(const std::string& checks);
  /// Writes a script: `name` as in `default/audit.1.2`.
  void script(const std::string& name, const std::string& answer,
              const std::string& commands = {}) const;

  // -- running -----------------------------------------------------------------

  ended run(const words& arguments) const;
  /// A shell's `command`, in which "$0" is the program, in the site.
  ended shell(const std::string& command) const;
  /// `scheduler --tasks tasks/ …`
  ended batch(const words& further = {}) const;
  /// The same, with SIGHUP ignored.
  ended batch_under_nohup() const;
  /// The same, killed as by kill -9 after n records.
  ended batch_killed_after(std::uint64_t n, const words& further = {});

  // -- looking -----------------------------------------------------------------

  std::map<std::string, ledger::task_state> states() const;
  ledger::task_state state(const std::string& task) const;
  std::vector<ledger::record> records(const std::string& task) const;
  /// Sequence number of the first record of `what` in step `at`; 0: none.
  std::uint64_t seq_of(const std::string& task, ledger::event what, ledger::step at) const;
  /// Lines `task step round attempt`, in the order of the calls.
  words calls() const;
  /// Below ai-gated/, without that prefix.
  words branches() const;
  /// Commits that the task's branch has and the base has not.
  words commits_of(const std::string& task) const;
  /// Ids that were published for a task.
  words deploys_of(const std::string& task) const;
  /// Checkouts besides the user's own, as git knows them or as they lie there.
  words worktrees() const;
  std::string git(const words& arguments, const fs::path& in = {}) const;
  std::string base() const { return base_; }
  std::string repo_id() const;

  /// Added to the program's environment.
  std::map<std::string, std::string> env;

private:
  ended run_program(words argv) const;
  void commit_all(const std::string& message);
  std::map<std::string, std::string> environment() const;

  temporary_folder folder_;
  std::string base_;
  bool drafts_made_ = false;
};

/// Command lines of processes that a program left behind. Those that are dying
/// are waited for; nothing is left after a minute or it is named here.
words leftovers();

/// Every file below `folder` with its content; links with their target.
files content_below(const fs::path& folder);

/// Whether bubblewrap works here.
bool has_bubblewrap();

inline words lines_of(const std::string& text) {
  words all;
  std::string line;
  for (char c : text)
    if (c == '\n')
      all.push_back(std::exchange(line, {}));
    else
      line += c;
  if (!line.empty())
    all.push_back(line);
  return all;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::string block(const std::string& diff) {
  return "```diff\n" + diff + "```\n";
}

/// `text` with the first `from`, which must be there, replaced.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  if (at == std::string::npos)
    throw std::runtime_error("not there: " + from);
  return text.replace(at, from.size(), to);
}

} // namespace tests
