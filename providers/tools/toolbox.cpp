// Which tool runs on which files.

#include "providers/tools.hpp"

#include "ledger/text.hpp"
#include "providers/tools/arguments.hpp"
#include "providers/tools/edit.hpp"
#include "providers/tools/reading.hpp"
#include "providers/tools/search.hpp"
#include "providers/tools/sources.hpp"
#include "providers/tools/specs.hpp"
#include "providers/tools/words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>

namespace providers {

namespace {

using namespace tools;

class toolbox_of_a_conversation final : public toolbox {
public:
  toolbox_of_a_conversation(const git& repository, tool_scope s)
      : git_(repository)
      , scope_(std::move(s))
      , curtain_(scope_.secret_globs, scope_.secrets)
      , offered_(tools_for(scope_.at))
      , base_(repository, scope_.base_tree, curtain_)
      , candidate_(repository, scope_.tree, curtain_)
      // A fix begins with the candidate, the first change with the base.
      , worktree_(repository, scope_.tree.empty() ? scope_.base_tree : scope_.tree, scope_.worktree,
                  curtain_)
      , editor_(repository, scope_, curtain_, worktree_) {}

  tool_result run(const tool_call& c) override {
    // Calls of one answer may come from several threads; the order of those that
    // write is the caller's business.
    const std::lock_guard lock(mutex_);
    tool_result r;
    try {
      r = dispatch(c);
    } catch (const std::exception& e) { // Out of memory, or a bug: told, not fatal.
      r = refused(fmt::format("the tool could not be run: {}; try again", shown(e.what())));
    }
    if (!ledger::is_utf8(r.content)) // A name that somebody else's error text holds.
      r.content = shown(r.content);
    if (r.content.size() <= result_bytes_max)
      return r;
    constexpr std::string_view note = "\n[cut]\n";
    r.content = std::string(cut_at_character(r.content, result_bytes_max - note.size()));
    r.content += note;
    return r;
  }

private:
  tool_result dispatch(const tool_call& c) {
    const auto spec = std::find_if(offered_.begin(), offered_.end(),
                                   [&](const tool_spec& s) { return s.name == c.name; });
    if (spec == offered_.end())
      return unknown(c.name);
    arguments a(c, arguments_of(*spec));
    if (!a.error().empty())
      return refused(a.error());
    if (c.name == "git_log")
      return git_log(git_, scope_.base, curtain_, a);
    if (c.name == "write_file")
      return editor_.write(a);
    if (c.name == "replace_in_file")
      return editor_.replace(a);
    if (c.name == "delete_file")
      return editor_.remove(a);
    auto* from = source(a);
    if (from == nullptr)
      return refused(
          fmt::format("{}: argument `at` must be \"base\"{}", c.name,
                      scope_.tree.empty() ? "; there is no candidate" : " or \"candidate\""));
    if (c.name == "list_files")
      return list_files(*from, curtain_, a);
    if (c.name == "read_file")
      return read_file(*from, curtain_, a);
    return search(*from, curtain_, a);
  }

  /// Null: `at` names none. Only reviewers may name one: for others it is an
  /// unknown argument.
  file_source* source(arguments& a) {
    if (ledger::row_of(scope_.at).writes_code)
      return &worktree_;
    const auto has_candidate =
        !scope_.tree.empty()
        && (scope_.at == ledger::step::review || scope_.at == ledger::step::verify);
    const auto at = a.optional_text("at");
    if (has_candidate && (!at || *at == "candidate"))
      return &candidate_;
    return !at || *at == "base" ? &base_ : nullptr;
  }

  tool_result unknown(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& s : offered_)
      names.push_back(s.name);
    const auto there_are =
        names.empty() ? std::string("there are none in this step") : "there are: " + joined(names);
    if (writes(name))
      return refused(fmt::format("{}: nothing may be changed in this step ({}); {}", name,
                                 ledger::to_string(scope_.at), there_are));
    return refused(fmt::format("there is no tool {}; {}", ledger::excerpt(name), there_are));
  }

  std::mutex mutex_;
  git git_;
  tool_scope scope_;
  curtain curtain_;
  const std::vector<tool_spec>& offered_;
  tree_source base_, candidate_;
  worktree_source worktree_;
  editor editor_;
};

} // namespace

std::unique_ptr<toolbox> make_toolbox(const git& repository, tool_scope s) {
  return std::make_unique<toolbox_of_a_conversation>(repository, std::move(s));
}

} // namespace providers
