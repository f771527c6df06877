#include "ledger/pull_request.hpp"

#include "ledger/paths.hpp"

#include <fmt/format.h>

#include <string_view>

namespace ledger {

namespace {

constexpr std::string_view heads = "refs/heads/";

/// ", by provider/model/version", if it is known.
std::string by(const task_state& s, role r) {
  auto played = s.played_by->find(std::string{to_string(r)});
  return played == s.played_by->end() ? std::string{} : ", by " + played->second;
}

std::string verdicts_of(const task_state& s, const config& c) {
  std::string text;
  if (s.decisions_ok)
    text += fmt::format("- `CLAUDE_DECISIONS_OK: YES` (record {}){}\n", s.decisions_ok->seq,
                        by(s, role::claude));
  if (!s.checked_tree.empty())
    text += fmt::format("- checks green on tree `{}`{}{}\n", s.checked_tree,
                        c.checks.lint.none() ? "; lint = \"none\"" : "",
                        c.checks.schema_drift.none() ? "; schema_drift = \"none\"" : "");
  if (s.final_ok)
    text += fmt::format("- `CLAUDE_FINAL_OK: YES` for tree `{}` (record {}){}\n", s.final_ok->tree,
                        s.final_ok->seq, by(s, role::claude));
  if (!s.verified_tree.empty())
    text += fmt::format("- `GEMINI_VERIFY_OK: YES` for tree `{}`{}\n", s.verified_tree,
                        by(s, role::gemini));
  if (s.human_ok)
    text += fmt::format("- `HUMAN_OK`, a person's approval (record {})\n", s.human_ok->seq);
  return text;
}

} // namespace

std::string short_branch(const task_state& s) {
  std::string_view name = s.branch;
  if (name.substr(0, heads.size()) == heads)
    name.remove_prefix(heads.size());
  return std::string{name};
}

std::string pull_request_title(const task_state& s) {
  return s.out->message.substr(0, s.out->message.find('\n'));
}

std::string pull_request_body(const task_state& s, const config& c) {
  return fmt::format("Task `{}`, made and approved through the gated pipeline.\n\n"
                     "- commit `{}`\n- tree `{}`, on base `{}`\n- {} {}\n\n"
                     "## Verdicts\n\n{}\n"
                     "## Evidence\n\n"
                     "In `{}/{}/` of the repository in which the scheduler ran, up to record {} "
                     "(`{}`):\nevery word of every role, the checks and the signed records. "
                     "`scheduler show {}` tells it,\n`scheduler verify {}` proves it.\n",
                     s.task, s.out->commit, s.out->tree, s.out->parent, s.round,
                     s.round == 1 ? "round" : "rounds", verdicts_of(s, c), ledger_root, s.task,
                     s.seq, s.head, s.task, s.task);
}

} // namespace ledger
