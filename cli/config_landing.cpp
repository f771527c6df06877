#include "cli/config_landing.hpp"

#include "cli/config_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace cli {

namespace {

using ledger::landing_mode;
using ledger::landing_review;

/// Keys that would be passed over in silence.
void judge_keys(const section& s) {
  // An explicit mode = "none" switches a complete section off.
  if (s.has("mode"))
    return;
  for (std::string_view key : {"branch", "push", "review", "update_checkout", "train"})
    if (s.has(key))
      s.complain(key,
                 fmt::format("\"{}\" has no effect without a mode; add mode = \"branch\"", key));
}

} // namespace

std::string_view why_no_branch_name(std::string_view name) {
  if (is_blank(name))
    return "is empty";
  if (name.substr(0, 11) == "refs/heads/")
    return "begins with \"refs/heads/\"; write what follows it";
  if (name == "ai-gated" || name.substr(0, 9) == "ai-gated/")
    return "is below ai-gated/, where the tasks' own branches are";
  if (name == "HEAD" || name == "@")
    return "is no name of a branch";
  if (name.front() == '-' || name.front() == '/' || name.back() == '/' || name.back() == '.')
    return "begins or ends as no branch may";
  for (std::string_view part : {"..", "//", "@{", "/.", ".lock/"})
    if (name.find(part) != std::string_view::npos)
      return "holds what no branch may";
  if (name.front() == '.' || (name.size() > 5 && name.substr(name.size() - 5) == ".lock"))
    return "begins or ends as no branch may";
  const auto forbidden = [](unsigned char c) {
    return c <= ' ' || c == 0x7f
           || std::string_view("~^:?*[\\").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (std::any_of(name.begin(), name.end(), forbidden))
    return "holds a character that no branch may";
  return {};
}

void read_landing(const section& s, ledger::config& out) {
  s.allow_only({"mode", "branch", "push", "review", "update_checkout", "train"}, {"command"});
  auto& l = out.landing;
  std::string word;
  if (choose(s, "mode", {"none", "branch"}, {"pr"}, word))
    l.mode = word == "branch" ? landing_mode::branch : landing_mode::none;
  if (s.text("branch", l.branch))
    if (auto why = why_no_branch_name(l.branch); !why.empty())
      s.complain("branch", fmt::format("\"branch\" {}; write a name such as \"main\"", why));
  if (s.text("push", l.push) && (is_blank(l.push) || l.push.front() == '-'))
    s.complain("push", "\"push\" is no name of a remote; write one such as \"origin\"");
  if (choose(s, "review", {"tree", "patch"}, {}, word))
    l.review = word == "patch" ? landing_review::patch : landing_review::tree;
  s.flag("update_checkout", l.update_checkout);
  s.count("train", 1, 1'000, l.train);
  judge_keys(s);
  if (l.mode == landing_mode::branch && !s.has("branch"))
    s.complain("mode", "mode \"branch\" needs branch = \"the branch that tasks land on\"; add it");
}

} // namespace cli
