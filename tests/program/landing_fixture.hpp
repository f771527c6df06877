// landing_fixture.hpp -- tasks whose changes go further than their own branch here,
// played by a program.
//
// The *house* plays every role: it edits the file of the prompt's line `Path: …`
// with the sed command of its line `Edit: …`, and does so again when a fix is due:
// on another base the same command makes the same change.

#pragma once

#include "tests/program/program_fixture.hpp"

#include <fmt/format.h>

#include <string>

namespace tests {

constexpr auto house = R"sh(
cat > /tmp/prompt
path=$(sed -n "s/^Path: //p" /tmp/prompt | head -n 1)
edit=$(sed -n "s/^Edit: //p" /tmp/prompt | head -n 1)
verdict=""
case "$1" in
audit)
  for s in "System behavior" "Schema drift" "Normalization gaps" "Broken workflows"; do
    printf "## %s\n\nLooked at \`%s\`, a file of the site. It has lines, some of which" "$s" "$path"
    printf " matter to this task and some of which do not. Nothing else was found that"
    printf " would have to be told about it here.\n\n"
  done ;;
decide)
  printf "## What changes\n\nA line.\n\n## What must not change\n\nThe rest.\n\n"
  printf "## Allowed file paths\n\n- \`%s\`\n\n## Forbidden changes\n\n- All else.\n\n" "$path"
  printf "## Schema changes: NO\n\nNone.\n\n## Target Flow Summary\n\nA reader reads.\n\n"
  verdict="CLAUDE_DECISIONS_OK: YES" ;;
plan) printf "## Files\n\n- \`%s\` gets a line\n\n## Verification\n\nThe tests.\n" "$path" ;;
implement | test)
  sed -i "$edit" "$path"
  test "$1" = implement || if grep -q "^Fix: " /tmp/prompt; then
    sed -i "$(sed -n "s/^Fix: //p" /tmp/prompt | head -n 1)" "$path"
  fi
  printf "## What changed\n\n\`%s\`\n\n## Why\n\nThe prompt asks for it.\n" "$path" ;;
review) printf "## Requested changes\n\nnone\n\n"; verdict="CLAUDE_FINAL_OK: YES" ;;
verify)
  printf "## Consistency\n\nAll fits.\n\n## Remaining risks\n\nNone known.\n\n"
  verdict="GEMINI_VERIFY_OK: YES" ;;
esac
test -z "$verdict" || echo "$verdict"
)sh";

/// A site whose roles the house plays. Its checks are `sh check.sh`.
struct house_site : practice_site {
  house_site(const std::string& checks, const std::string& sections) {
    commit_file("check.sh", checks);
    std::string text;
    for (auto role : {"gemini", "claude", "codex"})
      text += fmt::format("[roles.{}]\nprovider = \"house\"\n", role);
    configure(text + "[providers.house]\nkind = \"command\"\ncommand = [\"sh\", \"-c\", '''" + house
              + "''', \"house\", \"{step}\"]\n"
                "[checks]\ntest = \"sh check.sh\"\nlint = \"none\"\nschema_drift = \"none\"\n"
              + sections + (has_bubblewrap() ? "" : "[sandbox]\naccept_unsandboxed = true\n"));
  }

  void edit(const std::string& task, const std::string& path, const std::string& command,
            const std::string& front = {}) const {
    prompt(task, front + "Change `" + path + "`.\n\nPath: " + path + "\nEdit: " + command + "\n");
  }

  std::size_t times(const std::string& task, ledger::event what,
                    const std::string& how = {}) const {
    std::size_t n = 0;
    for (auto& r : records(task))
      n += r.what == what && (how.empty() || r.detail.value("how", "") == how);
    return n;
  }
};

/// One whose tasks land on the branch `trunk`.
struct landing_site : house_site {
  explicit landing_site(const std::string& landing, const std::string& checks = "exit 0\n",
                        const std::string& further = {})
      : house_site(checks,
                   "[landing]\nmode = \"branch\"\nbranch = \"trunk\"\n" + landing + further) {}

  /// Commits of the branch that the base has not, oldest first.
  words landed() const {
    return lines_of(git({"rev-list", "--reverse", "--first-parent", base() + "..trunk"}));
  }

  /// Runs check.sh on each commit by itself; gives those on which it is red.
  words red_commits() const {
    words red;
    auto folder = (home() / "one").string();
    for (auto& commit : landed()) {
      git({"worktree", "add", "-q", "--detach", folder, commit});
      if (shell("cd '" + folder + "' && sh check.sh").exit_code != 0)
        red.push_back(commit);
      git({"worktree", "remove", "--force", folder});
    }
    return red;
  }

  /// Runs of the checks by tasks, and by the landing for several at once.
  std::size_t check_runs(const ended& e) const {
    std::size_t n = 0;
    for (auto& line : lines_of(e.err))
      n += has(line, " checks green:") || has(line, " checks red:")
           || has(line, "landing: one run of the checks") || has(line, "landing: the checks are");
    return n;
  }
};

} // namespace tests
