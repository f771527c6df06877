// Objects by their ids, and what lies between two trees. Asked of a git that
// stays (git_talk.hpp); what that cannot answer, of one that is started for it.

#include "providers/git.hpp"
#include "providers/git_talk.hpp"
#include "providers/git_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace providers {

namespace {

using ledger::fail;
using ledger::fault;

/// Questions that are sent to a git that stays at once.
constexpr std::size_t at_once_max = 10'000;

const std::vector<std::string> raw_options{
    "diff-tree",     "-r",          "-z",
    "--raw",         "--no-abbrev", "--no-renames",
    "--no-relative", "-O/dev/null", "--ignore-submodules=none"};

/// Every option that a configuration could change is said: the text is hashed,
/// signed and compared. (It runs apart, where there is none. Git has defaults.)
const std::vector<std::string> patch_options{"diff-tree",
                                             "-r",
                                             "-p",
                                             "--binary",
                                             "--full-index",
                                             "--no-renames",
                                             "--no-ext-diff",
                                             "--no-textconv",
                                             "--no-color",
                                             "--src-prefix=a/",
                                             "--dst-prefix=b/",
                                             "--diff-algorithm=myers",
                                             "--indent-heuristic",
                                             "--unified=3",
                                             "--inter-hunk-context=0",
                                             "-O/dev/null",
                                             "--no-relative",
                                             "--submodule=short",
                                             "--ignore-submodules=none"};

/// The type of object that it writes, or nothing.
const char* type_written_by(git_talk::kind k) {
  return k == git_talk::kind::blobs     ? "blob"
         : k == git_talk::kind::trees   ? "tree"
         : k == git_talk::kind::commits ? "commit"
                                        : nullptr;
}

/// The command of a git that stays.
std::vector<std::string> command_of(git_talk::kind k) {
  if (k == git_talk::kind::objects)
    return {"cat-file", "--batch-command"};
  if (k == git_talk::kind::refs)
    return {"update-ref", "--no-deref", "-m", "scheduler", "--stdin"};
  if (const auto* type = type_written_by(k))
    return {"hash-object", "-t", type, "-w", "--no-filters", "--stdin-paths"};
  auto args = k == git_talk::kind::changes ? raw_options : patch_options;
  args.emplace_back("--stdin");
  return args;
}

/// The id, if `said` is one line about an object of this type.
std::optional<std::string> id_in(std::string_view said, std::string_view type) {
  const auto words = split(said.substr(0, said.find('\n')), ' ');
  if (words.size() != 3 || words[1] != type || !is_object_id(words[0]))
    return std::nullopt;
  return std::string(words[0]);
}

} // namespace

std::optional<std::string> git::ask(git_talk::kind k, const std::string& question,
                                    const talker::judge& how_far) const {
  return talk_->ask(k, common_dir_ / "objects", question, how_far,
                    [&]() -> ledger::result<std::unique_ptr<talker>> {
                      const auto durable =
                          k == git_talk::kind::refs || type_written_by(k) != nullptr;
                      auto spec = spec_of({command_of(k), {}, {}, durable});
                      if (!spec)
                        return tl::make_unexpected(spec.error());
                      return talker::start(*children_, std::move(*spec));
                    });
}

/// What lies between two trees, as git prints it with the options of `k`.
ledger::result<std::string> git::between(git_talk::kind k, std::string_view base_tree,
                                         std::string_view tree) const {
  auto from = id_of(base_tree), to = id_of(tree);
  if (!from || !to)
    return tl::make_unexpected(from ? to.error() : from.error());
  const tree_question question(*from, *to);
  if (auto said = ask(k, question.text(), question.how_far()))
    return question.answer_in(std::move(*said));
  auto args = k == git_talk::kind::changes ? raw_options : patch_options;
  args.insert(args.end(), {"--end-of-options", *from, *to, "--"});
  return must({std::move(args), {}, {}, false});
}

ledger::result<std::vector<ledger::change>> git::changes(std::string_view base_tree,
                                                         std::string_view tree) const {
  auto out = between(git_talk::kind::changes, base_tree, tree);
  if (!out)
    return tl::make_unexpected(out.error());
  return ledger::parse_raw_diff(*out);
}

ledger::result<std::string> git::diff(std::string_view base_tree, std::string_view tree) const {
  return between(git_talk::kind::diffs, base_tree, tree);
}

ledger::result<std::string> git::objects(const std::vector<std::string>& ids,
                                         bool with_contents) const {
  const auto plain = ids.size() <= at_once_max
                     && std::all_of(ids.begin(), ids.end(),
                                    [](const std::string& id) { return is_object_id(id); });
  std::string question, lines;
  for (const auto& id : ids) {
    question.append(with_contents ? "contents " : "info ").append(id).append("\n");
    lines.append(id).append("\n");
  }
  if (plain && !ids.empty())
    if (auto said = ask(git_talk::kind::objects, question, batch_of(ids.size(), with_contents)))
      return std::move(*said);
  return must(
      {{"cat-file", with_contents ? "--batch" : "--batch-check"}, {}, std::move(lines), false});
}

bool git::has_object(std::string_view id) const {
  return is_object_id(id) && has_all({std::string(id)});
}

/// "Missing" from a git that stays is asked again: it may not know of an object
/// folder that was added since.
bool git::has_all(const std::vector<std::string>& ids) const {
  if (ids.empty())
    return true;
  const auto all_in = [](std::string_view said) {
    for (const auto line : split(said, '\n'))
      if (split(line, ' ').size() != 3)
        return false;
    return true;
  };
  auto said = objects(ids, false);
  if (said && all_in(*said))
    return true;
  call check{{"cat-file", "--batch-check"}, {}, {}, false};
  for (const auto& id : ids)
    check.input.append(id).append("\n");
  said = must(std::move(check));
  return said && all_in(*said);
}

bool git::is_whole(std::string_view base_tree, std::string_view tree) const {
  if (!has_object(tree))
    return false;
  auto new_here = changes(base_tree, tree); // Reads each folder that differs.
  if (!new_here)
    return false;
  std::vector<std::string> ids;
  for (const auto& c : *new_here)
    if (c.new_mode != "000000" && c.new_mode != "160000")
      ids.push_back(c.new_id);
  for (std::size_t i = 0; i < ids.size(); i += at_once_max) {
    const auto end = std::min(ids.size(), i + at_once_max);
    if (!has_all({ids.begin() + static_cast<std::ptrdiff_t>(i),
                  ids.begin() + static_cast<std::ptrdiff_t>(end)}))
      return false;
  }
  return true;
}

ledger::result<std::string> git::tree_of(std::string_view commit) const {
  if (is_object_id(commit)) {
    const auto question = fmt::format("info {}^{{tree}}\n", commit);
    if (auto said = ask(git_talk::kind::objects, question, batch_of(1, false)))
      if (auto id = id_in(*said, "tree"))
        return *id;
  }
  auto r = run(
      {{"rev-parse", "--verify", "--quiet", "--end-of-options", std::string(commit) + "^{tree}"},
       {},
       {},
       false});
  if (!r)
    return tl::make_unexpected(r.error());
  auto id = without_newline(r->output);
  if (r->ok() && is_object_id(id) && !commit.empty())
    return id;
  if (r->how != child_result::end::exited || tells_of_the_machine(words_of(*r)))
    return fail(fault::unavailable, "git rev-parse: " + words_of(*r));
  return fail(fault::not_found, fmt::format("no tree of `{}` in {}", commit, top_.string()));
}

ledger::result<std::string> git::read_blob(std::string_view treeish, std::string_view path) const {
  const auto missing = [&] {
    return fail(fault::not_found, fmt::format("no file `{}` in {}", path, treeish));
  };
  // "<tree>:./x" would be relative to a folder of ours.
  if (treeish.empty() || treeish.front() == '-' || path.empty() || path.substr(0, 2) == "./"
      || path.substr(0, 3) == "../")
    return missing();
  const auto name = fmt::format("{}:{}", treeish, path);
  if (is_object_id(treeish) && name.find('\n') == std::string::npos)
    if (auto said = ask(git_talk::kind::objects, "contents " + name + "\n", batch_of(1, true)))
      if (id_in(*said, "blob")) {
        said->pop_back();
        said->erase(0, said->find('\n') + 1);
        return std::move(*said);
      }
  auto r = run({{"cat-file", "blob", name}, {}, {}, false});
  if (!r)
    return tl::make_unexpected(r.error());
  if (r->ok())
    return std::move(r->output);
  if (r->how != child_result::end::exited || tells_of_the_machine(words_of(*r)))
    return fail(fault::unavailable, "git cat-file: " + words_of(*r));
  return missing();
}

} // namespace providers
