#include "cli/config_landing.hpp"

#include "cli/config_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace cli {

namespace {

using ledger::landing_mode;
using ledger::landing_review;

/// The mode for which a key is there, if it is not for all of them.
constexpr std::array keys_of_one_mode{
    std::pair{std::string_view{"review"}, landing_mode::branch},
    std::pair{std::string_view{"update_checkout"}, landing_mode::branch},
    std::pair{std::string_view{"train"}, landing_mode::branch},
    std::pair{std::string_view{"command"}, landing_mode::pr},
    std::pair{std::string_view{"token_env"}, landing_mode::pr},
};

/// Keys that would be passed over in silence.
void judge_keys(const section& s, landing_mode mode) {
  // An explicit mode = "none" switches a complete section off.
  if (s.has("mode") && mode == landing_mode::none)
    return;
  for (auto& [key, of] : keys_of_one_mode)
    if (s.has(key) && !s.has("mode"))
      s.complain(key, fmt::format("\"{}\" has no effect without a mode; add mode = \"{}\"", key,
                                  to_string(of)));
    else if (s.has(key) && mode != of)
      s.complain(key, fmt::format("\"{}\" has no effect with mode \"{}\"; remove it", key,
                                  to_string(mode)));
  for (std::string_view key : {"branch", "push"})
    if (s.has(key) && !s.has("mode"))
      s.complain(key,
                 fmt::format("\"{}\" has no effect without a mode; add mode = \"branch\"", key));
}

/// What a mode cannot do without.
void judge_needs(const section& s, const ledger::landing_config& l) {
  if (l.mode == landing_mode::branch && !s.has("branch"))
    s.complain("mode", "mode \"branch\" needs branch = \"the branch that tasks land on\"; add it");
  if (l.mode != landing_mode::pr)
    return;
  if (!s.has("push"))
    s.complain("mode", "mode \"pr\" needs push = \"the remote of the pull requests\"; add it");
  if (is_blank(l.command))
    s.complain("mode", "mode \"pr\" needs command = \"what opens a pull request\"; add it");
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
  s.allow_only(
      {"mode", "branch", "push", "review", "update_checkout", "train", "command", "token_env"}, {});
  auto& l = out.landing;
  std::string word;
  if (choose(s, "mode", {"none", "branch", "pr"}, {}, word))
    l.mode = word == "branch" ? landing_mode::branch
             : word == "pr"   ? landing_mode::pr
                              : landing_mode::none;
  if (s.text("branch", l.branch))
    if (auto why = why_no_branch_name(l.branch); !why.empty())
      s.complain("branch", fmt::format("\"branch\" {}; write a name such as \"main\"", why));
  if (s.text("push", l.push) && (is_blank(l.push) || l.push.front() == '-'))
    s.complain("push", "\"push\" is no name of a remote; write one such as \"origin\"");
  if (choose(s, "review", {"tree", "patch"}, {}, word))
    l.review = word == "patch" ? landing_review::patch : landing_review::tree;
  s.flag("update_checkout", l.update_checkout);
  s.count("train", 1, 1'000, l.train);
  s.text("command", l.command);
  // A token written here by mistake must not be shown again.
  if (s.text("token_env", l.token_env) && !is_variable_name(l.token_env))
    s.complain("token_env", "\"token_env\" is no name of an environment variable; write the "
                            "variable's name, never its value");
  judge_keys(s, l.mode);
  judge_needs(s, l);
}

} // namespace cli
